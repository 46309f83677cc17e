// NEON without the dot product: 16-bit products.
#include <arm_neon.h>

#include "simd/network_kernels.hpp"
#include "simd/quantized_kernels.hpp"

namespace hpe::simd {
namespace {

constexpr float kInfinity = __builtin_inff();

#include "simd/neon_lanes.inl"

struct V : Lanes {
    static constexpr int kOffset = 0;
    struct Ints {
        int32x4_t lane[4];  // four parts of the sum of each lane
    };
    using Quads = int16x4_t;
    struct Weights {
        int16x4_t lane[4];
    };
    static Ints start(const std::int32_t*) {
        const int32x4_t zero = vdupq_n_s32(0);
        return {{zero, zero, zero, zero}};
    }
    static Quads quad(const std::uint8_t* x) {
        std::uint8_t bytes[8] = {};
        __builtin_memcpy(bytes, x, kQuad);
        return vreinterpret_s16_u16(vget_low_u16(vmovl_u8(vld1_u8(bytes))));
    }
    static Weights load_weights(const std::int8_t* weights) {
        const int16x8_t low = vmovl_s8(vld1_s8(weights));
        const int16x8_t high = vmovl_s8(vld1_s8(weights + 8));
        return {{vget_low_s16(low), vget_high_s16(low), vget_low_s16(high), vget_high_s16(high)}};
    }
    static Ints dot(Ints sum, Quads x, Weights w) {
        for (int i = 0; i < 4; ++i) sum.lane[i] = vmlal_s16(sum.lane[i], x, w.lane[i]);
        return sum;
    }
    static Type to_float(Ints sum) {
        const int32x4_t low = vpaddq_s32(sum.lane[0], sum.lane[1]);
        return vcvtq_f32_s32(vpaddq_s32(low, vpaddq_s32(sum.lane[2], sum.lane[3])));
    }
};

#include "simd/network_kernels.inl"
#include "simd/quantized_kernels.inl"

}  // namespace

const NetworkKernels neon_network_kernels = kTable;
const QuantizedKernels neon_quantized_kernels = kQuantizedTable;

}  // namespace hpe::simd
