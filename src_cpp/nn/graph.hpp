// A network as its file says it: values, constant tensors and the nodes between them. Shapes are without a batch axis.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hpe::nn {

using Shape = std::vector<int>;

[[nodiscard]] std::size_t element_count(const Shape& shape) noexcept;
[[nodiscard]] std::string to_string(const Shape& shape);

// Values are float32, or quantized to U8; constants float32, or the I8 weights of a QConv.
enum class Type { F32, U8, I8 };

enum class UnaryKind { Relu, Sigmoid, Tanh, Exp, Sqrt, Neg, Clip };
enum class BinaryKind { Add, Sub, Mul, Div, Min, Max };
enum class PoolKind { Max, Average, QAverage };
enum class ReduceKind { Mean, Sum, Max };

struct Pair {
    int y;
    int x;
};

struct Pad {
    int top, left, bottom, right;
};

// Operators; inputs are Node::inputs, in the order named here.
struct Conv {  // x [C, H, W], weight [O, C / groups, kh, kw], bias [O]
    Pair stride;
    Pad pad;
    int groups;
};
struct QConv {  // x, weight and bias as Conv, of U8 and I8, with scale [O] before bias: clamp(sum (x - in_zero) w scale + bias)
    Conv conv;
    int in_zero;
    int low, high;
};
struct Quantize {  // x; round(x / scale) + zero
    float scale;
    int zero;
};
struct Dequantize {  // x; (x - zero) scale
    float scale;
    int zero;
};
struct Linear {};  // x [..., I], weight [O, I], bias [O]
struct MatMul {};  // a [..., M, K], b [..., K, N]; leading axes broadcast
struct Binary {    // a, b; numpy's broadcasting
    BinaryKind kind;
};
struct Unary {  // x
    UnaryKind kind;
    float low, high;  // of Clip
};
struct Softmax {  // x
    int axis;
};
struct Pool {  // x [C, H, W]
    PoolKind kind;
    Pair kernel;
    Pair stride;
    Pad pad;
    bool count_pad;  // an average counts padding as zeros; without, it divides by the cells inside
    float gain = 1.0F;  // of QAverage: levels of the input to those of the output, both with zero at 0
};
struct Reduce {  // x
    ReduceKind kind;
    std::vector<int> axes;  // rising
    bool keep;
};
struct Reshape {};  // x; the shape is that of the output
struct Transpose {  // x
    std::vector<int> perm;
};
struct Concat {  // x1, x2, ..
    int axis;
};
struct Slice {  // x
    int axis;
    int start, stop;
};
using Op = std::variant<Conv, QConv, Quantize, Dequantize, Linear, MatMul, Binary, Unary, Softmax, Pool, Reduce, Reshape, Transpose, Concat, Slice>;

// A value has data when it is a constant of the file, which must outlive the graph.
struct Value {
    std::string name;
    Shape shape;
    Type type = Type::F32;
    std::span<const float> data;           // of an F32 constant, else empty; the reader aligns it
    std::span<const std::int8_t> weights;  // of an I8 constant, else empty

    [[nodiscard]] bool constant() const noexcept { return !data.empty() || !weights.empty(); }
};

struct Node {
    Op op;
    std::vector<int> inputs;  // indices of Graph::values
    int output;
};

struct Output {
    std::string name;
    int value;
};

struct Graph {
    Graph() = default;
    Graph(Graph&&) = default;
    Graph& operator=(Graph&&) = default;
    Graph(const Graph&) = delete;  // values view `copies`
    Graph& operator=(const Graph&) = delete;

    std::vector<Value> values;
    std::vector<Node> nodes;  // in an order of execution
    int input = 0;
    std::vector<Output> outputs;
    std::vector<std::vector<float>> copies;  // of constants that are not aligned in the file
};

}  // namespace hpe::nn
