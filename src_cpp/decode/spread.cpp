#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>

#include "hpe/decode.hpp"
#include "hpe/error.hpp"

namespace hpe {
namespace {

void check_scale(std::span<const float> scale) {
    for (std::size_t a = 0; a < scale.size(); ++a) {
        if (!std::isfinite(scale[a]) || scale[a] <= 0.0F) {
            throw Error(ErrorKind::InvalidArgument, "scale[" + std::to_string(a) +
                                                        "]: expected a finite number above 0, got " +
                                                        std::to_string(scale[a]));
        }
    }
}

// out = scale[angle] * degrees(value); `degrees` gives NaN for a value that means no spread.
template <class Degrees>
void scale_rows(std::span<const float> values, const char* expected, std::span<const float> scale,
                std::span<float> out, const Degrees& degrees) {
    const bool whole_rows = scale.empty() ? values.empty() : values.size() % scale.size() == 0;
    if (!whole_rows || values.size() != out.size()) {
        throw Error(ErrorKind::Core, "spread: the sizes of the arrays do not agree");
    }
    check_scale(scale);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::size_t angle = i % scale.size();
        const double spread = static_cast<double>(scale[angle]) * degrees(static_cast<double>(values[i]));
        if (!(spread >= 0.0 && spread <= std::numeric_limits<float>::max())) {
            throw Error(ErrorKind::InvalidArgument, std::string(expected) + ", got " + std::to_string(values[i]) +
                                                        " in row " + std::to_string(i / scale.size()) +
                                                        ", column " + std::to_string(angle));
        }
        out[i] = static_cast<float>(spread);
    }
}

}  // namespace

void spread_from_log(std::span<const float> log_std, std::span<const float> scale, std::span<float> spread_deg) {
    scale_rows(log_std, "log_std: expected finite logarithms of degrees", scale, spread_deg, [](double value) {
        // The clamp would make a number of infinity.
        if (!std::isfinite(value)) return std::numeric_limits<double>::quiet_NaN();
        return std::exp(std::clamp(value, -kLogStdLimit, kLogStdLimit));
    });
}

void scale_spread(std::span<const float> spread_deg, std::span<const float> scale, std::span<float> scaled_deg) {
    scale_rows(spread_deg, "spread_deg: expected finite degrees of 0 or more", scale, scaled_deg,
               [](double value) { return value; });
}

}  // namespace hpe
