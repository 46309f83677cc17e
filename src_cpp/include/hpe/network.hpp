// The native network: one image in, the named raw outputs of a model's network out.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hpe/cpu.hpp"

namespace hpe {

// A tensor that goes into or comes out of a network; the shape has no batch axis.
struct TensorInfo {
    std::string name;
    std::vector<int> shape;
};

// Pixels of a network's input [C, height, width].
struct InputSize {
    int height;
    int width;

    friend bool operator==(const InputSize&, const InputSize&) = default;
};

// A network planned for one instruction set: shapes fixed, weights packed, memory laid out. Immutable, so that threads
// may share it; each brings a Workspace of its own.
class Network {
  public:
    // Reads a network file (docs/NETWORK_FILE.md). The bytes may go afterwards. With a `size`, the input has that many
    // pixels in place of the file's, and all other shapes follow. Throws Error(CorruptModel), and Error(InvalidArgument)
    // where the graph does not allow the size: too small for a kernel, or with a node that is made for the file's size.
    Network(std::span<const std::byte> file, Isa isa, std::optional<InputSize> size = std::nullopt);
    ~Network();
    Network(Network&&) noexcept;
    Network& operator=(Network&&) noexcept;

    [[nodiscard]] const TensorInfo& input() const noexcept;
    [[nodiscard]] const std::vector<TensorInfo>& outputs() const noexcept;
    [[nodiscard]] Isa isa() const noexcept;

    // Bytes that a workspace holds, and that the packed weights take.
    [[nodiscard]] std::size_t workspace_bytes() const noexcept;
    [[nodiscard]] std::size_t weight_bytes() const noexcept;

    // The memory of one running inference.
    class Workspace {
      public:
        explicit Workspace(const Network& network);
        ~Workspace();
        Workspace(Workspace&&) noexcept;
        Workspace& operator=(Workspace&&) noexcept;

      private:
        friend class Network;
        struct State;
        std::unique_ptr<State> state_;
    };

    // Runs one image. `input` has the elements of input(); outputs[i] those of outputs()[i]. Allocates nothing.
    // Throws Error(InvalidArgument) when a size is wrong or the workspace is another network's.
    void run(std::span<const float> input, std::span<const std::span<float>> outputs, Workspace& workspace) const;

    // What one step of the plan does, and the median time it takes in microseconds over `repeats` runs of zeros.
    struct StepTime {
        std::string name;
        double median_us;
    };
    [[nodiscard]] std::vector<StepTime> profile(int repeats) const;

  private:
    struct Plan;
    std::unique_ptr<Plan> plan_;
};

}  // namespace hpe
