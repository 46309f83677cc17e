#include "hpe/cpu.hpp"

#include <pybind11/stl.h>

#include "bindings/bindings.hpp"

namespace py = pybind11;

namespace hpe::bindings {

void register_cpu(py::module_& module) {
    module.def(
        "isa", [] { return std::string(isa_name(active_isa())); },
        "Name of the instruction set that every kernel uses.");
    module.def(
        "available_isas",
        [] {
            std::vector<std::string> names;
            for (const Isa isa : available_isas()) names.emplace_back(isa_name(isa));
            return names;
        },
        "Names of the instruction sets this machine can run, slowest first.");
}

}  // namespace hpe::bindings
