// One table of kernels for each instruction set. The scalar twins in scalar.cpp are the plainest form of each
// and say what it computes; the SIMD ones stand beside them with the same signatures.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hpe/cpu.hpp"

namespace hpe::simd {

// Rows that one call of the column kernels treats together.
inline constexpr int kRowGroup = 8;

// Longest run of rows of one fold_rows call: the sums of 16 rows fit in 16 bits.
inline constexpr int kMaxFoldRows = 16;

// Floats a pixel in the output of the column kernels: three channels and one of padding.
inline constexpr int kSumLanes = 4;

// Floats that the column kernels may read past the last pixel of a row (and ignore).
inline constexpr int kRowSlack = 4;

// The rows that lie between the centres of two neighbouring outputs, "previous" above and "next" below, share
// a triangle filter that rises toward the next and falls from the previous one. Both weighted sums follow
// from two integer moments of the run, sum = v_0 + .. + v_{n-1} and moment = sum_k (n - 1 - k) v_k:
//   rising = sum_weight * sum + moment_weight * moment,  falling = sum - rising.
struct FoldWeights {
    float sum;
    float moment;
};

// How sums become the planes of the output: out = sum * column_gain[x] * row_gain[row][p] + bias[p].
struct Emission {
    int width;                 // output columns
    int rows;                  // rows of the group that exist, at most kRowGroup
    const float* column_gain;  // one for each column, readable up to the next multiple of 4
    float row_gain[kRowGroup][3];
    float bias[3];
    int channel[3];            // source channel of plane p
    float* out;                // row 0 of the group in plane 0
    std::ptrdiff_t plane_pitch;
};

struct Kernels {
    // previous[x] += falling; next[x] = rising, or next[x] += rising when `add_to_next`. `n` <= kMaxFoldRows.
    void (*fold_rows)(const std::uint8_t* const* rows, int n, int width, FoldWeights weights, bool add_to_next,
                      float* previous, float* next);

    // out[x] = a[x] * (1 - weight) + b[x] * weight.
    void (*blend_rows)(const std::uint8_t* a, const std::uint8_t* b, float weight, int width, float* out);

    // The same folding along kRowGroup rows of 3-channel pixels. Run m of the `width + 1` runs covers pixels
    // starts[m] .. starts[m + 1] - 1 and lies between outputs m - 1 and m. sums[(x * kRowGroup + row) *
    // kSumLanes + channel].
    void (*fold_columns)(const float* rows, std::ptrdiff_t pitch, const int* starts, const float* sum_weights,
                         float moment_weight, int width, float* sums);

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
