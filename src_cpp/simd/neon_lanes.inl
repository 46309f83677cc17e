// Four lanes: NEON of AArch64. Included by the files of its two instruction sets, whose V adds the 8-bit products.

struct Lanes {
    using Type = float32x4_t;
    static constexpr int kLanes = 4;
    static constexpr int kMaxRows = 8;
    static constexpr int kMaxVectors = 2;

    static Type zero() { return vdupq_n_f32(0.0F); }
    static Type set1(float x) { return vdupq_n_f32(x); }
    static Type load(const float* x) { return vld1q_f32(x); }
    static void store(float* out, Type x) { vst1q_f32(out, x); }
    static Type load_part(const float* x, int n) {
        float lanes[kLanes] = {};
        __builtin_memcpy(lanes, x, static_cast<std::size_t>(n) * sizeof(float));
        return vld1q_f32(lanes);
    }
    static void store_part(float* out, Type x, int n) {
        float lanes[kLanes];
        vst1q_f32(lanes, x);
        __builtin_memcpy(out, lanes, static_cast<std::size_t>(n) * sizeof(float));
    }
    static Type repeat_four(const float* x) { return vld1q_f32(x); }
    static Type sum_fours(Type a, Type b, Type c, Type d) { return vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d)); }
    static Type add(Type a, Type b) { return vaddq_f32(a, b); }
    static Type sub(Type a, Type b) { return vsubq_f32(a, b); }
    static Type mul(Type a, Type b) { return vmulq_f32(a, b); }
    static Type div(Type a, Type b) { return vdivq_f32(a, b); }
    static Type min(Type a, Type b) { return vminq_f32(a, b); }
    static Type max(Type a, Type b) { return vmaxq_f32(a, b); }
    static Type fma(Type a, Type b, Type c) { return vfmaq_f32(c, a, b); }
    static Type sqrt(Type x) { return vsqrtq_f32(x); }
    static Type round(Type x) { return vrndnq_f32(x); }
    static Type scale_pow2(Type x, Type n) {
        const int32x4_t exponent = vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)), 23);
        return vmulq_f32(x, vreinterpretq_f32_s32(exponent));
    }
    static float sum(Type x) { return vaddvq_f32(x); }
    static float top(Type x) { return vmaxvq_f32(x); }

    static Type fused(Type a, Type b, Type c) { return fma(a, b, c); }

    static constexpr int kQuantizedRows = 8;
    static constexpr int kQuantizedVectors = 2;
    static Type load_bytes(const std::uint8_t* x, int n) {
        std::uint8_t bytes[8] = {};
        __builtin_memcpy(bytes, x, static_cast<std::size_t>(n));
        return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vld1_u8(bytes)))));
    }
    static void store_pixels(std::uint8_t* out, Type c0, Type c1, Type c2, Type c3) {
        const uint32x4_t low = vsliq_n_u32(vcvtnq_u32_f32(c0), vcvtnq_u32_f32(c1), 8);
        const uint32x4_t high = vsliq_n_u32(vcvtnq_u32_f32(c2), vcvtnq_u32_f32(c3), 8);
        vst1q_u8(out, vreinterpretq_u8_u32(vsliq_n_u32(low, high, 16)));
    }
    using Words = uint16x4_t;
    static Words no_words() { return vdup_n_u16(0); }
    static Words add_bytes(Words sum, const std::uint8_t* x) {
        std::uint8_t bytes[8] = {};
        __builtin_memcpy(bytes, x, kLanes);
        return vadd_u16(sum, vget_low_u16(vmovl_u8(vld1_u8(bytes))));
    }
    static Type words_to_float(Words sum) { return vcvtq_f32_u32(vmovl_u16(sum)); }
    static void store_bytes(std::uint8_t* out, Type x, int n) {
        const uint16x4_t words = vqmovn_u32(vcvtnq_u32_f32(x));
        std::uint8_t bytes[8];
        vst1_u8(bytes, vqmovn_u16(vcombine_u16(words, words)));
        __builtin_memcpy(out, bytes, static_cast<std::size_t>(n));
    }
};
