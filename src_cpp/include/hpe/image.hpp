// An image as the caller holds it: read by stride, never copied as a whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hpe {

// The channels of a pixel side by side, of which alpha is not read; or luma with one U and V for two pixels of a row
// (Yuyv, in the order Y U Y V) or for two by two (Nv12, a plane of Y and one of U V). Yuyv and Nv12 are BT.601 in
// limited range, black at Y = 16 and white at 235.
enum class PixelFormat { Bgr8, Rgb8, Mono8, Bgra8, Rgba8, Yuyv, Nv12 };

// "bgr8", "rgb8", "mono8", "bgra8", "rgba8", "yuyv", "nv12"; throws Error(InvalidImage) for any other name.
[[nodiscard]] PixelFormat parse_pixel_format(std::string_view name);

// Bytes of a pixel that lie side by side; of nv12 in its first plane.
[[nodiscard]] constexpr int pixel_bytes(PixelFormat format) noexcept {
    switch (format) {
        case PixelFormat::Mono8:
        case PixelFormat::Nv12: return 1;
        case PixelFormat::Yuyv: return 2;
        case PixelFormat::Bgra8:
        case PixelFormat::Rgba8: return 4;
        case PixelFormat::Bgr8:
        case PixelFormat::Rgb8: break;
    }
    return 3;
}

// The second plane of nv12, half as wide and high: U of (x, y) at data + y * row_stride + x * pixel_stride, V behind it.
struct ChromaView {
    const std::uint8_t* data = nullptr;
    std::ptrdiff_t row_stride = 0;
    std::ptrdiff_t pixel_stride = 2;
};

// Pixel (x, y) starts at data + y * row_stride + x * pixel_stride; its channels lie side by side.
// Strides are in bytes and may be negative (a flipped view).
struct ImageView {
    const std::uint8_t* data;
    int width;
    int height;
    std::ptrdiff_t row_stride;
    std::ptrdiff_t pixel_stride;
    PixelFormat format;
    ChromaView chroma = {};  // nv12 only
};

}  // namespace hpe
