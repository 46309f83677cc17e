// AVX2 + FMA twins of scalar.cpp. Only this file is compiled with -mavx2 -mfma, so it must not instantiate a
// template or inline function of another header: the linker could keep this copy for everybody, and a machine
// without AVX2 would stop at it. Hence raw pointers and intrinsics only.
#include <immintrin.h>

#include "simd/kernels.hpp"

namespace hpe::simd {
namespace {

inline __m256 low_to_float(__m256i words) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(_mm256_castsi256_si128(words)));
}

inline __m256 high_to_float(__m256i words) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(_mm256_extracti128_si256(words, 1)));
}

// rising and falling of 8 columns, added to the two rows.
inline void fold_8(__m256 sum, __m256 moment, FoldWeights weights, bool add_to_next, float* previous,
                   float* next) {
    __m256 rising = _mm256_mul_ps(moment, _mm256_set1_ps(weights.moment));
    rising = _mm256_fmadd_ps(sum, _mm256_set1_ps(weights.sum), rising);
    const __m256 with_sum = _mm256_add_ps(_mm256_loadu_ps(previous), sum);
    _mm256_storeu_ps(previous, _mm256_sub_ps(with_sum, rising));
    if (add_to_next) rising = _mm256_add_ps(rising, _mm256_loadu_ps(next));
    _mm256_storeu_ps(next, rising);
}

// One strip of 16 * kVectors columns. The moments are whole numbers below 2^16 (kMaxFoldRows), so 16-bit
// adds are exact.
template <int kVectors>
inline void fold_strip(const std::uint8_t* const* rows, int n, int x, FoldWeights weights, bool add_to_next,
                       float* previous, float* next) {
    __m256i sum[kVectors];
    __m256i moment[kVectors];
    for (int i = 0; i < kVectors; ++i) sum[i] = moment[i] = _mm256_setzero_si256();
    for (int k = 0; k < n; ++k) {
        const std::uint8_t* row = rows[k] + x;
        for (int i = 0; i < kVectors; ++i) {
            const auto* source = reinterpret_cast<const __m128i*>(row + 16 * i);
            const __m256i values = _mm256_cvtepu8_epi16(_mm_loadu_si128(source));
            moment[i] = _mm256_add_epi16(moment[i], sum[i]);
            sum[i] = _mm256_add_epi16(sum[i], values);
        }
    }
    for (int i = 0; i < kVectors; ++i) {
        const int at = x + 16 * i;
        fold_8(low_to_float(sum[i]), low_to_float(moment[i]), weights, add_to_next, previous + at, next + at);
        fold_8(high_to_float(sum[i]), high_to_float(moment[i]), weights, add_to_next, previous + at + 8,
               next + at + 8);
    }
}

void fold_rows(const std::uint8_t* const* rows, int n, int width, FoldWeights weights, bool add_to_next,
               float* previous, float* next) {
    int x = 0;
    for (; x + 64 <= width; x += 64) fold_strip<4>(rows, n, x, weights, add_to_next, previous, next);
    for (; x + 16 <= width; x += 16) fold_strip<1>(rows, n, x, weights, add_to_next, previous, next);
    if (x == width) return;
    const std::uint8_t* tail[kMaxFoldRows];
    for (int k = 0; k < n; ++k) tail[k] = rows[k] + x;
    scalar_kernels.fold_rows(tail, n, width - x, weights, add_to_next, previous + x, next + x);
}

inline __m256 bytes_to_float(const std::uint8_t* source) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(source));
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
}

void blend_rows(const std::uint8_t* a, const std::uint8_t* b, float weight, int width, float* out) {
    const __m256 weights = _mm256_set1_ps(weight);
    int x = 0;
    for (; x + 8 <= width; x += 8) {
        const __m256 from = bytes_to_float(a + x);
        const __m256 step = _mm256_sub_ps(bytes_to_float(b + x), from);
        _mm256_storeu_ps(out + x, _mm256_fmadd_ps(step, weights, from));
    }
    if (x < width) scalar_kernels.blend_rows(a + x, b + x, weight, width - x, out + x);
}

constexpr int kPairs = kRowGroup / 2;

// One pixel of two rows, [b g r - | b g r -]; the fourth lanes hold whatever follows.
inline __m256 load_pixel(const float* upper, std::ptrdiff_t pitch) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(upper)), _mm_loadu_ps(upper + pitch), 1);
}

void fold_columns(const float* rows, std::ptrdiff_t pitch, const int* starts, const float* sum_weights,
                  float moment_weight, int width, float* sums) {
    const __m256 moment_factor = _mm256_set1_ps(moment_weight);
    __m256 carried[kPairs];
    for (int i = 0; i < kPairs; ++i) carried[i] = _mm256_setzero_ps();
    for (int m = 0; m <= width; ++m) {
        __m256 sum[kPairs];  // four independent chains hide the latency of the additions
        __m256 moment[kPairs];
        for (int i = 0; i < kPairs; ++i) sum[i] = moment[i] = _mm256_setzero_ps();
        const float* pixel = rows + static_cast<std::ptrdiff_t>(starts[m]) * 3;
        for (int j = starts[m]; j < starts[m + 1]; ++j, pixel += 3) {
            for (int i = 0; i < kPairs; ++i) {
                moment[i] = _mm256_add_ps(moment[i], sum[i]);
                sum[i] = _mm256_add_ps(sum[i], load_pixel(pixel + 2 * i * pitch, pitch));
            }
        }
        const __m256 sum_factor = _mm256_broadcast_ss(sum_weights + m);
        float* out = sums + static_cast<std::ptrdiff_t>(m - 1) * kRowGroup * kSumLanes;
        for (int i = 0; i < kPairs; ++i) {
            const __m256 rising = _mm256_fmadd_ps(sum[i], sum_factor, _mm256_mul_ps(moment[i], moment_factor));
            const __m256 whole = _mm256_add_ps(carried[i], _mm256_sub_ps(sum[i], rising));
            if (m > 0) _mm256_storeu_ps(out + i * 2 * kSumLanes, whole);
            carried[i] = rising;
        }
    }
}

void blend_columns(const float* rows, std::ptrdiff_t pitch, const int* first, const float* weights, int width,
                   float* sums) {
    for (int x = 0; x < width; ++x) {
        const __m256 weight = _mm256_broadcast_ss(weights + x);
        const float* pixel = rows + static_cast<std::ptrdiff_t>(first[x]) * 3;
        float* out = sums + static_cast<std::ptrdiff_t>(x) * kRowGroup * kSumLanes;
        for (int i = 0; i < kPairs; ++i) {
            const __m256 from = load_pixel(pixel + 2 * i * pitch, pitch);
            const __m256 step = _mm256_sub_ps(load_pixel(pixel + 2 * i * pitch + 3, pitch), from);
            _mm256_storeu_ps(out + i * 2 * kSumLanes, _mm256_fmadd_ps(step, weight, from));
        }
    }
}

// Four columns of two rows, pixels to planes: plane[c] = [row 0: x0 x1 x2 x3 | row 1: x0 x1 x2 x3].
inline void transpose_pixels(const float* sums, __m256 plane[3]) {
    constexpr int kColumn = kRowGroup * kSumLanes;
    const __m256 p0 = _mm256_loadu_ps(sums);
    const __m256 p1 = _mm256_loadu_ps(sums + kColumn);
    const __m256 p2 = _mm256_loadu_ps(sums + 2 * kColumn);
    const __m256 p3 = _mm256_loadu_ps(sums + 3 * kColumn);
    const __m256 low01 = _mm256_unpacklo_ps(p0, p1);  // b0 b1 g0 g1
    const __m256 low23 = _mm256_unpacklo_ps(p2, p3);
    const __m256 high01 = _mm256_unpackhi_ps(p0, p1);  // r0 r1 - -
    const __m256 high23 = _mm256_unpackhi_ps(p2, p3);
    plane[0] = _mm256_shuffle_ps(low01, low23, 0x44);
    plane[1] = _mm256_shuffle_ps(low01, low23, 0xEE);
    plane[2] = _mm256_shuffle_ps(high01, high23, 0x44);
}

inline void store_columns(float* out, __m128 values, int count) {
    if (count >= 4) {
        _mm_storeu_ps(out, values);
        return;
    }
    float lanes[4];
    _mm_storeu_ps(lanes, values);
    for (int i = 0; i < count; ++i) out[i] = lanes[i];
}

// `sums` is readable up to the next multiple of four columns, like column_gain.
void emit(const float* sums, const Emission& e) {
    for (int pair = 0; pair < kPairs && 2 * pair < e.rows; ++pair) {
        const int upper = 2 * pair;
        __m256 row_gain[3];
        for (int p = 0; p < 3; ++p) {
            row_gain[p] = _mm256_set_m128(_mm_set1_ps(e.row_gain[upper + 1][p]), _mm_set1_ps(e.row_gain[upper][p]));
        }
        for (int x = 0; x < e.width; x += 4) {
            __m256 plane[3];
            transpose_pixels(sums + (static_cast<std::ptrdiff_t>(x) * kRowGroup + upper) * kSumLanes, plane);
            const __m128 gains = _mm_loadu_ps(e.column_gain + x);
            const __m256 column_gain = _mm256_set_m128(gains, gains);
            for (int p = 0; p < 3; ++p) {
                const __m256 gain = _mm256_mul_ps(column_gain, row_gain[p]);
                const __m256 bias = _mm256_broadcast_ss(e.bias + p);
                const __m256 value = _mm256_fmadd_ps(plane[e.channel[p]], gain, bias);
                float* out = e.out + p * e.plane_pitch + static_cast<std::ptrdiff_t>(upper) * e.width + x;
                store_columns(out, _mm256_castps256_ps128(value), e.width - x);
                if (upper + 1 < e.rows) {
                    store_columns(out + e.width, _mm256_extractf128_ps(value, 1), e.width - x);
                }
            }
        }
    }
}

}  // namespace

const Kernels avx2_kernels = {fold_rows, blend_rows, fold_columns, blend_columns, emit};

}  // namespace hpe::simd
