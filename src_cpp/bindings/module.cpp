#include "bindings/bindings.hpp"

PYBIND11_MODULE(_core, module) {
    module.doc() = "C++ core of hpe-edge; the documented signatures are in _core.pyi.";
    hpe::bindings::register_errors(module);  // first: the others may throw
    hpe::bindings::register_cpu(module);
    hpe::bindings::register_preprocess(module);
    hpe::bindings::register_decode(module);
    hpe::bindings::register_rotation(module);
    hpe::bindings::register_network(module);
    hpe::bindings::register_detect(module);
}
