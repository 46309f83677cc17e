#include <cmath>
#include <numbers>

#include "decode/rotation_checks.hpp"
#include "support.hpp"

using namespace hpe;

namespace {

constexpr Mat3 kIdentity = {1, 0, 0, 0, 1, 0, 0, 0, 1};

template <std::size_t kSize>
void check_near(const std::array<double, kSize>& a, const std::array<double, kSize>& b, double tolerance = 1e-9) {
    for (std::size_t i = 0; i < kSize; ++i) {
        CAPTURE(i);
        CHECK(std::abs(a.at(i) - b.at(i)) < tolerance);
    }
}

std::vector<Vec3> poses() {
    std::vector<Vec3> result;
    for (const double yaw : {-89.0, -45.0, 0.0, 30.0, 88.5}) {
        for (const double pitch : {-170.0, -60.0, 0.0, 25.0, 179.0}) {
            for (const double roll : {-135.0, 0.0, 10.0, 95.0}) result.push_back({yaw, pitch, roll});
        }
    }
    return result;
}

}  // namespace

TEST_CASE("the frontal pose is the identity in every form") {
    check_near(euler_to_rotation({0, 0, 0}), kIdentity);
    check_near(rotation_to_euler(kIdentity), Vec3{0, 0, 0});
    check_near(rotation_to_quaternion(kIdentity), Quaternion{0, 0, 0, 1});
    check_near(rotation_to_rotvec(kIdentity), Vec3{0, 0, 0});
    check_near(rotvec_to_rotation({0, 0, 0}), kIdentity);
    check_near(rotation_to_rep103(kIdentity), kIdentity);
}

TEST_CASE("signs: where the nose and the crown go in the image") {
    // In the optical frame the nose points along -z of the head and the crown along -y; image x is right, y down.
    const Mat3 yaw = euler_to_rotation({30, 0, 0});
    CHECK(-yaw[2] < -0.4);  // the nose moves to image-left
    const Mat3 pitch = euler_to_rotation({0, 30, 0});
    CHECK(-pitch[5] < -0.4);  // the nose moves up
    const Mat3 roll = euler_to_rotation({0, 0, 30});
    CHECK(-roll[1] > 0.4);  // the crown moves to image-right: clockwise
}

TEST_CASE("every form and back") {
    for (const Vec3& euler : poses()) {
        const Mat3 r = euler_to_rotation(euler);
        check_rotation(r, "r", 0);
        check_near(rotation_to_euler(r), euler, 1e-6);
        check_near(quaternion_to_rotation(rotation_to_quaternion(r)), r);
        check_near(rotvec_to_rotation(rotation_to_rotvec(r)), r);
        check_near(rep103_to_rotation(rotation_to_rep103(r)), r);
        CHECK(rotation_to_quaternion(r)[3] >= 0.0);
    }
}

TEST_CASE("yaw of 90 degrees: a rotation that comes back, with roll 0") {
    for (const double yaw : {-90.0, 90.0}) {
        const Mat3 r = euler_to_rotation({yaw, 20.0, 35.0});
        const Vec3 euler = rotation_to_euler(r);
        CHECK(euler[2] == 0.0);
        check_near(euler_to_rotation(euler), r, 1e-7);
    }
}

TEST_CASE("half turns have a quaternion and a rotation vector") {
    for (const Vec3& axis : {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}}) {
        const Vec3 rotvec = {axis[0] * std::numbers::pi, axis[1] * std::numbers::pi, axis[2] * std::numbers::pi};
        const Mat3 r = rotvec_to_rotation(rotvec);
        check_near(rotvec_to_rotation(rotation_to_rotvec(r)), r);
    }
}

TEST_CASE("a long quaternion is the rotation of its direction") {
    check_near(quaternion_to_rotation({0, 0, 3, 3}), quaternion_to_rotation({0, 0, std::sqrt(0.5), std::sqrt(0.5)}));
}

TEST_CASE("REP-103: yaw to the image-left is a turn about the vertical axis, to the head's right") {
    // Positive about z is to the left of the head; the nose that goes to image-left turns to its right.
    const Vec3 rotvec = rotation_to_rotvec(rotation_to_rep103(euler_to_rotation({20, 0, 0})));
    check_near(rotvec, Vec3{0, 0, -20.0 * std::numbers::pi / 180.0});
    // Looking up is a negative turn about y, left (nose down is positive).
    check_near(rotation_to_rotvec(rotation_to_rep103(euler_to_rotation({0, 20, 0}))),
               Vec3{0, -20.0 * std::numbers::pi / 180.0, 0});
    // Clockwise in the image, seen from the face, is a negative turn about x, forward.
    check_near(rotation_to_rotvec(rotation_to_rep103(euler_to_rotation({0, 0, 20}))),
               Vec3{-20.0 * std::numbers::pi / 180.0, 0, 0});
}

TEST_CASE("the pitch zero moves pitch alone when yaw and roll are zero, and can be taken back") {
    check_near(offset_pitch_zero({0, 10, 0}, 5), Vec3{0, 15, 0});
    for (const Vec3& euler : poses()) {
        check_near(offset_pitch_zero(euler, 0.0), euler, 1e-6);
        check_near(euler_to_rotation(offset_pitch_zero(offset_pitch_zero(euler, 7.0), -7.0)), euler_to_rotation(euler),
                   1e-7);
    }
}

TEST_CASE("the pitch zero keeps the branch of the input, also beyond 90 degrees of yaw") {
    const Vec3 shifted = offset_pitch_zero({98, 2, -1}, 4.0);
    CHECK(std::abs(shifted[0] - 98.0) < 3.0);
    CHECK(std::abs(shifted[1]) < 40.0);
    CHECK(std::abs(shifted[2]) < 40.0);
}

TEST_CASE("what is no rotation is refused by its number") {
    Mat3 reflection = kIdentity;
    reflection[8] = -1;
    test::check_error(ErrorKind::InvalidArgument, "r[3]", [&] { check_rotation(reflection, "r", 3); });
    test::check_error(ErrorKind::InvalidArgument, "orthonormal", [] { check_rotation({2, 0, 0, 0, 1, 0, 0, 0, 1}, "r", 0); });
    test::check_error(ErrorKind::InvalidArgument, "finite", [] { check_rotation({NAN, 0, 0, 0, 1, 0, 0, 0, 1}, "r", 0); });
    test::check_error(ErrorKind::InvalidArgument, "zero", [] { check_quaternion({0, 0, 0, 0}, "q", 0); });
}
