#include "bindings/images.hpp"

#include <limits>

#include "bindings/arrays.hpp"

namespace py = pybind11;

namespace hpe::bindings {

ImageView image_view(py::handle image, PixelFormat format) {
    const bool mono = format == PixelFormat::Mono8;
    const auto refuse = [&] {
        if (mono) refuse_array(image, "image", "uint8", {"H", "W"}, ErrorKind::InvalidImage);
        refuse_array(image, "image", "uint8", {"H", "W", 3}, ErrorKind::InvalidImage);
    };
    if (!py::isinstance<py::array_t<std::uint8_t>>(image)) refuse();
    const auto array = py::reinterpret_borrow<py::array>(image);
    if (!(mono ? has_shape(array, {"H", "W"}) : has_shape(array, {"H", "W", 3}))) refuse();
    if (!mono && array.size() > 0 && array.strides(2) != 1) {
        throw Error(ErrorKind::InvalidImage,
                    "image: expected the channels of a pixel side by side in memory, got a view with a channel "
                    "stride of " +
                        std::to_string(array.strides(2)) +
                        " bytes; pass the original with its pixel_format, or numpy.ascontiguousarray(image)");
    }
    constexpr py::ssize_t kLargest = std::numeric_limits<int>::max();
    if (array.shape(0) > kLargest || array.shape(1) > kLargest) refuse();
    return {static_cast<const std::uint8_t*>(array.data()),
            static_cast<int>(array.shape(1)),
            static_cast<int>(array.shape(0)),
            array.strides(0),
            array.strides(1),
            format};
}

}  // namespace hpe::bindings
