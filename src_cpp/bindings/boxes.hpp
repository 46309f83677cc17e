// The caller's boxes.
#pragma once

#include <pybind11/pybind11.h>

#include <vector>

#include "hpe/preprocess.hpp"

namespace hpe::bindings {

// A copy of a float32 (N, 4): what was checked stays, whoever writes into the array while the call runs without the GIL.
// Throws Error(InvalidBox).
[[nodiscard]] std::vector<Box> copy_boxes(pybind11::handle boxes_xyxy);

}  // namespace hpe::bindings
