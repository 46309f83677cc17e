// What the core needs of a model card. hpe_edge/modelcard.py checks every field of a card; here are those that run.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hpe/preprocess.hpp"

namespace hpe::model {

// The heads of hpe_edge/heads.py; strings name outputs of the network.
struct SsrHead {
    struct Stage {
        int bins;
        std::string p, eta, delta;
    };
    std::vector<Stage> stages;
    float range_deg;
    bool eta_per_bin;
};

inline constexpr std::size_t kMostStages = 8;

struct BinsHead {
    std::array<std::string, 3> logits;  // of yaw, pitch, roll
    int bins;
    float first_deg, step_deg;
};

struct AnglesHead {
    std::string output;
};

struct Spread {
    std::array<float, 3> scale;
    std::string output;  // log_std; empty: the deviation of the bins
};

struct Card {
    std::string input_name;
    PreprocessSpec input;
    std::variant<SsrHead, BinsHead, AnglesHead> head;
    std::optional<Spread> spread;
    double pitch_zero_deg;
};

// Throws Error(CorruptModel).
[[nodiscard]] Card read_card(std::string_view text);

}  // namespace hpe::model
