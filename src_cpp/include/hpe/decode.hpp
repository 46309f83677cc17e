// Raw network outputs in, angles out. All arrays are C-contiguous; the shapes stand in brackets.
#pragma once

#include <span>

namespace hpe {

// Softmax over B bins, bin i centred at first_deg + i * step_deg: the expectation and the standard deviation
// (Ruiz et al., Hopenet, CVPRW 2018, "The Multi-Loss Approach"). The same decodes the finest bins of a coarse-fine
// network and a label distribution. logits [rows, bins]; angles_deg, spread_deg [rows]. Throws
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

// A log_std beyond +-5 counts as that limit: spreads of 0.0067 to 148 degrees before the scale, so none overflows.
inline constexpr double kLogStdLimit = 5.0;

// The spread that a variance head predicts: scale[a] * exp(log_std), log_std the natural logarithm of degrees
// (Kendall and Gal, NeurIPS 2017, eq. 8, with the deviation for the variance), scale a calibration for each
// angle. log_std, spread_deg [rows, A]; scale [A]. Throws Error(InvalidArgument) when log_std is not finite or a
// scale not above 0.
void spread_from_log(std::span<const float> log_std, std::span<const float> scale, std::span<float> spread_deg);

// The same calibration for a spread in degrees, such as that of softmax_expectation: scale[a] * spread_deg.
// spread_deg, scaled_deg [rows, A], and they may be one array; scale [A]. Throws Error(InvalidArgument) when a
// spread is not finite or below 0, or a scale not above 0.
void scale_spread(std::span<const float> spread_deg, std::span<const float> scale, std::span<float> scaled_deg);

}  // namespace hpe
