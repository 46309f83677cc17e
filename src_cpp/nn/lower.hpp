// One function an operator: the steps that do its work.
#pragma once

#include "nn/builder.hpp"

namespace hpe::nn {

void lower(Builder& builder, const Node& node, const Conv& conv);
void lower(Builder& builder, const Node& node, const QConv& conv);
void lower(Builder& builder, const Node& node, const Quantize& quantize);
void lower(Builder& builder, const Node& node, const Dequantize& dequantize);
void lower(Builder& builder, const Node& node, const Linear& linear);
void lower(Builder& builder, const Node& node, const MatMul& matmul);
void lower(Builder& builder, const Node& node, const Binary& binary);
void lower(Builder& builder, const Node& node, const Unary& unary);
void lower(Builder& builder, const Node& node, const Softmax& softmax);
void lower(Builder& builder, const Node& node, const Pool& pool);
void lower(Builder& builder, const Node& node, const Reduce& reduce);
void lower(Builder& builder, const Node& node, const Reshape& reshape);
void lower(Builder& builder, const Node& node, const Transpose& transpose);
void lower(Builder& builder, const Node& node, const Concat& concat);
void lower(Builder& builder, const Node& node, const Slice& slice);

// The clamp that follows the node's output and nothing else reads, and the value behind it.
struct Fused {
    simd::Clamp clamp;
    int output;
};
[[nodiscard]] Fused fuse_clamp(Builder& builder, const Node& node);

// A clamp that changes nothing.
[[nodiscard]] simd::Clamp no_clamp();

// A [columns, depth] matrix, element (n, k) at n * column_step + k * depth_step, as blocks of columns for the kernel.
[[nodiscard]] std::size_t packed_size(const simd::NetworkKernels& kernels, int columns, int depth);
void pack(const simd::NetworkKernels& kernels, const float* matrix, int columns, int depth, std::ptrdiff_t column_step,
          std::ptrdiff_t depth_step, float* out);

// The pitches of packed weights.
void set_packed(const simd::NetworkKernels& kernels, simd::Gemm& gemm);

}  // namespace hpe::nn
