// What may be wrong with a rotation that comes from outside.
#pragma once

#include <cstddef>
#include <span>

#include "hpe/rotation.hpp"

namespace hpe {

// Throw Error(InvalidArgument) naming `argument` and the item: not finite; not orthonormal within 1e-3 or a
// reflection; zero length.
void check_finite(std::span<const double> values, const char* argument, std::size_t item);
void check_rotation(const Mat3& rotation, const char* argument, std::size_t item);
void check_quaternion(const Quaternion& xyzw, const char* argument, std::size_t item);

}  // namespace hpe
