// Shapes of a network: their limits, and what each operator makes of its inputs.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "nn/graph.hpp"
#include "json/json.hpp"

namespace hpe::nn {

constexpr std::size_t kMaxRank = 6;
constexpr int kMaxElements = 1 << 28;

// Sizes of at least 1, at most kMaxRank of them and kMaxElements elements. Throws Error(CorruptModel), as do all here.
[[nodiscard]] Shape read_shape(const json::Value& value, const std::string& where);
void check_shape(const Shape& shape, const std::string& where);

// Checks the inputs and the attributes of a node and gives the shape of its output. `asked` is the shape that a
// Reshape asks for; others do not look at it.
[[nodiscard]] Shape infer_shape(const Op& op, std::span<const Value* const> inputs, const Shape& asked,
                                const std::string& where);

// Checks the types of the inputs of a node and gives that of its output.
[[nodiscard]] Type infer_type(const Op& op, std::span<const Value* const> inputs, const std::string& where);

}  // namespace hpe::nn
