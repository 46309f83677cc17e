// Sixteen lanes: AVX-512 F, BW, DQ, VL and VNNI.
#include <immintrin.h>

#include "simd/network_kernels.hpp"

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
};

#include "simd/network_kernels.inl"

}  // namespace

const NetworkKernels avx512_network_kernels = kTable;

}  // namespace hpe::simd
