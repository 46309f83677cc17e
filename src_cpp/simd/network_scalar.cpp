// One lane: the plainest form of every kernel of the network.
#include <cmath>

#include "simd/network_kernels.hpp"

namespace hpe::simd {
namespace {

constexpr float kInfinity = __builtin_inff();

struct V {
    using Type = float;
    static constexpr int kLanes = 1;
    static constexpr int kMaxRows = 4;
    static constexpr int kMaxVectors = 4;

    static Type zero() { return 0.0F; }
    static Type set1(float x) { return x; }
    static Type load(const float* x) { return *x; }
    static void store(float* out, Type x) { *out = x; }
    static Type load_part(const float* x, int) { return *x; }
    static void store_part(float* out, Type x, int) { *out = x; }
    static Type add(Type a, Type b) { return a + b; }
    static Type sub(Type a, Type b) { return a - b; }
    static Type mul(Type a, Type b) { return a * b; }
    static Type div(Type a, Type b) { return a / b; }
    static Type min(Type a, Type b) { return a < b ? a : b; }
    static Type max(Type a, Type b) { return a > b ? a : b; }
    static Type fma(Type a, Type b, Type c) { return a * b + c; }
    static Type sqrt(Type x) { return std::sqrt(x); }
    static Type round(Type x) { return std::nearbyint(x); }
    static Type scale_pow2(Type x, Type n) { return std::ldexp(x, static_cast<int>(n)); }
    static float sum(Type x) { return x; }
    static float top(Type x) { return x; }
};

#include "simd/network_kernels.inl"

}  // namespace

const NetworkKernels scalar_network_kernels = kTable;

}  // namespace hpe::simd
