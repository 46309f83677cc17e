#include "detect/decode.hpp"

#include <algorithm>
#include <cmath>

#include "hpe/error.hpp"

namespace hpe::detect {
namespace {

constexpr double kLargestLogSize = 8.0;
constexpr double kLongestBox = 2.0;  // in longer sides of the image; a crop around it stays within kLargestWindow

void require_finite(double value, const Map& map) {
    if (std::isfinite(value)) return;
    throw Error(ErrorKind::InvalidArgument, "detector: expected finite outputs, got one that is not in the map of stride " +
                                                std::to_string(map.stride) + ": the network does not fit this image");
}

double area(const Box& box) noexcept {
    return (double{box.x1} - double{box.x0}) * (double{box.y1} - double{box.y0});
}

// Compares logits, so that no exponential is needed for all the cells that are no face.
void collect(std::span<const Map> maps, double score_threshold, std::vector<Cell>& cells) {
    const double least = std::log(score_threshold / (1.0 - score_threshold));
    cells.clear();
    for (std::size_t m = 0; m < maps.size(); ++m) {
        const Map& map = maps[m];
        for (int i = 0; i < map.height * map.width; ++i) {
            const float logit = map.values[static_cast<std::size_t>(i)];
            if (double{logit} <= least) continue;
            require_finite(double{logit}, map);
            cells.push_back({logit, static_cast<int>(m), i});
        }
    }
}

bool before(const Cell& a, const Cell& b) noexcept {
    if (a.logit != b.logit) return a.logit > b.logit;
    return a.map != b.map ? a.map < b.map : a.index < b.index;
}

Face face_at(const Map& map, const Cell& cell, const Placement& placement) {
    const auto value = [&](int channel) {
        const double found = double{map.values[static_cast<std::size_t>(channel * map.height * map.width + cell.index)]};
        require_finite(found, map);
        return found;
    };
    const double x_scale = map.stride * placement.window.width / placement.input_width;
    const double y_scale = map.stride * placement.window.height / placement.input_height;
    const auto x = [&](int channel) { return placement.window.x0 + (cell.index % map.width + 0.5 + value(channel)) * x_scale; };
    const auto y = [&](int channel) { return placement.window.y0 + (cell.index / map.width + 0.5 + value(channel)) * y_scale; };
    const auto half = [&](int channel) { return 0.5 * std::exp(std::clamp(value(channel), -kLargestLogSize, kLargestLogSize)); };
    const double half_width = half(3) * x_scale;
    const double half_height = half(4) * y_scale;
    Face face{{static_cast<float>(x(1) - half_width), static_cast<float>(y(2) - half_height),
               static_cast<float>(x(1) + half_width), static_cast<float>(y(2) + half_height)},
              static_cast<float>(1.0 / (1.0 + std::exp(-double{cell.logit}))),
              {}};
    for (int k = 0; k < 5; ++k) {
        face.landmarks[static_cast<std::size_t>(k)] = {static_cast<float>(x(5 + 2 * k)), static_cast<float>(y(6 + 2 * k))};
    }
    return face;
}

// A box that a crop can be cut around.
bool in_image(const Box& box, const Placement& placement) noexcept {
    const double longest = kLongestBox * std::max(placement.image.width, placement.image.height);
    const double width = double{box.x1} - double{box.x0};
    const double height = double{box.y1} - double{box.y0};
    return width > 0.0 && height > 0.0 && width <= longest && height <= longest && !outside(box, placement.image);
}

}  // namespace

double overlap(const Box& a, const Box& b) noexcept {
    const double width = double{std::min(a.x1, b.x1)} - double{std::max(a.x0, b.x0)};
    const double height = double{std::min(a.y1, b.y1)} - double{std::max(a.y0, b.y0)};
    if (width <= 0.0 || height <= 0.0) return 0.0;
    const double both = width * height;
    return both / (area(a) + area(b) - both);
}

void decode(std::span<const Map> maps, const Rules& rules, const Placement& placement, std::vector<Cell>& cells,
            std::vector<Face>& faces) {
    faces.clear();
    collect(maps, rules.score_threshold, cells);
    std::sort(cells.begin(), cells.end(), before);
    for (const Cell& cell : cells) {
        if (faces.size() == static_cast<std::size_t>(rules.max_faces)) return;
        const Face face = face_at(maps[static_cast<std::size_t>(cell.map)], cell, placement);
        const auto covers = [&](const Face& better) { return overlap(better.box, face.box) > rules.nms_iou; };
        if (in_image(face.box, placement) && std::none_of(faces.begin(), faces.end(), covers)) faces.push_back(face);
    }
}

}  // namespace hpe::detect
