// The steps of a plan: kernels with everything bound that is known before the first image.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nn/graph.hpp"
#include "nn/memory.hpp"
#include "simd/network_kernels.hpp"
#include "simd/quantized_kernels.hpp"

namespace hpe::nn {

// What a step reads: a buffer of the workspace, or a constant of the plan.
struct Operand {
    int buffer = -1;
    const float* constant = nullptr;
    std::size_t start = 0;  // element of the buffer
    bool part = false;      // of a larger value: what lies behind it belongs to that
};

// The buffers' addresses in one workspace.
class Memory {
  public:
    explicit Memory(std::vector<float*> buffers) : buffers_(std::move(buffers)) {}

    [[nodiscard]] float* at(int buffer) const noexcept { return buffers_[static_cast<std::size_t>(buffer)]; }
    [[nodiscard]] std::uint8_t* bytes_at(int buffer) const noexcept {
        return reinterpret_cast<std::uint8_t*>(at(buffer));
    }
    [[nodiscard]] const float* at(const Operand& operand) const noexcept {
        return operand.constant != nullptr ? operand.constant : at(operand.buffer) + operand.start;
    }
    void set(int buffer, float* address) noexcept { buffers_[static_cast<std::size_t>(buffer)] = address; }

  private:
    std::vector<float*> buffers_;
};

// The kernels of one instruction set.
struct Kernels {
    const simd::NetworkKernels& floats;
    const simd::QuantizedKernels& bytes;
};

class Step {
  public:
    virtual ~Step() = default;
    virtual void run(const Memory& memory, const Kernels& kernels) const = 0;
};

using Offsets = std::vector<std::int32_t>;      // while they are made
using KeptOffsets = std::span<const std::int32_t>;  // among the constants

// Where taps fall outside the image, offsets point behind the input's last element: so many zeros are kept there, or
// quantized ones.
struct ZeroTail {
    std::size_t at = 0;
    std::size_t count = 0;
};

struct GemmStep final : Step {
    simd::Gemm gemm;  // pointers into the workspace are filled in while running
    Operand x, weights, bias;
    bool has_bias = false;
    int out = -1;
    std::size_t x_start = 0, weights_start = 0, out_start = 0;
    ZeroTail zeros;

    void run(const Memory& memory, const Kernels& kernels) const override;
};

struct NarrowGemmStep final : Step {
    simd::NarrowGemm gemm;
    Operand x;
    int out = -1;

    void run(const Memory& memory, const Kernels& kernels) const override;
};

struct DepthwiseStep final : Step {
    simd::Depthwise depthwise;
    int x = -1, out = -1;
    ZeroTail zeros;

    void run(const Memory& memory, const Kernels& kernels) const override;
};

// A depthwise convolution and the 1x1 convolution of its result, block by block of pixels, so that what is between them
// stays in the L1 cache.
struct SeparableStep final : Step {
    simd::Depthwise depthwise;  // of all pixels
    simd::Gemm gemm;            // of one block
    int x = -1, between = -1, out = -1;
    ZeroTail zeros;

    void run(const Memory& memory, const Kernels& kernels) const override;
};

struct DepthwisePlanesStep final : Step {
    simd::DepthwisePlanes depthwise;
    Operand x;
    int out = -1;

    void run(const Memory& memory, const Kernels& kernels) const override;
};

struct PoolStep final : Step {
    simd::PoolCells pool;
    int x = -1, out = -1;

    void run(const Memory& memory, const Kernels& kernels) const override;
};

struct WinogradStep final : Step {
    simd::WinogradInput input;
    simd::WinogradOutput output;
    simd::Gemm gemm;  // of the first of the (m + 2)^2 products
    std::size_t weights_pitch = 0;
    int x = -1, out = -1, transformed = -1, product = -1;
    ZeroTail zeros;

    void run(const Memory& memory, const Kernels& kernels) const override;
};

struct UnaryStep final : Step {
    simd::UnaryOp op;
    simd::Clamp clamp;
    Operand x;
    int out = -1, count = 0;

    void run(const Memory& memory, const Kernels& kernels) const override;
};

struct BinaryStep final : Step {
    simd::BinaryOp op;
    Operand a, b;
    int a_step = 1, b_step = 1;
    int count = 0;                     // elements of one run
    KeptOffsets a_offsets, b_offsets;  // of each run
    int out = -1;

    void run(const Memory& memory, const Kernels& kernels) const override;
};

struct SoftmaxStep final : Step {
    simd::Axis axis;
    Operand x;
    int out = -1;

    void run(const Memory& memory, const Kernels& kernels) const override;
};

struct ReduceStep final : Step {
    simd::ReduceOp op;
    simd::Axis axis;
    float scale = 1.0F;
    Operand x;
    int out = -1;

    void run(const Memory& memory, const Kernels& kernels) const override;
};

// Copies blocks: element i of run r goes from sources[r] + i * source_step to targets[r] + i.
struct CopyStep final : Step {
    Operand x;
    int out = -1;
    Type type = Type::F32;  // or U8
    int count = 0;
    int source_step = 1;
    KeptOffsets sources, targets;
    bool clear = false;  // the rest of the output becomes zero
    std::size_t out_size = 0;

    void run(const Memory& memory, const Kernels& kernels) const override;
};

struct QuantizedGemmStep final : Step {
    simd::QuantizedGemm gemm;
    int x = -1, out = -1;
    std::size_t x_start = 0, out_start = 0;
    ZeroTail zeros;
    int zero = 0;

    void run(const Memory& memory, const Kernels& kernels) const override;
};

struct QuantizedPoolStep final : Step {
    simd::QuantizedPool pool;
    int x = -1, out = -1;

    void run(const Memory& memory, const Kernels& kernels) const override;
};

// Planes of floats, quantized to pixels of four bytes with a border.
struct QuantizePixelsStep final : Step {
    float factor = 1.0F;
    int zero = 0;
    int border = 0;  // its level
    Operand x;
    int out = -1;
    int channels = 0, height = 0, width = 0;
    int top = 0, left = 0, padded_height = 0, padded_width = 0;

    void run(const Memory& memory, const Kernels& kernels) const override;
};

struct QuantizeStep final : Step {
    float factor = 1.0F;
    int zero = 0, count = 0;
    Operand x;
    int out = -1;

    void run(const Memory& memory, const Kernels& kernels) const override;
};

struct DequantizeStep final : Step {
    float scale = 1.0F;
    int zero = 0, count = 0;
    int x = -1, out = -1;

    void run(const Memory& memory, const Kernels& kernels) const override;
};

}  // namespace hpe::nn
