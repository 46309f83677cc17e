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

// Floats that the column kernels may read past the last pixel of a row (and ignore).
inline constexpr int kRowSlack = 16;

// Folding, the reduction with a triangle filter. Run m of the samples lies between the centres of outputs m - 1
// and m; it weighs on m with a rising and on m - 1 with a falling slope. Both sums follow from two moments of
// the run, sum = v_0 + .. + v_{n-1} and moment = sum_k (n - 1 - k) v_k:
//   rising = sum_weight * sum + moment_weight * moment,  falling = sum - rising,
// and output m - 1 is the falling sum of run m and the rising sum of run m - 1.

// One run of rows.
struct RowRun {
    const std::uint8_t* const* rows;
    const std::uint8_t* const* next;  // at least n rows, of the run that follows: asked for ahead
    int n;
    int width;  // bytes of each row
    float sum_weight;
    float moment_weight;
};

// How the floats of a row lie: one, three or four channels side by side, of which the fourth is not read; Y U Y V for two
// pixels; or Y of all pixels, and apart from them U V for two pixels each.
enum class RowLayout { Mono, Colour3, Colour4, Yuyv, Nv12 };

[[nodiscard]] constexpr bool shares_chroma(RowLayout layout) noexcept {
    return layout == RowLayout::Yuyv || layout == RowLayout::Nv12;
}

[[nodiscard]] constexpr int channel_count(RowLayout layout) noexcept { return layout == RowLayout::Mono ? 1 : 3; }

// Channel of pixel j of a row: row[offset + (j >> shift) * step].
struct Channel {
    std::ptrdiff_t offset;
    std::ptrdiff_t step;
    int shift;
};

// Channel c; `chroma` as in PixelRows.
[[nodiscard]] constexpr Channel channel_of(RowLayout layout, int c, std::ptrdiff_t chroma) noexcept {
    switch (layout) {
        case RowLayout::Mono: return {0, 1, 0};
        case RowLayout::Colour4: return {c, 4, 0};
        case RowLayout::Yuyv: return c == 0 ? Channel{0, 2, 0} : Channel{2 * c - 1, 4, 1};
        case RowLayout::Nv12: return c == 0 ? Channel{0, 1, 0} : Channel{chroma + c - 1, 2, 1};
        case RowLayout::Colour3: break;
    }
    return {c, 3, 0};
}

// kRowGroup rows of pixels.
struct PixelRows {
    const float* data;
    std::ptrdiff_t pitch;  // floats from row to row
    RowLayout layout;
    std::ptrdiff_t chroma;  // Nv12: floats from the Y to the U of pixel 0
};

// Runs 0 .. width along the rows. All have `longest` or longest - 1 pixels; a missing last pixel counts as zero, so
// that every run is treated alike and sum_weights are those of `longest` pixels.
struct ColumnRuns {
    const int* starts;  // run m is pixels starts[m] .. starts[m + 1] - 1
    const float* sum_weights;
    float moment_weight;
    int longest;
};

// Output x lies between the pixels first[x] and first[x] + 1; weights[x] is the weight of the second.
struct ColumnBlends {
    const int* first;
    const float* weights;
};

// Colours out of Y, U and V: plane p is of weights[p] . (Y, U, V), and held within low[p] .. high[p].
struct ColourMix {
    float weights[3][3];
    float low[3];
    float high[3];
};

// Where the sums of the columns go: plane p = sum * column_gain[x] * row_gain[p][row] + bias[p], the sum being that
// of channel p, or 2 - p with `swap`, or of the only one, or that of a mix.
struct Planes {
    int width;
    int rows;  // rows of the group that exist, at most kRowGroup
    const float* column_gain;
    float row_gain[3][kRowGroup];
    float bias[3];
    bool swap;
    const ColourMix* mix;  // of Yuyv and Nv12, else null
    float* out;  // row 0 of the group in plane 0
    std::ptrdiff_t plane_pitch;
};

struct Kernels {
    // out = carried + falling; carried = rising. `carried` belongs to the kernel: its order is not that of the
    // columns.
    void (*fold_rows)(const RowRun& run, float* carried, float* out);

    // out[x] = a[x] * (1 - weight) + b[x] * weight.
    void (*blend_rows)(const std::uint8_t* a, const std::uint8_t* b, float weight, int width, float* out);

    void (*fold_columns)(const PixelRows& rows, const ColumnRuns& runs, const Planes& planes);

    void (*blend_columns)(const PixelRows& rows, const ColumnBlends& blends, const Planes& planes);
};

// The table of an instruction set; throws Error(Core) when this build has none for it.
[[nodiscard]] const Kernels& kernels(Isa isa);

extern const Kernels scalar_kernels;
#if defined(HPE_HAVE_AVX2)
extern const Kernels avx2_kernels;
#endif

}  // namespace hpe::simd
