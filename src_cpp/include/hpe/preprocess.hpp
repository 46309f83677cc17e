// Frame and boxes in, network input out: margin, crop, antialiased resize, normalise, layout.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "hpe/box.hpp"
#include "hpe/cpu.hpp"
#include "hpe/image.hpp"

namespace hpe {

enum class ChannelOrder { Bgr, Rgb };

// "bgr", "rgb"; throws Error(InvalidArgument) for any other name.
[[nodiscard]] ChannelOrder parse_channel_order(std::string_view name);

// What a model wants, as its card says it.
struct PreprocessSpec {
    int width;                   // of the network input, pixels
    int height;
    float margin;                // growth on each side, as a fraction of the box's size
    bool square;                 // grow the shorter side of the box to the longer one first
    ChannelOrder channel_order;  // of the planes in the output
    std::array<float, 3> mean;   // output = (value - mean) * scale, in channel_order
    std::array<float, 3> scale;
};

// Throws Error(InvalidArgument) naming the field that is out of range.
void check_spec(const PreprocessSpec& spec);

// Larger crop windows, in source pixels a side, are refused: such a box is a mistake.
inline constexpr double kLargestWindow = 65536.0;

// Throws Error(InvalidImage) when an image has no pixels, or more than 2^24 a side.
void check_image(const ImageView& image);

// Throws the errors of preprocess() that are about the image and the boxes.
void check_boxes(const ImageView& image, std::span<const Box> boxes, const PreprocessSpec& spec);

// Fills `out`, N x 3 x height x width, one crop a box.
//
// The crop is a float window: the box, squared if asked, grown by `margin` of its size on each side. Output
// sample i of an axis has its centre at c = start + (i + 0.5) * s with s = window / count, and is the mean of
// the source samples j weighted by max(0, 1 - |j + 0.5 - c| / max(1, s)): a triangle filter, which is bilinear
// interpolation when enlarging and antialiased when reducing (Heckbert, Fundamentals of Texture Mapping and
// Image Warping, 1989, sec. 3.5). Samples outside the image repeat its border.
//
// Throws Error: InvalidImage (empty image), InvalidBox (not finite, no area, wholly outside, or a window over
// kLargestWindow), InvalidArgument (spec).
void preprocess(const ImageView& image, std::span<const Box> boxes, const PreprocessSpec& spec,
                std::span<float> out, Isa isa);

}  // namespace hpe
