// Views of the caller's pixels.
#pragma once

#include <pybind11/pybind11.h>

#include "hpe/image.hpp"

namespace hpe::bindings {

// Whatever the row and column strides of the array. Throws Error(InvalidImage).
[[nodiscard]] ImageView image_view(pybind11::handle image, PixelFormat format);

}  // namespace hpe::bindings
