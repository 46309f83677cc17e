// Eight lanes: AVX2 and FMA.
#include <immintrin.h>

#include "simd/network_kernels.hpp"
#include "simd/quantized_kernels.hpp"

namespace hpe::simd {
namespace {

constexpr float kInfinity = __builtin_inff();

alignas(32) constexpr std::int32_t kLaneMasks[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};

struct V {
    using Type = __m256;
    static constexpr int kLanes = 8;
    static constexpr int kMaxRows = 6;
    static constexpr int kMaxVectors = 2;

    static __m256i mask(int n) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kLaneMasks + 8 - n)); }
    static Type zero() { return _mm256_setzero_ps(); }
    static Type set1(float x) { return _mm256_set1_ps(x); }
    static Type load(const float* x) { return _mm256_loadu_ps(x); }
    static void store(float* out, Type x) { _mm256_storeu_ps(out, x); }
    static Type load_part(const float* x, int n) { return _mm256_maskload_ps(x, mask(n)); }
    static void store_part(float* out, Type x, int n) { _mm256_maskstore_ps(out, mask(n), x); }
    static Type repeat_four(const float* x) { return _mm256_broadcast_ps(reinterpret_cast<const __m128*>(x)); }
    static Type sum_fours(Type a, Type b, Type c, Type d) {
        return _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    }
    static Type add(Type a, Type b) { return _mm256_add_ps(a, b); }
    static Type sub(Type a, Type b) { return _mm256_sub_ps(a, b); }
    static Type mul(Type a, Type b) { return _mm256_mul_ps(a, b); }
    static Type div(Type a, Type b) { return _mm256_div_ps(a, b); }
    static Type min(Type a, Type b) { return _mm256_min_ps(a, b); }
    static Type max(Type a, Type b) { return _mm256_max_ps(a, b); }
    static Type fma(Type a, Type b, Type c) { return _mm256_fmadd_ps(a, b, c); }
    static Type sqrt(Type x) { return _mm256_sqrt_ps(x); }
    static Type round(Type x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
    static Type scale_pow2(Type x, Type n) {
        const __m256i exponent = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
        return _mm256_mul_ps(x, _mm256_castsi256_ps(exponent));
    }
    static float sum(Type x) {
        __m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
        half = _mm_add_ps(half, _mm_movehl_ps(half, half));
        return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
    }
    static float top(Type x) {
        __m128 half = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
        half = _mm_max_ps(half, _mm_movehl_ps(half, half));
        return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
    }

    static Type fused(Type a, Type b, Type c) { return fma(a, b, c); }

    // Without an instruction for sums of four products of bytes: products of 16-bit words, added in pairs. The one for bytes
    // that AVX2 has saturates.
    static constexpr int kQuantizedRows = 4;
    static constexpr int kQuantizedVectors = 1;
    static constexpr int kOffset = 0;
    struct Ints {
        __m256i low, high;  // lanes 0-3 and 4-7, two halves of a sum side by side
    };
    using Quads = __m256i;
    struct Weights {
        __m256i low, high;
    };
    static Ints start(const std::int32_t*) { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
    static Quads quad(const std::uint8_t* x) {
        std::int32_t bytes;
        __builtin_memcpy(&bytes, x, sizeof bytes);
        return _mm256_cvtepu8_epi16(_mm_set1_epi32(bytes));
    }
    static Weights load_weights(const std::int8_t* weights) {
        const auto* bytes = reinterpret_cast<const __m128i*>(weights);
        return {_mm256_cvtepi8_epi16(_mm_loadu_si128(bytes)), _mm256_cvtepi8_epi16(_mm_loadu_si128(bytes + 1))};
    }
    static Ints dot(Ints sum, Quads x, Weights w) {
        return {_mm256_add_epi32(sum.low, _mm256_madd_epi16(x, w.low)),
                _mm256_add_epi32(sum.high, _mm256_madd_epi16(x, w.high))};
    }
    static Type to_float(Ints sum) {
        const __m256i whole = _mm256_hadd_epi32(sum.low, sum.high);  // lanes 0 1 4 5 2 3 6 7
        return _mm256_cvtepi32_ps(_mm256_permute4x64_epi64(whole, 0xD8));
    }
    static Type load_bytes(const std::uint8_t* x, int n) {
        std::uint8_t bytes[kLanes] = {};
        __builtin_memcpy(bytes, x, static_cast<std::size_t>(n));
        return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes))));
    }
    static void store_pixels(std::uint8_t* out, Type c0, Type c1, Type c2, Type c3) {
        const __m256i low = _mm256_or_si256(_mm256_cvtps_epi32(c0), _mm256_slli_epi32(_mm256_cvtps_epi32(c1), 8));
        const __m256i high = _mm256_or_si256(_mm256_cvtps_epi32(c2), _mm256_slli_epi32(_mm256_cvtps_epi32(c3), 8));
        const __m256i pixels = _mm256_or_si256(low, _mm256_slli_epi32(high, 16));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), pixels);
    }
    using Words = __m128i;
    static Words no_words() { return _mm_setzero_si128(); }
    static Words add_bytes(Words sum, const std::uint8_t* x) {
        return _mm_add_epi16(sum, _mm_cvtepu8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(x))));
    }
    static Type words_to_float(Words sum) { return _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(sum)); }
    static void store_bytes(std::uint8_t* out, Type x, int n) {
        const __m256i ints = _mm256_cvtps_epi32(min(x, set1(255.0F)));
        const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(ints), _mm256_extracti128_si256(ints, 1));
        const __m128i packed = _mm_packus_epi16(words, words);
        if (n == kLanes) return _mm_storel_epi64(reinterpret_cast<__m128i*>(out), packed);
        std::uint8_t bytes[kLanes];
        _mm_storel_epi64(reinterpret_cast<__m128i*>(bytes), packed);
        __builtin_memcpy(out, bytes, static_cast<std::size_t>(n));
    }
};

#include "simd/network_kernels.inl"
#include "simd/quantized_kernels.inl"

}  // namespace

const NetworkKernels avx2_network_kernels = kTable;
const QuantizedKernels avx2_quantized_kernels = kQuantizedTable;

}  // namespace hpe::simd
