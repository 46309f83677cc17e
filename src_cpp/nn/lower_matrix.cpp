// Matrix products.
#include <algorithm>

#include "nn/lower.hpp"
#include "nn/window.hpp"

namespace hpe::nn {
namespace {

std::size_t at(int axis) { return static_cast<std::size_t>(axis); }

// a b, or with the roles swapped b^T a^T: the kernel wants the elements of a row of its left side, and of a row of its
// right side, side by side.
struct Product {
    int left, right;      // values
    int left_contiguous;  // axis of the left value whose elements must lie side by side, counted from the end: 1 or 2
    int right_contiguous;
};

// Strides under which the axis is the fastest: as it is where that holds already.
Order with_fastest(const Builder& builder, int value, int axis) {
    const Shape& shape = builder.shape(value);
    if (builder.value(value).constant()) {
        Order order = plain_order(shape);
        order.erase(std::find(order.begin(), order.end(), axis));
        order.push_back(axis);
        return order;
    }
    Order order = order_of(shape, builder.place(value).strides);
    if (shape[at(axis)] == 1 || order.back() == axis) return order;
    order.erase(std::find(order.begin(), order.end(), axis));
    order.push_back(axis);
    return order;
}

std::size_t copied_elements(const Builder& builder, int value, int axis) {
    if (builder.value(value).constant()) return 0;
    const Shape& shape = builder.shape(value);
    const Order order = order_of(shape, builder.place(value).strides);
    return shape[at(axis)] == 1 || order.back() == axis ? 0 : element_count(shape);
}

int axis_from_end(const Builder& builder, int value, int from_end) {
    return static_cast<int>(builder.shape(value).size()) - from_end;
}

std::size_t cost(const Builder& builder, const Product& p) {
    return copied_elements(builder, p.left, axis_from_end(builder, p.left, p.left_contiguous)) +
           copied_elements(builder, p.right, axis_from_end(builder, p.right, p.right_contiguous));
}

// Offsets of the operand's matrices for every index of the result's leading axes.
Offsets batch_offsets(const Shape& shape, const Strides& strides, const Shape& result) {
    Offsets offsets{0};
    const std::size_t missing = result.size() - shape.size();
    for (std::size_t axis = 0; axis + 2 < result.size(); ++axis) {
        Offsets next;
        const bool own = axis >= missing && shape[axis - missing] > 1;
        for (const std::int32_t offset : offsets) {
            for (int i = 0; i < result[axis]; ++i) {
                next.push_back(offset + (own ? static_cast<std::int32_t>(i * strides[axis - missing]) : 0));
            }
        }
        offsets = std::move(next);
    }
    return offsets;
}

struct Side {
    Operand operand;
    std::ptrdiff_t row_pitch;  // from one row (or column) to the next, across the contiguous axis
    int rows;
    Offsets batches;
};

Side side(Builder& builder, int value, int contiguous, const Shape& result) {
    const Shape& shape = builder.shape(value);
    const int axis = axis_from_end(builder, value, contiguous);
    const int other = axis_from_end(builder, value, 3 - contiguous);
    const Order order = with_fastest(builder, value, axis);
    const Strides strides = dense(shape, order);
    Operand operand = builder.read(value, order);
    // the kernel reads whole vectors, and the caller's own input has nothing behind its end
    if (builder.is_input(operand)) operand = {builder.read_owned(value, order, 0), nullptr};
    return {operand, strides[at(other)], shape[at(other)], batch_offsets(shape, strides, result)};
}

// Whether the right side is one stored matrix of few columns, and the left one's rows lie as they are wanted.
bool is_narrow(const Builder& builder, const Product& p) {
    const Shape& left = builder.shape(p.left);
    const Shape& right = builder.shape(p.right);
    if (left.size() != 2 || right.size() != 2 || builder.value(p.left).constant() || !builder.value(p.right).constant()) {
        return false;
    }
    const int columns = right[at(axis_from_end(builder, p.right, p.right_contiguous))];
    const int axis = axis_from_end(builder, p.left, p.left_contiguous);
    return columns <= simd::kNarrow && left[at(axis)] % simd::kNarrow == 0 && copied_elements(builder, p.left, axis) == 0;
}

// With the columns one behind the other in the result.
void lower_narrow(Builder& builder, const Node& node, const Product& p) {
    const int axis = axis_from_end(builder, p.left, p.left_contiguous);
    const int column_axis = axis_from_end(builder, p.right, p.right_contiguous);
    const int depth = builder.shape(p.left)[at(axis)];
    const Shape& shape = builder.shape(p.right);
    const Strides strides = dense(shape, plain_order(shape));
    std::vector<float> packed(static_cast<std::size_t>(depth) * simd::kNarrow);
    for (int n = 0; n < shape[at(column_axis)]; ++n) {
        for (int k = 0; k < depth; ++k) {
            const auto to = static_cast<std::size_t>((k / simd::kNarrow * simd::kNarrow + n) * simd::kNarrow + k % simd::kNarrow);
            const auto from = n * strides[at(column_axis)] + k * strides[at(1 - column_axis)];
            packed[to] = builder.value(p.right).data[static_cast<std::size_t>(from)];
        }
    }
    const Operand x = builder.read(p.left, with_fastest(builder, p.left, axis));
    Order order = plain_order(builder.shape(node.output));
    if (p.left == node.inputs[0]) std::swap(order[0], order[1]);
    const int out = builder.write(node.output, order);
    auto& step = builder.add<NarrowGemmStep>("narrow matmul " + builder.value(node.output).name, buffers_of({x}), {out});
    step.x = x;
    step.out = out;
    step.gemm = {};
    step.gemm.rows = builder.shape(p.left)[at(1 - axis)];
    step.gemm.depth = depth;
    step.gemm.x_pitch = depth;
    step.gemm.columns = shape[at(column_axis)];
    step.gemm.weights = builder.keep(packed).data();
}

}  // namespace

std::size_t packed_size(const simd::NetworkKernels& kernels, int columns, int depth) {
    const int block = kernels.block_columns(columns);
    return static_cast<std::size_t>((columns + block - 1) / block * block) * static_cast<std::size_t>(depth);
}

void pack(const simd::NetworkKernels& kernels, const float* matrix, int columns, int depth, std::ptrdiff_t column_step,
          std::ptrdiff_t depth_step, float* out) {
    const int block = kernels.block_columns(columns);
    for (int n = 0; n < columns; ++n) {
        float* const to = out + static_cast<std::ptrdiff_t>(n / block) * depth * block + n % block;
        for (int k = 0; k < depth; ++k) {
            to[static_cast<std::ptrdiff_t>(k) * block] = matrix[n * column_step + k * depth_step];
        }
    }
}

void set_packed(const simd::NetworkKernels& kernels, simd::Gemm& gemm) {
    const int block = kernels.block_columns(gemm.columns);
    gemm.weights_pitch = block;
    gemm.block_pitch = static_cast<std::ptrdiff_t>(block) * gemm.taps * gemm.depth;
}

void lower(Builder& builder, const Node& node, const Linear&) {
    const Fused fused = fuse_clamp(builder, node);
    const int input = node.inputs[0];
    const Shape& shape = builder.shape(input);
    const Value& weight = builder.value(node.inputs[1]);
    const int columns = weight.shape[0];
    const int depth = weight.shape[1];
    const Operand x = builder.read(input, plain_order(shape));
    const Operand bias = builder.read(node.inputs[2], {0});
    std::vector<float> packed(packed_size(builder.kernels(), columns, depth));
    pack(builder.kernels(), weight.data.data(), columns, depth, depth, 1, packed.data());
    const int out = builder.write(fused.output, plain_order(builder.shape(fused.output)));
    auto& step = builder.add<GemmStep>("linear " + builder.value(node.output).name, buffers_of({x}), {out});
    step.x = x;
    step.out = out;
    step.weights = {-1, builder.keep(packed).data()};
    step.bias = bias;
    step.has_bias = true;
    step.gemm = {};
    step.gemm.rows = static_cast<int>(element_count(shape)) / depth;
    step.gemm.taps = 1;
    step.gemm.depth = depth;
    step.gemm.columns = columns;
    step.gemm.clamp = fused.clamp;
    step.gemm.out_pitch = columns;
    set_packed(builder.kernels(), step.gemm);
    step.gemm.row_step = depth;
    step.gemm.offsets = builder.keep(row_offsets(step.gemm.rows, depth)).data();
}

void lower(Builder& builder, const Node& node, const MatMul&) {
    const int a = node.inputs[0];
    const int b = node.inputs[1];
    const Product direct{a, b, 1, 1};
    const Product swapped{b, a, 2, 2};
    if (is_narrow(builder, direct)) return lower_narrow(builder, node, direct);
    if (is_narrow(builder, swapped)) return lower_narrow(builder, node, swapped);
    const bool swap = cost(builder, swapped) < cost(builder, direct);
    const Product& product = swap ? swapped : direct;
    const Shape& result = builder.shape(node.output);
    const Side left = side(builder, product.left, product.left_contiguous, result);
    const Side right = side(builder, product.right, product.right_contiguous, result);
    Order order = plain_order(result);
    if (swap) std::swap(order[order.size() - 1], order[order.size() - 2]);
    const int out = builder.write(node.output, order);
    const int columns = builder.shape(product.right)[at(axis_from_end(builder, product.right, product.right_contiguous))];
    const int depth = right.rows;
    builder.charge(left.batches.size() * sizeof(GemmStep));
    const KeptOffsets rows = builder.keep(row_offsets(left.rows, left.row_pitch));
    for (std::size_t batch = 0; batch < left.batches.size(); ++batch) {
        auto& step = builder.add<GemmStep>("matmul " + builder.value(node.output).name,
                                           buffers_of({left.operand, right.operand}), {out});
        step.x = left.operand;
        step.weights = right.operand;
        step.out = out;
        step.x_start = static_cast<std::size_t>(left.batches[batch]);
        step.weights_start = static_cast<std::size_t>(right.batches[batch]);
        step.out_start = batch * static_cast<std::size_t>(left.rows) * static_cast<std::size_t>(columns);
        step.gemm = {};
        step.gemm.rows = left.rows;
        step.gemm.taps = 1;
        step.gemm.depth = depth;
        step.gemm.columns = columns;
        step.gemm.clamp = no_clamp();
        step.gemm.out_pitch = columns;
        step.gemm.weights_pitch = right.row_pitch;
        step.gemm.block_pitch = builder.kernels().block_columns(columns);
        step.gemm.row_step = left.row_pitch;
        step.gemm.offsets = rows.data();
    }
}

}  // namespace hpe::nn
