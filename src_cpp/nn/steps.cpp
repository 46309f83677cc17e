#include "nn/steps.hpp"

#include <algorithm>
#include <cstring>

namespace hpe::nn {
namespace {

void clear_tail(float* x, const ZeroTail& zeros) { std::fill_n(x + zeros.at, zeros.count, 0.0F); }

}  // namespace

void GemmStep::run(const Memory& memory, const Kernels& kernels) const {
    if (zeros.count > 0) clear_tail(memory.at(x.buffer), zeros);
    simd::Gemm bound = gemm;
    bound.x = memory.at(x) + x_start;
    bound.weights = memory.at(weights) + weights_start;
    bound.bias = has_bias ? memory.at(bias) : nullptr;
    bound.out = memory.at(out) + out_start;
    kernels.floats.gemm(bound);
}

void NarrowGemmStep::run(const Memory& memory, const Kernels& kernels) const {
    simd::NarrowGemm bound = gemm;
    bound.x = memory.at(x);
    bound.out = memory.at(out);
    kernels.floats.narrow_gemm(bound);
}

void DepthwiseStep::run(const Memory& memory, const Kernels& kernels) const {
    if (zeros.count > 0) clear_tail(memory.at(x), zeros);
    simd::Depthwise bound = depthwise;
    bound.x = memory.at(x);
    bound.out = memory.at(out);
    kernels.floats.depthwise(bound);
}

void SeparableStep::run(const Memory& memory, const Kernels& kernels) const {
    if (zeros.count > 0) clear_tail(memory.at(x), zeros);
    simd::Depthwise filters = depthwise;
    filters.x = memory.at(x);
    filters.out = memory.at(between);
    simd::Gemm product = gemm;
    product.x = filters.out;
    for (int pixel = 0; pixel < depthwise.pixels; pixel += gemm.rows) {
        filters.pixels = product.rows = std::min(gemm.rows, depthwise.pixels - pixel);
        filters.offsets = depthwise.offsets + pixel;
        product.out = memory.at(out) + pixel * gemm.out_pitch;
        kernels.floats.depthwise(filters);
        kernels.floats.gemm(product);
    }
}

void DepthwisePlanesStep::run(const Memory& memory, const Kernels& kernels) const {
    simd::DepthwisePlanes bound = depthwise;
    bound.x = memory.at(x);
    bound.out = memory.at(out);
    kernels.floats.depthwise_planes(bound);
}

void PoolStep::run(const Memory& memory, const Kernels& kernels) const {
    simd::PoolCells bound = pool;
    bound.x = memory.at(x);
    bound.out = memory.at(out);
    kernels.floats.pool(bound);
}

void WinogradStep::run(const Memory& memory, const Kernels& kernels) const {
    if (zeros.count > 0) clear_tail(memory.at(x), zeros);
    simd::WinogradInput in = input;
    in.x = memory.at(x);
    in.out = memory.at(transformed);
    kernels.floats.winograd_input(in);
    const int side = input.m + 2;
    for (int i = 0; i < side * side; ++i) {
        simd::Gemm bound = gemm;
        bound.x = in.out + static_cast<std::ptrdiff_t>(i) * in.tiles * in.channels;
        bound.weights = gemm.weights + static_cast<std::size_t>(i) * weights_pitch;
        bound.out = memory.at(product) + static_cast<std::ptrdiff_t>(i) * in.tiles * gemm.columns;
        kernels.floats.gemm(bound);
    }
    simd::WinogradOutput back = output;
    back.x = memory.at(product);
    back.out = memory.at(out);
    kernels.floats.winograd_output(back);
}

void UnaryStep::run(const Memory& memory, const Kernels& kernels) const {
    kernels.floats.unary(op, clamp, memory.at(x), count, memory.at(out));
}

void BinaryStep::run(const Memory& memory, const Kernels& kernels) const {
    const float* const left = memory.at(a);
    const float* const right = memory.at(b);
    float* to = memory.at(out);
    for (std::size_t r = 0; r < a_offsets.size(); ++r, to += count) {
        kernels.floats.binary(op, left + a_offsets[r], a_step, right + b_offsets[r], b_step, count, to);
    }
}

void SoftmaxStep::run(const Memory& memory, const Kernels& kernels) const {
    kernels.floats.softmax(memory.at(x), axis, memory.at(out));
}

void ReduceStep::run(const Memory& memory, const Kernels& kernels) const {
    kernels.floats.reduce(op, memory.at(x), axis, scale, memory.at(out));
}

namespace {

template <class T>
void copy_blocks(const CopyStep& step, const T* from, T* to) {
    if (step.clear) std::fill_n(to, step.out_size, T{});
    for (std::size_t r = 0; r < step.sources.size(); ++r) {
        const T* source = from + step.sources[r];
        T* target = to + step.targets[r];
        if (step.source_step == 1) {
            std::memcpy(target, source, static_cast<std::size_t>(step.count) * sizeof(T));
        } else {
            for (int i = 0; i < step.count; ++i) target[i] = source[static_cast<std::ptrdiff_t>(i) * step.source_step];
        }
    }
}

}  // namespace

void CopyStep::run(const Memory& memory, const Kernels&) const {
    if (type == Type::F32) {
        copy_blocks(*this, memory.at(x), memory.at(out));
    } else {
        copy_blocks(*this, memory.bytes_at(x.buffer), memory.bytes_at(out));
    }
}

void QuantizedGemmStep::run(const Memory& memory, const Kernels& kernels) const {
    std::uint8_t* const bytes = memory.bytes_at(x);
    std::fill_n(bytes + zeros.at, zeros.count, static_cast<std::uint8_t>(zero));
    simd::QuantizedGemm bound = gemm;
    bound.x = bytes + x_start;
    bound.out = memory.bytes_at(out) + out_start;
    kernels.bytes.gemm(bound);
}

void QuantizedPoolStep::run(const Memory& memory, const Kernels& kernels) const {
    simd::QuantizedPool bound = pool;
    bound.x = memory.bytes_at(x);
    bound.out = memory.bytes_at(out);
    kernels.bytes.pool(bound);
}

void QuantizePixelsStep::run(const Memory& memory, const Kernels& kernels) const {
    const float* const planes = memory.at(x);
    const std::ptrdiff_t pitch = static_cast<std::ptrdiff_t>(height) * width;
    std::uint8_t* to = memory.bytes_at(out);
    const auto add_border = [&](int pixels) { to = std::fill_n(to, pixels * simd::kQuad, static_cast<std::uint8_t>(border)); };
    add_border(top * padded_width);
    for (int y = 0; y < height; ++y) {
        add_border(left);
        kernels.bytes.quantize_pixels(planes + y * width, pitch, channels, width, factor, zero, to);
        to += width * simd::kQuad;
        add_border(padded_width - left - width);
    }
    add_border((padded_height - top - height) * padded_width);
}

void QuantizeStep::run(const Memory& memory, const Kernels& kernels) const {
    kernels.bytes.quantize(memory.at(x), count, factor, zero, memory.bytes_at(out));
}

void DequantizeStep::run(const Memory& memory, const Kernels& kernels) const {
    kernels.bytes.dequantize(memory.bytes_at(x), count, scale, zero, memory.at(out));
}

}  // namespace hpe::nn
