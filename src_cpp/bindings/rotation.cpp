
#include <algorithm>
#include <array>
#include <vector>

#include "bindings/arrays.hpp"
#include "bindings/bindings.hpp"
#include "decode/rotation_checks.hpp"

namespace py = pybind11;

namespace hpe::bindings {
namespace {

constexpr std::array<py::ssize_t, 1> kThree = {3};
constexpr std::array<py::ssize_t, 1> kFour = {4};
constexpr std::array<py::ssize_t, 2> kMatrix = {3, 3};

template <std::size_t kRank>
constexpr std::size_t count(const std::array<py::ssize_t, kRank>& shape) {
    std::size_t product = 1;
    for (const py::ssize_t size : shape) product *= static_cast<std::size_t>(size);
    return product;
}

template <class T, std::size_t kRank>
DenseArray<T> require_batch(py::handle value, const char* argument, const std::array<py::ssize_t, kRank>& tail) {
    if constexpr (kRank == 1) return require_array<T>(value, argument, {"N", tail[0]});
    if constexpr (kRank == 2) return require_array<T>(value, argument, {"N", tail[0], tail[1]});
}

// Applies `convert` to each item of a batch; the result has the dtype of the input.
template <class T, const auto& kInTail, const auto& kOutTail, class Convert>
py::array map_as(py::handle value, const char* argument, const Convert& convert) {
    const DenseArray<T> input = require_batch<T>(value, argument, kInTail);
    std::vector<py::ssize_t> shape{input.shape(0)};
    shape.insert(shape.end(), kOutTail.begin(), kOutTail.end());
    py::array_t<T> output(shape);
    const std::size_t items = static_cast<std::size_t>(input.shape(0));
    const T* source = input.data();
    T* target = output.mutable_data();
    {
        const py::gil_scoped_release unlocked;
        for (std::size_t i = 0; i < items; ++i) {
            std::array<double, count(kInTail)> in{};
            std::copy_n(source + i * in.size(), in.size(), in.begin());
            const std::array<double, count(kOutTail)> out = convert(in, i);
            std::transform(out.begin(), out.end(), target + i * out.size(),
                           [](double number) { return static_cast<T>(number); });
        }
    }
    return output;
}

template <const auto& kInTail, const auto& kOutTail, class Convert>
py::array map_items(py::handle value, const char* argument, const Convert& convert) {
    if (py::isinstance<py::array_t<double>>(value)) {
        return map_as<double, kInTail, kOutTail>(value, argument, convert);
    }
    return map_as<float, kInTail, kOutTail>(value, argument, convert);
}

// Defines `name(argument)`: check each item, then convert it.
template <const auto& kInTail, const auto& kOutTail, class Check, class Convert>
void define(py::module_& module, const char* name, const char* argument, const char* doc, Check check,
            Convert convert) {
    module.def(
        name,
        [=](py::handle value) {
            return map_items<kInTail, kOutTail>(value, argument, [&](const auto& in, std::size_t i) {
                check(in, argument, i);
                return convert(in);
            });
        },
        py::arg(argument), doc);
}

void define_offset_pitch_zero(py::module_& module) {
    module.def(
        "offset_pitch_zero",
        [](py::handle euler_deg, double pitch_zero_deg) {
            check_finite(std::span(&pitch_zero_deg, 1), "pitch_zero_deg", 0);
            return map_items<kThree, kThree>(euler_deg, "euler_deg", [&](const Vec3& in, std::size_t i) {
                check_finite(in, "euler_deg", i);
                return offset_pitch_zero(in, pitch_zero_deg);
            });
        },
        py::arg("euler_deg"), py::arg("pitch_zero_deg"), "Move the zero of the pitch: (N, 3) to (N, 3) degrees.");
}

}  // namespace

void register_rotation(py::module_& module) {
    define<kThree, kMatrix>(module, "euler_to_rotation", "euler_deg", "(N, 3) degrees to (N, 3, 3).", &check_finite,
                            &euler_to_rotation);
    define<kMatrix, kThree>(module, "rotation_to_euler", "rotation", "(N, 3, 3) to (N, 3) degrees.",
                            &check_rotation, &rotation_to_euler);
    define<kMatrix, kFour>(module, "rotation_to_quaternion_xyzw", "rotation", "(N, 3, 3) to (N, 4).",
                           &check_rotation, &rotation_to_quaternion);
    define<kFour, kMatrix>(module, "quaternion_xyzw_to_rotation", "quaternion_xyzw", "(N, 4) to (N, 3, 3).",
                           &check_quaternion, &quaternion_to_rotation);
    define<kMatrix, kThree>(module, "rotation_to_rotvec", "rotation", "(N, 3, 3) to (N, 3) radians.",
                            &check_rotation, &rotation_to_rotvec);
    define<kThree, kMatrix>(module, "rotvec_to_rotation", "rotvec", "(N, 3) radians to (N, 3, 3).", &check_finite,
                            &rotvec_to_rotation);
    define<kMatrix, kMatrix>(module, "rotation_to_rep103", "rotation", "(N, 3, 3) to (N, 3, 3).", &check_rotation,
                             &rotation_to_rep103);
    define<kMatrix, kMatrix>(module, "rep103_to_rotation", "rotation_rep103", "(N, 3, 3) to (N, 3, 3).",
                             &check_rotation, &rep103_to_rotation);
    define_offset_pitch_zero(module);
}

}  // namespace hpe::bindings
