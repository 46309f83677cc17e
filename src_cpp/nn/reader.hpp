// Reads a network file (safetensors with the graph in its metadata). The file is not trusted.
#pragma once

#include <cstddef>
#include <span>

#include "nn/graph.hpp"

namespace hpe::nn {

constexpr std::size_t kMaxNodes = 4096;

// Every promise of graph.hpp is checked, shapes are inferred. `file` must outlive the graph, and a graph that holds
// copies of constants must be moved, not copied. Values: the input, the constants, the outputs of the nodes.
// Throws Error(CorruptModel): "network file: <where>: expected ..., got ...".
[[nodiscard]] Graph read_network(std::span<const std::byte> file);

}  // namespace hpe::nn
