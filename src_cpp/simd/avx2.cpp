// AVX2 + FMA twins of scalar.cpp. Only this file is compiled with -mavx2 -mfma, so it must not instantiate a
// template or inline function of another header: the linker could keep this copy for everybody, and a machine
// without AVX2 would stop at it. Hence raw pointers and intrinsics only.
#include <immintrin.h>

#include "simd/kernels.hpp"

namespace hpe::simd {
namespace {

constexpr int kStrip = 32;          // columns that fold_rows takes at once
constexpr int kUnrolled = 6;        // runs up to this length have kernels of their own
constexpr int kLongestExact = 16;   // the integer moments of so many rows fit in 16 bits

// sum and moment (kernels.hpp) of up to kLongestExact rows over a strip, as 16-bit words. Unpacking works within
// the two halves of a register, so the columns are in the order 0-7 16-23 | 8-15 24-31.
struct Moments {
    __m256i sum[2];
    __m256i moment[2];
};

template <int kRows>
inline Moments strip_moments(const std::uint8_t* const* rows, int n, int x) {
    const __m256i zero = _mm256_setzero_si256();
    Moments r{{zero, zero}, {zero, zero}};
    for (int k = 0; k < (kRows > 0 ? kRows : n); ++k) {
        const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows[k] + x));
        const __m256i words[2] = {_mm256_unpacklo_epi8(bytes, zero), _mm256_unpackhi_epi8(bytes, zero)};
        for (int i = 0; i < 2; ++i) {
            r.moment[i] = _mm256_add_epi16(r.moment[i], r.sum[i]);
            r.sum[i] = _mm256_add_epi16(r.sum[i], words[i]);
        }
    }
    return r;
}

// Words to floats: quarter q of a strip has the columns 4q .. 4q + 3 and 16 + 4q .. 16 + 4q + 3.
inline __m256 quarter(const __m256i words[2], int q) {
    const __m256i half = words[q / 2];
    const __m256i zero = _mm256_setzero_si256();
    return _mm256_cvtepi32_ps(q % 2 == 0 ? _mm256_unpacklo_epi16(half, zero) : _mm256_unpackhi_epi16(half, zero));
}

// Adds the falling sums of a strip to `whole` and gives the rising ones.
inline void split_slopes(const Moments& moments, float sum_weight, float moment_weight, __m256 whole[4],
                         __m256 rising[4]) {
    for (int q = 0; q < 4; ++q) {
        const __m256 sum = quarter(moments.sum, q);
        const __m256 moment = quarter(moments.moment, q);
        rising[q] = _mm256_mul_ps(moment, _mm256_set1_ps(moment_weight));
        rising[q] = _mm256_fmadd_ps(sum, _mm256_set1_ps(sum_weight), rising[q]);
        whole[q] = _mm256_sub_ps(_mm256_add_ps(whole[q], sum), rising[q]);
    }
}

// Back to the order of the columns.
inline void store_strip(float* out, const __m256 quarters[4]) {
    for (int i = 0; i < 2; ++i) {
        const __m256 a = quarters[2 * i];
        const __m256 b = quarters[2 * i + 1];
        _mm256_storeu_ps(out + 8 * i, _mm256_permute2f128_ps(a, b, 0x20));
        _mm256_storeu_ps(out + 16 + 8 * i, _mm256_permute2f128_ps(a, b, 0x31));
    }
}

// A run of any length over a strip, in chunks whose moments are exact.
inline void fold_long_run(const RowRun& run, int x, __m256 whole[4], __m256 rising[4]) {
    for (int q = 0; q < 4; ++q) rising[q] = _mm256_setzero_ps();
    for (int begin = 0; begin < run.n; begin += kLongestExact) {
        const int n = run.n - begin < kLongestExact ? run.n - begin : kLongestExact;
        const auto rows_after = static_cast<float>(run.n - begin - n);
        __m256 part[4];
        split_slopes(strip_moments<0>(run.rows + begin, n, x), run.sum_weight + rows_after * run.moment_weight,
                     run.moment_weight, whole, part);
        for (int q = 0; q < 4; ++q) rising[q] = _mm256_add_ps(rising[q], part[q]);
    }
}

// All whole strips of a run of kRows rows (0: any number); returns the first column left over.
template <int kRows>
int fold_strips(const RowRun& run, float* carried, float* out) {
    const std::uint8_t* rows[kRows > 0 ? kRows : 1];
    for (int k = 0; k < kRows; ++k) rows[k] = run.rows[k];
    const float sum_weight = run.sum_weight;
    const float moment_weight = run.moment_weight;
    const int stop = run.width - kStrip;
    int x = 0;
    for (; x <= stop; x += kStrip) {
        __m256 whole[4];
        __m256 rising[4];
        for (int q = 0; q < 4; ++q) whole[q] = _mm256_loadu_ps(carried + x + 8 * q);
        if constexpr (kRows > 0) {
            split_slopes(strip_moments<kRows>(rows, kRows, x), sum_weight, moment_weight, whole, rising);
        } else {
            fold_long_run(run, x, whole, rising);
        }
        store_strip(out + x, whole);
        for (int q = 0; q < 4; ++q) _mm256_storeu_ps(carried + x + 8 * q, rising[q]);
    }
    return x;
}

void fold_rows(const RowRun& run, float* carried, float* out) {
    constexpr int (*kStrips[kUnrolled + 1])(const RowRun&, float*, float*) = {
        fold_strips<0>, fold_strips<1>, fold_strips<2>, fold_strips<3>,
        fold_strips<4>, fold_strips<5>, fold_strips<6>};
    const int done = kStrips[run.n <= kUnrolled ? run.n : 0](run, carried, out);
    if (done == run.width) return;
    // A few columns at the end, of an image narrower than a strip.
    for (int x = done; x < run.width; ++x) {
        int sum = 0;
        int moment = 0;
        for (int k = 0; k < run.n; ++k) {
            moment += sum;
            sum += run.rows[k][x];
        }
        const auto total = static_cast<float>(sum);
        const float rising = run.sum_weight * total + run.moment_weight * static_cast<float>(moment);
        out[x] = carried[x] + (total - rising);
        carried[x] = rising;
    }
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

// The runs have kLongest or kLongest - 1 pixels (0: any); a missing last pixel counts as zero.
template <int kLongest>
void fold_pixels(const ColumnRuns& given, float* sums) {
    const ColumnRuns runs = given;  // a local copy: the stores below cannot change it
    const int longest = kLongest > 0 ? kLongest : runs.longest;
    const std::ptrdiff_t pitch = runs.pitch;
    const __m256 moment_weight = _mm256_set1_ps(runs.moment_weight);
    __m256 carried[kPairs];
    for (int i = 0; i < kPairs; ++i) carried[i] = _mm256_setzero_ps();
    float* out = sums - kRowGroup * kSumLanes;
    for (int m = 0; m <= runs.width; ++m, out += kRowGroup * kSumLanes) {
        const float* pixel = runs.rows + static_cast<std::ptrdiff_t>(runs.starts[m]) * 3;
        const int length = runs.starts[m + 1] - runs.starts[m];
        const __m256 last_mask = _mm256_castsi256_ps(_mm256_set1_epi32(length == longest ? -1 : 0));
        const __m256 sum_weight = _mm256_broadcast_ss(runs.sum_weights + m);
        __m256 sum[kPairs];  // independent chains, which hide the latency of the additions
        __m256 moment[kPairs];
        for (int i = 0; i < kPairs; ++i) sum[i] = moment[i] = _mm256_setzero_ps();
        for (int k = 0; k < longest; ++k, pixel += 3) {
            for (int i = 0; i < kPairs; ++i) {
                __m256 value = load_pixel(pixel + 2 * i * pitch, pitch);
                if (k == longest - 1) value = _mm256_and_ps(value, last_mask);
                if (k > 1) moment[i] = _mm256_add_ps(moment[i], sum[i]);
                if (k == 1) moment[i] = sum[i];
                sum[i] = k == 0 ? value : _mm256_add_ps(sum[i], value);
            }
        }
        for (int i = 0; i < kPairs; ++i) {
            const __m256 rising = _mm256_fmadd_ps(sum[i], sum_weight, _mm256_mul_ps(moment[i], moment_weight));
            const __m256 whole = _mm256_sub_ps(_mm256_add_ps(carried[i], sum[i]), rising);
            if (m > 0) _mm256_storeu_ps(out + i * 2 * kSumLanes, whole);
            carried[i] = rising;
        }
    }
}

void fold_columns(const ColumnRuns& runs, float* sums) {
    constexpr void (*kPixels[kUnrolled + 1])(const ColumnRuns&, float*) = {
        fold_pixels<0>, fold_pixels<1>, fold_pixels<2>, fold_pixels<3>,
        fold_pixels<4>, fold_pixels<5>, fold_pixels<6>};
    kPixels[runs.longest <= kUnrolled ? runs.longest : 0](runs, sums);
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

// One pair of rows; kSwap reverses the channels. `sums` is readable up to the next multiple of four columns,
// like column_gain.
template <bool kSwap>
inline void emit_pair(const float* sums, const Emission& e, int upper) {
    __m256 row_gain[3];
    __m256 bias[3];
    for (int p = 0; p < 3; ++p) {
        row_gain[p] = _mm256_set_m128(_mm_set1_ps(e.row_gain[upper + 1][p]), _mm_set1_ps(e.row_gain[upper][p]));
        bias[p] = _mm256_broadcast_ss(e.bias + p);
    }
    const int width = e.width;
    const float* column_gain = e.column_gain;
    const bool has_lower = upper + 1 < e.rows;
    float* planes = e.out + static_cast<std::ptrdiff_t>(upper) * width;
    const std::ptrdiff_t plane_pitch = e.plane_pitch;
    sums += upper * kSumLanes;
    for (int x = 0; x < width; x += 4, sums += 4 * kRowGroup * kSumLanes) {
        __m256 plane[3];
        transpose_pixels(sums, plane);
        const __m256 gain = _mm256_broadcast_ps(reinterpret_cast<const __m128*>(column_gain + x));
        for (int p = 0; p < 3; ++p) {
            const __m256 value =
                _mm256_fmadd_ps(plane[kSwap ? 2 - p : p], _mm256_mul_ps(gain, row_gain[p]), bias[p]);
            float* out = planes + p * plane_pitch + x;
            store_columns(out, _mm256_castps256_ps128(value), width - x);
            if (has_lower) store_columns(out + width, _mm256_extractf128_ps(value, 1), width - x);
        }
    }
}

void emit(const float* sums, const Emission& e) {
    for (int upper = 0; upper < e.rows; upper += 2) {
        if (e.swap) {
            emit_pair<true>(sums, e, upper);
        } else {
            emit_pair<false>(sums, e, upper);
        }
    }
}

}  // namespace

const Kernels avx2_kernels = {fold_rows, blend_rows, fold_columns, blend_columns, emit};

}  // namespace hpe::simd
