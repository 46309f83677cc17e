// One lane: the plainest form of every kernel of the network.
#include <cmath>

#include "simd/network_kernels.hpp"
#include "simd/quantized_kernels.hpp"

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

    static Type fused(Type a, Type b, Type c) { return std::fma(a, b, c); }

    static constexpr int kQuantizedRows = 4;
    static constexpr int kQuantizedVectors = 2;
    static constexpr int kOffset = 0;
    using Ints = std::int32_t;
    using Quads = const std::uint8_t*;
    using Weights = const std::int8_t*;
    static Ints start(const std::int32_t*) { return 0; }
    static Quads quad(const std::uint8_t* x) { return x; }
    static Weights load_weights(const std::int8_t* weights) { return weights; }
    static Ints dot(Ints sum, Quads x, Weights w) {
        for (int i = 0; i < kQuad; ++i) sum += x[i] * w[i];
        return sum;
    }
    static Type to_float(Ints sum) { return static_cast<float>(sum); }
    static Type load_bytes(const std::uint8_t* x, int) { return static_cast<float>(*x); }
    static void store_pixels(std::uint8_t* out, Type c0, Type c1, Type c2, Type c3) {
        store_bytes(out, c0, 1);
        store_bytes(out + 1, c1, 1);
        store_bytes(out + 2, c2, 1);
        store_bytes(out + 3, c3, 1);
    }
    using Words = std::int32_t;
    static Words no_words() { return 0; }
    static Words add_bytes(Words sum, const std::uint8_t* x) { return sum + *x; }
    static Type words_to_float(Words sum) { return static_cast<float>(sum); }
    static void store_bytes(std::uint8_t* out, Type x, int) { *out = static_cast<std::uint8_t>(std::nearbyint(min(x, 255.0F))); }
};

#include "simd/network_kernels.inl"
#include "simd/quantized_kernels.inl"

}  // namespace

const NetworkKernels scalar_network_kernels = kTable;
const QuantizedKernels scalar_quantized_kernels = kQuantizedTable;

}  // namespace hpe::simd
