// The arithmetic of the native network, one table for each instruction set. All are instances of the templates in
// network_kernels.inl over the vector type of the set; the scalar one has vectors of one lane.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hpe/cpu.hpp"

namespace hpe::simd {

// Values at or above `high` become `high`, at or below `low` become `low`: ReLU, ReLU6, or nothing with infinities.
struct Clamp {
    float low, high;
};

// out[r][n] = clamp(bias[n] + sum_t sum_k x[offsets[t][r] + k] * weights[n][t][k]): a convolution gathers for each
// output pixel r and tap t the channels k of one input pixel; a matrix product has one tap.
struct Gemm {
    const float* x;
    const std::int32_t* offsets;  // [taps][rows]
    std::ptrdiff_t row_step;      // from one row of a tile to the next where all are equal, which saves loads; else 0
    int rows;
    int taps;
    int depth;
    // Element k of the column n of a block of block_columns() lies at k * weights_pitch + n of it, the blocks
    // block_pitch apart. Whole vectors are read, up to the block's width past the last column.
    const float* weights;
    std::ptrdiff_t weights_pitch;
    std::ptrdiff_t block_pitch;
    const float* bias;  // [columns], or null for none
    int columns;
    Clamp clamp;
    float* out;
    std::ptrdiff_t out_pitch;
};

// The columns, and the products of one of them that are summed last, of a narrow product.
inline constexpr int kNarrow = 4;

// out[n][r] = sum_k x[r][k] * weights[n][k] for up to kNarrow columns n: lanes run along the depth, a multiple of kNarrow,
// as columns would leave most of them empty.
struct NarrowGemm {
    const float* x;
    std::ptrdiff_t x_pitch;
    int rows;
    int depth;
    const float* weights;  // [depth / kNarrow][kNarrow columns][kNarrow]
    int columns;
    float* out;  // [columns][rows]
};

// out[p][c] = clamp(bias[c] + sum_t x[offsets[t][p] + c] * weights[t][c]): one filter a channel.
struct Depthwise {
    const float* x;
    const std::int32_t* offsets;  // [taps][pixels]
    std::ptrdiff_t tap_pitch;     // from one tap's offsets to the next's, more than `pixels` where these are a part
    int pixels;
    int taps;
    const float* weights;  // [taps][channels]
    const float* bias;
    int channels;
    Clamp clamp;
    float* out;  // [pixels][channels]
};

// The same with stride 1 on channels that lie in planes, padding included: out[c][y][x] = clamp(bias[c] +
// sum x[c][y + j][x + i] * weights[c][j][i]). Up to four vectors are read past the end of a row.
struct DepthwisePlanes {
    const float* x;
    std::ptrdiff_t plane_pitch;
    std::ptrdiff_t row_pitch;
    int kernel_height;
    int kernel_width;
    const float* weights;
    const float* bias;
    int channels;
    int height;  // of the output
    int width;
    Clamp clamp;
    float* out;
};

// Pools over the cells that lie inside the image; negative offsets mark those outside.
struct PoolCells {
    const float* x;
    const std::int32_t* offsets;  // [taps][pixels]
    int pixels;
    int taps;
    const float* scale;  // [pixels] factor of the sum, or null for a maximum
    int channels;
    float* out;  // [pixels][channels]
};

// Winograd's minimal filtering F(m x m, 3 x 3), m 2 or 4, after Lavin and Gray, "Fast Algorithms for Convolutional
// Neural Networks" (CVPR 2016, section 4): tiles of m + 2 pixels overlap by two and are multiplied point by point.
struct WinogradInput {
    int m;
    const float* x;
    const std::int32_t* offsets;  // [(m + 2)^2][tiles]
    int tiles;
    int channels;
    float* out;  // [(m + 2)^2][tiles][channels]
};

struct WinogradOutput {
    int m;
    const float* x;  // [(m + 2)^2][tiles][channels]
    const std::int32_t* offsets;  // [m^2][tiles] into out; negative: outside the image
    int tiles;
    const float* bias;
    int channels;
    Clamp clamp;
    float* out;
};

enum class UnaryOp { Clamp, Sigmoid, Tanh, Exp, Sqrt, Neg };
enum class BinaryOp { Add, Sub, Mul, Div, Min, Max };
enum class ReduceOp { Sum, Max };

// A tensor seen as [outer][n][inner] around one axis.
struct Axis {
    int outer, n, inner;
};

struct NetworkKernels {
    // Columns that one block of packed weights holds when a matrix has so many.
    int (*block_columns)(int columns);

    int tile_rows;  // that gemm takes together, starting from the first

    void (*gemm)(const Gemm& gemm);
    void (*narrow_gemm)(const NarrowGemm& gemm);
    void (*depthwise)(const Depthwise& depthwise);
    void (*depthwise_planes)(const DepthwisePlanes& depthwise);
    void (*pool)(const PoolCells& pool);
    void (*winograd_input)(const WinogradInput& input);
    void (*winograd_output)(const WinogradOutput& output);
    void (*unary)(UnaryOp op, Clamp clamp, const float* x, int n, float* out);

    // out[i] = a[i * a_step] op b[i * b_step]; steps are 0 or 1.
    void (*binary)(BinaryOp op, const float* a, int a_step, const float* b, int b_step, int n, float* out);
    void (*softmax)(const float* x, Axis axis, float* out);
    void (*reduce)(ReduceOp op, const float* x, Axis axis, float scale, float* out);
};

// Throws Error(Core) when this build has none for the instruction set.
[[nodiscard]] const NetworkKernels& network_kernels(Isa isa);

extern const NetworkKernels scalar_network_kernels;
#if defined(HPE_HAVE_AVX2)
extern const NetworkKernels avx2_network_kernels;
#endif
#if defined(HPE_HAVE_NEON)
extern const NetworkKernels neon_network_kernels;
extern const NetworkKernels neondot_network_kernels;
#endif
#if defined(HPE_HAVE_AVX512)
extern const NetworkKernels avx512_network_kernels;
#endif

}  // namespace hpe::simd
