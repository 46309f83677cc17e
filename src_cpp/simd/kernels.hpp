// One table of kernels for each instruction set. The scalar twins in scalar.cpp are the plainest form of each
// and say what it computes; the SIMD ones stand beside them with the same signatures.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hpe/cpu.hpp"

namespace hpe::simd {

// Rows that one call of the column kernels treats together.
inline constexpr int kRowGroup = 8;

// Columns that the widest fold_rows takes at once; it works with any number, but the rest goes one by one.
inline constexpr int kFoldStrip = 32;

// Floats a pixel in the output of the column kernels: three channels and one of padding.
inline constexpr int kSumLanes = 4;

// Floats that the column kernels may read past the last pixel of a row (and ignore).
inline constexpr int kRowSlack = 4;

// Folding, the reduction with a triangle filter. Run m of the samples lies between the centres of outputs m - 1
// and m; it weighs on m with a rising and on m - 1 with a falling slope. Both sums follow from two moments of
// the run, sum = v_0 + .. + v_{n-1} and moment = sum_k (n - 1 - k) v_k:
//   rising = sum_weight * sum + moment_weight * moment,  falling = sum - rising,
// and output m - 1 is the falling sum of run m and the rising sum of run m - 1.

// One run of rows.
struct RowRun {
    const std::uint8_t* const* rows;
    int n;
    int width;  // bytes of each row
    float sum_weight;
    float moment_weight;
};

// Runs 0 .. width along kRowGroup rows of 3-channel pixels. All have `longest` or longest - 1 pixels; a missing
// last pixel counts as zero, so that every run is treated alike and sum_weights are those of `longest` pixels.
struct ColumnRuns {
    const float* rows;
    std::ptrdiff_t pitch;  // floats from row to row
    const int* starts;     // run m is pixels starts[m] .. starts[m + 1] - 1
    const float* sum_weights;
    float moment_weight;
    int longest;
    int width;  // outputs
};

// How sums become the planes of the output: out = sum * column_gain[x] * row_gain[row][p] + bias[p].
struct Emission {
    int width;                 // output columns
    int rows;                  // rows of the group that exist, at most kRowGroup
    const float* column_gain;  // one for each column, readable up to the next multiple of 4
    float row_gain[kRowGroup][3];
    float bias[3];
    bool swap;                 // plane p is channel 2 - p
    float* out;                // row 0 of the group in plane 0
    std::ptrdiff_t plane_pitch;
};

struct Kernels {
    // out = carried + falling; carried = rising. `carried` belongs to the kernel: its order is not that of the
    // columns.
    void (*fold_rows)(const RowRun& run, float* carried, float* out);

    // out[x] = a[x] * (1 - weight) + b[x] * weight.
    void (*blend_rows)(const std::uint8_t* a, const std::uint8_t* b, float weight, int width, float* out);

    // sums[(x * kRowGroup + row) * kSumLanes + channel].
    void (*fold_columns)(const ColumnRuns& runs, float* sums);

    // sums = pixel[first[x]] * (1 - weights[x]) + pixel[first[x] + 1] * weights[x].
    void (*blend_columns)(const float* rows, std::ptrdiff_t pitch, const int* first, const float* weights,
                          int width, float* sums);

    void (*emit)(const float* sums, const Emission& emission);
};

// The table of an instruction set; throws Error(Core) when this build has none for it.
[[nodiscard]] const Kernels& kernels(Isa isa);

extern const Kernels scalar_kernels;
#if defined(HPE_HAVE_AVX2)
extern const Kernels avx2_kernels;
#endif

}  // namespace hpe::simd
