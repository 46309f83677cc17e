#include "nn/builder.hpp"

#include <algorithm>

#include "hpe/error.hpp"

namespace hpe::nn {
namespace {

constexpr int kInputBuffer = 0;

void check_size(const char* what, std::size_t numbers) {
    constexpr std::size_t kMost = std::size_t{1} << 26;  // a ResNet50 at 224 pixels needs a tenth
    if (numbers <= kMost) return;
    throw Error(ErrorKind::CorruptModel, std::string("network file: expected ") + what + " of at most " +
                                             std::to_string(kMost) + " numbers, got " + std::to_string(numbers));
}

// The life of each buffer in steps, as those say what they read and write.
std::vector<Buffer> lives(const std::vector<std::size_t>& sizes, const std::vector<StepNote>& steps,
                          const std::vector<Operand>& outputs) {
    const int end = static_cast<int>(steps.size());
    std::vector<Buffer> buffers;
    for (const std::size_t size : sizes) buffers.push_back({size, end, -1});
    for (int i = 0; i < end; ++i) {
        for (const auto* list : {&steps[static_cast<std::size_t>(i)].reads, &steps[static_cast<std::size_t>(i)].writes}) {
            for (const int b : *list) {
                Buffer& buffer = buffers[static_cast<std::size_t>(b)];
                buffer.first = std::min(buffer.first, i);
                buffer.last = std::max(buffer.last, i);
            }
        }
    }
    for (const Operand& output : outputs) {
        if (output.constant == nullptr) buffers[static_cast<std::size_t>(output.buffer)].last = end;
    }
    return buffers;
}

}  // namespace

std::vector<int> buffers_of(std::initializer_list<Operand> operands) {
    std::vector<int> buffers;
    for (const Operand& operand : operands) {
        if (operand.constant == nullptr) buffers.push_back(operand.buffer);
    }
    return buffers;
}

Builder::Builder(const Graph& graph, const Kernels& kernels)
    : graph_(graph), kernels_(kernels), places_(graph.values.size()), copies_(graph.values.size()),
      buffer_sizes_{0}, readers_(graph.values.size()) {
    for (const Node& node : graph.nodes) {
        for (const int input : node.inputs) readers_[index(input)].push_back(&node);
    }
    const Shape& input = shape(graph.input);
    places_[index(graph.input)] = Place{{kInputBuffer, nullptr}, dense(input, plain_order(input))};
}

Operand Builder::copied(const Place& from, const Value& value, const Strides& wanted) {
    charge(element_count(value.shape));
    Runs runs = copy_runs(value.shape, from.strides, wanted);
    if (from.operand.constant == nullptr) {
        const int out = scratch(element_count(value.shape), value.type);
        auto& step = add<CopyStep>("order " + value.name, {from.operand.buffer}, {out});
        step.x = from.operand;
        step.out = out;
        step.type = value.type;
        step.count = runs.count;
        step.source_step = runs.source_step;
        step.sources = keep(runs.sources);
        step.targets = keep(runs.targets);
        return {out, nullptr};
    }
    std::vector<float> floats(element_count(value.shape));
    for (std::size_t r = 0; r < runs.sources.size(); ++r) {
        for (int i = 0; i < runs.count; ++i) {
            floats[static_cast<std::size_t>(runs.targets[r] + i)] =
                from.operand.constant[runs.sources[r] + static_cast<std::ptrdiff_t>(i) * runs.source_step];
        }
    }
    return {-1, keep(floats).data()};
}

Operand Builder::read(int value, const Order& order) {
    const Shape& shape = this->shape(value);
    const Strides wanted = dense(shape, order);
    auto& placed = places_[index(value)];
    if (!placed) {  // a constant that nobody has read yet: copied in any case, as the file's bytes may go
        const Value& constant = this->value(value);
        const Place in_file{{-1, constant.data.data()}, dense(shape, plain_order(shape))};
        placed = Place{copied(in_file, constant, wanted), wanted};
    }
    if (same_layout(shape, placed->strides, wanted)) return placed->operand;
    for (const Place& copy : copies_[index(value)]) {
        if (same_layout(shape, copy.strides, wanted)) return copy.operand;
    }
    const Operand copy = copied(*placed, this->value(value), wanted);
    copies_[index(value)].push_back({copy, wanted});
    return copy;
}

int Builder::read_owned(int value, const Order& order, std::size_t tail) {
    Operand operand = read(value, order);
    if (operand.constant != nullptr || is_input(operand) || operand.part) {
        const Strides strides = dense(shape(value), order);
        const int out = scratch(element_count(shape(value)));
        auto& step = add<CopyStep>("own " + this->value(value).name, buffers_of({operand}), {out});
        step.x = operand;
        step.out = out;
        step.count = static_cast<int>(element_count(shape(value)));
        step.sources = step.targets = keep(Offsets{0});
        operand = {out, nullptr};
    }
    enlarge(operand.buffer, element_count(shape(value)) + tail, this->value(value).type);
    return operand.buffer;
}

bool Builder::is_input(const Operand& operand) {
    return operand.constant == nullptr && operand.buffer == kInputBuffer;
}

int Builder::write(int value, const Order& order) {
    const int buffer = scratch(element_count(shape(value)), this->value(value).type);
    places_[index(value)] = Place{{buffer, nullptr}, dense(shape(value), order)};
    return buffer;
}

void Builder::alias(int value, const Operand& operand, Strides strides) {
    places_[index(value)] = Place{operand, std::move(strides)};
}

int Builder::scratch(std::size_t elements, Type type) {
    buffer_sizes_.push_back(0);
    const int buffer = static_cast<int>(buffer_sizes_.size()) - 1;
    enlarge(buffer, elements, type);
    return buffer;
}

void Builder::enlarge(int buffer, std::size_t elements, Type type) {
    const std::size_t size = type == Type::F32 ? elements : (elements + sizeof(float) - 1) / sizeof(float);
    check_size("tensors", size);
    buffer_sizes_[index(buffer)] = std::max(buffer_sizes_[index(buffer)], size);
}

void Builder::charge(std::size_t numbers) {
    charged_ += numbers;
    check_size("a plan", charged_);
}

const Node* Builder::only_reader(int value) const {
    for (const Output& output : graph_.outputs) {
        if (output.value == value) return nullptr;
    }
    const auto& readers = readers_[index(value)];
    return readers.size() == 1 ? readers.front() : nullptr;
}

bool Builder::skipped(const Node* node) const {
    return std::find(skipped_.begin(), skipped_.end(), node) != skipped_.end();
}

Builder::Result Builder::finish() {
    std::vector<Operand> outputs;
    for (const Output& output : graph_.outputs) outputs.push_back(read(output.value, plain_order(shape(output.value))));
    const std::vector<Buffer> buffers = lives(buffer_sizes_, notes_, outputs);
    Arena arena = plan_arena(buffers);
    check_size("a workspace", arena.size);
    return {std::move(steps_), std::move(notes_), std::move(outputs), std::move(constants_), std::move(arena)};
}

}  // namespace hpe::nn
