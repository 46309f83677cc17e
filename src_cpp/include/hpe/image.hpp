// An image as the caller holds it: read by stride, never copied as a whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hpe {

enum class PixelFormat { Bgr8, Rgb8, Mono8 };

// "bgr8", "rgb8", "mono8"; throws Error(InvalidImage) for any other name.
[[nodiscard]] PixelFormat parse_pixel_format(std::string_view name);

[[nodiscard]] constexpr int channel_count(PixelFormat format) noexcept {
    return format == PixelFormat::Mono8 ? 1 : 3;
}

// Pixel (x, y) starts at data + y * row_stride + x * pixel_stride; its channels lie side by side.
// Strides are in bytes and may be negative (a flipped view).
struct ImageView {
    const std::uint8_t* data;
    int width;
    int height;
    std::ptrdiff_t row_stride;
    std::ptrdiff_t pixel_stride;
    PixelFormat format;
};

}  // namespace hpe
