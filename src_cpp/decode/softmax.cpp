#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>

#include "hpe/decode.hpp"
#include "hpe/error.hpp"

namespace hpe {
namespace {

struct Moments {
    double mean;
    double deviation;
};

// Moments of the bin number. They are taken about the likeliest bin, so that a narrow peak keeps its digits.
Moments bin_moments(std::span<const float> logits, std::size_t row) {
    std::size_t peak = 0;
    bool finite = true;
    for (std::size_t i = 0; i < logits.size(); ++i) {
        if (logits[i] > logits[peak]) peak = i;
        finite = finite && !std::isnan(logits[i]);
    }
    if (!finite || !std::isfinite(logits[peak])) {
        throw Error(ErrorKind::InvalidArgument,
                    "logits: expected finite numbers, got NaN or infinity in row " + std::to_string(row));
    }
    double total = 0.0;
    double first = 0.0;
    double second = 0.0;
    for (std::size_t i = 0; i < logits.size(); ++i) {
        const double weight = std::exp(static_cast<double>(logits[i]) - static_cast<double>(logits[peak]));
        const double offset = static_cast<double>(i) - static_cast<double>(peak);
        total += weight;
        first += weight * offset;
        second += weight * offset * offset;
    }
    const double mean = first / total;
    return {static_cast<double>(peak) + mean, std::sqrt(std::max(0.0, second / total - mean * mean))};
}

}  // namespace

void softmax_expectation(std::span<const float> logits, int bins, float first_deg, float step_deg,
                         std::span<float> angles_deg, std::span<float> spread_deg) {
    const auto size = static_cast<std::size_t>(bins);
    if (bins < 1 || logits.size() != angles_deg.size() * size || spread_deg.size() != angles_deg.size()) {
        throw Error(ErrorKind::Core, "softmax_expectation: the sizes of the arrays do not agree");
    }
    if (!std::isfinite(first_deg) || !std::isfinite(step_deg)) {
        throw Error(ErrorKind::InvalidArgument, "first_deg, step_deg: expected finite degrees, got " +
                                                    std::to_string(first_deg) + " and " +
                                                    std::to_string(step_deg));
    }
    for (std::size_t row = 0; row < angles_deg.size(); ++row) {
        const Moments moments = bin_moments(logits.subspan(row * size, size), row);
        const double step = step_deg;
        angles_deg[row] = static_cast<float>(static_cast<double>(first_deg) + moments.mean * step);
        spread_deg[row] = static_cast<float>(moments.deviation * std::abs(step));
    }
}

}  // namespace hpe
