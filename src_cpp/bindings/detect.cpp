#include "hpe/detect.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "bindings/arrays.hpp"
#include "bindings/bindings.hpp"
#include "bindings/boxes.hpp"
#include "bindings/images.hpp"

namespace py = pybind11;

namespace hpe::bindings {
namespace {

static_assert(sizeof(Box) == 4 * sizeof(float) && sizeof(Point) == 2 * sizeof(float));

// boxes_xyxy (N, 4), scores (N,), landmarks_xy (N, 5, 2)
py::tuple arrays_of(const std::vector<Face>& faces) {
    const auto count = static_cast<py::ssize_t>(faces.size());
    py::array_t<float> boxes({count, py::ssize_t{4}});
    py::array_t<float> scores(count);
    py::array_t<float> landmarks({count, py::ssize_t{5}, py::ssize_t{2}});
    for (std::size_t i = 0; i < faces.size(); ++i) {
        std::copy_n(&faces[i].box.x0, 4, boxes.mutable_data() + 4 * i);
        scores.mutable_data()[i] = faces[i].score;
        std::copy_n(&faces[i].landmarks[0].x, 10, landmarks.mutable_data() + 10 * i);
    }
    return py::make_tuple(boxes, scores, landmarks);
}

py::tuple detect(const FaceDetector& self, py::handle image, const std::string& pixel_format) {
    const ImageView frame = image_view(image, parse_pixel_format(pixel_format));
    std::vector<Face> faces;
    {
        const py::gil_scoped_release unlocked;
        self.detect(frame, faces);
    }
    return arrays_of(faces);
}

py::tuple follow(const FaceDetector& self, py::handle image, py::handle boxes_xyxy, const std::string& pixel_format) {
    const ImageView frame = image_view(image, parse_pixel_format(pixel_format));
    const std::vector<Box> boxes = copy_boxes(boxes_xyxy);
    std::vector<Face> faces(boxes.size());
    {
        const py::gil_scoped_release unlocked;
        self.follow(frame, boxes, faces);
    }
    return arrays_of(faces);
}

}  // namespace

void register_detect(py::module_& module) {
    py::class_<FaceDetector>(module, "FaceDetector", py::metaclass(reinterpret_cast<PyObject*>(&PyType_Type)),
                             "A detector card and its network.")
        .def(py::init([](const std::string& card, const py::bytes& network, std::optional<int> longest_side,
                         std::optional<double> score_threshold, int max_faces) {
                 const std::string bytes = network;
                 return std::make_unique<FaceDetector>(card, std::as_bytes(std::span(bytes)), active_isa(),
                                                       DetectorOptions{longest_side, score_threshold, max_faces});
             }),
             py::arg("card"), py::arg("network"), py::kw_only(), py::arg("longest_side") = std::nullopt,
             py::arg("score_threshold") = std::nullopt, py::arg("max_faces") = kMostFaces)
        .def("detect", &detect, py::arg("image"), py::kw_only(), py::arg("pixel_format"),
             "Faces: boxes float32 (N, 4), scores (N,), landmarks (N, 5, 2).")
        .def("follow", &follow, py::arg("image"), py::arg("boxes_xyxy"), py::kw_only(), py::arg("pixel_format"),
             "The faces near the boxes, one each, or NaN.")
        .def_property_readonly("longest_side", &FaceDetector::longest_side);
}

}  // namespace hpe::bindings
