// Windows that slide over images, and where their pixels lie.
#pragma once

#include "nn/builder.hpp"

namespace hpe::nn {

struct Window {
    Pair kernel, stride;
    Pad pad;
    int height, width;  // of the input
    int out_height, out_width;

    [[nodiscard]] int taps() const { return kernel.y * kernel.x; }
    [[nodiscard]] int pixels() const { return out_height * out_width; }
    [[nodiscard]] bool padded() const { return (pad.top | pad.left | pad.bottom | pad.right) != 0; }
};

[[nodiscard]] Window window(Builder& builder, const Node& node, Pair kernel, Pair stride, Pad pad);

// Offsets [taps][pixels] of the input pixels, `pitch` elements each; `outside` for those that the image lacks.
[[nodiscard]] Offsets tap_offsets(const Window& w, int pitch, std::int32_t outside);

// Offsets of rows that lie `pitch` apart.
[[nodiscard]] Offsets row_offsets(int rows, std::ptrdiff_t pitch, std::ptrdiff_t first = 0);

// Offset of what lies behind the value's last element: of pixels that the image lacks.
[[nodiscard]] std::int32_t end_of(const Builder& builder, int value);

// Whether the value has few channels that lie in planes, as a picture has: then convolutions leave them there.
[[nodiscard]] bool stays_in_planes(const Builder& builder, int value);

// An input in planes with its padding around them.
struct Planes {
    Operand operand;
    int height, width;
};
[[nodiscard]] Planes padded_planes(Builder& builder, int input, const Window& w);

// From one row of the kernels' tiles of so many to the next, where that is the same for all of [taps][rows]; else 0.
[[nodiscard]] std::ptrdiff_t even_step(const Offsets& offsets, int rows, int tile);

// Offsets [channels * kernel.y][pixels] of rows of taps.
[[nodiscard]] Offsets plane_offsets(const Window& w, const Planes& planes, int channels);

}  // namespace hpe::nn
