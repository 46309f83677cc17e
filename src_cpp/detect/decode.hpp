// From the network's maps to faces in pixels of the image.
#pragma once

#include <span>
#include <vector>

#include "hpe/detect.hpp"
#include "preprocess/window.hpp"

namespace hpe::detect {

inline constexpr int kChannels = 15;  // of a map: score, middle (2), size (2), landmarks (10)

// One output of the network, [kChannels, height, width].
struct Map {
    std::span<const float> values;
    int stride;
    int height, width;
};

// A cell of a map whose score is above the threshold.
struct Cell {
    float logit;
    int map;
    int index;  // y * width + x
};

struct Rules {
    double score_threshold;
    double nms_iou;
    int max_faces;
};

// Where the input lies in the image.
struct Placement {
    Window window;          // that became the input
    int input_width, input_height;
    ImageView image;
};

[[nodiscard]] double overlap(const Box& a, const Box& b) noexcept;  // intersection over union

// The faces of one input, as FaceDetector::detect says, the best first. `cells` is scratch memory; neither grows beyond
// what it was reserved for: the cells of all maps, and rules.max_faces.
void decode(std::span<const Map> maps, const Rules& rules, const Placement& placement, std::vector<Cell>& cells,
            std::vector<Face>& faces);

}  // namespace hpe::detect
