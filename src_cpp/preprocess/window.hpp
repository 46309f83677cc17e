// From a face box to the float window that is cut out of the image.
#pragma once

#include <cstddef>

#include "hpe/preprocess.hpp"

namespace hpe {

struct Window {
    double x0, y0, width, height;  // pixels
};

// Whether a box shows nothing of the image.
[[nodiscard]] bool outside(const Box& box, const ImageView& image) noexcept;

// The box grown as the spec says. Throws Error(InvalidBox), naming boxes_xyxy[index].
[[nodiscard]] Window crop_window(const Box& box, std::size_t index, const PreprocessSpec& spec,
                                 const ImageView& image);

}  // namespace hpe
