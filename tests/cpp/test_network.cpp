#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "hpe/network.hpp"
#include "network_file.hpp"
#include "support.hpp"

using namespace hpe;

namespace {

std::vector<float> ramp(std::size_t count) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = 0.05F * static_cast<float>(i % 41) - 1.0F;
    return values;
}

// The first output.
std::vector<float> run_once(const Network& network, const std::vector<float>& input) {
    Network::Workspace workspace(network);
    std::vector<std::vector<float>> results;
    for (const TensorInfo& output : network.outputs()) results.emplace_back(nn::element_count(output.shape));
    const std::vector<std::span<float>> outputs(results.begin(), results.end());
    network.run(input, outputs, workspace);
    return results.front();
}

std::vector<float> run_file(const test::Bytes& file, Isa isa) {
    const Network network(file, isa);
    return run_once(network, ramp(nn::element_count(network.input().shape)));
}

bool has_step(const test::Bytes& file, const std::string& name) {
    const auto steps = Network(file, active_isa()).profile(1);
    return std::any_of(steps.begin(), steps.end(), [&](const auto& step) { return step.name == name; });
}

// A depthwise convolution, a ReLU and a 1x1 convolution, pixel by pixel.
std::vector<float> plain_separable(const test::Separable& s, const std::vector<float>& x) {
    const std::vector<float> filters = s.filters();
    const std::vector<float> weights = s.weights();
    const std::vector<float> bias = test::wave(s.channels);
    const auto value = [&](int c, int y, int i) {
        const bool inside = y >= 0 && y < s.height && i >= 0 && i < s.width;
        return inside ? double{x[static_cast<std::size_t>((c * s.height + y) * s.width + i)]} : 0.0;
    };
    const int pixels = s.out_height() * s.out_width();
    std::vector<float> out(static_cast<std::size_t>(s.columns * pixels));
    for (int p = 0; p < pixels; ++p) {
        std::vector<double> sums;
        for (const float start : test::wave(s.columns)) sums.push_back(double{start});
        for (int c = 0; c < s.channels; ++c) {
            double between = double{bias[static_cast<std::size_t>(c)]};
            for (int t = 0; t < 9; ++t) {
                const int y = p / s.out_width() * s.stride - s.pad + t / 3;
                const int i = p % s.out_width() * s.stride - s.pad + t % 3;
                between += value(c, y, i) * double{filters[static_cast<std::size_t>(c * 9 + t)]};
            }
            between = std::max(between, 0.0);
            for (int n = 0; n < s.columns; ++n) {
                sums[static_cast<std::size_t>(n)] += between * double{weights[static_cast<std::size_t>(n * s.channels + c)]};
            }
        }
        for (int n = 0; n < s.columns; ++n) {
            out[static_cast<std::size_t>(n * pixels + p)] = static_cast<float>(sums[static_cast<std::size_t>(n)]);
        }
    }
    return out;
}

}  // namespace

TEST_CASE("every operator gives the same on every instruction set") {
    for (const test::OpCase& c : test::op_cases()) {
        if (c.nodes.find("'sqrt'") != std::string::npos) continue;  // of numbers below 0: NaN
        CAPTURE(c.nodes);
        const std::vector<float> expected = run_file(c.file(), Isa::Scalar);
        CHECK(expected.size() == nn::element_count(c.output));
        for (const Isa isa : available_isas()) CHECK(test::largest_difference(run_file(c.file(), isa), expected) < 1e-5F);
    }
}

TEST_CASE("a network gives the same on every instruction set, and again with the same workspace") {
    const std::vector<float> expected = run_file(test::small_network(), Isa::Scalar);
    for (const Isa isa : available_isas()) {
        const Network network(test::small_network(), isa);
        const std::vector<float> input = ramp(3 * 13 * 11);
        Network::Workspace workspace(network);
        for (int i = 0; i < 3; ++i) {
            std::vector<float> out(5);
            const std::array<std::span<float>, 1> outputs = {out};
            network.run(input, outputs, workspace);
            CHECK(test::largest_difference(out, expected) < 1e-5F);
        }
    }
}

TEST_CASE("a stored matrix of few columns, on either side") {
    for (const int rows : {1, 3, 4, 14}) {
        for (const int depth : {4, 20}) {
            for (const int columns : {1, 3, 4}) {
                CAPTURE(rows);
                CAPTURE(depth);
                CAPTURE(columns);
                const auto sizes = [](int a, int b) { return "[" + std::to_string(a) + ", " + std::to_string(b) + "]"; };
                const std::vector<float> weights = ramp(static_cast<std::size_t>(depth * columns));
                const test::Bytes right = test::network_file(
                    test::graph_text(sizes(rows, depth), "{'op':'matmul','in':['x','w'],'out':'y'}"),
                    {{"w", {depth, columns}, weights}});
                // x^T lies with its depth side by side, as channels of an image do
                const test::Bytes left = test::network_file(
                    test::graph_text(sizes(rows, depth), "{'op':'transpose','in':['x'],'out':'t','perm':[1,0]},"
                                                         "{'op':'matmul','in':['w','t'],'out':'y'}"),
                    {{"w", {columns, depth}, weights}});
                const std::vector<float> x = ramp(static_cast<std::size_t>(rows * depth));
                for (const Isa isa : available_isas()) {
                    const std::vector<float> by_right = run_file(right, isa);
                    const std::vector<float> by_left = run_file(left, isa);
                    for (int r = 0; r < rows; ++r) {
                        for (int n = 0; n < columns; ++n) {
                            double with_right = 0.0;
                            double with_left = 0.0;
                            for (int k = 0; k < depth; ++k) {
                                const double value = double{x[static_cast<std::size_t>(r * depth + k)]};
                                with_right += value * double{weights[static_cast<std::size_t>(k * columns + n)]};
                                with_left += value * double{weights[static_cast<std::size_t>(n * depth + k)]};
                            }
                            CHECK(std::abs(double{by_right[static_cast<std::size_t>(r * columns + n)]} - with_right) < 1e-5);
                            CHECK(std::abs(double{by_left[static_cast<std::size_t>(n * rows + r)]} - with_left) < 1e-5);
                        }
                    }
                }
            }
        }
    }
}

TEST_CASE("a depthwise convolution and the 1x1 convolution behind it become one step with the same bits") {
    const std::vector<test::Separable> cases = {
        {5, 121, 119, 1, 1, 3}, {16, 131, 129, 2, 1, 20}, {33, 50, 47, 1, 0, 17}, {3, 301, 300, 2, 1, 4},
        {40, 85, 87, 2, 0, 48}, {400, 13, 14, 1, 1, 24},  {800, 9, 10, 1, 1, 9},  {64, 33, 32, 1, 1, 50},
    };
    for (const test::Separable& s : cases) {
        CAPTURE(s.channels);
        const test::Bytes fused = s.file();
        const test::Bytes apart = s.file("", ",{'name':'between','value':'r'}");
        CHECK(has_step(fused, "depthwise d conv y"));
        CHECK_FALSE(has_step(apart, "depthwise d conv y"));
        const std::vector<float> x = ramp(static_cast<std::size_t>(s.channels * s.height * s.width));
        const std::vector<float> expected = plain_separable(s, x);
        for (const Isa isa : available_isas()) {
            const std::vector<float> out = run_once(Network(fused, isa), x);
            CHECK(test::largest_difference(out, expected) < 2e-5F);
            CHECK(out == run_once(Network(apart, isa), x));
        }
    }
}

TEST_CASE("a depthwise convolution stays a step of its own") {
    const auto apart = [](const test::Bytes& file) { return has_step(file, "depthwise d") && has_step(file, "conv y"); };
    const test::Separable s{16, 65, 65, 1, 1, 20};
    CHECK_FALSE(apart(s.file()));
    CHECK(apart(s.file("", ",{'name':'between','value':'d'}")));
    CHECK(apart(s.file(",{'op':'neg','in':['r'],'out':'n'}", ",{'name':'twice','value':'n'}")));
    CHECK(apart(test::Separable{16, 65, 65, 1, 1, 20, "[2,2]"}.file()));
    CHECK(apart(test::Separable{16, 64, 64, 1, 1, 20}.file()));  // too small
}

TEST_CASE("wrong sizes and the workspace of another network are refused") {
    const Network network(test::small_network(), Isa::Scalar);
    const Network other(test::small_network(), Isa::Scalar);
    Network::Workspace workspace(network);
    std::vector<float> input(3 * 13 * 11);
    std::vector<float> out(5);
    std::vector<std::span<float>> outputs = {out};
    const auto run = [&] { network.run(input, outputs, workspace); };
    CHECK_NOTHROW(run());
    test::check_error(ErrorKind::InvalidArgument, "another network", [&] { other.run(input, outputs, workspace); });
    input.pop_back();
    test::check_error(ErrorKind::InvalidArgument, "input: expected 429 floats, [3, 13, 11], got 428", run);
    input.push_back(0.0F);
    out.pop_back();
    outputs = {out};
    test::check_error(ErrorKind::InvalidArgument, "output out: expected 5 floats", run);
    outputs.clear();
    test::check_error(ErrorKind::InvalidArgument, "outputs: expected 1, got 0", run);
    test::check_error(ErrorKind::InvalidArgument, "repeats", [&] { (void)network.profile(0); });
}

TEST_CASE("a small file that asks for a giant plan is refused") {
    const auto refuse = [](const std::string& input, const std::string& nodes) {
        const test::Bytes file = test::network_file(test::graph_text(input, nodes), {});
        test::check_error(ErrorKind::CorruptModel, "expected", [&] { const Network network(file, Isa::Scalar); });
    };
    refuse("[1, 1, 1]",
           "{'op':'max_pool','in':['x'],'out':'y','kernel':[9999,9999],'stride':[1,1],'pad':[9998,9998,9998,9998]}");
    refuse("[16777216, 1, 1]", "{'op':'matmul','in':['x','x'],'out':'y'}");
    refuse("[16000, 1]", "{'op':'transpose','in':['x'],'out':'a','perm':[1,0]},{'op':'add','in':['x','a'],'out':'y'}");
}

TEST_CASE("the profile names every step") {
    const Network network(test::small_network(), active_isa());
    const auto steps = network.profile(3);
    CHECK(steps.size() >= 5);
    for (const auto& step : steps) CHECK((!step.name.empty() && step.median_us >= 0.0));
}
