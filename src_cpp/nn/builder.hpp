// Turns a graph into steps, node by node. Keeps where each value lies, and brings it into another order where a step
// needs that.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nn/graph.hpp"
#include "nn/layout.hpp"
#include "nn/memory.hpp"
#include "nn/steps.hpp"

namespace hpe::nn {

// What a run need not know of a step.
struct StepNote {
    std::string name;
    std::vector<int> reads, writes;  // buffers; those only written are scratch or the output
};

// Where a value lies.
struct Place {
    Operand operand;
    Strides strides;
};

class Builder {
  public:
    Builder(const Graph& graph, const Kernels& kernels);

    [[nodiscard]] const simd::NetworkKernels& kernels() const { return kernels_.floats; }
    [[nodiscard]] const simd::QuantizedKernels& byte_kernels() const { return kernels_.bytes; }
    [[nodiscard]] const Shape& shape(int value) const { return graph_.values[index(value)].shape; }
    [[nodiscard]] const Value& value(int value) const { return graph_.values[index(value)]; }

    // Where the value lies as it is.
    [[nodiscard]] const Place& place(int value) const { return *places_[index(value)]; }

    // The value with its axes in this order; copied when it lies otherwise, a constant now and not while running.
    Operand read(int value, const Order& order);

    // The same in a buffer that may be written `tail` elements behind its end: neither a constant nor the caller's input.
    int read_owned(int value, const Order& order, std::size_t tail);

    // Whether this is the caller's own input.
    [[nodiscard]] static bool is_input(const Operand& operand);

    // A new buffer for the value, dense in this order.
    int write(int value, const Order& order);

    // The value is the memory of another one under other strides.
    void alias(int value, const Operand& operand, Strides strides);

    // Memory for so many elements; enlarge() makes a buffer larger where it is smaller.
    int scratch(std::size_t elements, Type type = Type::F32);
    void enlarge(int buffer, std::size_t elements, Type type = Type::F32);

    // A copy that lives as long as the plan, in the order of the calls.
    template <class T>
    std::span<const T> keep(const std::vector<T>& values) {
        return constants_.keep(values);
    }

    template <class S>
    S& add(std::string name, std::vector<int> reads, std::vector<int> writes) {
        auto step = std::make_unique<S>();
        S& result = *step;
        steps_.push_back(std::move(step));
        notes_.push_back({std::move(name), std::move(reads), std::move(writes)});
        return result;
    }

    // Counts numbers that the plan itself holds. A file of a few bytes may ask for any amount: throws Error(CorruptModel)
    // where a network could not mean it.
    void charge(std::size_t numbers);

    // The node that alone reads the value, unless it is an output of the network.
    [[nodiscard]] const Node* only_reader(int value) const;

    // `node` is done as part of another one.
    void skip(const Node* node) { skipped_.push_back(node); }
    [[nodiscard]] bool skipped(const Node* node) const;

    struct Result {
        std::vector<std::unique_ptr<Step>> steps;
        std::vector<StepNote> notes;  // of each step
        std::vector<Operand> outputs;
        Constants constants;
        Arena arena;  // of all buffers but the input, which is buffer 0 and belongs to the caller
    };
    // Outputs are read in plain order. Call once, after all nodes.
    Result finish();

  private:
    [[nodiscard]] static std::size_t index(int value) { return static_cast<std::size_t>(value); }
    Operand copied(const Place& from, const Value& value, const Strides& wanted);

    const Graph& graph_;
    Kernels kernels_;
    std::vector<std::optional<Place>> places_;
    std::vector<std::vector<Place>> copies_;  // of values, in other orders
    std::vector<std::size_t> buffer_sizes_;
    std::vector<std::unique_ptr<Step>> steps_;
    std::vector<StepNote> notes_;
    Constants constants_;
    std::vector<std::vector<const Node*>> readers_;
    std::vector<const Node*> skipped_;
    std::size_t charged_ = 0;
};

// Reads of buffers, for Builder::add: those of the operands that are not constants.
[[nodiscard]] std::vector<int> buffers_of(std::initializer_list<Operand> operands);

}  // namespace hpe::nn
