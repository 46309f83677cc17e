// Where the bytes of an image lie, whatever its format, and which of them a crop reads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "hpe/image.hpp"
#include "preprocess/axis.hpp"
#include "simd/kernels.hpp"

namespace hpe {

// A grid of elements: pixels, or the U V pairs of 2 x 2 pixels.
struct Plane {
    const std::uint8_t* data;
    std::ptrdiff_t row_stride;
    std::ptrdiff_t step;  // bytes from element to element
    int bytes;            // of an element, which lie side by side
    int shift;            // an element is for 1 << shift columns and rows

    [[nodiscard]] bool dense() const noexcept { return step == bytes; }
};

struct ImagePlanes {
    simd::RowLayout layout;
    int count;
    std::array<Plane, 2> at;
};

[[nodiscard]] ImagePlanes planes_of(const ImageView& image) noexcept;

// The part of each row of a plane that a crop reads.
struct Strip {
    int begin;              // bytes begin .. begin + bytes - 1 of the row are converted: the needed ones, and a few more
    int bytes;              // where the row has them, so that the kernels see whole vectors
    std::ptrdiff_t offset;  // floats from the start of a row buffer to the first of these bytes
};

// The row buffers begin at column `origin`, which lies outside the image where the window does. Columns are whole pairs
// where chroma is shared by two.
struct Strips {
    int first;  // columns first .. last - 1 of the image are needed
    int last;
    int origin;
    std::ptrdiff_t pitch;   // floats from one row buffer to the next
    std::ptrdiff_t chroma;  // floats from the start of a row buffer to the second plane at `origin`
    std::array<Strip, 2> of;
};

[[nodiscard]] Strips plan_strips(const ImagePlanes& planes, int image_width, const AxisPlan& x);

}  // namespace hpe
