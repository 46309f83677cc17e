#include "hpe/network.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "hpe/error.hpp"
#include "nn/lower.hpp"
#include "nn/reader.hpp"
#include "nn/resize.hpp"

namespace hpe {

struct Network::Plan {
    nn::Kernels kernels;
    Isa isa;
    TensorInfo input;
    std::vector<TensorInfo> outputs;
    nn::Builder::Result built;
};

struct Network::Workspace::State {
    State(const Network& owner, const nn::Arena& plan) : network(owner.plan_.get()), arena(plan.size), memory(addresses(plan)) {}

    std::vector<float*> addresses(const nn::Arena& plan) {
        std::vector<float*> result;
        for (const std::size_t offset : plan.offsets) result.push_back(arena.data() + offset);
        return result;
    }

    const Plan* network;
    nn::AlignedFloats arena;
    nn::Memory memory;
};

namespace {

nn::Builder::Result build(const nn::Graph& graph, const nn::Kernels& kernels) {
    nn::Builder builder(graph, kernels);
    for (const nn::Node& node : graph.nodes) {
        if (builder.skipped(&node)) continue;
        std::visit([&](const auto& op) { nn::lower(builder, node, op); }, node.op);
    }
    return builder.finish();
}

nn::Builder::Result resized(nn::Graph& graph, InputSize size, const nn::Kernels& kernels) {
    nn::resize_input(graph, size);
    return build(graph, kernels);
}

// Asks for the step's memory while the one before it runs.
void fetch(const nn::Step& step) {
    constexpr std::size_t kLine = nn::kAlignment;
    constexpr std::size_t kLines = 4;
    const auto* const bytes = reinterpret_cast<const char*>(&step);
    for (std::size_t i = 0; i < kLines; ++i) __builtin_prefetch(bytes + i * kLine);
}

void check_size(const std::string& what, const std::vector<int>& shape, std::size_t size) {
    if (size == nn::element_count(shape)) return;
    throw Error(ErrorKind::InvalidArgument, what + ": expected " + std::to_string(nn::element_count(shape)) +
                                                " floats, " + nn::to_string(shape) + ", got " + std::to_string(size));
}

}  // namespace

Network::Network(std::span<const std::byte> file, Isa isa, std::optional<InputSize> size) {
    nn::Graph graph = nn::read_network(file);
    const nn::Kernels kernels{simd::network_kernels(isa), simd::quantized_kernels(isa)};
    const auto info = [&](const std::string& name, int value) {
        return TensorInfo{name, graph.values[static_cast<std::size_t>(value)].shape};
    };
    nn::Builder::Result built = size ? nn::for_size(*size, [&] { return resized(graph, *size, kernels); }) : build(graph, kernels);
    plan_ = std::make_unique<Plan>(Plan{kernels, isa, info(graph.values[static_cast<std::size_t>(graph.input)].name, graph.input),
                                        {}, std::move(built)});
    for (const nn::Output& output : graph.outputs) plan_->outputs.push_back(info(output.name, output.value));
}

Network::~Network() = default;
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;

const TensorInfo& Network::input() const noexcept { return plan_->input; }
const std::vector<TensorInfo>& Network::outputs() const noexcept { return plan_->outputs; }
Isa Network::isa() const noexcept { return plan_->isa; }

std::size_t Network::workspace_bytes() const noexcept { return plan_->built.arena.size * sizeof(float); }

std::size_t Network::weight_bytes() const noexcept { return plan_->built.constants.bytes(); }

Network::Workspace::Workspace(const Network& network)
    : state_(std::make_unique<State>(network, network.plan_->built.arena)) {}
Network::Workspace::~Workspace() = default;
Network::Workspace::Workspace(Workspace&&) noexcept = default;
Network::Workspace& Network::Workspace::operator=(Workspace&&) noexcept = default;

void Network::run(std::span<const float> input, std::span<const std::span<float>> outputs, Workspace& workspace) const {
    Workspace::State& state = *workspace.state_;
    if (state.network != plan_.get()) {
        throw Error(ErrorKind::InvalidArgument, "workspace: expected one made for this network, got another network's");
    }
    check_size("input", plan_->input.shape, input.size());
    if (outputs.size() != plan_->outputs.size()) {
        throw Error(ErrorKind::InvalidArgument, "outputs: expected " + std::to_string(plan_->outputs.size()) + ", got " +
                                                    std::to_string(outputs.size()));
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        check_size("output " + plan_->outputs[i].name, plan_->outputs[i].shape, outputs[i].size());
    }
    // steps only read the first buffer
    state.memory.set(0, const_cast<float*>(input.data()));
    const auto& steps = plan_->built.steps;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (i + 1 < steps.size()) fetch(*steps[i + 1]);
        steps[i]->run(state.memory, plan_->kernels);
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        std::memcpy(outputs[i].data(), state.memory.at(plan_->built.outputs[i]), outputs[i].size_bytes());
    }
}

std::vector<Network::StepTime> Network::profile(int repeats) const {
    if (repeats < 1) {
        throw Error(ErrorKind::InvalidArgument, "repeats: expected at least 1, got " + std::to_string(repeats));
    }
    Workspace workspace(*this);
    const std::vector<float> input(nn::element_count(plan_->input.shape), 0.0F);
    nn::Memory& memory = workspace.state_->memory;
    memory.set(0, const_cast<float*>(input.data()));
    const auto& steps = plan_->built.steps;
    std::vector<std::vector<double>> times(steps.size());
    using Clock = std::chrono::steady_clock;
    for (int r = 0; r < repeats; ++r) {
        for (std::size_t i = 0; i < steps.size(); ++i) {
            const auto start = Clock::now();
            steps[i]->run(memory, plan_->kernels);
            times[i].push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
        }
    }
    std::vector<StepTime> result;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const auto middle = times[i].begin() + static_cast<std::ptrdiff_t>(times[i].size() / 2);
        std::nth_element(times[i].begin(), middle, times[i].end());
        result.push_back({plan_->built.notes[i].name, *middle});
    }
    return result;
}

}  // namespace hpe
