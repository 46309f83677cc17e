#include "nn/window.hpp"

namespace hpe::nn {

Window window(Builder& builder, const Node& node, Pair kernel, Pair stride, Pad pad) {
    const Shape& in = builder.shape(node.inputs[0]);
    const Shape& out = builder.shape(node.output);
    builder.charge(element_count({out[1], out[2], kernel.y, kernel.x}));
    return {kernel, stride, pad, in[1], in[2], out[1], out[2]};
}

// Offsets [taps][pixels] of the input pixels, `pitch` elements each; `outside` for those that the image lacks.
Offsets tap_offsets(const Window& w, int pitch, std::int32_t outside) {
    Offsets offsets;
    for (int t = 0; t < w.taps(); ++t) {
        for (int p = 0; p < w.pixels(); ++p) {
            const int y = p / w.out_width * w.stride.y - w.pad.top + t / w.kernel.x;
            const int x = p % w.out_width * w.stride.x - w.pad.left + t % w.kernel.x;
            const bool inside = y >= 0 && y < w.height && x >= 0 && x < w.width;
            offsets.push_back(inside ? (y * w.width + x) * pitch : outside);
        }
    }
    return offsets;
}

Offsets row_offsets(int rows, std::ptrdiff_t pitch, std::ptrdiff_t first) {
    Offsets offsets;
    for (int r = 0; r < rows; ++r) offsets.push_back(static_cast<std::int32_t>(first + r * pitch));
    return offsets;
}

std::int32_t end_of(const Builder& builder, int value) {
    return static_cast<std::int32_t>(element_count(builder.shape(value)));
}

bool stays_in_planes(const Builder& builder, int value) {
    constexpr int kFew = 4;
    const Shape& shape = builder.shape(value);
    if (shape[0] > kFew) return false;
    return same_layout(shape, builder.place(value).strides, dense(shape, plain_order(shape)));
}

Planes padded_planes(Builder& builder, int input, const Window& w) {
    const int channels = builder.shape(input)[0];
    Operand x = builder.read(input, plain_order(builder.shape(input)));
    // kernels may read past the end of a row, where the caller's own input has nothing
    if (!w.padded() && !builder.is_input(x)) return {x, w.height, w.width};
    const Planes planes{{builder.scratch(0), nullptr}, w.height + w.pad.top + w.pad.bottom,
                        w.width + w.pad.left + w.pad.right};
    const std::size_t size = element_count({channels, planes.height, planes.width});
    builder.enlarge(planes.operand.buffer, size);
    auto& copy = builder.add<CopyStep>("pad " + builder.value(input).name, buffers_of({x}), {planes.operand.buffer});
    copy.x = x;
    copy.out = planes.operand.buffer;
    copy.count = w.width;
    copy.clear = w.padded();
    copy.out_size = size;
    Offsets targets;
    for (int row = 0; row < channels * w.height; ++row) {
        targets.push_back((row / w.height * planes.height + w.pad.top + row % w.height) * planes.width + w.pad.left);
    }
    copy.sources = builder.keep(row_offsets(channels * w.height, w.width));
    copy.targets = builder.keep(targets);
    return planes;
}

std::ptrdiff_t even_step(const Offsets& offsets, int rows, int tile) {
    if (rows < 2) return 0;
    const std::int32_t step = offsets[1] - offsets[0];
    for (std::size_t i = 1; i < offsets.size(); ++i) {
        const bool first = static_cast<int>(i) % rows % tile == 0;
        if (!first && offsets[i] - offsets[i - 1] != step) return 0;
    }
    return step;
}

Offsets plane_offsets(const Window& w, const Planes& planes, int channels) {
    Offsets offsets;
    for (int t = 0; t < channels * w.kernel.y; ++t) {
        for (int p = 0; p < w.pixels(); ++p) {
            const int y = p / w.out_width * w.stride.y + t % w.kernel.y;
            offsets.push_back((t / w.kernel.y * planes.height + y) * planes.width + p % w.out_width * w.stride.x);
        }
    }
    return offsets;
}

}  // namespace hpe::nn
