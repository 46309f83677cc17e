// Rotations and their conventions (docs/CONVENTIONS.md). Angles are yaw, pitch, roll in degrees; computation is
// in double.
//
// Label frame: camera axes x right, y up, z toward the viewer; R = Rx(pitch) Ry(yaw) Rz(roll) with
//   Rx = [1 0 0; 0 c s; 0 -s c], Ry = [c 0 -s; 0 1 0; s 0 c], Rz = [c s 0; -s c 0; 0 0 1].
// `rotation` always means the OpenCV / ROS optical frame (x right, y down, z forward): D R D, D = diag(1, -1, -1).
#pragma once

#include <array>

namespace hpe {

using Vec3 = std::array<double, 3>;
using Quaternion = std::array<double, 4>;  // x, y, z, w
using Mat3 = std::array<double, 9>;        // row-major

[[nodiscard]] Mat3 euler_to_rotation(const Vec3& euler_deg);

// yaw in [-90, 90]. At |yaw| = 90 only the sum or difference of pitch and roll is defined: roll is 0 there.
[[nodiscard]] Vec3 rotation_to_euler(const Mat3& rotation);

// w >= 0.
[[nodiscard]] Quaternion rotation_to_quaternion(const Mat3& rotation);

// Any length but zero.
[[nodiscard]] Mat3 quaternion_to_rotation(const Quaternion& xyzw);

// Axis times angle, radians, angle in [0, pi].
[[nodiscard]] Vec3 rotation_to_rotvec(const Mat3& rotation);
[[nodiscard]] Mat3 rotvec_to_rotation(const Vec3& rotvec_rad);

// The same turn seen in the REP-103 body axes of the head, x forward out of the face, y left, z up:
// B' R B with the columns of B the body axes in optical coordinates. Identity at the frontal pose.
[[nodiscard]] Mat3 rotation_to_rep103(const Mat3& rotation);
[[nodiscard]] Mat3 rep103_to_rotation(const Mat3& rotation);

// Label-frame R' = R Rx(pitch_zero_deg), back as the Euler angles nearest to the input, whose |yaw| may exceed 90.
[[nodiscard]] Vec3 offset_pitch_zero(const Vec3& euler_deg, double pitch_zero_deg);

}  // namespace hpe
