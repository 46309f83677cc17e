// The only place where a core error becomes a Python one.
#include <array>
#include <cstddef>

#include "bindings/bindings.hpp"
#include "hpe/error.hpp"

namespace py = pybind11;

namespace hpe::bindings {
namespace {

constexpr std::array<const char*, 6> kClassNames = {  // in the order of ErrorKind
    "InvalidArgumentError", "InvalidImageError", "InvalidBoxError", "CorruptModelError", "ModelNotFoundError", "CoreError"};

// Looked up once, when the module loads. Never released: the interpreter may be gone before the
// static destructors run.
std::array<PyObject*, kClassNames.size()> classes{};

void translate(std::exception_ptr error) {
    try {
        if (error) std::rethrow_exception(error);
    } catch (const Error& e) {
        PyErr_SetString(classes.at(static_cast<std::size_t>(e.kind())), e.what());
    }
}

}  // namespace

void register_errors(py::module_&) {
    const py::module_ errors = py::module_::import("hpe_edge.errors");
    for (std::size_t i = 0; i < kClassNames.size(); ++i) {
        classes.at(i) = py::object(errors.attr(kClassNames.at(i))).release().ptr();
    }
    py::register_exception_translator(&translate);
}

}  // namespace hpe::bindings
