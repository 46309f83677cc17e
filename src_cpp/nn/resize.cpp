#include "nn/resize.hpp"

#include <string>

#include "json/corrupt.hpp"
#include "nn/shapes.hpp"

namespace hpe::nn {
namespace {

// Nodes whose attributes are numbers of pixels.
void check_free(const Op& op, const Shape& before, const Shape& now, const std::string& where) {
    const auto* slice = std::get_if<Slice>(&op);
    const bool bound = std::holds_alternative<Reshape>(op) && before != now;
    const bool cut = slice != nullptr && before[static_cast<std::size_t>(slice->axis)] != now[static_cast<std::size_t>(slice->axis)];
    if (bound || cut) corrupt(where, "an input of " + to_string(before) + ", for which it is made", to_string(now));
}

}  // namespace

void resize_input(Graph& graph, InputSize size) {
    std::vector<Shape> before;
    for (const Value& value : graph.values) before.push_back(value.shape);
    Shape& input = graph.values[static_cast<std::size_t>(graph.input)].shape;
    if (input.size() != 3) corrupt("input", "rank 3, [C, H, W]", to_string(input));
    input = {input[0], size.height, size.width};
    check_shape(input, "input");
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        const Node& node = graph.nodes[i];
        Value& output = graph.values[static_cast<std::size_t>(node.output)];
        const std::string where = "node " + std::to_string(i) + " (" + quoted(output.name) + ")";
        std::vector<const Value*> inputs;
        for (const int index : node.inputs) {
            const Value& value = graph.values[static_cast<std::size_t>(index)];
            check_free(node.op, before[static_cast<std::size_t>(index)], value.shape, where);
            inputs.push_back(&value);
        }
        const Shape asked = output.shape;
        output.shape = infer_shape(node.op, inputs, asked, where);
    }
}

}  // namespace hpe::nn
