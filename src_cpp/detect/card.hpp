// What the core needs of a detector card. hpe_edge/detectors/card.py checks every field; here are those that run.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "hpe/preprocess.hpp"

namespace hpe::detect {

inline constexpr int kInputMultiple = 32;  // sides of inputs are multiples of it, and strides divide it

struct Card {
    struct Output {
        std::string name;
        int stride;
    };
    std::string input_name;
    ChannelOrder channel_order;
    std::array<float, 3> mean, scale;
    int longest_side;
    std::vector<Output> outputs;
    double score_threshold;
    double nms_iou;
};

// Throws Error(CorruptModel).
[[nodiscard]] Card read_card(std::string_view text);

}  // namespace hpe::detect
