#include "preprocess/window.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>

#include "hpe/error.hpp"

namespace hpe {
namespace {

[[noreturn]] void refuse(const Box& box, std::size_t index, const std::string& expected) {
    std::ostringstream text;
    text << "boxes_xyxy[" << index << "]: expected " << expected << ", got x0=" << box.x0 << " y0=" << box.y0
         << " x1=" << box.x1 << " y1=" << box.y1;
    throw Error(ErrorKind::InvalidBox, text.str());
}

}  // namespace

bool outside(const Box& box, const ImageView& image) noexcept {
    return box.x1 <= 0.0F || box.y1 <= 0.0F || static_cast<double>(box.x0) >= image.width ||
           static_cast<double>(box.y0) >= image.height;
}

Window crop_window(const Box& box, std::size_t index, const PreprocessSpec& spec, const ImageView& image) {
    if (!std::isfinite(box.x0) || !std::isfinite(box.y0) || !std::isfinite(box.x1) || !std::isfinite(box.y1)) {
        refuse(box, index, "finite numbers");
    }
    if (!(box.x0 < box.x1) || !(box.y0 < box.y1)) {
        refuse(box, index, "a box with an area (x0 < x1 and y0 < y1, in pixels)");
    }
    if (outside(box, image)) {
        refuse(box, index, "a box that overlaps the image of " + std::to_string(image.width) + " x " +
                               std::to_string(image.height) + " pixels");
    }
    const double x0 = box.x0;
    const double y0 = box.y0;
    double width = box.x1 - x0;
    double height = box.y1 - y0;
    const double centre_x = x0 + 0.5 * width;
    const double centre_y = y0 + 0.5 * height;
    if (spec.square) width = height = std::max(width, height);
    const double growth = 1.0 + 2.0 * static_cast<double>(spec.margin);
    width *= growth;
    height *= growth;
    if (width > kLargestWindow || height > kLargestWindow) {
        refuse(box, index, "a box that with its margin is at most 65536 pixels a side");
    }
    return {centre_x - 0.5 * width, centre_y - 0.5 * height, width, height};
}

}  // namespace hpe
