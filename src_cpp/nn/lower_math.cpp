// Elementwise operators.
#include <algorithm>
#include <limits>

#include "nn/lower.hpp"

namespace hpe::nn {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::size_t at(int axis) { return static_cast<std::size_t>(axis); }

simd::UnaryOp unary_op(UnaryKind kind) {
    switch (kind) {
        case UnaryKind::Relu:
        case UnaryKind::Clip: return simd::UnaryOp::Clamp;
        case UnaryKind::Sigmoid: return simd::UnaryOp::Sigmoid;
        case UnaryKind::Tanh: return simd::UnaryOp::Tanh;
        case UnaryKind::Exp: return simd::UnaryOp::Exp;
        case UnaryKind::Sqrt: return simd::UnaryOp::Sqrt;
        case UnaryKind::Neg: return simd::UnaryOp::Neg;
    }
    return simd::UnaryOp::Clamp;
}

simd::BinaryOp binary_op(BinaryKind kind) {
    switch (kind) {
        case BinaryKind::Add: return simd::BinaryOp::Add;
        case BinaryKind::Sub: return simd::BinaryOp::Sub;
        case BinaryKind::Mul: return simd::BinaryOp::Mul;
        case BinaryKind::Div: return simd::BinaryOp::Div;
        case BinaryKind::Min: return simd::BinaryOp::Min;
        case BinaryKind::Max: return simd::BinaryOp::Max;
    }
    return simd::BinaryOp::Add;
}

simd::Clamp clamp_of(const Unary& unary) {
    return unary.kind == UnaryKind::Relu ? simd::Clamp{0.0F, kInfinity} : simd::Clamp{unary.low, unary.high};
}

// The order of the result's axes that the operand has, as the operand numbers them.
Order own_order(const Order& result, std::size_t result_rank, std::size_t rank) {
    const int missing = static_cast<int>(result_rank - rank);
    Order order;
    for (const int axis : result) {
        if (axis >= missing) order.push_back(axis - missing);
    }
    return order;
}

// Strides along the axes of the result; 0 where the operand repeats.
Strides repeated(const Shape& shape, const Strides& strides, const Shape& result) {
    Strides all(result.size(), 0);
    const std::size_t missing = result.size() - shape.size();
    for (std::size_t i = 0; i < shape.size(); ++i) {
        if (shape[i] > 1) all[missing + i] = strides[i];
    }
    return all;
}

// The operand whose shape is that of the result, the first of two and a computed one rather than a constant.
int leader(const Builder& builder, const Node& node) {
    for (const bool constant : {false, true}) {
        for (const int input : node.inputs) {
            if (builder.value(input).constant() == constant && builder.shape(input) == builder.shape(node.output)) {
                return input;
            }
        }
    }
    return -1;
}

Order result_order(const Builder& builder, const Node& node) {
    const int first = leader(builder, node);
    const Shape& shape = builder.shape(node.output);
    if (first < 0 || builder.value(first).constant()) return plain_order(shape);
    return order_of(shape, builder.place(first).strides);
}

// The fastest axes of the result along which both operands advance evenly, by one or not at all, are one run.
void make_runs(Builder& builder, BinaryStep& step, const Shape& shape, Order order, const Strides& a, const Strides& b) {
    step.count = 1;
    while (!order.empty()) {
        const std::size_t axis = at(order.back());
        if (shape[axis] > 1 && step.count == 1) {
            step.a_step = static_cast<int>(a[axis]);
            step.b_step = static_cast<int>(b[axis]);
        } else if (shape[axis] > 1 && (a[axis] != static_cast<std::ptrdiff_t>(step.a_step) * step.count ||
                                       b[axis] != static_cast<std::ptrdiff_t>(step.b_step) * step.count)) {
            break;
        }
        step.count *= shape[axis];
        order.pop_back();
    }
    Offsets a_offsets{0}, b_offsets{0};
    for (auto axis = order.rbegin(); axis != order.rend(); ++axis) {
        Offsets a_next, b_next;
        for (int i = 0; i < shape[at(*axis)]; ++i) {
            for (std::size_t r = 0; r < a_offsets.size(); ++r) {
                a_next.push_back(a_offsets[r] + static_cast<std::int32_t>(i * a[at(*axis)]));
                b_next.push_back(b_offsets[r] + static_cast<std::int32_t>(i * b[at(*axis)]));
            }
        }
        a_offsets = std::move(a_next);
        b_offsets = std::move(b_next);
    }
    step.a_offsets = builder.keep(a_offsets);
    step.b_offsets = builder.keep(b_offsets);
}

}  // namespace

simd::Clamp no_clamp() { return {-kInfinity, kInfinity}; }

Fused fuse_clamp(Builder& builder, const Node& node) {
    const Node* reader = builder.only_reader(node.output);
    const auto* unary = reader == nullptr ? nullptr : std::get_if<Unary>(&reader->op);
    if (unary == nullptr || unary_op(unary->kind) != simd::UnaryOp::Clamp) return {no_clamp(), node.output};
    builder.skip(reader);
    return {clamp_of(*unary), reader->output};
}

void lower(Builder& builder, const Node& node, const Unary& unary) {
    const int input = node.inputs[0];
    const Shape& shape = builder.shape(input);
    const Order order =
        builder.value(input).constant() ? plain_order(shape) : order_of(shape, builder.place(input).strides);
    const Operand x = builder.read(input, order);
    const int out = builder.write(node.output, order);
    auto& step = builder.add<UnaryStep>("unary " + builder.value(node.output).name, buffers_of({x}), {out});
    step.op = unary_op(unary.kind);
    step.clamp = clamp_of(unary);
    step.x = x;
    step.out = out;
    step.count = static_cast<int>(element_count(shape));
}

void lower(Builder& builder, const Node& node, const Binary& binary) {
    const Shape& shape = builder.shape(node.output);
    const Order order = result_order(builder, node);
    Operand operands[2];
    Strides strides[2];
    for (std::size_t i = 0; i < 2; ++i) {
        const Shape& own = builder.shape(node.inputs[i]);
        const Order own_axes = own_order(order, shape.size(), own.size());
        operands[i] = builder.read(node.inputs[i], own_axes);
        strides[i] = repeated(own, dense(own, own_axes), shape);
    }
    builder.charge(element_count(shape));
    const int out = builder.write(node.output, order);
    auto& step = builder.add<BinaryStep>("binary " + builder.value(node.output).name,
                                         buffers_of({operands[0], operands[1]}), {out});
    step.op = binary_op(binary.kind);
    step.a = operands[0];
    step.b = operands[1];
    step.out = out;
    make_runs(builder, step, shape, order, strides[0], strides[1]);
}

}  // namespace hpe::nn
