#include "bindings/bindings.hpp"

namespace py = pybind11;

namespace {

constexpr const char* kRefusal =
    "hpe_edge._core: expected the main interpreter, got a subinterpreter, which NumPy does not support; use threads "
    "(they may share one HeadPose) or processes";

bool in_subinterpreter() { return PyInterpreterState_Get() != PyInterpreterState_Main(); }

}  // namespace

// Without the GIL: what threads share is immutable or behind a mutex, and the statics are written at import alone.
PYBIND11_MODULE(_core_unchecked, module, py::mod_gil_not_used(), py::multiple_interpreters::not_supported()) {
    if (in_subinterpreter()) throw py::import_error(kRefusal);  // newer Pythons initialise in the main one
    module.doc() = "C++ core of hpe-edge; the documented signatures are in _core.pyi.";
    hpe::bindings::register_errors(module);  // first: the others may throw
    hpe::bindings::register_cpu(module);
    hpe::bindings::register_preprocess(module);
    hpe::bindings::register_decode(module);
    hpe::bindings::register_rotation(module);
    hpe::bindings::register_network(module);
    hpe::bindings::register_detect(module);
}

// Before Python 3.12 pybind11 waits for the GIL for ever in a subinterpreter, so that it must not be reached.
extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {
    if (!in_subinterpreter()) return PyInit__core_unchecked();
    PyErr_SetString(PyExc_ImportError, kRefusal);
    return nullptr;
}
