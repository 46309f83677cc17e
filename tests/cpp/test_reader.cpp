// Network files: what a well-formed one gives, and that no malformed one passes or does harm.
#include <cstring>
#include <limits>

#include "network_file.hpp"
#include "json/json.hpp"
#include "nn/reader.hpp"
#include "support.hpp"

using namespace hpe;
using test::Bytes;
using test::network_file;
using test::StoredTensor;

namespace {

const std::string kRelu = "{'op':'relu','in':['x'],'out':'y'}";
const std::string kConv = "{'op':'conv','in':['x','w','b'],'out':'y','stride':[1,1],'pad':[0,0,0,0],'groups':1}";
const std::vector<StoredTensor> kConvTensors = {{"w", {2, 3, 2, 2}, {}}, {"b", {2}, {}}};

nn::Graph read(const Bytes& file) {
    nn::Graph graph = nn::read_network(file);
    test::check_promises(graph);
    return graph;
}

void refused_file(const Bytes& file, const std::string& part) {
    test::check_error(ErrorKind::CorruptModel, part, [&] { (void)nn::read_network(file); });
    test::check_error(ErrorKind::CorruptModel, "network file: ", [&] { (void)nn::read_network(file); });
}

void refused(const std::string& nodes, const std::string& part, const std::vector<StoredTensor>& tensors = {},
             const std::string& input_shape = "[3, 4, 5]") {
    refused_file(network_file(test::graph_text(input_shape, nodes), tensors), part);
}

void refused_graph(const std::string& graph, const std::string& part) { refused_file(network_file(graph, {}), part); }

// A file of one tensor w, used; `entry` is its header.
void refused_entry(const std::string& entry, const std::string& part, std::size_t floats = 4) {
    const std::string graph = test::json_text(test::graph_text("[2, 2]", "{'op':'add','in':['x','w'],'out':'y'}"));
    const std::string header = "{" + test::metadata_json(graph) + "," + test::json_text(entry) + "}";
    refused_file(test::raw_file(header, std::vector<float>(floats, 1.0F)), part);
}

std::string node(const std::string& op, const std::string& rest) {
    return "{'op':'" + op + "','out':'y','in':['x']" + rest + "}";
}

std::string replaced(std::string text, const std::string& part, const std::string& by) {
    const std::size_t at = text.find(part);
    REQUIRE(at != std::string::npos);
    return text.replace(at, part.size(), by);
}

// A changed file is either refused as CorruptModel or gives a graph that keeps every promise.
bool survives(const Bytes& file) {
    try {
        (void)read(file);
        return true;
    } catch (const Error& error) {
        REQUIRE(error.kind() == ErrorKind::CorruptModel);
        return false;
    }
}

}  // namespace

TEST_CASE("every operator gives its shape") {
    for (const test::OpCase& one : test::op_cases()) {
        CAPTURE(one.nodes);
        const nn::Graph graph = read(one.file());
        CHECK(graph.values[static_cast<std::size_t>(graph.outputs[0].value)].shape == one.output);
        CHECK(graph.outputs[0].name == "out");
        CHECK(graph.copies.empty());
    }
}

TEST_CASE("attributes and constants come as written") {
    const std::vector<test::OpCase> cases = test::op_cases();
    const Bytes file = cases[0].file();
    const nn::Graph graph = read(file);
    CHECK(graph.values[0].name == "x");
    const auto& conv = std::get<nn::Conv>(graph.nodes[0].op);
    CHECK(conv.stride.y == 2);
    CHECK(conv.stride.x == 1);
    CHECK(conv.pad.top == 1);
    CHECK(conv.pad.right == 2);
    CHECK(conv.groups == 2);
    const nn::Graph clip = read(cases[6].file());
    CHECK(std::get<nn::Unary>(clip.nodes[0].op).low == -0.15F);
    CHECK(std::get<nn::Unary>(clip.nodes[0].op).high == 6.0F);
    const nn::Graph mean = read(cases[10].file());
    CHECK(std::get<nn::Reduce>(mean.nodes[0].op).axes == std::vector<int>{0, 2});
    CHECK(std::get<nn::Pool>(read(cases[9].file()).nodes[0].op).count_pad);
}

TEST_CASE("constants lie in the file, or in aligned copies") {
    const std::vector<StoredTensor> tensors = {{"w", {2, 2}, {1.0F, -2.0F, 3.5F, 0.0F}}};
    const std::string graph = test::graph_text("[2, 2]", "{'op':'add','in':['x','w'],'out':'y'}");
    for (const bool aligned : {true, false}) {
        const Bytes file = network_file(graph, tensors, aligned);
        const nn::Graph first = read(file);
        CHECK(first.copies.empty() == aligned);
        const std::span<const float> data = first.values[1].data;
        CHECK(std::vector<float>(data.begin(), data.end()) == tensors[0].data);
        if (aligned) CHECK(static_cast<const void*>(data.data()) == file.data() + file.size() - 16);
    }
}

TEST_CASE("a file cut anywhere is refused") {
    const Bytes file = network_file(test::graph_text("[3, 4, 5]", kConv), kConvTensors);
    REQUIRE(survives(file));
    for (std::size_t size = 0; size < file.size(); ++size) {
        CHECK_FALSE(survives(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size))));
    }
    Bytes longer = file;
    longer.resize(file.size() + 4);
    refused_file(longer, "bytes as the tensors say");
}

TEST_CASE("no flipped bit and no changed byte does harm") {
    const Bytes file = network_file(test::graph_text("[3, 4, 5]", kConv), kConvTensors);
    for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
        Bytes changed = file;
        changed[bit / 8] ^= std::byte{1} << (bit % 8);
        const bool good = survives(changed);
        if (bit < 64) CHECK_FALSE(good);
    }
    const std::vector<std::uint8_t> noise = test::noise(3000 * 9);
    for (std::size_t i = 0; i < 3000; ++i) {
        Bytes changed = file;
        for (std::size_t k = 0; k < 1 + i % 3; ++k) {
            const std::size_t at = noise[9 * i + 3 * k] * 256U + noise[9 * i + 3 * k + 1];
            changed[8 + at % (changed.size() - 8)] = std::byte{noise[9 * i + 3 * k + 2]};
        }
        (void)survives(changed);
    }
}

TEST_CASE("a wrong header is refused") {
    Bytes file = network_file(test::graph_text("[3]", kRelu), {});
    refused_file({}, "header length: expected 8 bytes, got 0 bytes");
    std::fill(file.begin(), file.begin() + 8, std::byte{0xFF});
    refused_file(file, "18446744073709551615");
    std::fill(file.begin(), file.begin() + 8, std::byte{0});
    refused_file(file, "header: expected '{'");
    refused_file(test::raw_file(" {}"), "header: expected '{'");
    refused_file(test::raw_file("{}"), "the key \"__metadata__\"");
    refused_file(test::raw_file("{}x"), "the end of the text");
    refused_file(test::raw_file("{" + std::string((8U << 20U) + 1, ' ')), "at most 8388608 bytes");
    const auto metadata = [](const std::string& value) {
        return test::raw_file(test::json_text("{'__metadata__':" + value + "}"));
    };
    refused_file(metadata("[]"), "metadata: expected an object");
    refused_file(metadata("{'format':'hpe-edge-network/1'}"), "the key \"graph\"");
    refused_file(metadata("{'format':'hpe-edge-network/2','graph':'{}'}"), "\"hpe-edge-network/2\"");
    refused_file(metadata("{'format':1,'graph':'{}'}"), "metadata, format: expected a string");
    refused_file(metadata("{'format':'hpe-edge-network/1','graph':{}}"), "metadata, graph: expected a string");
    refused_file(metadata("{'format':'hpe-edge-network/1','graph':'{}','more':''}"), "no other key, got \"more\"");
    refused_file(metadata("{'format':'hpe-edge-network/1','graph':'{'}"), "graph, byte 1");
}

TEST_CASE("a wrong entry of a tensor is refused") {
    refused_entry("'w':{'dtype':'F16','shape':[2,2],'data_offsets':[0,16]}", "dtype: expected \"F32\" or \"I8\", got \"F16\"");
    refused_entry("'w':{'dtype':'F32','shape':[2,2]}", "the key \"data_offsets\"");
    refused_entry("'w':{'dtype':'F32','shape':[2,2],'data_offsets':[0,16],'more':0}", "no other key");
    refused_entry("'w':{'dtype':'F32','shape':[2,2],'data_offsets':[0]}", "expected 2 numbers");
    refused_entry("'w':{'dtype':'F32','shape':[2,2],'data_offsets':[0,20]}", "an integer from 0 to 16");
    refused_entry("'w':{'dtype':'F32','shape':[2,2],'data_offsets':[-4,12]}", "an integer from 0 to 16");
    refused_entry("'w':{'dtype':'F32','shape':[2,2],'data_offsets':[8,4]}", "an integer from 8 to 16");
    refused_entry("'w':{'dtype':'F32','shape':[2,2],'data_offsets':[0,18446744073709551616]}", "an integer from");
    refused_entry("'w':{'dtype':'F32','shape':[2,2],'data_offsets':[0,1.6e1]}", "an integer from");
    refused_entry("'w':{'dtype':'F32','shape':[2,3],'data_offsets':[0,16]}", "24 bytes for the shape [2, 3], got 16");
    refused_entry("'w':{'dtype':'F32','shape':[2,0],'data_offsets':[0,0]}", "an integer from 1", 0);
    refused_entry("'w':{'dtype':'F32','shape':[4294967296,4294967296],'data_offsets':[0,0]}", "an integer from 1", 0);
    refused_entry("'w':{'dtype':'F32','shape':[65536,65536,65536],'data_offsets':[0,0]}", "268435456 elements", 0);
    refused_entry("'w':{'dtype':'F32','shape':[1,1,1,1,1,2,2],'data_offsets':[0,16]}", "rank at most 6, got 7");
    refused_entry("'w w':{'dtype':'F32','shape':[2,2],'data_offsets':[0,16]}", "a name of 1 to 64");
    refused_entry("'w':[]", "tensor \"w\": expected an object");
    const std::string w = "'w':{'dtype':'F32','shape':[2,2],'data_offsets':[0,16]}";
    refused_entry(w + "," + w, "every key once, got \"w\" twice");
    refused_entry("'w':{'dtype':'F32','dtype':'F32'}", "every key once");
    refused_entry(w + ",'v':{'dtype':'F32','shape':[2,2],'data_offsets':[12,28]}", "a start at 16", 7);
    refused_entry(w + ",'v':{'dtype':'F32','shape':[2,2],'data_offsets':[20,36]}", "a start at 16", 9);
    refused_entry(w + ",'v':{'dtype':'F32','shape':[2,2],'data_offsets':[0,16]}", "a start at 16, the end of");
    refused_entry("'w':{'dtype':'F32','shape':[2,2],'data_offsets':[4,20]}", "a start at 0", 5);
    refused_entry(w, "16 bytes as the tensors say, got 20", 5);
    refused_entry(w + ",'v':{'dtype':'F32','shape':[1],'data_offsets':[16,20]}", "\"v\": expected a node that", 5);
}

TEST_CASE("weights must be finite") {
    using Limits = std::numeric_limits<float>;
    for (const float value : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()}) {
        refused("{'op':'add','in':['x','w_3'],'out':'y'}", "tensor \"w_3\": expected finite numbers",
                {{"w_3", {2}, {0.0F, value}}}, "[2]");
    }
}

TEST_CASE("a wrong graph is refused") {
    const std::string good = test::graph_text("[3]", kRelu);
    const auto changed = [&](const std::string& part, const std::string& by, const std::string& message) {
        CAPTURE(by);
        refused_graph(replaced(good, part, by), message);
    };
    refused_graph("[]", "graph: expected an object");
    changed("'nodes'", "'node'", "graph: expected the key \"nodes\"");
    changed("{'input'", "{'name':'','input'", "graph: expected no other key, got \"name\"");
    changed("'shape':[3]", "'shape':[3],'dtype':'F32'", "input: expected no other key");
    changed("[3]", "[3.0]", "input, shape: expected an integer from 1 to 268435456, got the number 3.0");
    changed("[3]", "[-3]", "an integer from 1");
    changed("[3]", "[1,1,1,1,1,1,1]", "rank at most 6");
    changed("[3]", "[16384,16385]", "at most 268435456 elements");
    changed("'name':'x'", "'name':'ö'", "a name of 1 to 64 characters of A-Z a-z 0-9 _ . -, got \"??\"");
    changed("'name':'x'", "'name':''", "a name of 1 to 64");
    changed("'name':'x'", "'name':'" + std::string(65, 'x') + "'", "a name of 1 to 64");
    changed("'name':'x'", "'name':null", "input, name: expected a string, got null");
    changed("[{'name':'out','value':'y'}]", "[]", "one output or more");
    changed("'value':'y'", "'value':'z'", "output 0: expected a name defined before, got \"z\"");
    changed("'value':'y'", "'value':'x'", "output 0: expected the output of a node");
    changed("'value':'y'}", "'value':'y'},{'name':'out','value':'y'}", "every output's name once");
    changed("'nodes':[", "'nodes':[[],", "node 0: expected an object");
    changed("'nodes':[" + kRelu + "]", "'nodes':{}", "nodes: expected an array");
    std::string many = kRelu;
    for (int i = 0; i < 4096; ++i) many += ",{}";
    changed(kRelu, many, "nodes: expected at most 4096, got 4097");
}

TEST_CASE("a wrong node is refused") {
    const auto changed = [&](const std::string& part, const std::string& by, const std::string& message) {
        CAPTURE(by);
        refused(replaced(kRelu, part, by), message);
    };
    changed("'relu'", "'Relu'", "node 0, op: expected an operator of the format, got \"Relu\"");
    changed("'relu'", "1", "node 0, op: expected a string");
    changed("'op':'relu',", "", "node 0: expected the key \"op\"");
    changed("'out'", "'outs'", "node 0 (relu): expected the key \"out\"");
    changed("{", "{'axis':0,", "node 0 (relu): expected no other key, got \"axis\"");
    changed("'x'", "'y'", "node 0 (relu), in: expected a name defined before, got \"y\"");
    changed("'x'", "'x','x'", "expected 1 inputs, got 2");
    changed("['x']", "[]", "expected 1 inputs, got 0");
    changed("['x']", "'x'", "in: expected an array");
    changed("'y'", "'x'", "out: expected every name defined once, got \"x\" twice");
    refused("{'op':'relu','in':['a'],'out':'y'},{'op':'relu','in':['y'],'out':'a'}", "a name defined before");
    refused(kRelu + "," + kRelu, "node 1 (relu), out: expected every name defined once");
    refused("{'op':'relu','in':['x'],'out':'w'}", "every name defined once", {{"w", {1}, {}}});
    refused(kRelu, "every name defined once", {{"x", {1}, {}}});
    refused("{'op':'relu','in':['w'],'out':'y'}", "expected a value as input 0", {{"w", {1}, {}}});
}

TEST_CASE("wrong types, scales and bytes of quantized operators are refused") {
    const test::OpCase good = test::quantized_cases()[0];
    const auto changed = [&](const std::string& part, const std::string& by, const std::string& message) {
        CAPTURE(by);
        const test::Bytes file =
            test::network_file(test::graph_text(good.input_shape, replaced(good.nodes, part, by)), good.tensors);
        refused_file(file, message);
    };
    changed("'scale':0.01", "'scale':0", "expected a scale above 0");
    changed("'zero':128", "'zero':256", "an integer from 0 to 255");
    changed("'low':7,", "'low':251,", "expected low <= high");
    changed("['q','w','s','b']", "['x','w','s','b']", "U8 as input 0");
    changed("['q','w','s','b']", "['q','w','b']", "expected 4 inputs");
    changed(",{'op':'dequantize','in':['p'],'out':'y','scale':0.02,'zero':7}",
            ",{'op':'relu','in':['p'],'out':'y'}", "F32 as input 0");
    changed("'out':'p'", "'out':'y'", "a name defined before");
    std::vector<test::StoredTensor> tensors = good.tensors;
    tensors[2].type = nn::Type::F32;
    refused_file(test::network_file(test::graph_text(good.input_shape, good.nodes), tensors), "I8 as input 1");
    tensors = good.tensors;
    tensors[0].data[3] = 0.0F;
    refused_file(test::network_file(test::graph_text(good.input_shape, good.nodes), tensors), "scales above 0");
    refused("{'op':'quantize','in':['x'],'out':'y','scale':1,'zero':0}", "a value of float32");
}

TEST_CASE("wrong inputs and attributes of conv are refused") {
    const auto changed = [&](const std::string& part, const std::string& by, const std::string& message) {
        CAPTURE(by);
        refused(replaced(kConv, part, by), message, kConvTensors);
    };
    changed("'groups':1", "'groups':0", "an integer from 1");
    changed("'groups':1", "'groups':2", "groups that divide the channels");
    changed("'groups':1", "'groups':true", "got true");
    changed("'stride':[1,1]", "'stride':[1]", "stride: expected 2 integers, got 1");
    changed("'stride':[1,1]", "'stride':[1,0]", "a stride of 1 or more");
    changed("'pad':[0,0,0,0]", "'pad':[0,0,2,0]", "0 <= pad < kernel");
    changed("'pad':[0,0,0,0]", "'pad':[0,-1,0,0]", "an integer from 0");
    changed("'pad':[0,0,0,0]", "'pad':[0,0,0]", "pad: expected 4 integers");
    changed("['x','w','b']", "['x','w','x']", "a tensor as input 2");
    changed("['x','w','b']", "['w','w','b']", "a value as input 0");
    changed("['x','w','b']", "['x','b','w']", "rank 4 of input 1, got [2]");
    refused(kConv, "channels of x / groups", {{"w", {2, 4, 2, 2}, {}}, {"b", {2}, {}}});
    refused(kConv, "a bias for each output channel", {{"w", {2, 3, 2, 2}, {}}, {"b", {3}, {}}});
    refused(kConv, "not larger than the padded input", {{"w", {2, 3, 5, 2}, {}}, {"b", {2}, {}}});
    refused(kConv, "rank 3 of input 0", kConvTensors, "[1, 3, 4, 5]");
}

TEST_CASE("wrong inputs of products and sums are refused") {
    refused("{'op':'linear','in':['x','w','b'],'out':'y'}", "last axis", {{"w", {2, 4}, {}}, {"b", {2}, {}}});
    refused("{'op':'linear','in':['x','w','b'],'out':'y'}", "a bias", {{"w", {2, 5}, {}}, {"b", {3}, {}}});
    refused("{'op':'matmul','in':['x','x'],'out':'y'}", "the last axis of a");
    refused("{'op':'matmul','in':['x','w'],'out':'y'}", "rank 2 or more", {{"w", {5}, {}}});
    refused("{'op':'matmul','in':['x','w'],'out':'y'}", "shapes that broadcast", {{"w", {2, 5, 5}, {}}});
    refused("{'op':'add','in':['x','w'],'out':'y'}", "broadcast, got inputs of [3, 4, 5] [4]", {{"w", {4}, {}}});
    refused("{'op':'add','in':['x','w'],'out':'y'}", "elements, got [20000, 20000]", {{"w", {20000, 1}, {}}},
            "[20000]");
    refused("{'op':'matmul','in':['x','w'],'out':'y'}", "output: expected at most", {{"w", {1, 20000}, {}}},
            "[20000, 1]");
}

TEST_CASE("wrong attributes of clip, softmax, pools and reductions are refused") {
    const auto pool = [](const std::string& kernel, const std::string& pad) {
        return node("max_pool", ",'kernel':" + kernel + ",'stride':[1,1],'pad':" + pad);
    };
    for (const char* bound : {"NaN", "nan", "Infinity", "-Infinity", "1e400", "1e39", "-1e39", "'0'", "null"}) {
        CAPTURE(bound);
        refused(node("clip", std::string(",'low':0,'high':") + bound), "network file");
    }
    refused(node("clip", ",'low':1,'high':0.5"), "low <= high");
    refused(node("softmax", ",'axis':3"), "an axis of [3, 4, 5], got 3");
    refused(node("softmax", ",'axis':-1"), "axis: expected an integer from 0");
    refused(pool("[5,1]", "[0,0,0,0]"), "not larger than the padded input");
    refused(pool("[0,1]", "[0,0,0,0]"), "0 <= pad < kernel");
    refused(pool("[2,2]", "[0,2,0,0]"), "pads 2, 0, kernel 2");
    refused(pool("[268435457,1]", "[0,0,0,0]"), "an integer from 0 to 268435456");
    refused(pool("[268435456,1]", "[268435455,0,268435455,0]"), "output: expected at most 268435456 elements");
    refused(node("average_pool", ",'kernel':[1,1],'stride':[1,1],'pad':[0,0,0,0],'count_pad':1"), "true or false");
    for (const char* gain : {"0", "-1", "1e400", "'1'"}) {
        CAPTURE(gain);
        refused(node("qaverage_pool", std::string(",'kernel':[1,1],'stride':[1,1],'pad':[0,0,0,0],'gain':") + gain), "gain");
    }
    refused(node("qaverage_pool", ",'kernel':[1,1],'stride':[1,1],'pad':[0,0,0,0],'gain':1"), "expected U8 as input 0");
    refused(node("mean", ",'axes':[],'keep':true"), "one axis or more");
    refused(node("mean", ",'axes':[1,1],'keep':true"), "rising axes, got [1, 1]");
    refused(node("mean", ",'axes':[3],'keep':true"), "an axis of");
    refused(node("mean", ",'axes':[0,0,0,0,0,0,0],'keep':true"), "at most 6 integers, got 7");
}

TEST_CASE("wrong attributes of what moves elements are refused") {
    refused(node("reshape", ",'shape':[3,-1]"), "shape: expected an integer from 1");
    refused(node("reshape", ",'shape':[3,21]"), "a shape of as many elements as x, got [3, 21]");
    refused(node("transpose", ",'perm':[0,1]"), "every axis of x once");
    refused(node("transpose", ",'perm':[0,1,1]"), "every axis of x once");
    refused(node("transpose", ",'perm':[0,1,3]"), "an axis of");
    refused("{'op':'concat','in':[],'out':'y','axis':0}", "one input or more");
    refused("{'op':'concat','in':['x'],'out':'y','axis':3}", "an axis of");
    refused("{'op':'concat','in':['x','w'],'out':'y','axis':0}", "a value as input 1", {{"w", {3, 4, 5}, {}}});
    const std::string other = node("transpose", ",'perm':[0,2,1]");
    refused(replaced(other, "'y'", "'t'") + ",{'op':'concat','in':['x','t'],'out':'y','axis':0}",
            "differ in the axis 0");
    refused("{'op':'concat','in':['x','x','x'],'out':'y','axis':0}", "at most 268435456", {}, "[100000000]");
    for (const char* range : {"2,'stop':2", "3,'stop':2", "0,'stop':4", "-1,'stop':2"}) {
        CAPTURE(range);
        refused(node("slice", std::string(",'axis':0,'start':") + range), "node 0 (slice)");
    }
}

TEST_CASE("JSON is read as it is defined, and nothing else") {
    const auto parsed = [](const std::string& text) { return json::parse(text, "text"); };
    CHECK(parsed(R"( "a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é😀" )").text == "a\"\\/\b\f\n\r\té😀é😀");
    CHECK(parsed(R"({"a": [1, {"b": true}], "c": null})").items[0].items[1].items[0].truth);
    CHECK(json::integer(parsed("-9223372036854775808"), std::numeric_limits<std::int64_t>::min(), 0, "n") < 0);
    CHECK(json::number(parsed("-1.5E-3"), "n") == -1.5e-3);
    CHECK(parsed(std::string(16, '[') + std::string(16, ']')).items.size() == 1);
    const char* const wrong[] = {
        "", " ", "[1,]", "[,1]", "[1 2]", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "{'a':1}", "{\"a\":1 \"b\":2}", "[",
        "{", "[1}", "1 1", "01", "-", "+1", ".5", "1.", "1e", "1e+", "0x1", "NaN", "Infinity", "tru", "True", "\"",
        "\"\\x\"", "\"\\", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\n\"",
        "\"\x80\"", "\"\xC0\x80\"", "\"\xC3\"", "\"\xE0\x80\x80\"", "\"\xED\xA0\x80\"", "\"\xF0\x80\x80\x80\"",
        "\"\xF4\x90\x80\x80\"", "\"\xF5\x80\x80\x80\"", "\"\xF0\x9F", "// 1", "1//", ("\xEF\xBB\xBF" "1"),
        "{\"a\":1,\"\\u0061\":2}", "[1]\v"};
    for (const char* text : wrong) {
        CAPTURE(text);
        test::check_error(ErrorKind::CorruptModel, "text", [&] { (void)parsed(text); });
    }
    test::check_error(ErrorKind::CorruptModel, "byte 0x00", [&] { (void)parsed(std::string("[\0]", 3)); });
}

TEST_CASE("JSON that would take much stack or memory is refused") {
    const auto refused_text = [](const std::string& text, const std::string& part) {
        test::check_error(ErrorKind::CorruptModel, part, [&] { (void)json::parse(text, "text"); });
    };
    refused_text(std::string(17, '['), "a nesting of at most 16");
    refused_text(std::string(1000000, '['), "a nesting of at most 16");
    std::string deep;
    for (int i = 0; i < 100000; ++i) deep += "{\"a\":";
    refused_text(deep, "a nesting of at most 16");
    std::string wide = "[0";
    for (int i = 0; i < 200000; ++i) wide += ",0";
    refused_text(wide + "]", "at most 131072 values");
    refused_graph(test::graph_text("[3]", std::string(1000, '[')), "a nesting of at most 16");
}
