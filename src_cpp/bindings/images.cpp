#include "bindings/images.hpp"

#include <limits>
#include <string>

#include "bindings/arrays.hpp"

namespace py = pybind11;

namespace hpe::bindings {
namespace {

// The argument as an array of this shape, whose last axis is one channel after the other if it has `channels`.
py::array bytes_of(py::handle value, const char* argument, Shape shape, bool channels) {
    const auto refuse = [&] { refuse_array(value, argument, "uint8", shape, ErrorKind::InvalidImage); };
    if (!py::isinstance<py::array_t<std::uint8_t>>(value)) refuse();
    auto array = py::reinterpret_borrow<py::array>(value);
    if (!has_shape(array, shape)) refuse();
    const py::ssize_t last = array.ndim() - 1;
    if (channels && array.size() > 0 && array.strides(last) != 1) {
        throw Error(ErrorKind::InvalidImage,
                    std::string(argument) +
                        ": expected the channels of a pixel side by side in memory, got a view with a channel "
                        "stride of " +
                        std::to_string(array.strides(last)) +
                        " bytes; pass the original with its pixel_format, or numpy.ascontiguousarray(image)");
    }
    constexpr py::ssize_t kLargest = std::numeric_limits<int>::max();
    if (array.shape(0) > kLargest || array.shape(1) > kLargest) refuse();
    return array;
}

const std::uint8_t* data_of(const py::array& array) { return static_cast<const std::uint8_t*>(array.data()); }

ImageView view_of(const py::array& array, PixelFormat format) {
    return {data_of(array), static_cast<int>(array.shape(1)), static_cast<int>(array.shape(0)), array.strides(0),
            array.strides(1), format, {}};
}

// One array: the rows of Y, and below them half as many of U and V.
ImageView stacked_nv12(py::handle image) {
    const py::array array = bytes_of(image, "image", {"H * 3 / 2", "W"}, true);
    ImageView view = view_of(array, PixelFormat::Nv12);
    if (view.height % 3 != 0) refuse_array(image, "image", "uint8", {"H * 3 / 2", "W"}, ErrorKind::InvalidImage);
    view.height = view.height / 3 * 2;
    view.chroma = {view.data + view.height * view.row_stride, view.row_stride, 2};
    return view;
}

// (y, uv), with U and V along the row or as channels.
ImageView paired_nv12(const py::tuple& planes) {
    if (planes.size() != 2) {
        throw Error(ErrorKind::InvalidImage,
                    "image: expected nv12 as an array or a pair (y, uv), got a tuple of " + std::to_string(planes.size()));
    }
    ImageView view = view_of(bytes_of(planes[0], "image[0]", {"H", "W"}, false), PixelFormat::Nv12);
    const py::ssize_t height = view.height / 2;
    const bool flat = py::isinstance<py::array>(planes[1]) && py::reinterpret_borrow<py::array>(planes[1]).ndim() == 2;
    const py::array uv = flat ? bytes_of(planes[1], "image[1]", {height, view.width}, true)
                              : bytes_of(planes[1], "image[1]", {height, view.width / 2, 2}, true);
    view.chroma = {data_of(uv), uv.strides(0), flat ? 2 : uv.strides(1)};
    return view;
}

}  // namespace

ImageView image_view(py::handle image, PixelFormat format) {
    switch (format) {
        case PixelFormat::Mono8: return view_of(bytes_of(image, "image", {"H", "W"}, false), format);
        case PixelFormat::Nv12:
            return py::isinstance<py::tuple>(image) ? paired_nv12(py::reinterpret_borrow<py::tuple>(image))
                                                    : stacked_nv12(image);
        default: return view_of(bytes_of(image, "image", {"H", "W", pixel_bytes(format)}, true), format);
    }
}

}  // namespace hpe::bindings
