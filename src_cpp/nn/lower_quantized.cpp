// Operators on 8-bit values.
#include <algorithm>

#include "nn/lower.hpp"
#include "nn/window.hpp"

namespace hpe::nn {
namespace {

int quads_of(int depth) { return (depth + simd::kQuad - 1) / simd::kQuad; }

// How a filter is gathered: tap by tap with the channels behind it, or from pixels of four bytes a row of taps at a time.
struct Gather {
    int taps, quads;
    bool pixels;
};

// The weights of output channels first .. first + columns, packed for the kernel.
std::vector<std::int8_t> packed(const Builder& builder, const Value& weight, int first, int columns, const Gather& gather) {
    const int channels = weight.shape[1];
    const int width = weight.shape[3];
    const int cells = weight.shape[2] * width;
    const int block = builder.byte_kernels().block_columns(columns);
    const int blocks = (columns + block - 1) / block;
    std::vector<std::int8_t> bytes(static_cast<std::size_t>(blocks) * static_cast<std::size_t>(gather.taps * gather.quads) *
                                   static_cast<std::size_t>(block * simd::kQuad));
    for (int n = 0; n < columns; ++n) {
        for (int cell = 0; cell < cells; ++cell) {
            for (int c = 0; c < channels; ++c) {
                const int quad = gather.pixels ? cell : cell * gather.quads + c / simd::kQuad;
                const int row = n / block * gather.taps * gather.quads + quad;
                const int to = (row * block + n % block) * simd::kQuad + c % simd::kQuad;
                bytes[static_cast<std::size_t>(to)] =
                    weight.weights[static_cast<std::size_t>(((first + n) * channels + c) * cells + cell)];
            }
        }
    }
    return bytes;
}

// The convolution that alone reads a quantized image which lies in planes, and gathers pixels of four bytes from it.
const Node* reader_of_pixels(const Builder& builder, const Node& quantize) {
    const Node* const reader = builder.only_reader(quantize.output);
    const auto* const conv = reader == nullptr ? nullptr : std::get_if<QConv>(&reader->op);
    if (conv == nullptr || conv->conv.groups != 1 || !stays_in_planes(builder, quantize.inputs[0])) return nullptr;
    return reader;
}

Window window_of(Builder& builder, const Node& node, const QConv& op) {
    const Shape& weight = builder.shape(node.inputs[1]);
    return window(builder, node, {weight[2], weight[3]}, op.conv.stride, op.conv.pad);
}

// The image as pixels of four bytes with the padding around them.
int padded_pixels(Builder& builder, const Node& node, const Quantize& op, const Window& w, int border) {
    const Shape& shape = builder.shape(node.inputs[0]);
    const int height = w.height + w.pad.top + w.pad.bottom;
    const int width = w.width + w.pad.left + w.pad.right;
    const Operand x = builder.read(node.inputs[0], plain_order(shape));
    const int out = builder.scratch(element_count({height, width, simd::kQuad}), Type::U8);
    auto& step = builder.add<QuantizePixelsStep>("quantize " + builder.value(node.output).name, buffers_of({x}), {out});
    step.factor = 1.0F / op.scale;
    step.zero = op.zero;
    step.border = border;
    step.x = x;
    step.out = out;
    step.channels = shape[0];
    step.height = w.height;
    step.width = w.width;
    step.top = w.pad.top;
    step.left = w.pad.left;
    step.padded_height = height;
    step.padded_width = width;
    return out;
}

Offsets pixel_offsets(const Window& w) {
    const int width = w.width + w.pad.left + w.pad.right;
    Offsets offsets;
    for (int t = 0; t < w.kernel.y; ++t) {
        for (int p = 0; p < w.pixels(); ++p) {
            const int y = p / w.out_width * w.stride.y + t;
            offsets.push_back((y * width + p % w.out_width * w.stride.x) * simd::kQuad);
        }
    }
    return offsets;
}

// What the sums of output channels first .. first + columns start from, padded to whole blocks.
std::vector<std::int32_t> starts(const Builder& builder, const Value& weight, int first, int columns) {
    const int block = builder.byte_kernels().block_columns(columns);
    const std::size_t size = weight.weights.size() / static_cast<std::size_t>(weight.shape[0]);
    std::vector<std::int32_t> sums(static_cast<std::size_t>((columns + block - 1) / block * block));
    for (int n = 0; n < columns; ++n) {
        std::int32_t& sum = sums[static_cast<std::size_t>(n)];
        for (const std::int8_t w : weight.weights.subspan(static_cast<std::size_t>(first + n) * size, size)) sum += w;
        sum *= builder.byte_kernels().offset;
    }
    return sums;
}

// bias - in_zero scale sum w: what the zero of the input adds to every sum is taken off again.
std::vector<float> centred_bias(const Builder& builder, const Node& node, int in_zero) {
    const Value& weight = builder.value(node.inputs[1]);
    const std::size_t filters = static_cast<std::size_t>(weight.shape[0]);
    const std::size_t size = weight.weights.size() / filters;
    std::vector<float> bias;
    for (std::size_t o = 0; o < filters; ++o) {
        int sum = 0;
        for (const std::int8_t w : weight.weights.subspan(o * size, size)) sum += w;
        const double scale = builder.value(node.inputs[2]).data[o];
        bias.push_back(static_cast<float>(double{builder.value(node.inputs[3]).data[o]} - in_zero * scale * sum));
    }
    return bias;
}

// What a convolution multiplies its weights with.
struct Source {
    int x;
    Gather gather;
    int pixels;  // of the output
    Offsets offsets;
    ZeroTail zeros;
};

void lower_products(Builder& builder, const Node& node, const QConv& op, const Source& source) {
    const Value& weight = builder.value(node.inputs[1]);
    const int groups = op.conv.groups;
    const int columns = weight.shape[0] / groups;
    const int channels = weight.shape[1];  // of a group
    const int out = builder.write(node.output, image_order());
    const std::vector<float> scale(builder.value(node.inputs[2]).data.begin(), builder.value(node.inputs[2]).data.end());
    const float* const kept_scale = builder.keep(scale).data();
    const float* const kept_bias = builder.keep(centred_bias(builder, node, op.in_zero)).data();
    const std::int32_t* const offsets = builder.keep(source.offsets).data();
    for (int g = 0; g < groups; ++g) {
        const auto sums = builder.keep(starts(builder, weight, g * columns, columns));
        const auto weights = builder.keep(packed(builder, weight, g * columns, columns, source.gather));
        auto& step = builder.add<QuantizedGemmStep>("qconv " + builder.value(node.output).name, {source.x}, {out});
        step.x = source.x;
        step.out = out;
        step.x_start = static_cast<std::size_t>(g * channels);
        step.out_start = static_cast<std::size_t>(g * columns);
        step.zero = op.in_zero;
        step.zeros = source.zeros;
        step.gemm = {};
        step.gemm.row_step = even_step(source.offsets, source.pixels, builder.byte_kernels().tile_rows);
        step.gemm.rows = source.pixels;
        step.gemm.taps = source.gather.taps;
        step.gemm.quads = source.gather.quads;
        step.gemm.offsets = offsets;
        step.gemm.weights = weights.data();
        step.gemm.start = sums.data();
        step.gemm.scale = kept_scale + g * columns;
        step.gemm.bias = kept_bias + g * columns;
        step.gemm.columns = columns;
        step.gemm.range = {op.low, op.high};
        step.gemm.out_pitch = weight.shape[0];
    }
}

}  // namespace

void lower(Builder& builder, const Node& node, const QConv& op) {
    const int input = node.inputs[0];
    const Window w = window_of(builder, node, op);
    const int channels = builder.shape(input)[0];
    const Gather gather{w.taps(), quads_of(channels / op.conv.groups), false};
    // a last quad may reach behind its pixel, where the weights are zero
    const auto tail = static_cast<std::size_t>(channels + simd::kQuad);
    const int x = builder.read_owned(input, image_order(), tail);
    const ZeroTail zeros{element_count(builder.shape(input)), tail};
    lower_products(builder, node, op, {x, gather, w.pixels(), tap_offsets(w, channels, end_of(builder, input)), zeros});
}

void lower(Builder& builder, const Node& node, const Quantize& op) {
    if (const Node* const reader = reader_of_pixels(builder, node)) {
        const auto& conv = std::get<QConv>(reader->op);
        const Window w = window_of(builder, *reader, conv);
        const int x = padded_pixels(builder, node, op, w, conv.in_zero);
        builder.skip(reader);
        return lower_products(builder, *reader, conv, {x, {w.kernel.y, w.kernel.x, true}, w.pixels(), pixel_offsets(w), {}});
    }
    const int input = node.inputs[0];
    const Shape& shape = builder.shape(input);
    const Order order = order_of(shape, builder.place(input).strides);
    const Operand x = builder.read(input, order);
    const int out = builder.write(node.output, order);
    auto& step = builder.add<QuantizeStep>("quantize " + builder.value(node.output).name, buffers_of({x}), {out});
    step.x = x;
    step.out = out;
    step.factor = 1.0F / op.scale;
    step.zero = op.zero;
    step.count = static_cast<int>(element_count(shape));
}

void lower(Builder& builder, const Node& node, const Dequantize& op) {
    const int input = node.inputs[0];
    const Shape& shape = builder.shape(input);
    const Order order = order_of(shape, builder.place(input).strides);
    const int x = builder.read_owned(input, order, 0);
    const int out = builder.write(node.output, order);
    auto& step = builder.add<DequantizeStep>("dequantize " + builder.value(node.output).name, {x}, {out});
    step.x = x;
    step.out = out;
    step.scale = op.scale;
    step.zero = op.zero;
    step.count = static_cast<int>(element_count(shape));
}

}  // namespace hpe::nn
