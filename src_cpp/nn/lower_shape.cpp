// Operators that only move elements, and those along an axis.
#include <algorithm>
#include <numeric>

#include "nn/lower.hpp"
#include "nn/window.hpp"

namespace hpe::nn {
namespace {

std::size_t at(int axis) { return static_cast<std::size_t>(axis); }

Strides picked(const Strides& strides, const std::vector<int>& axes) {
    Strides result;
    for (const int axis : axes) result.push_back(strides[at(axis)]);
    return result;
}

// The order in which a value lies; plain for a constant, which can be had in any.
Order order_at(const Builder& builder, int value) {
    const Shape& shape = builder.shape(value);
    return builder.value(value).constant() ? plain_order(shape) : order_of(shape, builder.place(value).strides);
}

// The value in the order in which it lies.
Place as_it_is(Builder& builder, int value) {
    const Order order = order_at(builder, value);
    return {builder.read(value, order), dense(builder.shape(value), order)};
}

// What begins at element `start` of it.
Operand part_of(const Operand& x, int start) {
    const auto skipped = static_cast<std::size_t>(start);
    return x.constant != nullptr ? Operand{-1, x.constant + skipped} : Operand{x.buffer, nullptr, x.start + skipped, true};
}

// The axes of a reduction as one, when they lie side by side.
std::optional<AxisView> joined(const Shape& shape, const Strides& strides, const std::vector<int>& axes) {
    std::vector<int> wide;
    for (const int axis : axes) {
        if (shape[at(axis)] > 1) wide.push_back(axis);
    }
    const int total = static_cast<int>(element_count(shape));
    if (wide.empty()) return AxisView{1, 1, total};
    std::sort(wide.begin(), wide.end(), [&](int a, int b) { return strides[at(a)] > strides[at(b)]; });
    int n = shape[at(wide.back())];
    for (std::size_t i = wide.size() - 1; i-- > 0;) {
        if (strides[at(wide[i])] != strides[at(wide[i + 1])] * shape[at(wide[i + 1])]) return std::nullopt;
        n *= shape[at(wide[i])];
    }
    const int inner = static_cast<int>(strides[at(wide.back())]);
    return AxisView{total / n / inner, n, inner};
}

}  // namespace

void lower(Builder& builder, const Node& node, const Reshape&) {
    const int x = node.inputs[0];
    const Shape& to = builder.shape(node.output);
    const Place place = as_it_is(builder, x);
    if (auto strides = reshaped(builder.shape(x), place.strides, to)) {
        builder.alias(node.output, place.operand, std::move(*strides));
        return;
    }
    const Operand plain = builder.read(x, plain_order(builder.shape(x)));
    builder.alias(node.output, plain, dense(to, plain_order(to)));
}

void lower(Builder& builder, const Node& node, const Transpose& transpose) {
    const Place place = as_it_is(builder, node.inputs[0]);
    builder.alias(node.output, place.operand, picked(place.strides, transpose.perm));
}

void lower(Builder& builder, const Node& node, const Concat& concat) {
    const Order order = order_at(builder, node.inputs[0]);
    const Shape& shape = builder.shape(node.output);
    const AxisView whole = axis_view(shape, dense(shape, order), concat.axis);
    const int out = builder.write(node.output, order);
    int start = 0;
    for (const int input : node.inputs) {
        const Operand x = builder.read(input, order);
        const int part = builder.shape(input)[at(concat.axis)] * whole.inner;
        auto& step = builder.add<CopyStep>("concat " + builder.value(input).name, buffers_of({x}), {out});
        step.x = x;
        step.out = out;
        step.count = part;
        step.sources = builder.keep(row_offsets(whole.outer, part));
        step.targets = builder.keep(row_offsets(whole.outer, whole.n * whole.inner, start));
        start += part;
    }
}

void lower(Builder& builder, const Node& node, const Slice& slice) {
    const int input = node.inputs[0];
    const Order order = order_at(builder, input);
    const Operand x = builder.read(input, order);
    const Shape& shape = builder.shape(input);
    const AxisView view = axis_view(shape, dense(shape, order), slice.axis);
    const int first = slice.start * view.inner;
    if (view.outer == 1 && builder.value(input).type == Type::F32) {  // one piece, which may stay where it is
        builder.alias(node.output, part_of(x, first), dense(builder.shape(node.output), order));
        return;
    }
    const int out = builder.write(node.output, order);
    auto& step = builder.add<CopyStep>("slice " + builder.value(node.output).name, buffers_of({x}), {out});
    step.x = x;
    step.out = out;
    step.count = (slice.stop - slice.start) * view.inner;
    step.sources = builder.keep(row_offsets(view.outer, view.n * view.inner, first));
    step.targets = builder.keep(row_offsets(view.outer, step.count));
}

void lower(Builder& builder, const Node& node, const Softmax& softmax) {
    constexpr int kNarrow = 16;  // so few lanes beside the axis waste most of a vector: copying first is faster
    const int input = node.inputs[0];
    const Shape& shape = builder.shape(input);
    Order order = order_at(builder, input);
    AxisView view = axis_view(shape, dense(shape, order), softmax.axis);
    if (view.inner > 1 && view.inner < kNarrow) {
        order.erase(std::find(order.begin(), order.end(), softmax.axis));
        order.push_back(softmax.axis);
        view = axis_view(shape, dense(shape, order), softmax.axis);
    }
    const Operand x = builder.read(input, order);
    const int out = builder.write(node.output, order);
    auto& step = builder.add<SoftmaxStep>("softmax " + builder.value(node.output).name, buffers_of({x}), {out});
    step.x = x;
    step.out = out;
    step.axis = {view.outer, view.n, view.inner};
}

void lower(Builder& builder, const Node& node, const Reduce& reduce) {
    const int input = node.inputs[0];
    const Shape& shape = builder.shape(input);
    Order order = order_at(builder, input);
    Order kept;
    for (const int axis : order) {
        if (std::find(reduce.axes.begin(), reduce.axes.end(), axis) == reduce.axes.end()) kept.push_back(axis);
    }
    auto view = joined(shape, dense(shape, order), reduce.axes);
    if (!view) {
        order = kept;
        order.insert(order.end(), reduce.axes.begin(), reduce.axes.end());
        view = joined(shape, dense(shape, order), reduce.axes);
    }
    const Operand x = builder.read(input, order);
    // the kept axes stay in their order; those reduced to one element may stand anywhere
    Order out_order;
    if (reduce.keep) {
        out_order = reduce.axes;
        out_order.insert(out_order.end(), kept.begin(), kept.end());
    } else {
        for (const int axis : kept) {
            out_order.push_back(axis - static_cast<int>(std::count_if(reduce.axes.begin(), reduce.axes.end(),
                                                                      [&](int gone) { return gone < axis; })));
        }
    }
    const int out = builder.write(node.output, out_order);
    auto& step = builder.add<ReduceStep>("reduce " + builder.value(node.output).name, buffers_of({x}), {out});
    step.x = x;
    step.out = out;
    step.op = reduce.kind == ReduceKind::Max ? simd::ReduceOp::Max : simd::ReduceOp::Sum;
    step.axis = {view->outer, view->n, view->inner};
    step.scale = reduce.kind == ReduceKind::Mean ? 1.0F / static_cast<float>(view->n) : 1.0F;
}

}  // namespace hpe::nn
