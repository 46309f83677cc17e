// The sampling of one axis: which source samples each output sample reads, and how they are weighted.
#pragma once

#include <vector>

namespace hpe {

// Reducing (scale >= 1, `folds`): the source samples between two neighbouring output centres form a run; run m
// lies between outputs m - 1 and m and has `longest` or longest - 1 samples. sum_weights and moment_weight are
// those of simd/kernels.hpp, for runs filled up to `longest` with zeros.
// Enlarging: output i lies between the samples starts[i] and starts[i] + 1, sum_weights[i] is the weight of the
// second. Source positions are not clamped to the image.
struct AxisPlan {
    bool folds = false;
    int begin = 0;  // source samples begin .. end - 1 are read
    int end = 0;
    int longest = 0;
    std::vector<int> starts;          // folds: count + 2 run limits; else count first samples
    std::vector<float> sum_weights;   // folds: count + 1; else count
    float moment_weight = 0.0F;
    std::vector<float> gains;         // count: 1 / sum of the weights
};

// Plans `count` outputs over the window [start, start + extent) of the source. Keeps the plan's memory.
void plan_axis(double start, double extent, int count, AxisPlan& plan);

}  // namespace hpe
