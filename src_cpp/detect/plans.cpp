#include "detect/plans.hpp"

#include <algorithm>
#include <string>

#include "json/corrupt.hpp"
#include "nn/graph.hpp"
#include "nn/reader.hpp"

namespace hpe::detect {
namespace {

const TensorInfo* find_output(const std::vector<TensorInfo>& outputs, const std::string& name) {
    const auto found = std::find_if(outputs.begin(), outputs.end(), [&](const TensorInfo& o) { return o.name == name; });
    return found == outputs.end() ? nullptr : &*found;
}

// The maps of a network that belongs to the card. `input` is [3, H, W].
void check_outputs(const Card& card, const nn::Shape& input, const std::vector<TensorInfo>& outputs) {
    for (const Card::Output& output : card.outputs) {
        const std::string where = "detector card: output " + quoted(output.name);
        const TensorInfo* const found = find_output(outputs, output.name);
        if (found == nullptr) corrupt(where, "one of the network's outputs", "none of that name");
        const nn::Shape shape = {kChannels, input[1] / output.stride, input[2] / output.stride};
        if (found->shape != shape) corrupt(where, nn::to_string(shape), nn::to_string(found->shape));
    }
}

void check_belongs(const Card& card, const nn::Graph& graph) {
    const auto info = [&](const std::string& name, int value) {
        return TensorInfo{name, graph.values[static_cast<std::size_t>(value)].shape};
    };
    const nn::Value& input = graph.values[static_cast<std::size_t>(graph.input)];
    const nn::Shape& shape = input.shape;
    const bool fits = shape.size() == 3 && shape[0] == 3 && shape[1] % kInputMultiple == 0 && shape[2] % kInputMultiple == 0;
    if (input.name != card.input_name || !fits) {
        corrupt("detector card: input", quoted(card.input_name) + " [3, H, W] with multiples of " +
                                            std::to_string(kInputMultiple) + " in the network",
                quoted(input.name) + " " + nn::to_string(shape));
    }
    std::vector<TensorInfo> outputs;
    for (const nn::Output& output : graph.outputs) outputs.push_back(info(output.name, output.value));
    check_outputs(card, shape, outputs);
}

}  // namespace

Scratch::Scratch(const Network& network, const Card& card)
    : workspace(network), input(nn::element_count(network.input().shape)) {
    const std::vector<TensorInfo>& infos = network.outputs();
    for (const TensorInfo& info : infos) values.emplace_back(nn::element_count(info.shape));
    outputs.assign(values.begin(), values.end());
    std::size_t count = 0;
    for (const Card::Output& output : card.outputs) {
        const TensorInfo& info = *find_output(infos, output.name);
        maps.push_back({values[static_cast<std::size_t>(&info - infos.data())], output.stride, info.shape[1], info.shape[2]});
        count += maps.back().values.size() / kChannels;
    }
    cells.reserve(count);
}

const Network& Plan::network(const Card& card, std::span<const std::byte> file, Isa isa) {
    std::call_once(planned_, [&] {
        auto network = std::make_unique<const Network>(file, isa, size_);
        check_outputs(card, network->input().shape, network->outputs());
        network_ = std::move(network);
    });
    return *network_;
}

std::unique_ptr<Scratch> Plan::take(const Card& card) {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (!idle_.empty()) {
            std::unique_ptr<Scratch> scratch = std::move(idle_.back());
            idle_.pop_back();
            return scratch;
        }
    }
    return std::make_unique<Scratch>(*network_, card);
}

void Plan::give_back(std::unique_ptr<Scratch> scratch) {
    const std::lock_guard<std::mutex> lock(mutex_);
    idle_.push_back(std::move(scratch));
}

Plans::Plans(const Card& card, std::span<const std::byte> file, Isa isa)
    : card_(card), file_(file.begin(), file.end()), isa_(isa) {
    check_belongs(card_, nn::read_network(file_));
}

std::shared_ptr<Plan> Plans::find(InputSize size) {
    const std::lock_guard<std::mutex> lock(mutex_);
    auto found = std::find_if(plans_.begin(), plans_.end(), [&](const auto& plan) { return plan->size() == size; });
    if (found == plans_.end()) {
        if (plans_.size() == kMost) plans_.pop_back();  // one that still runs lives on in its call
        found = plans_.insert(plans_.end(), std::make_shared<Plan>(size));
    }
    std::rotate(plans_.begin(), found, found + 1);
    return plans_.front();
}

}  // namespace hpe::detect
