// The container of a network file: named tensors and text in one piece of memory.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "nn/graph.hpp"
#include "json/json.hpp"

namespace hpe::nn {

// 8 bytes of header length, a JSON header padded with spaces, data. The limit bounds the memory that a header takes.
constexpr std::size_t kMaxHeaderBytes = std::size_t{8} << 20;

struct Tensor {
    std::string name;
    Type type;  // F32 or I8
    Shape shape;
    std::span<const std::byte> bytes;  // of the file, as many as the shape says
};

struct TensorFile {
    json::Value metadata;
    std::vector<Tensor> tensors;  // in the order of their bytes, which fill the data of the file
};

// Throws Error(CorruptModel).
[[nodiscard]] TensorFile read_safetensors(std::span<const std::byte> file);

// A name of a tensor, a value or an output: 1 to 64 characters of A-Z a-z 0-9 _ . -
void check_name(const std::string& name, const std::string& where);

}  // namespace hpe::nn
