#include "nn/layout.hpp"

#include <algorithm>
#include <numeric>

namespace hpe::nn {
namespace {

std::size_t at(int axis) { return static_cast<std::size_t>(axis); }

// Axes of more than one element.
std::vector<std::size_t> wide_axes(const Shape& shape) {
    std::vector<std::size_t> axes;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        if (shape[i] > 1) axes.push_back(i);
    }
    return axes;
}

}  // namespace

Order plain_order(const Shape& shape) {
    Order order(shape.size());
    std::iota(order.begin(), order.end(), 0);
    return order;
}

Order order_of(const Shape& shape, const Strides& strides) {
    Order order = plain_order(shape);
    // axes of one element go first: their stride says nothing
    const auto weight = [&](int axis) { return shape[at(axis)] == 1 ? PTRDIFF_MAX : strides[at(axis)]; };
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return weight(a) > weight(b); });
    return order;
}

Strides dense(const Shape& shape, const Order& order) {
    Strides strides(shape.size());
    std::ptrdiff_t step = 1;
    for (auto axis = order.rbegin(); axis != order.rend(); ++axis) {
        strides[at(*axis)] = step;
        step *= shape[at(*axis)];
    }
    return strides;
}

bool same_layout(const Shape& shape, const Strides& a, const Strides& b) {
    const std::vector<std::size_t> axes = wide_axes(shape);
    return std::all_of(axes.begin(), axes.end(), [&](std::size_t i) { return a[i] == b[i]; });
}

std::optional<Strides> reshaped(const Shape& from, const Strides& strides, const Shape& to) {
    const std::vector<std::size_t> axes = wide_axes(from);
    Strides result(to.size(), 1);
    std::size_t old_first = 0;
    std::size_t new_first = 0;
    while (old_first < axes.size()) {
        // the smallest groups of old and new axes with as many elements
        std::size_t old_end = old_first + 1;
        std::size_t new_end = new_first + 1;
        std::ptrdiff_t old_size = from[axes[old_first]];
        std::ptrdiff_t new_size = to[new_first];
        while (old_size != new_size) {
            if (old_size < new_size) {
                old_size *= from[axes[old_end++]];
            } else {
                new_size *= to[new_end++];
            }
        }
        for (std::size_t i = old_first; i + 1 < old_end; ++i) {
            if (strides[axes[i]] != strides[axes[i + 1]] * from[axes[i + 1]]) return std::nullopt;
        }
        std::ptrdiff_t step = strides[axes[old_end - 1]];
        for (std::size_t i = new_end; i-- > new_first;) {
            result[i] = step;
            step *= to[i];
        }
        old_first = old_end;
        new_first = new_end;
    }
    return result;
}

Runs copy_runs(const Shape& shape, const Strides& from, const Strides& to) {
    Order order = order_of(shape, to);
    Runs runs;
    // the fastest axes of the target are one run as long as they advance evenly in the source
    while (!order.empty()) {
        const std::size_t axis = at(order.back());
        if (shape[axis] > 1 && runs.count == 1) {
            runs.source_step = static_cast<int>(from[axis]);
        } else if (shape[axis] > 1 && from[axis] != static_cast<std::ptrdiff_t>(runs.source_step) * runs.count) {
            break;
        }
        runs.count *= shape[axis];
        order.pop_back();
    }
    runs.sources = {0};
    runs.targets = {0};
    for (const int outer : order) {
        Runs next{{}, {}, runs.count, runs.source_step};
        for (std::size_t r = 0; r < runs.sources.size(); ++r) {
            for (int i = 0; i < shape[at(outer)]; ++i) {
                next.sources.push_back(runs.sources[r] + static_cast<std::int32_t>(i * from[at(outer)]));
                next.targets.push_back(runs.targets[r] + static_cast<std::int32_t>(i * to[at(outer)]));
            }
        }
        runs = std::move(next);
    }
    return runs;
}

AxisView axis_view(const Shape& shape, const Strides& strides, int axis) {
    const int n = shape[at(axis)];
    // an axis of one element may stand anywhere: the outermost place is as good as any
    const int total = static_cast<int>(element_count(shape));
    const int inner = n == 1 ? total : static_cast<int>(strides[at(axis)]);
    return {total / n / inner, n, inner};
}

}  // namespace hpe::nn
