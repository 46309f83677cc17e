#include "hpe/preprocess.hpp"

#include <pybind11/stl.h>

#include <vector>

#include "bindings/arrays.hpp"
#include "bindings/bindings.hpp"
#include "bindings/boxes.hpp"
#include "bindings/images.hpp"

namespace py = pybind11;

namespace hpe::bindings {
namespace {

py::array_t<float> run_preprocess(py::handle image, py::handle boxes_xyxy, const std::string& pixel_format,
                                  int width, int height, float margin, bool square,
                                  const std::string& channel_order, std::array<float, 3> mean,
                                  std::array<float, 3> scale) {
    const ImageView view = image_view(image, parse_pixel_format(pixel_format));
    const std::vector<Box> boxes = copy_boxes(boxes_xyxy);
    const PreprocessSpec spec{width, height, margin, square, parse_channel_order(channel_order), mean, scale};
    check_spec(spec);  // before the output takes its shape from it
    py::array_t<float> out({static_cast<py::ssize_t>(boxes.size()), py::ssize_t{3}, py::ssize_t{height}, py::ssize_t{width}});
    const std::span<float> target = bindings::view(out);
    {
        const py::gil_scoped_release unlocked;
        preprocess(view, boxes, spec, target, active_isa());
    }
    return out;
}

}  // namespace

void register_preprocess(py::module_& module) {
    module.def("preprocess", &run_preprocess, py::arg("image"), py::arg("boxes_xyxy"), py::kw_only(),
               py::arg("pixel_format"), py::arg("width"), py::arg("height"), py::arg("margin"), py::arg("square"),
               py::arg("channel_order"), py::arg("mean"), py::arg("scale"),
               "Crop, resize and normalise the boxes of one frame: float32 (N, 3, height, width).");
}

}  // namespace hpe::bindings
