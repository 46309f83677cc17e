// NEON with the dot product of Armv8.2. It multiplies signed bytes alone: it sees activations less 128, and sums start
// from what that leaves out.
#include <arm_neon.h>

#include "simd/network_kernels.hpp"
#include "simd/quantized_kernels.hpp"

namespace hpe::simd {
namespace {

constexpr float kInfinity = __builtin_inff();

#include "simd/neon_lanes.inl"

struct V : Lanes {
    static constexpr int kOffset = 128;
    using Ints = int32x4_t;
    using Quads = int8x16_t;
    using Weights = int8x16_t;
    static Ints start(const std::int32_t* sums) { return vld1q_s32(sums); }
    static Quads quad(const std::uint8_t* x) {
        std::uint32_t bytes;
        __builtin_memcpy(&bytes, x, sizeof bytes);
        return vreinterpretq_s8_u32(vdupq_n_u32(bytes ^ 0x80808080U));
    }
    static Weights load_weights(const std::int8_t* weights) { return vld1q_s8(weights); }
    static Ints dot(Ints sum, Quads x, Weights w) {
        return vdotq_s32(sum, x, w);
    }
    static Type to_float(Ints sum) { return vcvtq_f32_s32(sum); }
};

#include "simd/network_kernels.inl"
#include "simd/quantized_kernels.inl"

}  // namespace

const NetworkKernels neondot_network_kernels = kTable;
const QuantizedKernels neondot_quantized_kernels = kQuantizedTable;

}  // namespace hpe::simd
