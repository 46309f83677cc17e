// Convolutions and pools.
#include <algorithm>

#include "nn/lower.hpp"
#include "nn/window.hpp"
#include "nn/winograd.hpp"

namespace hpe::nn {
namespace {

// The weights of some output channels, element (o, t, c) for the kernel, packed.
Operand packed_taps(Builder& builder, const Value& weight, int first, int columns, bool planar) {
    const int channels = weight.shape[1];
    const int taps = weight.shape[2] * weight.shape[3];
    const int depth = channels * taps;
    std::vector<float> taps_first;  // [columns][depth], in the order in which the kernel gathers
    for (int o = 0; o < columns; ++o) {
        const float* const filter = weight.data.data() + static_cast<std::ptrdiff_t>(first + o) * depth;
        for (int k = 0; k < depth; ++k) taps_first.push_back(planar ? filter[k] : filter[k % channels * taps + k / channels]);
    }
    std::vector<float> packed(packed_size(builder.kernels(), columns, depth));
    pack(builder.kernels(), taps_first.data(), columns, depth, depth, 1, packed.data());
    return {-1, builder.keep(packed).data()};
}

struct Target {
    int buffer;
    int channels;
    simd::Clamp clamp;
    Operand bias;
};

Target target(Builder& builder, const Node& node) {
    const Fused fused = fuse_clamp(builder, node);
    const Operand bias = builder.read(node.inputs[2], {0});
    return {builder.write(fused.output, image_order()), builder.shape(fused.output)[0], fused.clamp, bias};
}

simd::Gemm gemm_of(const Builder& builder, int rows, int taps, int depth, int columns, const Target& to) {
    simd::Gemm gemm{};
    gemm.rows = rows;
    gemm.taps = taps;
    gemm.depth = depth;
    gemm.columns = columns;
    gemm.clamp = to.clamp;
    gemm.out_pitch = to.channels;
    set_packed(builder.kernels(), gemm);
    return gemm;
}

// Few channels, as in a picture: the input stays in planes, and the kernel gathers a row of taps at a time.
void lower_planar(Builder& builder, const Node& node, const Window& w) {
    const int channels = builder.shape(node.inputs[0])[0];
    const Planes planes = padded_planes(builder, node.inputs[0], w);
    const Target to = target(builder, node);
    const Operand weights = packed_taps(builder, builder.value(node.inputs[1]), 0, to.channels, true);
    auto& step = builder.add<GemmStep>("conv " + builder.value(node.output).name, buffers_of({planes.operand}), {to.buffer});
    step.x = planes.operand;
    step.out = to.buffer;
    step.weights = weights;
    step.bias = to.bias;
    step.has_bias = true;
    step.gemm = gemm_of(builder, w.pixels(), channels * w.kernel.y, w.kernel.x, to.channels, to);
    const Offsets offsets = plane_offsets(w, planes, channels);
    step.gemm.offsets = builder.keep(offsets).data();
    step.gemm.row_step = even_step(offsets, w.pixels(), builder.kernels().tile_rows);
}

void lower_depthwise_planar(Builder& builder, const Node& node, const Window& w) {
    const Planes planes = padded_planes(builder, node.inputs[0], w);
    const Fused fused = fuse_clamp(builder, node);
    const Operand weights = builder.read(node.inputs[1], plain_order(builder.shape(node.inputs[1])));
    const Operand bias = builder.read(node.inputs[2], {0});
    const Shape& shape = builder.shape(fused.output);
    const int out = builder.write(fused.output, plain_order(shape));
    auto& step = builder.add<DepthwisePlanesStep>("depthwise " + builder.value(node.output).name,
                                                  buffers_of({planes.operand}), {out});
    step.x = planes.operand;
    step.out = out;
    step.depthwise = {nullptr,         static_cast<std::ptrdiff_t>(planes.height) * planes.width,
                      planes.width,    w.kernel.y,
                      w.kernel.x,      weights.constant,
                      bias.constant,   shape[0],
                      w.out_height,    w.out_width,
                      fused.clamp,     nullptr};
}

// Weights [taps][channels], as the kernel takes them.
const float* depthwise_taps(Builder& builder, const Value& weight, int taps) {
    const int channels = weight.shape[0];
    std::vector<float> result(weight.data.size());
    for (int c = 0; c < channels; ++c) {
        for (int t = 0; t < taps; ++t) {
            result[static_cast<std::size_t>(t * channels + c)] = weight.data[static_cast<std::size_t>(c * taps + t)];
        }
    }
    return builder.keep(result).data();
}

// The 1x1 convolution that alone reads the value, if it pays to go through both block by block: where the image between them
// would crowd the L2 cache. On AVX-512 (Zen 4) that took 4 to 11 % less time than one after the other in the
// early layers of MobileNetV2; around smaller images 2 % less to 3 % more, as every block reads the product's weights again.
const Node* pointwise_behind(const Builder& builder, int value) {
    constexpr std::size_t kLarge = std::size_t{1} << 16;
    const Node* const reader = builder.only_reader(value);
    const auto* conv = reader == nullptr ? nullptr : std::get_if<Conv>(&reader->op);
    if (conv == nullptr || conv->groups != 1 || conv->stride.y != 1 || conv->stride.x != 1) return nullptr;
    const Shape& weight = builder.shape(reader->inputs[1]);
    return weight[2] == 1 && weight[3] == 1 && element_count(builder.shape(value)) > kLarge ? reader : nullptr;
}

// Pixels of a block: whole tiles of the kernels, as many as leave room in an L1 cache of 32 KiB.
int block_pixels(const simd::NetworkKernels& kernels, int channels, int pixels) {
    constexpr int kFloats = 6144;
    const int tiles = std::max(1, kFloats / channels / kernels.tile_rows);
    return std::min(pixels, tiles * kernels.tile_rows);
}

void lower_depthwise(Builder& builder, const Node& node, const Window& w) {
    const int input = node.inputs[0];
    const int channels = builder.shape(input)[0];
    const int x = builder.read_owned(input, image_order(), static_cast<std::size_t>(channels));
    const Fused fused = fuse_clamp(builder, node);
    const Operand bias = builder.read(node.inputs[2], {0});
    const float* const taps = depthwise_taps(builder, builder.value(node.inputs[1]), w.taps());
    const std::int32_t* const offsets = builder.keep(tap_offsets(w, channels, end_of(builder, input))).data();
    const auto fill = [&](auto& step) {
        step.x = x;
        step.depthwise = {nullptr,       offsets,  w.pixels(),  w.pixels(), w.taps(), taps,
                          bias.constant, channels, fused.clamp, nullptr};
        if (w.padded()) step.zeros = {element_count(builder.shape(input)), static_cast<std::size_t>(channels)};
    };
    const std::string name = builder.value(node.output).name;
    const Node* const pointwise = pointwise_behind(builder, fused.output);
    if (pointwise == nullptr) {
        const int out = builder.write(fused.output, image_order());
        auto& step = builder.add<DepthwiseStep>("depthwise " + name, {x}, {out});
        fill(step);
        step.out = out;
        return;
    }
    builder.skip(pointwise);
    const Target to = target(builder, *pointwise);
    const Operand weights = packed_taps(builder, builder.value(pointwise->inputs[1]), 0, to.channels, false);
    const int block = block_pixels(builder.kernels(), channels, w.pixels());
    const int between = builder.scratch(static_cast<std::size_t>(block) * static_cast<std::size_t>(channels));
    auto& step = builder.add<SeparableStep>("depthwise " + name + " conv " + builder.value(pointwise->output).name, {x},
                                            {between, to.buffer});
    fill(step);
    step.between = between;
    step.out = to.buffer;
    step.gemm = gemm_of(builder, block, 1, channels, to.channels, to);
    step.gemm.weights = weights.constant;
    step.gemm.bias = to.bias.constant;
    step.gemm.row_step = channels;
    step.gemm.offsets = builder.keep(row_offsets(block, channels)).data();
}

void lower_winograd(Builder& builder, const Node& node, const Window& w, int m) {
    const int input = node.inputs[0];
    const int channels = builder.shape(input)[0];
    const int x = builder.read_owned(input, image_order(), static_cast<std::size_t>(channels));
    const Target to = target(builder, node);
    const int cells = (m + 2) * (m + 2);
    const int tiles = winograd_tiles(w.out_height, w.out_width, m);
    const int transformed = builder.scratch(static_cast<std::size_t>(cells * tiles * channels));
    const int product = builder.scratch(static_cast<std::size_t>(cells * tiles * to.channels));
    const std::size_t pitch = packed_size(builder.kernels(), to.channels, channels);
    std::vector<float> weights(pitch * static_cast<std::size_t>(cells));
    const std::vector<float> filters = winograd_filters(builder.value(node.inputs[1]), m);
    for (int i = 0; i < cells; ++i) {
        pack(builder.kernels(), filters.data() + static_cast<std::ptrdiff_t>(i) * to.channels * channels, to.channels,
             channels, channels, 1, weights.data() + static_cast<std::size_t>(i) * pitch);
    }
    auto& step = builder.add<WinogradStep>("winograd " + std::to_string(m) + " " + builder.value(node.output).name, {x},
                                           {to.buffer, transformed, product});
    step.x = x;
    step.out = to.buffer;
    step.transformed = transformed;
    step.product = product;
    step.weights_pitch = pitch;
    step.zeros = {element_count(builder.shape(input)), static_cast<std::size_t>(channels)};
    const Pair size{w.out_height, w.out_width};
    const auto input_offsets = builder.keep(winograd_input_offsets(w.height, w.width, channels, w.pad, size, m));
    step.input = {m, nullptr, input_offsets.data(), tiles, channels, nullptr};
    step.gemm = gemm_of(builder, tiles, 1, channels, to.channels, to);
    step.gemm.offsets = builder.keep(row_offsets(tiles, channels)).data();
    step.gemm.weights = builder.keep(weights).data();
    step.gemm.clamp = no_clamp();
    step.gemm.row_step = channels;
    const auto output_offsets = builder.keep(winograd_output_offsets(size, to.channels, m));
    step.output = {m, nullptr, output_offsets.data(), tiles, to.bias.constant, to.channels, to.clamp, nullptr};
}

// Any convolution, group by group.
void lower_gathered(Builder& builder, const Node& node, const Window& w, int groups) {
    const int input = node.inputs[0];
    const int channels = builder.shape(input)[0];
    const int depth = channels / groups;
    const int x = builder.read_owned(input, image_order(), static_cast<std::size_t>(channels));
    const Target to = target(builder, node);
    const int columns = to.channels / groups;
    const Offsets offsets = tap_offsets(w, channels, end_of(builder, input));
    const KeptOffsets kept = builder.keep(offsets);
    for (int g = 0; g < groups; ++g) {
        const Operand weights = packed_taps(builder, builder.value(node.inputs[1]), g * columns, columns, false);
        auto& step = builder.add<GemmStep>("conv " + builder.value(node.output).name, {x}, {to.buffer});
        step.x = {x, nullptr};
        step.x_start = static_cast<std::size_t>(g * depth);
        step.out = to.buffer;
        step.out_start = static_cast<std::size_t>(g * columns);
        step.weights = weights;
        step.bias = {-1, to.bias.constant + g * columns};
        step.has_bias = true;
        step.gemm = gemm_of(builder, w.pixels(), w.taps(), depth, columns, to);
        step.gemm.offsets = kept.data();
        step.gemm.row_step = even_step(offsets, w.pixels(), builder.kernels().tile_rows);
        if (w.padded()) step.zeros = {element_count(builder.shape(input)), static_cast<std::size_t>(channels)};
    }
}

}  // namespace

void lower(Builder& builder, const Node& node, const Conv& conv) {
    const Shape& weight = builder.shape(node.inputs[1]);
    const int channels = builder.shape(node.inputs[0])[0];
    const Window w = window(builder, node, {weight[2], weight[3]}, conv.stride, conv.pad);
    const bool planar = stays_in_planes(builder, node.inputs[0]);
    const bool depthwise = conv.groups == channels && conv.groups == weight[0] && conv.groups > 1;
    if (depthwise && planar && conv.stride.y == 1 && conv.stride.x == 1) return lower_depthwise_planar(builder, node, w);
    if (depthwise) return lower_depthwise(builder, node, w);
    if (conv.groups > 1) return lower_gathered(builder, node, w, conv.groups);
    if (planar) return lower_planar(builder, node, w);
    const int m = winograd_size(w.kernel, w.stride, channels, weight[0], {w.out_height, w.out_width});
    if (m > 0) return lower_winograd(builder, node, w, m);
    lower_gathered(builder, node, w, 1);
}

namespace {

// The gain over the cells of each pixel's window: all, or those inside the image.
std::vector<float> average_factors(const Window& w, const Offsets& offsets, const Pool& pool) {
    std::vector<float> factors;
    for (int p = 0; p < w.pixels(); ++p) {
        int inside = 0;
        for (int t = 0; t < w.taps(); ++t) inside += offsets[static_cast<std::size_t>(t * w.pixels() + p)] >= 0;
        factors.push_back(pool.gain / static_cast<float>(pool.count_pad ? w.taps() : inside));
    }
    return factors;
}

}  // namespace

void lower(Builder& builder, const Node& node, const Pool& pool) {
    const int input = node.inputs[0];
    const int channels = builder.shape(input)[0];
    const Window w = window(builder, node, pool.kernel, pool.stride, pool.pad);
    const int x = builder.read_owned(input, image_order(), 0);
    const int out = builder.write(node.output, image_order());
    const Offsets offsets = tap_offsets(w, channels, -1);
    const std::int32_t* const cells = builder.keep(offsets).data();
    const bool mean = pool.kind != PoolKind::Max;
    const float* const scale = mean ? builder.keep(average_factors(w, offsets, pool)).data() : nullptr;
    const auto fill = [&](auto& step) {
        step.x = x;
        step.out = out;
        step.pool = {nullptr, cells, w.pixels(), w.taps(), scale, channels, nullptr};
    };
    const std::string name = "pool " + builder.value(node.output).name;
    if (builder.value(input).type == Type::U8) {
        fill(builder.add<QuantizedPoolStep>(name, {x}, {out}));
    } else {
        fill(builder.add<PoolStep>(name, {x}, {out}));
    }
}

}  // namespace hpe::nn
