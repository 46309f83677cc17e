#include "nn/shapes.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "json/corrupt.hpp"

namespace hpe::nn {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }
int rank_of(const Shape& shape) { return static_cast<int>(shape.size()); }

// One node: its inputs and the rules of the operators.
class Inference {
  public:
    Inference(std::span<const Value* const> inputs, const Shape& asked, const std::string& where)
        : inputs_(inputs), asked_(asked), where_(where) {}

    Shape operator()(const Conv& conv) const {
        check_count(3);
        return conv_shape(conv, 2);
    }

    Shape operator()(const QConv& op) const {
        constexpr int kMostProducts = 1 << 16;  // their sum stays within 32 bits
        check_count(4);
        const Shape out = conv_shape(op.conv, 3);
        const Shape& weight = constant(1, 4);
        require(constant(2, 1) == Shape{weight[0]}, "a scale for each output channel");
        require(std::int64_t{weight[1]} * weight[2] * weight[3] <= kMostProducts,
                "filters of at most " + std::to_string(kMostProducts) + " weights");
        require(op.low <= op.high, "low <= high", std::to_string(op.low) + " and " + std::to_string(op.high));
        for (const float scale : inputs_[2]->data) {
            require(scale > 0.0F, "scales above 0", std::to_string(scale));
        }
        return out;
    }

    Shape operator()(const Quantize& op) const { return scaled(op.scale); }

    Shape operator()(const Dequantize& op) const { return scaled(op.scale); }
    Shape operator()(const Linear& /*op*/) const {
        check_count(3);
        Shape out = computed(0);
        const Shape& weight = constant(1, 2);
        const Shape& bias = constant(2, 1);
        require(!out.empty() && out.back() == weight[1], "the last axis of x in the weight's second");
        require(bias[0] == weight[0], "a bias for each output");
        out.back() = weight[0];
        return out;
    }

    Shape operator()(const MatMul& /*op*/) const {
        check_count(2);
        const Shape& a = shape(0);
        const Shape& b = shape(1);
        require(a.size() >= 2 && b.size() >= 2, "inputs of rank 2 or more");
        require(a.back() == b[b.size() - 2], "the last axis of a to be the last but one of b");
        Shape out = broadcast(Shape(a.begin(), a.end() - 2), Shape(b.begin(), b.end() - 2));
        out.push_back(a[a.size() - 2]);
        out.push_back(b.back());
        return out;
    }

    Shape operator()(const Binary& /*op*/) const {
        check_count(2);
        return broadcast(shape(0), shape(1));
    }

    Shape operator()(const Unary& op) const {
        check_count(1);
        if (op.kind == UnaryKind::Clip) {
            require(op.low <= op.high, "low <= high", std::to_string(op.low) + " and " + std::to_string(op.high));
        }
        return computed(0);
    }

    Shape operator()(const Softmax& op) const {
        check_count(1);
        check_axis(op.axis, computed(0));
        return computed(0);
    }

    Shape operator()(const Pool& op) const {
        check_count(1);
        const Shape& x = computed(0, 3);
        const bool padded = (op.pad.top | op.pad.left | op.pad.bottom | op.pad.right) != 0;
        require(!(padded && op.count_pad && inputs_[0]->type == Type::U8), "no padding that counts in quantized values",
                "count_pad true");
        require(op.gain > 0.0F, "a gain above 0", std::to_string(op.gain));
        return window_shape(x[0], x, op.kernel, op.stride, op.pad);
    }

    Shape operator()(const Reduce& op) const {
        check_count(1);
        const Shape& x = computed(0);
        require(!op.axes.empty(), "one axis or more", "none");
        for (std::size_t i = 0; i < op.axes.size(); ++i) {
            check_axis(op.axes[i], x);
            require(i == 0 || op.axes[i - 1] < op.axes[i], "rising axes", to_string(op.axes));
        }
        Shape out;
        for (int axis = 0; axis < rank_of(x); ++axis) {
            const bool reduced = std::binary_search(op.axes.begin(), op.axes.end(), axis);
            if (!reduced) out.push_back(x[at(axis)]);
            if (reduced && op.keep) out.push_back(1);
        }
        return out;
    }

    Shape operator()(const Reshape& /*op*/) const {
        check_count(1);
        require(element_count(asked_) == element_count(computed(0)), "a shape of as many elements as x",
                to_string(asked_));
        return asked_;
    }

    Shape operator()(const Transpose& op) const {
        check_count(1);
        const Shape& x = computed(0);
        require(op.perm.size() == x.size(), "a perm with every axis of x once", to_string(op.perm));
        Shape out;
        std::array<bool, kMaxRank> seen{};
        for (const int axis : op.perm) {
            check_axis(axis, x);
            require(!seen[at(axis)], "a perm with every axis of x once", to_string(op.perm));
            seen[at(axis)] = true;
            out.push_back(x[at(axis)]);
        }
        return out;
    }

    Shape operator()(const Concat& op) const {
        require(!inputs_.empty(), "one input or more", "none");
        Shape out = computed(0);
        check_axis(op.axis, out);
        std::int64_t size = 0;
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            Shape other = computed(i);
            require(other.size() == out.size(), "inputs of one rank");
            size += other[at(op.axis)];
            other[at(op.axis)] = out[at(op.axis)];
            require(other == out, "inputs that differ in the axis " + std::to_string(op.axis) + " alone");
        }
        require(size <= kMaxElements, "an axis of at most " + std::to_string(kMaxElements), std::to_string(size));
        out[at(op.axis)] = static_cast<int>(size);
        return out;
    }

    Shape operator()(const Slice& op) const {
        check_count(1);
        Shape out = computed(0);
        check_axis(op.axis, out);
        require(0 <= op.start && op.start < op.stop && op.stop <= out[at(op.axis)],
                "0 <= start < stop <= " + std::to_string(out[at(op.axis)]),
                "start " + std::to_string(op.start) + ", stop " + std::to_string(op.stop));
        out[at(op.axis)] = op.stop - op.start;
        return out;
    }

  private:
    [[nodiscard]] Shape conv_shape(const Conv& conv, std::size_t bias_input) const {
        const Shape& x = computed(0, 3);
        const Shape& weight = constant(1, 4);
        const Shape& bias = constant(bias_input, 1);
        require(conv.groups >= 1 && x[0] % conv.groups == 0 && weight[0] % conv.groups == 0,
                "groups that divide the channels of x and of the output", "groups " + std::to_string(conv.groups));
        require(weight[1] == x[0] / conv.groups, "channels of x / groups in the weight's second axis");
        require(bias[0] == weight[0], "a bias for each output channel");
        return window_shape(weight[0], x, {weight[2], weight[3]}, conv.stride, conv.pad);
    }

    [[nodiscard]] Shape scaled(float scale) const {
        check_count(1);
        require(scale > 0.0F, "a scale above 0", std::to_string(scale));
        return computed(0);
    }

    void require(bool holds, const std::string& expected, const std::string& got) const {
        if (!holds) corrupt(where_, expected, got);
    }

    void require(bool holds, const std::string& expected) const {
        if (!holds) corrupt(where_, expected, "inputs of " + input_shapes());
    }

    [[nodiscard]] std::string input_shapes() const {
        constexpr std::size_t kShown = 4;
        std::string out;
        for (std::size_t i = 0; i < std::min(inputs_.size(), kShown); ++i) {
            if (i > 0) out += ' ';
            out += to_string(inputs_[i]->shape);
        }
        return out + (inputs_.size() > kShown ? " ..." : "");
    }

    void check_count(std::size_t count) const {
        require(inputs_.size() == count, std::to_string(count) + " inputs", std::to_string(inputs_.size()));
    }

    [[nodiscard]] const Shape& shape(std::size_t i) const { return inputs_[i]->shape; }

    // An input that depends on the image.
    [[nodiscard]] const Shape& computed(std::size_t i) const {
        require(!inputs_[i]->constant(), "a value as input " + std::to_string(i),
                "the tensor " + quoted(inputs_[i]->name));
        return shape(i);
    }

    [[nodiscard]] const Shape& computed(std::size_t i, std::size_t rank) const {
        const Shape& found = computed(i);
        check_rank(i, rank);
        return found;
    }

    // An input that is a tensor of the file.
    [[nodiscard]] const Shape& constant(std::size_t i, std::size_t rank) const {
        require(inputs_[i]->constant(), "a tensor as input " + std::to_string(i),
                "the value " + quoted(inputs_[i]->name));
        check_rank(i, rank);
        return shape(i);
    }

    void check_rank(std::size_t i, std::size_t rank) const {
        require(shape(i).size() == rank, "rank " + std::to_string(rank) + " of input " + std::to_string(i),
                to_string(shape(i)));
    }

    void check_axis(int axis, const Shape& x) const {
        require(axis >= 0 && axis < rank_of(x), "an axis of " + to_string(x), std::to_string(axis));
    }

    [[nodiscard]] Shape broadcast(const Shape& a, const Shape& b) const {
        Shape out = a.size() >= b.size() ? a : b;
        const Shape& shorter = a.size() >= b.size() ? b : a;
        for (std::size_t i = 1; i <= shorter.size(); ++i) {
            int& size = out[out.size() - i];
            const int other = shorter[shorter.size() - i];
            require(size == other || size == 1 || other == 1, "shapes that broadcast");
            size = std::max(size, other);
        }
        return out;
    }

    [[nodiscard]] Shape window_shape(int channels, const Shape& x, Pair kernel, Pair stride, const Pad& pad) const {
        return {channels, windows(x[1], pad.top, pad.bottom, kernel.y, stride.y),
                windows(x[2], pad.left, pad.right, kernel.x, stride.x)};
    }

    // How many windows fit into one axis.
    [[nodiscard]] int windows(int size, int before, int after, int kernel, int stride) const {
        require(stride >= 1, "a stride of 1 or more", std::to_string(stride));
        require(kernel >= 1 && std::min(before, after) >= 0 && std::max(before, after) < kernel,
                "0 <= pad < kernel on each side",
                "pads " + std::to_string(before) + ", " + std::to_string(after) + ", kernel " + std::to_string(kernel));
        const std::int64_t last = std::int64_t{size} + before + after - kernel;
        require(last >= 0, "a kernel not larger than the padded input", std::to_string(kernel));
        return static_cast<int>(last / stride + 1);
    }

    std::span<const Value* const> inputs_;
    const Shape& asked_;
    const std::string& where_;
};

}  // namespace

std::size_t element_count(const Shape& shape) noexcept {
    std::size_t count = 1;
    for (const int size : shape) count *= at(size);
    return count;
}

std::string to_string(const Shape& shape) {
    std::string out = "[";
    for (std::size_t i = 0; i < shape.size(); ++i) out += (i > 0 ? ", " : "") + std::to_string(shape[i]);
    return out + "]";
}

void check_shape(const Shape& shape, const std::string& where) {
    if (shape.size() > kMaxRank) {
        corrupt(where, "rank at most " + std::to_string(kMaxRank), std::to_string(shape.size()));
    }
    std::int64_t count = 1;
    for (const int size : shape) {
        if (size < 1) corrupt(where, "sizes of 1 or more", to_string(shape));
        count *= size;  // below 2^28 * 2^31
        if (count > kMaxElements) {
            corrupt(where, "at most " + std::to_string(kMaxElements) + " elements", to_string(shape));
        }
    }
}

Shape read_shape(const json::Value& value, const std::string& where) {
    const std::vector<json::Value>& sizes = json::array(value, where);
    if (sizes.size() > kMaxRank) {
        corrupt(where, "rank at most " + std::to_string(kMaxRank), std::to_string(sizes.size()));
    }
    Shape shape;
    for (const json::Value& size : sizes) {
        shape.push_back(static_cast<int>(json::integer(size, 1, kMaxElements, where)));
    }
    check_shape(shape, where);
    return shape;
}

Type infer_type(const Op& op, std::span<const Value* const> inputs, const std::string& where) {
    constexpr std::array<const char*, 3> kNames = {"F32", "U8", "I8"};  // in the order of Type
    const bool conv = std::holds_alternative<QConv>(op);
    const Pool* const any_pool = std::get_if<Pool>(&op);
    const bool pool = any_pool != nullptr && (inputs[0]->type == Type::U8 || any_pool->kind == PoolKind::QAverage);
    const bool reads_u8 = conv || pool || std::holds_alternative<Dequantize>(op);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const Type expected = i == 0 && reads_u8 ? Type::U8 : i == 1 && conv ? Type::I8 : Type::F32;
        if (inputs[i]->type == expected) continue;
        corrupt(where, std::string(kNames.at(static_cast<std::size_t>(expected))) + " as input " + std::to_string(i),
                quoted(inputs[i]->name) + " of " + kNames.at(static_cast<std::size_t>(inputs[i]->type)));
    }
    return conv || pool || std::holds_alternative<Quantize>(op) ? Type::U8 : Type::F32;
}

Shape infer_shape(const Op& op, std::span<const Value* const> inputs, const Shape& asked, const std::string& where) {
    const Shape shape = std::visit(Inference(inputs, asked, where), op);
    check_shape(shape, where + ", output");
    return shape;
}

}  // namespace hpe::nn
