#include "nn/steps.hpp"

#include <algorithm>
#include <cstring>

namespace hpe::nn {
namespace {

void clear_tail(float* x, const ZeroTail& zeros) { std::fill_n(x + zeros.at, zeros.count, 0.0F); }

}  // namespace

void GemmStep::run(const Memory& memory, const simd::NetworkKernels& kernels) const {
    if (zeros.count > 0) clear_tail(memory.at(x.buffer), zeros);
    simd::Gemm bound = gemm;
    bound.x = memory.at(x) + x_start;
    bound.offsets = offsets.data();
    bound.weights = memory.at(weights) + weights_start;
    bound.bias = has_bias ? memory.at(bias) : nullptr;
    bound.out = memory.at(out) + out_start;
    kernels.gemm(bound);
}

void DepthwiseStep::run(const Memory& memory, const simd::NetworkKernels& kernels) const {
    if (zeros.count > 0) clear_tail(memory.at(x), zeros);
    simd::Depthwise bound = depthwise;
    bound.x = memory.at(x);
    bound.offsets = offsets.data();
    bound.out = memory.at(out);
    kernels.depthwise(bound);
}

void DepthwisePlanesStep::run(const Memory& memory, const simd::NetworkKernels& kernels) const {
    simd::DepthwisePlanes bound = depthwise;
    bound.x = memory.at(x);
    bound.out = memory.at(out);
    kernels.depthwise_planes(bound);
}

void PoolStep::run(const Memory& memory, const simd::NetworkKernels& kernels) const {
    simd::PoolCells bound = pool;
    bound.x = memory.at(x);
    bound.offsets = offsets.data();
    bound.scale = scale.empty() ? nullptr : scale.data();
    bound.out = memory.at(out);
    kernels.pool(bound);
}

void WinogradStep::run(const Memory& memory, const simd::NetworkKernels& kernels) const {
    if (zeros.count > 0) clear_tail(memory.at(x), zeros);
    simd::WinogradInput in = input;
    in.x = memory.at(x);
    in.offsets = input_offsets.data();
    in.out = memory.at(transformed);
    kernels.winograd_input(in);
    const int side = input.m + 2;
    for (int i = 0; i < side * side; ++i) {
        simd::Gemm bound = gemm;
        bound.x = in.out + static_cast<std::ptrdiff_t>(i) * in.tiles * in.channels;
        bound.offsets = row_offsets.data();
        bound.weights = gemm.weights + static_cast<std::size_t>(i) * weights_pitch;
        bound.out = memory.at(product) + static_cast<std::ptrdiff_t>(i) * in.tiles * gemm.columns;
        kernels.gemm(bound);
    }
    simd::WinogradOutput back = output;
    back.x = memory.at(product);
    back.offsets = output_offsets.data();
    back.out = memory.at(out);
    kernels.winograd_output(back);
}

void UnaryStep::run(const Memory& memory, const simd::NetworkKernels& kernels) const {
    kernels.unary(op, clamp, memory.at(x), count, memory.at(out));
}

void BinaryStep::run(const Memory& memory, const simd::NetworkKernels& kernels) const {
    const float* const left = memory.at(a);
    const float* const right = memory.at(b);
    float* to = memory.at(out);
    for (std::size_t r = 0; r < a_offsets.size(); ++r, to += count) {
        kernels.binary(op, left + a_offsets[r], a_step, right + b_offsets[r], b_step, count, to);
    }
}

void SoftmaxStep::run(const Memory& memory, const simd::NetworkKernels& kernels) const {
    kernels.softmax(memory.at(x), axis, memory.at(out));
}

void ReduceStep::run(const Memory& memory, const simd::NetworkKernels& kernels) const {
    kernels.reduce(op, memory.at(x), axis, scale, memory.at(out));
}

void CopyStep::run(const Memory& memory, const simd::NetworkKernels&) const {
    const float* const from = memory.at(x);
    float* const to = memory.at(out);
    if (clear) std::fill_n(to, out_size, 0.0F);
    for (std::size_t r = 0; r < sources.size(); ++r) {
        const float* source = from + sources[r];
        float* target = to + targets[r];
        if (source_step == 1) {
            std::memcpy(target, source, static_cast<std::size_t>(count) * sizeof(float));
        } else {
            for (int i = 0; i < count; ++i) target[i] = source[static_cast<std::ptrdiff_t>(i) * source_step];
        }
    }
}

}  // namespace hpe::nn
