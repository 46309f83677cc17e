#include "bindings/bindings.hpp"

namespace py = pybind11;

namespace {

// NumPy refuses other interpreters of one process, or warns, by version. Newer Pythons ask the tag below; those
// before 3.12 and embedding programs that do not ask get here.
void refuse_subinterpreters() {
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        throw py::import_error(
            "hpe_edge._core: expected the main interpreter, got a subinterpreter, which NumPy does not support; "
            "use threads (they may share one HeadPose) or processes");
    }
}

}  // namespace

// Without the GIL: what threads share is immutable or behind a mutex, and the statics are written at import alone.
PYBIND11_MODULE(_core, module, py::mod_gil_not_used(), py::multiple_interpreters::not_supported()) {
    refuse_subinterpreters();
    module.doc() = "C++ core of hpe-edge; the documented signatures are in _core.pyi.";
    hpe::bindings::register_errors(module);  // first: the others may throw
    hpe::bindings::register_cpu(module);
    hpe::bindings::register_preprocess(module);
    hpe::bindings::register_decode(module);
    hpe::bindings::register_rotation(module);
    hpe::bindings::register_network(module);
    hpe::bindings::register_detect(module);
}
