// One registration function for each area; module.cpp calls them all.
#pragma once

#include <pybind11/pybind11.h>

namespace hpe::bindings {

void register_errors(pybind11::module_& module);
void register_cpu(pybind11::module_& module);
void register_preprocess(pybind11::module_& module);
void register_decode(pybind11::module_& module);
void register_rotation(pybind11::module_& module);
void register_network(pybind11::module_& module);
void register_detect(pybind11::module_& module);

}  // namespace hpe::bindings
