// The 8-bit arithmetic of the native network, one table for each instruction set; the templates are in
// quantized_kernels.inl.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hpe/cpu.hpp"

namespace hpe::simd {

// Bytes that one lane multiplies and adds at once.
inline constexpr int kQuad = 4;

// The range of a quantized result: an activation is the lower end.
struct ByteRange {
    int low, high;
};

// out[r][n] = clamp(round((sum_t sum_k x[offsets[t][r] + k] * weights[n][t][k]) * scale[n] + bias[n])), rounded half to even.
// Taps are read in whole quads: weights are zero where the depth ends within one.
struct QuantizedGemm {
    const std::uint8_t* x;
    const std::int32_t* offsets;  // [taps][rows], bytes
    std::ptrdiff_t row_step;      // as in Gemm
    int rows;
    int taps;
    int quads;                  // of a tap
    const std::int8_t* weights;  // blocks of block_columns() columns, each [taps][quads][columns][kQuad], the last padded
    const std::int32_t* start;  // [columns, padded to blocks] QuantizedKernels::offset * sum_t sum_k weights[n][t][k]
    const float* scale;         // [columns]
    const float* bias;
    int columns;
    ByteRange range;
    std::uint8_t* out;
    std::ptrdiff_t out_pitch;
};

// Pools over the cells inside the image; negative offsets mark those outside.
struct QuantizedPool {
    const std::uint8_t* x;
    const std::int32_t* offsets;  // [taps][pixels]
    int pixels;
    int taps;
    const float* scale;  // [pixels] factor of the sum, or null for a maximum
    int channels;
    std::uint8_t* out;
};

struct QuantizedKernels {
    int (*block_columns)(int columns);
    int offset;  // the kernel multiplies activations less this
    int tile_rows;
    void (*gemm)(const QuantizedGemm& gemm);
    void (*pool)(const QuantizedPool& pool);

    // out = clamp(round(x * factor) + zero, 0, 255), of n pixels in up to four planes that lie plane_pitch apart, to pixels
    // of kQuad bytes; the bytes of planes that are not there are 0.
    void (*quantize_pixels)(const float* planes, std::ptrdiff_t plane_pitch, int count, int n, float factor, int zero, std::uint8_t* out);

    // The same of a row, and back: out = (x - zero) * scale.
    void (*quantize)(const float* x, int n, float factor, int zero, std::uint8_t* out);
    void (*dequantize)(const std::uint8_t* x, int n, float scale, int zero, float* out);
};

[[nodiscard]] const QuantizedKernels& quantized_kernels(Isa isa);

extern const QuantizedKernels scalar_quantized_kernels;
#if defined(HPE_HAVE_AVX2)
extern const QuantizedKernels avx2_quantized_kernels;
#endif
#if defined(HPE_HAVE_NEON)
extern const QuantizedKernels neon_quantized_kernels;
extern const QuantizedKernels neondot_quantized_kernels;
#endif
#if defined(HPE_HAVE_AVX512)
extern const QuantizedKernels avx512_quantized_kernels;
#endif

}  // namespace hpe::simd
