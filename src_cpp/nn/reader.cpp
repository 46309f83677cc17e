#include "nn/reader.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "json/corrupt.hpp"
#include "json/json.hpp"
#include "nn/safetensors.hpp"
#include "nn/shapes.hpp"

namespace hpe::nn {
namespace {

static_assert(std::endian::native == std::endian::little, "network files are little-endian and read in place");

constexpr std::string_view kFormat = "hpe-edge-network/1";

// The attributes of one node; ranges that depend on shapes are checked with these.
class Attributes {
  public:
    Attributes(const json::Value& node, const std::string& where) : node_(node), where_(where) {}

    [[nodiscard]] int integer(std::string_view key, int low) const {
        return to_int(json::member(node_, key, where_), key, low);
    }

    [[nodiscard]] int byte(std::string_view key) const {
        return static_cast<int>(json::integer(json::member(node_, key, where_), 0, 255, at(key)));
    }

    [[nodiscard]] float number(std::string_view key) const {
        const std::string where = at(key);
        const double value = json::number(json::member(node_, key, where_), where);
        if (std::abs(value) > double{std::numeric_limits<float>::max()}) {
            corrupt(where, "a number of float32", std::to_string(value));
        }
        return static_cast<float>(value);
    }

    [[nodiscard]] bool boolean(std::string_view key) const {
        return json::boolean(json::member(node_, key, where_), at(key));
    }

    [[nodiscard]] std::vector<int> integers(std::string_view key) const {
        const std::vector<json::Value>& items = json::array(json::member(node_, key, where_), at(key));
        if (items.size() > kMaxRank) {
            corrupt(at(key), "at most " + std::to_string(kMaxRank) + " integers", std::to_string(items.size()));
        }
        std::vector<int> out;
        for (const json::Value& item : items) out.push_back(to_int(item, key, 0));
        return out;
    }

    [[nodiscard]] Pair pair(std::string_view key) const {
        const std::vector<int> sizes = integers(key, 2);
        return {sizes[0], sizes[1]};
    }

    [[nodiscard]] Pad pad() const {
        const std::vector<int> sides = integers("pad", 4);
        return {sides[0], sides[1], sides[2], sides[3]};
    }

  private:
    [[nodiscard]] std::string at(std::string_view key) const { return where_ + ", " + std::string(key); }

    [[nodiscard]] int to_int(const json::Value& value, std::string_view key, int low) const {
        return static_cast<int>(json::integer(value, low, kMaxElements, at(key)));
    }

    [[nodiscard]] std::vector<int> integers(std::string_view key, std::size_t count) const {
        std::vector<int> out = integers(key);
        if (out.size() != count) {
            corrupt(at(key), std::to_string(count) + " integers", std::to_string(out.size()));
        }
        return out;
    }

    const json::Value& node_;
    const std::string& where_;
};

struct OpEntry {
    std::string_view name;
    std::vector<std::string_view> attributes;
    Op (*build)(const Attributes&);
};

template <UnaryKind kind>
Op unary(const Attributes& /*attributes*/) {
    return Unary{kind, 0.0F, 0.0F};
}

template <BinaryKind kind>
Op binary(const Attributes& /*attributes*/) {
    return Binary{kind};
}

template <ReduceKind kind>
Op reduce(const Attributes& attributes) {
    std::vector<int> axes = attributes.integers("axes");
    std::sort(axes.begin(), axes.end());
    return Reduce{kind, std::move(axes), attributes.boolean("keep")};
}

Op conv(const Attributes& a) { return Conv{a.pair("stride"), a.pad(), a.integer("groups", 1)}; }
Op qconv(const Attributes& a) {
    return QConv{{a.pair("stride"), a.pad(), a.integer("groups", 1)}, a.byte("in_zero"), a.byte("low"), a.byte("high")};
}
Op quantize(const Attributes& a) { return Quantize{a.number("scale"), a.byte("zero")}; }
Op dequantize(const Attributes& a) { return Dequantize{a.number("scale"), a.byte("zero")}; }
Op linear(const Attributes& /*a*/) { return Linear{}; }
Op matmul(const Attributes& /*a*/) { return MatMul{}; }
Op clip(const Attributes& a) { return Unary{UnaryKind::Clip, a.number("low"), a.number("high")}; }
Op softmax(const Attributes& a) { return Softmax{a.integer("axis", 0)}; }
Op max_pool(const Attributes& a) { return Pool{PoolKind::Max, a.pair("kernel"), a.pair("stride"), a.pad(), false}; }
Op average_pool(const Attributes& a) {
    return Pool{PoolKind::Average, a.pair("kernel"), a.pair("stride"), a.pad(), a.boolean("count_pad")};
}
Op qaverage_pool(const Attributes& a) {
    return Pool{PoolKind::QAverage, a.pair("kernel"), a.pair("stride"), a.pad(), false, a.number("gain")};
}
Op reshape(const Attributes& /*a*/) { return Reshape{}; }
Op transpose(const Attributes& a) { return Transpose{a.integers("perm")}; }
Op concat(const Attributes& a) { return Concat{a.integer("axis", 0)}; }
Op slice(const Attributes& a) {
    return Slice{a.integer("axis", 0), a.integer("start", 0), a.integer("stop", 0)};
}

const OpEntry& find_op(const std::string& name, const std::string& where) {
    static const std::vector<OpEntry> kOps = {
        {"conv", {"stride", "pad", "groups"}, conv},
        {"qconv", {"stride", "pad", "groups", "in_zero", "low", "high"}, qconv},
        {"quantize", {"scale", "zero"}, quantize},
        {"dequantize", {"scale", "zero"}, dequantize},
        {"linear", {}, linear},
        {"matmul", {}, matmul},
        {"add", {}, binary<BinaryKind::Add>},
        {"sub", {}, binary<BinaryKind::Sub>},
        {"mul", {}, binary<BinaryKind::Mul>},
        {"div", {}, binary<BinaryKind::Div>},
        {"min", {}, binary<BinaryKind::Min>},
        {"max", {}, binary<BinaryKind::Max>},
        {"relu", {}, unary<UnaryKind::Relu>},
        {"sigmoid", {}, unary<UnaryKind::Sigmoid>},
        {"tanh", {}, unary<UnaryKind::Tanh>},
        {"exp", {}, unary<UnaryKind::Exp>},
        {"sqrt", {}, unary<UnaryKind::Sqrt>},
        {"neg", {}, unary<UnaryKind::Neg>},
        {"clip", {"low", "high"}, clip},
        {"softmax", {"axis"}, softmax},
        {"max_pool", {"kernel", "stride", "pad"}, max_pool},
        {"average_pool", {"kernel", "stride", "pad", "count_pad"}, average_pool},
        {"qaverage_pool", {"kernel", "stride", "pad", "gain"}, qaverage_pool},
        {"mean", {"axes", "keep"}, reduce<ReduceKind::Mean>},
        {"sum", {"axes", "keep"}, reduce<ReduceKind::Sum>},
        {"reduce_max", {"axes", "keep"}, reduce<ReduceKind::Max>},
        {"reshape", {"shape"}, reshape},
        {"transpose", {"perm"}, transpose},
        {"concat", {"axis"}, concat},
        {"slice", {"axis", "start", "stop"}, slice},
    };
    const auto found = std::find_if(kOps.begin(), kOps.end(), [&](const OpEntry& op) { return op.name == name; });
    if (found == kOps.end()) corrupt(where, "an operator of the format", quoted(name));
    return *found;
}

class GraphReader {
  public:
    Graph read(const TensorFile& file) {
        constexpr std::array<std::string_view, 2> kMetadata = {"format", "graph"};
        constexpr std::array<std::string_view, 3> kKeys = {"input", "outputs", "nodes"};
        json::check_keys(file.metadata, kMetadata, "metadata");
        const std::string& format = text(file.metadata, "format", "metadata");
        if (format != kFormat) corrupt("metadata, format", "\"" + std::string(kFormat) + "\"", quoted(format));
        const json::Value graph = json::parse(text(file.metadata, "graph", "metadata"), "graph");
        json::check_keys(graph, kKeys, "graph");
        read_input(json::member(graph, "input", "graph"));
        for (const Tensor& tensor : file.tensors) add_constant(tensor);
        read_nodes(json::array(json::member(graph, "nodes", "graph"), "nodes"));
        read_outputs(json::array(json::member(graph, "outputs", "graph"), "outputs"));
        check_used();
        return std::move(graph_);
    }

  private:
    static const std::string& text(const json::Value& object, std::string_view key, const std::string& where) {
        return json::string(json::member(object, key, where), where + ", " + std::string(key));
    }

    int define(Value value, const std::string& where) {
        check_name(value.name, where);
        const int index = static_cast<int>(graph_.values.size());
        if (!indices_.emplace(value.name, index).second) {
            corrupt(where, "every name defined once", quoted(value.name) + " twice");
        }
        graph_.values.push_back(std::move(value));
        used_.push_back(false);
        return index;
    }

    void read_input(const json::Value& input) {
        constexpr std::array<std::string_view, 2> kKeys = {"name", "shape"};
        json::check_keys(input, kKeys, "input");
        Shape shape = read_shape(json::member(input, "shape", "input"), "input, shape");
        graph_.input = define({text(input, "name", "input"), std::move(shape), Type::F32, {}, {}}, "input");
    }

    void add_constant(const Tensor& tensor) {
        const std::string where = "tensor " + quoted(tensor.name);
        if (tensor.type == Type::I8) {
            const auto* bytes = reinterpret_cast<const std::int8_t*>(tensor.bytes.data());
            (void)define({tensor.name, tensor.shape, Type::I8, {}, {bytes, tensor.bytes.size()}}, where);
            return;
        }
        const std::span<const float> data = floats(tensor.bytes);
        for (const float value : data) {
            if (!std::isfinite(value)) corrupt(where, "finite numbers", std::isnan(value) ? "NaN" : "infinity");
        }
        (void)define({tensor.name, tensor.shape, Type::F32, data, {}}, where);
    }

    // In place where the file's memory is aligned.
    std::span<const float> floats(std::span<const std::byte> bytes) {
        const std::size_t count = bytes.size() / sizeof(float);
        if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(float) == 0) {
            return {reinterpret_cast<const float*>(bytes.data()), count};
        }
        std::vector<float>& copy = graph_.copies.emplace_back(count);
        std::memcpy(copy.data(), bytes.data(), bytes.size());
        return copy;
    }

    void read_nodes(const std::vector<json::Value>& nodes) {
        if (nodes.size() > kMaxNodes) {
            corrupt("nodes", "at most " + std::to_string(kMaxNodes), std::to_string(nodes.size()));
        }
        for (std::size_t i = 0; i < nodes.size(); ++i) read_node(nodes[i], "node " + std::to_string(i));
    }

    void read_node(const json::Value& node, const std::string& number) {
        json::check_object(node, number);
        const std::string& name = text(node, "op", number);
        const OpEntry& entry = find_op(name, number + ", op");
        const std::string where = number + " (" + name + ")";
        std::vector<std::string_view> keys = {"op", "in", "out"};
        keys.insert(keys.end(), entry.attributes.begin(), entry.attributes.end());
        json::check_keys(node, keys, where);

        std::vector<int> inputs;
        std::vector<const Value*> values;
        for (const json::Value& item : json::array(json::member(node, "in", where), where + ", in")) {
            inputs.push_back(use(json::string(item, where + ", in"), where + ", in"));
            values.push_back(&graph_.values[static_cast<std::size_t>(inputs.back())]);
        }
        Op op = entry.build(Attributes(node, where));
        Shape asked;
        if (std::holds_alternative<Reshape>(op)) {
            asked = read_shape(json::member(node, "shape", where), where + ", shape");
        }
        Shape shape = infer_shape(op, values, asked, where);
        const Type type = infer_type(op, values, where);
        const int output = define({text(node, "out", where), std::move(shape), type, {}, {}}, where + ", out");
        graph_.nodes.push_back({std::move(op), std::move(inputs), output});
    }

    int use(const std::string& name, const std::string& where) {
        const auto found = indices_.find(name);
        if (found == indices_.end()) corrupt(where, "a name defined before", quoted(name));
        used_[static_cast<std::size_t>(found->second)] = true;
        return found->second;
    }

    void read_outputs(const std::vector<json::Value>& outputs) {
        constexpr std::array<std::string_view, 2> kKeys = {"name", "value"};
        if (outputs.empty()) corrupt("outputs", "one output or more", "none");
        std::unordered_set<std::string> names;
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            const std::string where = "output " + std::to_string(i);
            json::check_keys(outputs[i], kKeys, where);
            const std::string& name = text(outputs[i], "name", where);
            check_name(name, where);
            if (!names.insert(name).second) corrupt(where, "every output's name once", quoted(name) + " twice");
            const std::string& value = text(outputs[i], "value", where);
            const int index = use(value, where);
            const Value& found = graph_.values[static_cast<std::size_t>(index)];
            if (index == graph_.input || found.constant()) corrupt(where, "the output of a node", quoted(value));
            if (found.type != Type::F32) corrupt(where, "a value of float32", quoted(value) + ", which is quantized");
            graph_.outputs.push_back({name, index});
        }
    }

    void check_used() const {
        for (std::size_t i = 0; i < used_.size(); ++i) {
            if (graph_.values[i].constant() && !used_[i]) {
                corrupt("tensor " + quoted(graph_.values[i].name), "a node that uses it", "none");
            }
        }
    }

    Graph graph_;
    std::unordered_map<std::string, int> indices_;
    std::vector<bool> used_;
};

}  // namespace

Graph read_network(std::span<const std::byte> file) {
    return reading("network file", [&] { return GraphReader().read(read_safetensors(file)); });
}

}  // namespace hpe::nn
