#include "preprocess/planes.hpp"

#include <algorithm>

namespace hpe {
namespace {

using simd::RowLayout;

RowLayout layout_of(PixelFormat format) noexcept {
    switch (format) {
        case PixelFormat::Mono8: return RowLayout::Mono;
        case PixelFormat::Bgra8:
        case PixelFormat::Rgba8: return RowLayout::Colour4;
        case PixelFormat::Yuyv: return RowLayout::Yuyv;
        case PixelFormat::Nv12: return RowLayout::Nv12;
        case PixelFormat::Bgr8:
        case PixelFormat::Rgb8: break;
    }
    return RowLayout::Colour3;
}

// The strip of one plane; `offset` is left to the caller.
Strip plan_strip(const Plane& plane, int row_bytes, int first, int last) {
    Strip strip{(first >> plane.shift) * plane.bytes, ((last - first) >> plane.shift) * plane.bytes, 0};
    const int whole = (strip.bytes + simd::kFoldStrip - 1) / simd::kFoldStrip * simd::kFoldStrip;
    if (plane.dense() && whole <= row_bytes) {
        strip.begin = std::min(strip.begin, row_bytes - whole);
        strip.bytes = whole;
    }
    return strip;
}

}  // namespace

ImagePlanes planes_of(const ImageView& image) noexcept {
    ImagePlanes planes{layout_of(image.format), 1, {}};
    planes.at[0] = {image.data, image.row_stride, image.pixel_stride, pixel_bytes(image.format), 0};
    if (image.format == PixelFormat::Nv12) {
        planes.at[1] = {image.chroma.data, image.chroma.row_stride, image.chroma.pixel_stride, 2, 1};
        planes.count = 2;
    }
    return planes;
}

Strips plan_strips(const ImagePlanes& planes, int image_width, const AxisPlan& x) {
    const int odd = simd::shares_chroma(planes.layout) ? 1 : 0;
    Strips strips{};
    strips.first = std::clamp(x.begin, 0, image_width - 1);
    strips.last = std::clamp(x.end, strips.first + 1, image_width);
    strips.first &= ~odd;
    strips.last += strips.last & odd;
    strips.origin = x.begin;
    int end = x.end + 1;  // kernels look at a pixel after the last
    for (std::size_t p = 0; p < static_cast<std::size_t>(planes.count); ++p) {
        const Plane& plane = planes.at[p];
        Strip& strip = strips.of[p];
        strip = plan_strip(plane, (image_width >> plane.shift) * plane.bytes, strips.first, strips.last);
        strips.origin = std::min(strips.origin, strip.begin / plane.bytes << plane.shift);
        end = std::max(end, (strip.begin + strip.bytes + plane.bytes - 1) / plane.bytes << plane.shift);
    }
    strips.origin &= ~odd;
    for (std::size_t p = 0; p < static_cast<std::size_t>(planes.count); ++p) {
        const Plane& plane = planes.at[p];
        const int elements = (end - strips.origin + plane.shift) >> plane.shift;
        strips.chroma = strips.pitch;  // of the last plane
        strips.of[p].offset = strips.pitch + strips.of[p].begin - (strips.origin >> plane.shift) * plane.bytes;
        strips.pitch += static_cast<std::ptrdiff_t>(elements) * plane.bytes + simd::kRowSlack;
    }
    return strips;
}

}  // namespace hpe
