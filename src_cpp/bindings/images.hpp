// Views of the caller's pixels.
#pragma once

#include <pybind11/pybind11.h>

#include "hpe/image.hpp"

namespace hpe::bindings {

// Of an array, or for nv12 also of a pair of them (y, uv); whatever their row and column strides. Throws
// Error(InvalidImage).
[[nodiscard]] ImageView image_view(pybind11::handle image, PixelFormat format);

}  // namespace hpe::bindings
