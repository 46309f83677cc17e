// Checks of NumPy arguments that the areas share: rank, dtype and shape, with the argument's name in the error.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "hpe/error.hpp"

namespace hpe::bindings {

// One axis of an expected shape: a fixed size, or any size under the letter that messages use.
struct Dim {
    constexpr Dim(const char* any_size) : letter(any_size), size(-1) {}             // NOLINT: {"N", 4}
    constexpr Dim(pybind11::ssize_t fixed_size) : letter(nullptr), size(fixed_size) {}  // NOLINT
    constexpr Dim(int fixed_size) : letter(nullptr), size(fixed_size) {}            // NOLINT
    const char* letter;
    pybind11::ssize_t size;
};
using Shape = std::initializer_list<Dim>;

// "a float64 array of shape (2, 4)", or the name of its type when it is no array.
[[nodiscard]] std::string describe(pybind11::handle value);

// Throws Error(kind, "<argument>: expected a <dtype> array of shape (N, 4), got ...").
[[noreturn]] void refuse_array(pybind11::handle value, std::string_view argument, const char* dtype, Shape shape,
                               ErrorKind kind);

[[nodiscard]] bool has_shape(const pybind11::array& array, Shape shape);

template <class T>
constexpr const char* dtype_name();
template <>
constexpr const char* dtype_name<float>() {
    return "float32";
}
template <>
constexpr const char* dtype_name<double>() {
    return "float64";
}

template <class T>
using DenseArray = pybind11::array_t<T, pybind11::array::c_style | pybind11::array::forcecast>;

// The argument as a C-contiguous array; copied only when it is a strided view.
template <class T>
DenseArray<T> require_array(pybind11::handle value, std::string_view argument, Shape shape,
                            ErrorKind kind = ErrorKind::InvalidArgument) {
    if (!pybind11::isinstance<pybind11::array_t<T>>(value) ||
        !has_shape(pybind11::reinterpret_borrow<pybind11::array>(value), shape)) {
        refuse_array(value, argument, dtype_name<T>(), shape, kind);
    }
    const auto array = pybind11::reinterpret_borrow<DenseArray<T>>(value);
    if ((array.flags() & pybind11::array::c_style) != 0) return array;
    auto dense = DenseArray<T>::ensure(value);
    if (!dense) throw pybind11::error_already_set();
    return dense;
}

template <class T>
std::span<const T> view(const DenseArray<T>& array) {
    return {array.data(), static_cast<std::size_t>(array.size())};
}

template <class T>
std::span<T> view(pybind11::array_t<T>& array) {
    return {array.mutable_data(), static_cast<std::size_t>(array.size())};
}

}  // namespace hpe::bindings
