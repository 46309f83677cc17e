#include "nn/safetensors.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "json/corrupt.hpp"
#include "nn/shapes.hpp"

namespace hpe::nn {
namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kMaxNameLength = 64;
constexpr std::string_view kMetadataKey = "__metadata__";

std::string_view header_text(std::span<const std::byte> file) {
    if (file.size() < kLengthBytes) {
        corrupt("header length", "8 bytes", std::to_string(file.size()) + " bytes");
    }
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < kLengthBytes; ++i) length |= std::to_integer<std::uint64_t>(file[i]) << (8 * i);
    const std::uint64_t limit = std::min(file.size() - kLengthBytes, kMaxHeaderBytes);
    if (length > limit) {
        corrupt("header length", "at most " + std::to_string(limit) + " bytes", std::to_string(length));
    }
    const std::span<const std::byte> text = file.subspan(kLengthBytes, static_cast<std::size_t>(length));
    return {reinterpret_cast<const char*>(text.data()), text.size()};
}

Tensor read_tensor(const std::string& name, const json::Value& entry, std::span<const std::byte> data) {
    constexpr std::array<std::string_view, 3> kKeys = {"dtype", "shape", "data_offsets"};
    const std::string where = "tensor " + quoted(name);
    check_name(name, where);
    json::check_keys(entry, kKeys, where);
    const std::string& dtype = json::string(json::member(entry, "dtype", where), where + ", dtype");
    if (dtype != "F32" && dtype != "I8") corrupt(where + ", dtype", "\"F32\" or \"I8\"", quoted(dtype));
    const Type type = dtype == "F32" ? Type::F32 : Type::I8;
    Tensor tensor{name, type, read_shape(json::member(entry, "shape", where), where + ", shape"), {}};

    const std::vector<json::Value>& offsets = json::array(json::member(entry, "data_offsets", where), where);
    if (offsets.size() != 2) corrupt(where + ", data_offsets", "2 numbers", std::to_string(offsets.size()));
    const auto size = static_cast<std::int64_t>(data.size());
    const std::int64_t begin = json::integer(offsets[0], 0, size, where + ", data_offsets");
    const std::int64_t end = json::integer(offsets[1], begin, size, where + ", data_offsets");
    const std::size_t bytes = element_count(tensor.shape) * (type == Type::F32 ? sizeof(float) : 1);
    if (static_cast<std::size_t>(end - begin) != bytes) {
        corrupt(where + ", data_offsets", std::to_string(bytes) + " bytes for the shape " + to_string(tensor.shape),
                std::to_string(end - begin));
    }
    tensor.bytes = data.subspan(static_cast<std::size_t>(begin), bytes);
    return tensor;
}

// No byte of the data may belong to two tensors or to none.
void check_tight(const std::vector<Tensor>& tensors, std::span<const std::byte> data) {
    std::size_t at = 0;
    for (const Tensor& tensor : tensors) {
        const auto begin = static_cast<std::size_t>(tensor.bytes.data() - data.data());
        if (begin != at) {
            corrupt("tensor " + quoted(tensor.name) + ", data_offsets",
                    "a start at " + std::to_string(at) + ", the end of the tensor before", std::to_string(begin));
        }
        at = begin + tensor.bytes.size();
    }
    if (at != data.size()) {
        corrupt("data", std::to_string(at) + " bytes as the tensors say", std::to_string(data.size()));
    }
}

}  // namespace

TensorFile read_safetensors(std::span<const std::byte> file) {
    const std::string_view text = header_text(file);
    if (!text.starts_with('{')) corrupt("header", "'{' at its start", text.empty() ? "nothing" : quoted(text));
    const json::Value header = json::parse(text, "header");
    const std::span<const std::byte> data = file.subspan(kLengthBytes + text.size());
    TensorFile out;
    out.metadata = json::member(header, kMetadataKey, "header");
    for (std::size_t i = 0; i < header.names.size(); ++i) {
        if (header.names[i] != kMetadataKey) {
            out.tensors.push_back(read_tensor(header.names[i], header.items[i], data));
        }
    }
    std::sort(out.tensors.begin(), out.tensors.end(),
              [](const Tensor& a, const Tensor& b) { return a.bytes.data() < b.bytes.data(); });
    check_tight(out.tensors, data);
    return out;
}

void check_name(const std::string& name, const std::string& where) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
               c == '-';
    };
    if (name.empty() || name.size() > kMaxNameLength || !std::all_of(name.begin(), name.end(), allowed)) {
        corrupt(where, "a name of 1 to 64 characters of A-Z a-z 0-9 _ . -", quoted(name));
    }
}

}  // namespace hpe::nn
