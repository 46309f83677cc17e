// Raw network outputs in, angles out. All arrays are C-contiguous; the shapes stand in brackets.
#pragma once

#include <span>

namespace hpe {

// Softmax over B bins, bin i centred at first_deg + i * step_deg: the expectation and the standard deviation
// (Ruiz et al., Hopenet, CVPRW 2018, sec. 3.1). logits [rows, bins]; angles_deg, spread_deg [rows]. Throws
// Error(InvalidArgument) when a logit is NaN, or no logit of a row is finite.
void softmax_expectation(std::span<const float> logits, int bins, float first_deg, float step_deg,
                         std::span<float> angles_deg, std::span<float> spread_deg);

// One stage of the soft stagewise regression, raw network outputs: the decode applies ReLU to p and tanh to
// eta and delta.
struct SsrStage {
    int bins;                      // s_k
    bool eta_per_bin;
    std::span<const float> p;      // [rows, bins]
    std::span<const float> eta;    // [rows], or [rows, bins] when eta_per_bin
    std::span<const float> delta;  // [rows]
};

// Yang et al., FSA-Net, CVPR 2019, eq. 2, as the published code has it:
//   angle = V sum_k sum_i p_ki (i - floor(s_k / 2) + eta_k) / prod_{j <= k} s_j (1 + delta_j).
void ssr_stages(std::span<const SsrStage> stages, float range_deg, std::span<float> angles_deg);

}  // namespace hpe
