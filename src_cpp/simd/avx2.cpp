// AVX2 + FMA twins of scalar.cpp. Only this file is compiled with -mavx2 -mfma, so it must not instantiate a
// template or inline function of another header: the linker could keep this copy for everybody, and a machine
// without AVX2 would stop at it. Hence raw pointers and intrinsics only.
#include <immintrin.h>

#include "simd/kernels.hpp"

namespace hpe::simd {
namespace {

constexpr int kStrip = 32;          // columns that fold_rows takes at once
constexpr int kCacheLine = 64;      // bytes
constexpr int kUnrolled = 10;       // runs up to this length have kernels of their own
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
    const std::uint8_t* next[kRows > 0 ? kRows : 1];
    for (int k = 0; k < kRows; ++k) {
        rows[k] = run.rows[k];
        next[k] = run.next[k];
    }
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
            // Rows lie in pages of their own, where the processor does not look ahead by itself.
            if (x % kCacheLine == 0) {
                for (int k = 0; k < kRows; ++k) __builtin_prefetch(next[k] + x);
            }
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
        fold_strips<0>, fold_strips<1>, fold_strips<2>, fold_strips<3>, fold_strips<4>, fold_strips<5>,
        fold_strips<6>, fold_strips<7>, fold_strips<8>, fold_strips<9>, fold_strips<10>};
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

// The column kernels work on panels: eight rows turned around, so that one register holds one value of all rows.
constexpr int kPanelPixels = 136;
constexpr int kTile = 8;  // outputs between two stores

// Eight vectors of eight floats, `pitch` apart, turned around.
inline void transpose(const float* source, std::ptrdiff_t pitch, __m256 out[8]) {
    for (int half = 0; half < 2; ++half, source += 4) {
        __m256 rows[4];
        for (int i = 0; i < 4; ++i) {
            rows[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(source + i * pitch)),
                                           _mm_loadu_ps(source + (i + 4) * pitch), 1);
        }
        const __m256 low01 = _mm256_unpacklo_ps(rows[0], rows[1]);
        const __m256 low23 = _mm256_unpacklo_ps(rows[2], rows[3]);
        const __m256 high01 = _mm256_unpackhi_ps(rows[0], rows[1]);
        const __m256 high23 = _mm256_unpackhi_ps(rows[2], rows[3]);
        out[4 * half + 0] = _mm256_shuffle_ps(low01, low23, 0x44);
        out[4 * half + 1] = _mm256_shuffle_ps(low01, low23, 0xEE);
        out[4 * half + 2] = _mm256_shuffle_ps(high01, high23, 0x44);
        out[4 * half + 3] = _mm256_shuffle_ps(high01, high23, 0xEE);
    }
}

struct Panel {
    alignas(32) float values[(kPanelPixels + kTile + 1) * 3][8];  // fills end on a whole vector and begin on a pair
    int first;  // pixel

    void put(int pixel, __m256 c0, __m256 c1, __m256 c2) {
        _mm256_store_ps(values[3 * pixel], c0);
        _mm256_store_ps(values[3 * pixel + 1], c1);
        _mm256_store_ps(values[3 * pixel + 2], c2);
    }
};

// Channels side by side, all of them read.
template <int kChannels>
inline void fill_from_dense(const PixelRows& rows, int end, Panel& panel) {
    const float* source = rows.data + static_cast<std::ptrdiff_t>(panel.first) * kChannels;
    const int count = (end - panel.first) * kChannels;
    for (int i = 0; i < count; i += 8) {
        __m256 values[8];
        transpose(source + i, rows.pitch, values);
        for (int k = 0; k < 8; ++k) _mm256_store_ps(panel.values[i + k], values[k]);
    }
}

// Not inlined, as those below: each length of run has its own kernel, which would get a copy of all.
[[gnu::noinline]] void fill_from_colour4(const PixelRows& rows, int end, Panel& panel) {
    for (int i = 0; i < end - panel.first; i += 2) {
        __m256 v[8];
        transpose(rows.data + 4 * static_cast<std::ptrdiff_t>(panel.first + i), rows.pitch, v);
        panel.put(i, v[0], v[1], v[2]);
        panel.put(i + 1, v[4], v[5], v[6]);
    }
}

[[gnu::noinline]] void fill_from_yuyv(const PixelRows& rows, int end, Panel& panel) {
    for (int i = 0; i < end - panel.first; i += 4) {
        __m256 v[8];
        transpose(rows.data + 2 * static_cast<std::ptrdiff_t>(panel.first + i), rows.pitch, v);
        for (int k = 0; k < 8; k += 4) {
            panel.put(i + k / 2, v[k], v[k + 1], v[k + 3]);
            panel.put(i + k / 2 + 1, v[k + 2], v[k + 1], v[k + 3]);
        }
    }
}

[[gnu::noinline]] void fill_from_nv12(const PixelRows& rows, int end, Panel& panel) {
    for (int i = 0; i < end - panel.first; i += 8) {
        __m256 luma[8];
        __m256 chroma[8];
        transpose(rows.data + panel.first + i, rows.pitch, luma);
        transpose(rows.data + rows.chroma + panel.first + i, rows.pitch, chroma);
        for (int k = 0; k < 8; ++k) panel.put(i + k, luma[k], chroma[k & ~1], chroma[k | 1]);
    }
}

// The pixels first .. end - 1; from an even one on where two share their chroma.
template <int kChannels>
inline void fill_panel(const PixelRows& rows, int first, int end, Panel& panel) {
    panel.first = first;
    switch (rows.layout) {
        case RowLayout::Mono:
        case RowLayout::Colour3: return fill_from_dense<kChannels>(rows, end, panel);
        case RowLayout::Colour4: return fill_from_colour4(rows, end, panel);
        case RowLayout::Yuyv: panel.first &= ~1; return fill_from_yuyv(rows, end, panel);
        case RowLayout::Nv12: panel.first &= ~1; return fill_from_nv12(rows, end, panel);
    }
}

// Sums of up to kTile outputs, gains of the columns applied; one register holds eight rows.
template <int kChannels>
struct Tile {
    alignas(32) float sums[kChannels][kTile][8];
};

inline __m256i lanes_below(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

// Columns x .. x + 7 of plane p, as far as they exist; value(row, gain, bias) gives them.
template <class Value>
inline void write_plane(const Planes& planes, int p, int x, const Value& value) {
    const int count = planes.width - x;
    const __m256i mask = lanes_below(count);
    const __m256 bias = _mm256_broadcast_ss(planes.bias + p);
    float* out = planes.out + p * planes.plane_pitch + x;
    for (int row = 0; row < planes.rows; ++row, out += planes.width) {
        const __m256 gain = _mm256_broadcast_ss(&planes.row_gain[p][row]);
        if (count >= kTile) {
            _mm256_storeu_ps(out, value(row, gain, bias));
        } else {
            _mm256_maskstore_ps(out, mask, value(row, gain, bias));
        }
    }
}

// Turns a tile of Y, U and V around again and writes its colours.
[[gnu::noinline]] void write_mixed_tile(const Tile<3>& tile, const Planes& planes, int x) {
    const ColourMix& mix = *planes.mix;
    __m256 yuv[3][8];
    for (int c = 0; c < 3; ++c) transpose(tile.sums[c][0], 8, yuv[c]);
    for (int p = 0; p < 3; ++p) {
        const __m256 weights[3] = {_mm256_broadcast_ss(mix.weights[p]), _mm256_broadcast_ss(mix.weights[p] + 1),
                                   _mm256_broadcast_ss(mix.weights[p] + 2)};
        const __m256 low = _mm256_broadcast_ss(mix.low + p);
        const __m256 high = _mm256_broadcast_ss(mix.high + p);
        write_plane(planes, p, x, [&](int row, __m256 gain, __m256 bias) {
            __m256 sum = _mm256_mul_ps(yuv[0][row], weights[0]);
            for (int c = 1; c < 3; ++c) sum = _mm256_fmadd_ps(yuv[c][row], weights[c], sum);
            return _mm256_min_ps(_mm256_max_ps(_mm256_fmadd_ps(sum, gain, bias), low), high);
        });
    }
}

// Turns a tile around again and writes it, or the colours of one of Y, U and V.
template <int kChannels>
inline void write_tile(const Tile<kChannels>& tile, const Planes& planes, int x) {
    if constexpr (kChannels == 3) {
        if (planes.mix != nullptr) return write_mixed_tile(tile, planes, x);
    }
    for (int c = 0; c < kChannels; ++c) {
        __m256 rows[8];
        transpose(tile.sums[c][0], 8, rows);
        const int from = kChannels == 1 ? 0 : planes.swap ? 2 - c : c;
        const int to = kChannels == 1 ? 3 : from + 1;
        for (int p = from; p < to; ++p) {
            write_plane(planes, p, x,
                        [&](int row, __m256 gain, __m256 bias) { return _mm256_fmadd_ps(rows[row], gain, bias); });
        }
    }
}

// Rising and falling sums of run m; the falling ones are added to `carried` and given back, the rising ones replace it.
template <int kLongest, int kChannels>
inline void fold_pixels(const Panel& panel, const ColumnRuns& runs, int m, __m256 carried[kChannels],
                        __m256 whole[kChannels]) {
    const int longest = kLongest > 0 ? kLongest : runs.longest;
    const float* value = panel.values[(runs.starts[m] - panel.first) * kChannels];
    const int length = runs.starts[m + 1] - runs.starts[m];
    const __m256 last_mask = _mm256_castsi256_ps(_mm256_set1_epi32(length == longest ? -1 : 0));
    __m256 sum[kChannels];
    __m256 moment[kChannels];
    for (int c = 0; c < kChannels; ++c) sum[c] = moment[c] = _mm256_setzero_ps();
    for (int k = 0; k < longest; ++k) {
        for (int c = 0; c < kChannels; ++c, value += 8) {
            __m256 v = _mm256_load_ps(value);
            if (k == longest - 1) v = _mm256_and_ps(v, last_mask);
            if (k > 1) moment[c] = _mm256_add_ps(moment[c], sum[c]);
            if (k == 1) moment[c] = sum[c];
            sum[c] = k == 0 ? v : _mm256_add_ps(sum[c], v);
        }
    }
    const __m256 sum_weight = _mm256_broadcast_ss(runs.sum_weights + m);
    const __m256 moment_weight = _mm256_broadcast_ss(&runs.moment_weight);
    for (int c = 0; c < kChannels; ++c) {
        const __m256 rising = _mm256_fmadd_ps(sum[c], sum_weight, _mm256_mul_ps(moment[c], moment_weight));
        whole[c] = _mm256_sub_ps(_mm256_add_ps(carried[c], sum[c]), rising);
        carried[c] = rising;
    }
}

template <int kLongest, int kChannels>
void fold_columns_as(const PixelRows& rows, const ColumnRuns& runs, const Planes& planes) {
    const int runs_in_panel = kPanelPixels / runs.longest;
    Panel panel;
    Tile<kChannels> tile;
    __m256 carried[kChannels];
    __m256 whole[kChannels];
    for (int c = 0; c < kChannels; ++c) carried[c] = _mm256_setzero_ps();
    fill_panel<kChannels>(rows, runs.starts[0], runs.starts[0] + runs.longest, panel);
    fold_pixels<kLongest, kChannels>(panel, runs, 0, carried, whole);
    for (int x = 0; x < planes.width; x += kTile) {
        const int stop = x + kTile < planes.width ? x + kTile : planes.width;
        for (int begin = x; begin < stop; begin += runs_in_panel) {
            const int end = begin + runs_in_panel < stop ? begin + runs_in_panel : stop;
            fill_panel<kChannels>(rows, runs.starts[begin + 1], runs.starts[end] + runs.longest, panel);
            for (int i = begin; i < end; ++i) {
                fold_pixels<kLongest, kChannels>(panel, runs, i + 1, carried, whole);
                const __m256 gain = _mm256_broadcast_ss(planes.column_gain + i);
                for (int c = 0; c < kChannels; ++c) {
                    _mm256_store_ps(tile.sums[c][i - x], _mm256_mul_ps(whole[c], gain));
                }
            }
        }
        write_tile<kChannels>(tile, planes, x);
    }
}

void fold_columns(const PixelRows& rows, const ColumnRuns& runs, const Planes& planes) {
    using Fold = void (*)(const PixelRows&, const ColumnRuns&, const Planes&);
    constexpr Fold kColour[kUnrolled + 1] = {
        fold_columns_as<0, 3>, fold_columns_as<1, 3>, fold_columns_as<2, 3>, fold_columns_as<3, 3>,
        fold_columns_as<4, 3>, fold_columns_as<5, 3>, fold_columns_as<6, 3>, fold_columns_as<7, 3>,
        fold_columns_as<8, 3>, fold_columns_as<9, 3>, fold_columns_as<10, 3>};
    if (runs.longest > kPanelPixels) {
        scalar_kernels.fold_columns(rows, runs, planes);
    } else if (rows.layout == RowLayout::Mono) {
        fold_columns_as<0, 1>(rows, runs, planes);
    } else {
        kColour[runs.longest <= kUnrolled ? runs.longest : 0](rows, runs, planes);
    }
}

template <int kChannels>
void blend_columns_as(const PixelRows& rows, const ColumnBlends& blends, const Planes& planes) {
    Panel panel;
    Tile<kChannels> tile;
    for (int x = 0; x < planes.width; x += kTile) {
        const int stop = x + kTile < planes.width ? x + kTile : planes.width;
        fill_panel<kChannels>(rows, blends.first[x], blends.first[stop - 1] + 2, panel);
        for (int i = x; i < stop; ++i) {
            const __m256 weight = _mm256_broadcast_ss(blends.weights + i);
            const __m256 gain = _mm256_broadcast_ss(planes.column_gain + i);
            const int at = (blends.first[i] - panel.first) * kChannels;
            for (int c = 0; c < kChannels; ++c) {
                const __m256 from = _mm256_load_ps(panel.values[at + c]);
                const __m256 step = _mm256_sub_ps(_mm256_load_ps(panel.values[at + kChannels + c]), from);
                _mm256_store_ps(tile.sums[c][i - x], _mm256_mul_ps(_mm256_fmadd_ps(step, weight, from), gain));
            }
        }
        write_tile<kChannels>(tile, planes, x);
    }
}

void blend_columns(const PixelRows& rows, const ColumnBlends& blends, const Planes& planes) {
    if (rows.layout == RowLayout::Mono) {
        blend_columns_as<1>(rows, blends, planes);
    } else {
        blend_columns_as<3>(rows, blends, planes);
    }
}

}  // namespace

const Kernels avx2_kernels = {fold_rows, blend_rows, fold_columns, blend_columns};

}  // namespace hpe::simd
