// Where the elements of a value lie: strides of a dense array whose axes may be in any order. Transposing a value, or
// joining and splitting its axes, is then often no work at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "nn/graph.hpp"

namespace hpe::nn {

using Strides = std::vector<std::ptrdiff_t>;  // in elements, one an axis
using Order = std::vector<int>;               // axes, the slowest first

[[nodiscard]] Order plain_order(const Shape& shape);

// Rows of pixels, the channels of a pixel side by side: what convolutions read and write for [C, H, W].
[[nodiscard]] inline Order image_order() { return {1, 2, 0}; }

// The axes of a dense array by falling stride.
[[nodiscard]] Order order_of(const Shape& shape, const Strides& strides);

[[nodiscard]] Strides dense(const Shape& shape, const Order& order);

// Whether the same element lies at the same place; axes of one element do not count.
[[nodiscard]] bool same_layout(const Shape& shape, const Strides& a, const Strides& b);

// Strides under which the same memory is `to`, if there are any.
[[nodiscard]] std::optional<Strides> reshaped(const Shape& from, const Strides& strides, const Shape& to);

// A copy as runs: element i of run r goes from sources[r] + i * source_step to targets[r] + i.
struct Runs {
    std::vector<std::int32_t> sources, targets;
    int count = 1;
    int source_step = 1;
};
[[nodiscard]] Runs copy_runs(const Shape& shape, const Strides& from, const Strides& to);

// An axis of a dense array as outer x n x inner.
struct AxisView {
    int outer, n, inner;
};
[[nodiscard]] AxisView axis_view(const Shape& shape, const Strides& strides, int axis);

}  // namespace hpe::nn
