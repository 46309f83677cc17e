// The detector's network, planned for each size of input that comes along.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "detect/card.hpp"
#include "detect/decode.hpp"
#include "hpe/network.hpp"

namespace hpe::detect {

// The memory of one running inference.
struct Scratch {
    Scratch(const Network& network, const Card& card);

    Network::Workspace workspace;
    std::vector<float> input;
    std::vector<std::vector<float>> values;  // of the network's outputs
    std::vector<std::span<float>> outputs;   // of values
    std::vector<Map> maps;                   // of values, those of the card in its order
    std::vector<Cell> cells;
    std::vector<Face> faces;
};

// A network for one size of input, and the memory of the calls that are not running: as many as ever ran at once.
class Plan {
  public:
    explicit Plan(InputSize size) : size_(size) {}

    [[nodiscard]] InputSize size() const noexcept { return size_; }

    // Plans at the first call; threads that come meanwhile wait.
    [[nodiscard]] const Network& network(const Card& card, std::span<const std::byte> file, Isa isa);

    [[nodiscard]] std::unique_ptr<Scratch> take(const Card& card);
    void give_back(std::unique_ptr<Scratch> scratch);

  private:
    InputSize size_;
    std::once_flag planned_;
    std::unique_ptr<const Network> network_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Scratch>> idle_;
};

// The plans of the sizes that came last. Threads may share it.
class Plans {
  public:
    static constexpr std::size_t kMost = 8;

    // Throws Error(CorruptModel) when the file is damaged or the card's input or an output is not there.
    Plans(const Card& card, std::span<const std::byte> file, Isa isa);

    // Runs `use(scratch)` for an input of this size with its memory, where the network has been planned.
    template <class Use>
    void with(InputSize size, const Use& use) {
        const std::shared_ptr<Plan> plan = find(size);
        const Network& network = plan->network(card_, file_, isa_);
        std::unique_ptr<Scratch> scratch = plan->take(card_);
        use(network, *scratch);
        plan->give_back(std::move(scratch));
    }

  private:
    [[nodiscard]] std::shared_ptr<Plan> find(InputSize size);

    const Card& card_;
    std::vector<std::byte> file_;
    Isa isa_;
    std::mutex mutex_;
    std::vector<std::shared_ptr<Plan>> plans_;  // the last used first
};

}  // namespace hpe::detect
