#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>

#include "hpe/decode.hpp"
#include "hpe/error.hpp"

namespace hpe {
namespace {

void check_stages(std::span<const SsrStage> stages, float range_deg, std::size_t rows) {
    if (stages.empty()) throw Error(ErrorKind::InvalidArgument, "p: expected at least one stage, got none");
    if (!std::isfinite(range_deg)) {
        throw Error(ErrorKind::InvalidArgument,
                    "range_deg: expected finite degrees, got " + std::to_string(range_deg));
    }
    for (const SsrStage& stage : stages) {
        const auto bins = static_cast<std::size_t>(std::max(stage.bins, 0));
        if (bins == 0 || stage.p.size() != rows * bins || stage.delta.size() != rows ||
            stage.eta.size() != rows * (stage.eta_per_bin ? bins : 1)) {
            throw Error(ErrorKind::Core, "ssr_stages: the sizes of the arrays do not agree");
        }
    }
}

// sum_i p_i (i - floor(s / 2) + eta_i) of one stage and row.
double stage_sum(const SsrStage& stage, std::size_t row) {
    const auto bins = static_cast<std::size_t>(stage.bins);
    double sum = 0.0;
    for (std::size_t i = 0; i < bins; ++i) {
        const float raw = stage.p[row * bins + i];
        const double score = raw < 0.0F ? 0.0 : static_cast<double>(raw);  // ReLU that lets NaN through
        const double shift = std::tanh(static_cast<double>(stage.eta[stage.eta_per_bin ? row * bins + i : row]));
        sum += score * (static_cast<double>(i) - static_cast<double>(stage.bins / 2) + shift);
    }
    return sum;
}

}  // namespace

void ssr_stages(std::span<const SsrStage> stages, float range_deg, std::span<float> angles_deg) {
    check_stages(stages, range_deg, angles_deg.size());
    for (std::size_t row = 0; row < angles_deg.size(); ++row) {
        double angle = 0.0;
        double divisor = 1.0;
        for (const SsrStage& stage : stages) {
            divisor *= stage.bins * (1.0 + std::tanh(static_cast<double>(stage.delta[row])));
            angle += stage_sum(stage, row) / divisor;
        }
        if (!std::isfinite(angle)) {
            throw Error(ErrorKind::InvalidArgument,
                        "p, eta, delta: expected network outputs that give a finite angle, got NaN or infinity in row " +
                            std::to_string(row));
        }
        angles_deg[row] = static_cast<float>(angle * static_cast<double>(range_deg));
    }
}

}  // namespace hpe
