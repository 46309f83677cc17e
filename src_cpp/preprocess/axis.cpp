#include "preprocess/axis.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace hpe {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

// Positions on the source axis in units of 2^-32 samples. Whole numbers make the limits of the runs exact, so that
// no two runs differ by more than one sample; the rounding moves a centre by at most 1e-8.
using Fixed = std::int64_t;
constexpr int kFractionBits = 32;
constexpr Fixed kOne = Fixed{1} << kFractionBits;

Fixed to_fixed(double position) { return static_cast<Fixed>(std::llround(position * static_cast<double>(kOne))); }
double to_double(Fixed position) { return static_cast<double>(position) / static_cast<double>(kOne); }
int ceil_fixed(Fixed position) { return static_cast<int>((position + kOne - 1) >> kFractionBits); }

void plan_folding(double start, double scale, int count, AxisPlan& plan) {
    plan.starts.resize(at(count + 2));
    plan.sum_weights.resize(at(count + 1));
    const Fixed step = std::max(to_fixed(scale), kOne);
    const Fixed first_centre = to_fixed(start) + step / 2;
    plan.moment_weight = static_cast<float>(-1.0 / to_double(step));
    plan.longest = ceil_fixed(step);
    Fixed centre = first_centre - step;  // of output m - 1
    plan.starts[0] = ceil_fixed(centre - kOne / 2);
    double falling = 0.0;  // weight of output m - 1 in the run before, in units of 1 / step
    for (int m = 0; m <= count; ++m, centre += step) {
        plan.starts[at(m + 1)] = ceil_fixed(centre + step - kOne / 2);
        // Sample k of the run has the rising weight (k + offset) / step; with moment = sum_k (longest - 1 - k) v_k
        // the rising sum is ((longest - 1 + offset) * sum - moment) / step.
        const int n = plan.starts[at(m + 1)] - plan.starts[at(m)];
        const double offset = plan.starts[at(m)] + 0.5 - to_double(centre);
        plan.sum_weights[at(m)] = static_cast<float>((plan.longest - 1 + offset) / to_double(step));
        const double rising = n * offset + 0.5 * n * (n - 1.0);
        if (m > 0) {
            plan.gains[at(m - 1)] = static_cast<float>(to_double(step) / (falling + n * to_double(step) - rising));
        }
        falling = rising;
    }
    plan.begin = plan.starts.front();
    plan.end = plan.starts.back();
}

void plan_blending(double start, double scale, int count, AxisPlan& plan) {
    plan.starts.resize(at(count));
    plan.sum_weights.resize(at(count));
    for (int i = 0; i < count; ++i) {
        const double position = start + (i + 0.5) * scale - 0.5;
        const double first = std::floor(position);
        plan.starts[at(i)] = static_cast<int>(first);
        plan.sum_weights[at(i)] = static_cast<float>(position - first);
    }
    plan.begin = plan.starts.front();
    plan.end = plan.starts.back() + 2;
}

}  // namespace

void plan_axis(double start, double extent, int count, AxisPlan& plan) {
    const double scale = extent / count;
    plan.folds = scale >= 1.0;
    plan.gains.assign(at(count), 1.0F);
    if (plan.folds) {
        plan_folding(start, scale, count, plan);
    } else {
        plan_blending(start, scale, count, plan);
    }
}

}  // namespace hpe
