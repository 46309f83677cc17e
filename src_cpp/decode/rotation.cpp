#include "decode/rotation_checks.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "hpe/error.hpp"

namespace hpe {
namespace {

constexpr double kRadiansPerDegree = std::numbers::pi / 180.0;

struct Turn {
    double c, s;
};

Turn turn(double deg) { return {std::cos(deg * kRadiansPerDegree), std::sin(deg * kRadiansPerDegree)}; }

// Zero stays plain zero: nobody wants to read -0 in a frontal pose.
double negated(double value) { return 0.0 - value; }

// D R D, its own inverse: label frame to optical frame and back.
Mat3 flip_frame(const Mat3& r) {
    return {r[0], negated(r[1]), negated(r[2]), negated(r[3]), r[4], r[5], negated(r[6]), r[7], r[8]};
}

// Rx(pitch) Ry(yaw) Rz(roll), multiplied out.
Mat3 label_rotation(const Vec3& euler_deg) {
    const Turn y = turn(euler_deg[0]);
    const Turn x = turn(euler_deg[1]);
    const Turn z = turn(euler_deg[2]);
    return {y.c * z.c,
            y.c * z.s,
            -y.s,
            -x.c * z.s + x.s * y.s * z.c,
            x.c * z.c + x.s * y.s * z.s,
            x.s * y.c,
            x.s * z.s + x.c * y.s * z.c,
            -x.s * z.c + x.c * y.s * z.s,
            x.c * y.c};
}

Vec3 label_euler(const Mat3& r) {
    const double cos_yaw = std::hypot(r[0], r[1]);
    const double yaw = std::atan2(negated(r[2]), cos_yaw);
    // Below this the other two angles would be read from rounding errors.
    if (cos_yaw < 1e-7) return {yaw / kRadiansPerDegree, std::atan2(negated(r[7]), r[4]) / kRadiansPerDegree, 0.0};
    return {yaw / kRadiansPerDegree, std::atan2(r[5], r[8]) / kRadiansPerDegree,
            std::atan2(r[1], r[0]) / kRadiansPerDegree};
}

// The angle that differs from `deg` by whole turns and is nearest to `reference_deg`.
double nearest_turn(double deg, double reference_deg) {
    return deg - 360.0 * std::round((deg - reference_deg) / 360.0);
}

// Yaw, pitch, roll and 180 - yaw, pitch + 180, roll + 180 are the same rotation; so are whole turns.
Vec3 nearest_branch(const Vec3& euler_deg, const Vec3& reference_deg) {
    Vec3 best{};
    double best_distance = INFINITY;
    for (const bool mirrored : {false, true}) {
        Vec3 candidate = euler_deg;
        if (mirrored) candidate = {180.0 - euler_deg[0], euler_deg[1] + 180.0, euler_deg[2] + 180.0};
        double distance = 0.0;
        for (std::size_t i = 0; i < 3; ++i) {
            candidate[i] = nearest_turn(candidate[i], reference_deg[i]);
            distance += std::abs(candidate[i] - reference_deg[i]);
        }
        if (distance < best_distance) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

[[noreturn]] void refuse(const char* argument, std::size_t item, const std::string& expected) {
    throw Error(ErrorKind::InvalidArgument,
                std::string(argument) + "[" + std::to_string(item) + "]: expected " + expected);
}

}  // namespace

Mat3 euler_to_rotation(const Vec3& euler_deg) { return flip_frame(label_rotation(euler_deg)); }

Vec3 rotation_to_euler(const Mat3& rotation) { return label_euler(flip_frame(rotation)); }

// Shepperd, Quaternion from rotation matrix, J. Guidance and Control 1(3), 1978: divide by the largest component.
Quaternion rotation_to_quaternion(const Mat3& r) {
    const double trace = r[0] + r[4] + r[8];
    const std::array<double, 4> squares = {1.0 + 2.0 * r[0] - trace, 1.0 + 2.0 * r[4] - trace,
                                           1.0 + 2.0 * r[8] - trace, 1.0 + trace};
    const auto largest =
        static_cast<std::size_t>(std::max_element(squares.begin(), squares.end()) - squares.begin());
    const double xy = r[1] + r[3];
    const double xz = r[2] + r[6];
    const double yz = r[5] + r[7];
    const double xw = r[7] - r[5];
    const double yw = r[2] - r[6];
    const double zw = r[3] - r[1];
    const double square = squares.at(largest);
    const std::array<Quaternion, 4> rows = {
        {{square, xy, xz, xw}, {xy, square, yz, yw}, {xz, yz, square, zw}, {xw, yw, zw, square}}};
    Quaternion q = rows.at(largest);
    const double length = std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
    const double factor = (q[3] < 0.0 ? -1.0 : 1.0) / length;
    for (double& value : q) value *= factor;
    return q;
}

Mat3 quaternion_to_rotation(const Quaternion& xyzw) {
    const auto [x, y, z, w] = xyzw;
    const double s = 2.0 / (x * x + y * y + z * z + w * w);
    return {1.0 - s * (y * y + z * z), s * (x * y - z * w),       s * (x * z + y * w),
            s * (x * y + z * w),       1.0 - s * (x * x + z * z), s * (y * z - x * w),
            s * (x * z - y * w),       s * (y * z + x * w),       1.0 - s * (x * x + y * y)};
}

Vec3 rotation_to_rotvec(const Mat3& rotation) {
    const Quaternion q = rotation_to_quaternion(rotation);
    const double sine = std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2]);
    // angle / sin(angle / 2), which goes to 2.
    const double factor = sine < 1e-12 ? 2.0 : 2.0 * std::atan2(sine, q[3]) / sine;
    return {q[0] * factor, q[1] * factor, q[2] * factor};
}

Mat3 rotvec_to_rotation(const Vec3& rotvec_rad) {
    const double angle = std::hypot(rotvec_rad[0], rotvec_rad[1], rotvec_rad[2]);
    const double factor = angle < 1e-12 ? 0.5 : std::sin(0.5 * angle) / angle;
    return quaternion_to_rotation(
        {rotvec_rad[0] * factor, rotvec_rad[1] * factor, rotvec_rad[2] * factor, std::cos(0.5 * angle)});
}

// Body x, y, z are optical -z, x, -y: entry (i, j) of B' R B is sign_i sign_j R(axis_i, axis_j).
Mat3 rotation_to_rep103(const Mat3& r) {
    return {r[8], negated(r[6]), r[7], negated(r[2]), r[0], negated(r[1]), r[5], negated(r[3]), r[4]};
}

Mat3 rep103_to_rotation(const Mat3& b) {
    return {b[4], negated(b[5]), negated(b[3]), negated(b[7]), b[8], b[6], negated(b[1]), b[2], b[0]};
}

Vec3 offset_pitch_zero(const Vec3& euler_deg, double pitch_zero_deg) {
    const Mat3 r = label_rotation(euler_deg);
    const Turn t = turn(pitch_zero_deg);
    Mat3 shifted{};
    for (std::size_t row = 0; row < 9; row += 3) {
        shifted[row] = r[row];
        shifted[row + 1] = t.c * r[row + 1] - t.s * r[row + 2];
        shifted[row + 2] = t.s * r[row + 1] + t.c * r[row + 2];
    }
    return nearest_branch(label_euler(shifted), euler_deg);
}

void check_finite(std::span<const double> values, const char* argument, std::size_t item) {
    for (const double value : values) {
        if (!std::isfinite(value)) refuse(argument, item, "finite numbers, got NaN or infinity");
    }
}

void check_rotation(const Mat3& r, const char* argument, std::size_t item) {
    check_finite(r, argument, item);
    double error = 0.0;
    for (std::size_t i = 0; i < 9; i += 3) {
        for (std::size_t j = 0; j < 9; j += 3) {
            const double dot = r[i] * r[j] + r[i + 1] * r[j + 1] + r[i + 2] * r[j + 2];
            error = std::max(error, std::abs(dot - (i == j ? 1.0 : 0.0)));
        }
    }
    if (error > 1e-3) {
        refuse(argument, item,
               "a rotation matrix, got one whose rows are not orthonormal (by " + std::to_string(error) + ")");
    }
    const double determinant = r[0] * (r[4] * r[8] - r[5] * r[7]) - r[1] * (r[3] * r[8] - r[5] * r[6]) +
                               r[2] * (r[3] * r[7] - r[4] * r[6]);
    if (determinant < 0.0) refuse(argument, item, "a rotation matrix, got a reflection (determinant -1)");
}

void check_quaternion(const Quaternion& xyzw, const char* argument, std::size_t item) {
    check_finite(xyzw, argument, item);
    if (xyzw[0] * xyzw[0] + xyzw[1] * xyzw[1] + xyzw[2] * xyzw[2] + xyzw[3] * xyzw[3] < 1e-24) {
        refuse(argument, item, "a quaternion of some length, got zero");
    }
}

}  // namespace hpe
