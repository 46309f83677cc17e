#include "preprocess/axis.hpp"

#include <cmath>
#include <cstddef>

namespace hpe {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

void plan_folding(double start, double scale, int count, AxisPlan& plan) {
    plan.starts.resize(at(count + 2));
    plan.sum_weights.resize(at(count + 1));
    plan.moment_weight = static_cast<float>(-1.0 / scale);
    const auto centre = [&](int i) { return start + (i + 0.5) * scale; };
    for (int m = 0; m < count + 2; ++m) {
        plan.starts[at(m)] = static_cast<int>(std::ceil(centre(m - 1) - 0.5));
    }
    double falling = 0.0;  // weight that output m - 1 has so far from the run before it, in units of 1 / scale
    for (int m = 0; m <= count; ++m) {
        // Sample k of the run has the rising weight (k + offset) / scale, and with moment = sum (n - 1 - k) v
        // the rising sum is ((n - 1 + offset) * sum - moment) / scale.
        const int n = plan.starts[at(m + 1)] - plan.starts[at(m)];
        const double offset = plan.starts[at(m)] + 0.5 - centre(m - 1);
        plan.sum_weights[at(m)] = static_cast<float>((n - 1 + offset) / scale);
        const double rising = n * offset + 0.5 * n * (n - 1.0);
        if (m > 0) plan.gains[at(m - 1)] = static_cast<float>(scale / (falling + n * scale - rising));
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
    plan.gains.assign(at((count + 3) / 4 * 4), 1.0F);
    if (plan.folds) {
        plan_folding(start, scale, count, plan);
    } else {
        plan_blending(start, scale, count, plan);
    }
}

}  // namespace hpe
