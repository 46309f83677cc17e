// Sixteen lanes: AVX-512 F, BW, DQ, VL and VNNI.
#include <immintrin.h>

#include "simd/network_kernels.hpp"
#include "simd/quantized_kernels.hpp"

namespace hpe::simd {
namespace {

constexpr float kInfinity = __builtin_inff();

struct V {
    using Type = __m512;
    static constexpr int kLanes = 16;
    static constexpr int kMaxRows = 8;
    static constexpr int kMaxVectors = 3;

    static __mmask16 mask(int n) { return static_cast<__mmask16>((1U << n) - 1U); }
    static Type zero() { return _mm512_setzero_ps(); }
    static Type set1(float x) { return _mm512_set1_ps(x); }
    static Type load(const float* x) { return _mm512_loadu_ps(x); }
    static void store(float* out, Type x) { _mm512_storeu_ps(out, x); }
    static Type load_part(const float* x, int n) { return _mm512_maskz_loadu_ps(mask(n), x); }
    static void store_part(float* out, Type x, int n) { _mm512_mask_storeu_ps(out, mask(n), x); }
    static Type repeat_four(const float* x) { return _mm512_broadcast_f32x4(_mm_loadu_ps(x)); }
    static Type sum_fours(Type a, Type b, Type c, Type d) {
        const Type ab = add(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));  // a02 b02 a13 b13
        const Type cd = add(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
        return add(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xEE));
    }
    static Type add(Type a, Type b) { return _mm512_add_ps(a, b); }
    static Type sub(Type a, Type b) { return _mm512_sub_ps(a, b); }
    static Type mul(Type a, Type b) { return _mm512_mul_ps(a, b); }
    static Type div(Type a, Type b) { return _mm512_div_ps(a, b); }
    static Type min(Type a, Type b) { return _mm512_min_ps(a, b); }
    static Type max(Type a, Type b) { return _mm512_max_ps(a, b); }
    static Type fma(Type a, Type b, Type c) { return _mm512_fmadd_ps(a, b, c); }
    static Type sqrt(Type x) { return _mm512_sqrt_ps(x); }
    static Type round(Type x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
    static Type scale_pow2(Type x, Type n) { return _mm512_scalef_ps(x, n); }
    static float sum(Type x) { return _mm512_reduce_add_ps(x); }
    static float top(Type x) { return _mm512_reduce_max_ps(x); }

    static Type fused(Type a, Type b, Type c) { return fma(a, b, c); }

    static constexpr int kQuantizedRows = 8;
    static constexpr int kQuantizedVectors = 3;
    static constexpr int kOffset = 0;
    using Ints = __m512i;
    using Quads = __m512i;
    using Weights = __m512i;
    static Ints start(const std::int32_t*) { return _mm512_setzero_si512(); }
    static Quads quad(const std::uint8_t* x) {
        std::int32_t bytes;
        __builtin_memcpy(&bytes, x, sizeof bytes);
        return _mm512_set1_epi32(bytes);
    }
    static Weights load_weights(const std::int8_t* weights) { return _mm512_loadu_si512(weights); }
    static Ints dot(Ints sum, Quads x, Weights w) { return _mm512_dpbusd_epi32(sum, x, w); }
    static Type to_float(Ints sum) { return _mm512_cvtepi32_ps(sum); }
    static Type load_bytes(const std::uint8_t* x, int n) {
        const __m128i bytes = n == kLanes ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(x)) : _mm_maskz_loadu_epi8(mask(n), x);
        return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
    }
    static void store_pixels(std::uint8_t* out, Type c0, Type c1, Type c2, Type c3) {
        const __m512i low = _mm512_or_si512(_mm512_cvtps_epi32(c0), _mm512_slli_epi32(_mm512_cvtps_epi32(c1), 8));
        const __m512i high = _mm512_or_si512(_mm512_cvtps_epi32(c2), _mm512_slli_epi32(_mm512_cvtps_epi32(c3), 8));
        _mm512_storeu_si512(out, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
    }
    using Words = __m256i;
    static Words no_words() { return _mm256_setzero_si256(); }
    static Words add_bytes(Words sum, const std::uint8_t* x) {
        return _mm256_add_epi16(sum, _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x))));
    }
    static Type words_to_float(Words sum) { return _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(sum)); }
    static void store_bytes(std::uint8_t* out, Type x, int n) {
        const __m128i bytes = _mm512_cvtusepi32_epi8(_mm512_cvtps_epi32(x));
        if (n == kLanes) {  // a masked store of bytes takes many times as long
            _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
        } else {
            _mm_mask_storeu_epi8(out, mask(n), bytes);
        }
    }
};

#include "simd/network_kernels.inl"
#include "simd/quantized_kernels.inl"

}  // namespace

const NetworkKernels avx512_network_kernels = kTable;
const QuantizedKernels avx512_quantized_kernels = kQuantizedTable;

}  // namespace hpe::simd
