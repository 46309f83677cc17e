// Network files made in memory, for the tests and for the fuzzers' seeds.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "nn/graph.hpp"

namespace hpe::test {

using Bytes = std::vector<std::byte>;

struct StoredTensor {
    std::string name;
    nn::Shape shape;
    std::vector<float> data;  // empty: 0.5 everywhere, of bytes 3
    nn::Type type = nn::Type::F32;

    [[nodiscard]] Bytes bytes() const {
        const std::size_t count = nn::element_count(shape);
        if (type == nn::Type::I8) return Bytes(count, std::byte{3});
        const std::vector<float> values = data.empty() ? std::vector<float>(count, 0.5F) : data;
        Bytes result(values.size() * sizeof(float));
        if (!values.empty()) std::memcpy(result.data(), values.data(), result.size());
        return result;
    }
};

// JSON with ' for ", so that it reads well in C++.
inline std::string json_text(std::string text) {
    for (char& c : text) c = c == '\'' ? '"' : c;
    return text;
}

inline std::string json_string(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) out += (c == '"' || c == '\\') ? std::string("\\") + c : std::string(1, c);
    return out + "\"";
}

inline std::string metadata_json(const std::string& graph) {
    return json_text("'__metadata__':{'format':'hpe-edge-network/1','graph':") + json_string(graph) + "}";
}

inline Bytes raw_file(const std::string& header, const Bytes& data) {
    Bytes file(8 + header.size() + data.size());
    for (std::size_t i = 0; i < 8; ++i) {
        file[i] = static_cast<std::byte>(static_cast<std::uint64_t>(header.size()) >> (8 * i) & 0xFFU);
    }
    if (!header.empty()) std::memcpy(file.data() + 8, header.data(), header.size());
    if (!data.empty()) std::memcpy(file.data() + 8 + header.size(), data.data(), data.size());
    return file;
}

inline Bytes raw_file(const std::string& header, const std::vector<float>& data = {}) {
    return raw_file(header, StoredTensor{"", {static_cast<int>(data.size())}, data}.bytes());
}

// `aligned`: the header is padded so that the data start at a multiple of 8, as usual writers do.
inline Bytes network_file(const std::string& graph, const std::vector<StoredTensor>& tensors, bool aligned = true) {
    std::string header = "{" + metadata_json(json_text(graph));
    Bytes data;
    for (const StoredTensor& tensor : tensors) {
        const Bytes bytes = tensor.bytes();
        const std::string begin = std::to_string(data.size());
        const std::string dtype = tensor.type == nn::Type::F32 ? "F32" : "I8";
        data.insert(data.end(), bytes.begin(), bytes.end());
        header += json_text(",'" + tensor.name + "':{'dtype':'" + dtype + "','shape':" + nn::to_string(tensor.shape) +
                            ",'data_offsets':[" + begin + "," + std::to_string(data.size()) + "]}");
    }
    header += "}";
    while (header.size() % 8 != (aligned ? 0 : 1)) header += ' ';
    return raw_file(header, data);
}

inline std::string graph_text(const std::string& input_shape, const std::string& nodes) {
    return "{'input':{'name':'x','shape':" + input_shape + "},'outputs':[{'name':'out','value':'y'}],'nodes':[" +
           nodes + "]}";
}

// One node after another from the input x to the output y.
struct OpCase {
    std::string input_shape;
    std::string nodes;
    std::vector<StoredTensor> tensors;
    nn::Shape output;

    [[nodiscard]] Bytes file() const { return network_file(graph_text(input_shape, nodes), tensors); }
};

inline std::vector<OpCase> layer_cases() {
    const std::vector<StoredTensor> dense = {{"w", {6, 5}, {}}, {"b", {6}, {}}};
    return {
        {"[4, 9, 8]",
         "{'op':'conv','in':['x','w','b'],'out':'y','stride':[2,1],'pad':[1,0,0,2],'groups':2}",
         {{"w", {6, 2, 3, 3}, {}}, {"b", {6}, {}}},
         {6, 4, 8}},
        {"[5]", "{'op':'linear','in':['x','w','b'],'out':'y'}", dense, {6}},
        {"[2, 3, 5]", "{'op':'linear','in':['x','w','b'],'out':'y'}", dense, {2, 3, 6}},
        {"[7, 2, 3]", "{'op':'matmul','in':['x','w'],'out':'y'}", {{"w", {3, 4}, {}}}, {7, 2, 4}},
        {"[7, 1, 2, 3]", "{'op':'matmul','in':['w','x'],'out':'y'}", {{"w", {5, 4, 2}, {}}}, {7, 5, 4, 3}},
        {"[4, 4]", "{'op':'matmul','in':['x','x'],'out':'y'}", {}, {4, 4}},
        {"[3, 4]", "{'op':'clip','in':['x'],'out':'y','low':-1.5e-1,'high':6}", {}, {3, 4}},
        {"[3, 4]", "{'op':'softmax','in':['x'],'out':'y','axis':1}", {}, {3, 4}},
        {"[3, 7, 9]", "{'op':'max_pool','in':['x'],'out':'y','kernel':[2,3],'stride':[2,2],'pad':[0,1,1,1]}", {},
         {3, 4, 5}},
        {"[3, 6, 6]",
         "{'op':'average_pool','in':['x'],'out':'y','kernel':[3,3],'stride':[3,3],'pad':[0,0,0,0],'count_pad':true}",
         {},
         {3, 2, 2}},
    };
}

// Each reads x by way of a quantize node and ends in a dequantize node.
inline std::vector<OpCase> quantized_cases() {
    const std::string first = "{'op':'quantize','in':['x'],'out':'q','scale':0.01,'zero':128},";
    const std::string last = ",{'op':'dequantize','in':['p'],'out':'y','scale':0.02,'zero':7}";
    const auto conv = [&](const std::string& groups) {
        return first + "{'op':'qconv','in':['q','w','s','b'],'out':'p','stride':[2,1],'pad':[1,0,0,2],'groups':" + groups +
               ",'in_zero':128,'low':7,'high':250}" + last;
    };
    const std::vector<float> scale = {0.01F, 0.02F, 0.03F, 0.001F, 0.002F, 0.1F};
    const auto tensors = [&](int channels) {
        return std::vector<StoredTensor>{
            {"s", {6}, scale}, {"b", {6}, {}}, {"w", {6, channels, 3, 3}, {}, nn::Type::I8}};
    };
    return {
        {"[5, 9, 8]", conv("1"), tensors(5), {6, 4, 8}},
        {"[6, 9, 8]", conv("2"), tensors(3), {6, 4, 8}},
        {"[3, 9, 8]", conv("1"), tensors(3), {6, 4, 8}},  // few channels, in planes
        {"[3, 7, 9]", first + "{'op':'max_pool','in':['q'],'out':'p','kernel':[2,3],'stride':[2,2],'pad':[0,1,1,1]}" + last,
         {}, {3, 4, 5}},
        {"[3, 7, 9]",
         first + "{'op':'average_pool','in':['q'],'out':'p','kernel':[2,3],'stride':[2,2],'pad':[0,1,1,1],"
                 "'count_pad':false}" + last,
         {}, {3, 4, 5}},
        {"[3, 7, 9]",
         first + "{'op':'qaverage_pool','in':['q'],'out':'p','kernel':[2,3],'stride':[2,2],'pad':[0,1,1,1],"
                 "'gain':1.75}" + last,
         {}, {3, 4, 5}},
    };
}

inline std::vector<OpCase> axis_cases() {
    return {
        {"[2, 3, 4]", "{'op':'mean','in':['x'],'out':'y','axes':[2,0],'keep':false}", {}, {3}},
        {"[2, 3, 4]", "{'op':'sum','in':['x'],'out':'y','axes':[1],'keep':true}", {}, {2, 1, 4}},
        {"[2, 3]", "{'op':'reduce_max','in':['x'],'out':'y','axes':[0,1],'keep':false}", {}, {}},
        {"[2, 3, 4]", "{'op':'reshape','in':['x'],'out':'y','shape':[6,4]}", {}, {6, 4}},
        {"[2, 3, 4]", "{'op':'transpose','in':['x'],'out':'y','perm':[2,0,1]}", {}, {4, 2, 3}},
        {"[2, 3]", "{'op':'relu','in':['x'],'out':'a'},{'op':'concat','in':['x','a','x'],'out':'y','axis':1}", {},
         {2, 9}},
        {"[2, 9]", "{'op':'slice','in':['x'],'out':'y','axis':1,'start':2,'stop':9}", {}, {2, 7}},
    };
}

// Every operator, the layers first.
inline std::vector<OpCase> op_cases() {
    std::vector<OpCase> cases = layer_cases();
    const std::vector<OpCase> axes = axis_cases();
    cases.insert(cases.end(), axes.begin(), axes.end());
    const std::vector<OpCase> quantized = quantized_cases();
    cases.insert(cases.end(), quantized.begin(), quantized.end());
    for (const char* op : {"add", "sub", "mul", "div", "min", "max"}) {
        cases.push_back({"[3, 1, 4]", std::string("{'op':'") + op + "','in':['x','w'],'out':'y'}",
                         {{"w", {2, 1}, {}}}, {3, 2, 4}});
    }
    cases.push_back({"[2, 1]", "{'op':'mul','in':['w','x'],'out':'y'}", {{"w", {}, {2.0F}}}, {2, 1}});
    for (const char* op : {"relu", "sigmoid", "tanh", "exp", "sqrt", "neg"}) {
        cases.push_back({"[2, 3]", std::string("{'op':'") + op + "','in':['x'],'out':'y'}", {}, {2, 3}});
    }
    return cases;
}

// What read_network promises of every graph that it returns; a lie is a std::logic_error.
inline void check_promises(const nn::Graph& graph) {
    const auto promise = [](bool holds, const char* what) {
        if (!holds) throw std::logic_error(what);
    };
    std::vector<bool> defined(graph.values.size(), false);
    defined.at(static_cast<std::size_t>(graph.input)) = true;
    for (std::size_t i = 0; i < graph.values.size(); ++i) {
        const nn::Value& value = graph.values[i];
        promise(value.shape.size() <= 6, "rank");
        for (const int size : value.shape) promise(size >= 1, "size");
        promise(nn::element_count(value.shape) <= std::size_t{1} << 28, "elements");
        if (!value.constant()) continue;
        defined[i] = true;
        promise(value.data.size() + value.weights.size() == nn::element_count(value.shape), "data of the shape");
        promise(value.data.empty() == (value.type == nn::Type::I8), "data of the type");
        promise(reinterpret_cast<std::uintptr_t>(value.data.data()) % alignof(float) == 0, "alignment");
    }
    for (const nn::Node& node : graph.nodes) {
        for (const int input : node.inputs) promise(defined.at(static_cast<std::size_t>(input)), "order");
        promise(!defined.at(static_cast<std::size_t>(node.output)), "one definition");
        defined[static_cast<std::size_t>(node.output)] = true;
    }
    for (const bool known : defined) promise(known, "every value defined");
    promise(!graph.outputs.empty(), "outputs");
    for (const nn::Output& output : graph.outputs) (void)graph.values.at(static_cast<std::size_t>(output.value));
}

inline std::vector<float> wave(int count) {
    std::vector<float> values;
    for (int i = 0; i < count; ++i) values.push_back(std::sin(static_cast<float>(i)) * 0.1F);
    return values;
}

// conv 3x3 -> ReLU -> conv 3x3 with stride 2 -> mean -> linear, wide enough for every path of the kernels.
inline Bytes small_network() {
    const std::string nodes =
        "{'op':'conv','in':['x','w1','b1'],'out':'a','stride':[1,1],'pad':[1,1,1,1],'groups':1},"
        "{'op':'relu','in':['a'],'out':'b'},"
        "{'op':'conv','in':['b','w2','b2'],'out':'c','stride':[1,1],'pad':[1,1,1,1],'groups':1},"
        "{'op':'mean','in':['c'],'out':'d','axes':[1,2],'keep':false},"
        "{'op':'linear','in':['d','w3','b3'],'out':'y'}";
    return network_file(graph_text("[3, 13, 11]", nodes),
                              {{"w1", {20, 3, 3, 3}, wave(540)},
                               {"b1", {20}, wave(20)},
                               {"w2", {33, 20, 3, 3}, wave(5940)},
                               {"b2", {33}, wave(33)},
                               {"w3", {5, 33}, wave(165)},
                               {"b3", {5}, wave(5)}});
}

// A depthwise convolution 3x3 -> ReLU -> convolution 1x1.
struct Separable {
    int channels, height, width;
    int stride, pad;
    int columns;
    std::string pointwise_stride = "[1,1]";

    [[nodiscard]] int out_height() const { return (height + 2 * pad - 3) / stride + 1; }
    [[nodiscard]] int out_width() const { return (width + 2 * pad - 3) / stride + 1; }
    [[nodiscard]] std::vector<float> filters() const { return wave(channels * 9); }
    [[nodiscard]] std::vector<float> weights() const { return wave(columns * channels); }

    // With further nodes, of the values d and r between the two, and further outputs.
    [[nodiscard]] Bytes file(const std::string& nodes = "", const std::string& outputs = "") const {
        const std::string step = std::to_string(stride);
        const std::string border = std::to_string(pad);
        const std::string text =
            "{'input':{'name':'x','shape':" + nn::to_string({channels, height, width}) +
            "},'outputs':[{'name':'out','value':'y'}" + outputs + "],'nodes':[{'op':'conv','in':['x','w1','b1'],'out':'d',"
            "'stride':[" + step + "," + step + "],'pad':[" + border + "," + border + "," + border + "," + border +
            "],'groups':" + std::to_string(channels) + "},{'op':'relu','in':['d'],'out':'r'},"
            "{'op':'conv','in':['r','w2','b2'],'out':'y','stride':" + pointwise_stride + ",'pad':[0,0,0,0],'groups':1}" +
            nodes + "]}";
        return network_file(text, {{"w1", {channels, 1, 3, 3}, filters()},
                                   {"b1", {channels}, wave(channels)},
                                   {"w2", {columns, channels, 1, 1}, weights()},
                                   {"b2", {columns}, wave(columns)}});
    }
};

}  // namespace hpe::test
