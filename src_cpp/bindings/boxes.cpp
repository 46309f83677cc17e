#include "bindings/boxes.hpp"

#include <cstring>

#include "bindings/arrays.hpp"

namespace py = pybind11;

namespace hpe::bindings {

std::vector<Box> copy_boxes(py::handle boxes_xyxy) {
    const auto array = require_array<float>(boxes_xyxy, "boxes_xyxy", {"N", 4}, ErrorKind::InvalidBox);
    static_assert(sizeof(Box) == 4 * sizeof(float));
    std::vector<Box> boxes(static_cast<std::size_t>(array.shape(0)));
    if (!boxes.empty()) std::memcpy(boxes.data(), array.data(), boxes.size() * sizeof(Box));
    return boxes;
}

}  // namespace hpe::bindings
