// Where a face is in an image.
#pragma once

namespace hpe {

// x0, y0, x1, y1 in pixels, half-open.
struct Box {
    float x0, y0, x1, y1;
};

}  // namespace hpe
