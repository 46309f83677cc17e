#include "bindings/arrays.hpp"

namespace py = pybind11;

namespace hpe::bindings {

std::string describe(py::handle value) {
    if (!py::isinstance<py::array>(value)) return std::string(py::str(py::type::handle_of(value).attr("__name__")));
    const auto array = py::reinterpret_borrow<py::array>(value);
    const std::string dtype = py::str(array.dtype());
    std::string text = std::string_view("aeio").find(dtype.front()) == std::string_view::npos ? "a " : "an ";
    text += dtype;
    text += " array of shape ";
    text += std::string(py::str(array.attr("shape")));
    return text;
}

void refuse_array(py::handle value, std::string_view argument, const char* dtype, Shape shape, ErrorKind kind) {
    std::string expected;
    for (const Dim& dim : shape) {
        if (!expected.empty()) expected += ", ";
        expected += dim.letter != nullptr ? std::string(dim.letter) : std::to_string(dim.size);
    }
    throw Error(kind, std::string(argument) + ": expected a " + dtype + " array of shape (" + expected +
                          (shape.size() == 1 ? ",)" : ")") + ", got " + describe(value));
}

bool has_shape(const py::array& array, Shape shape) {
    if (array.ndim() != static_cast<py::ssize_t>(shape.size())) return false;
    py::ssize_t axis = 0;
    for (const Dim& dim : shape) {
        if (dim.size >= 0 && array.shape(axis) != dim.size) return false;
        ++axis;
    }
    return true;
}

}  // namespace hpe::bindings
