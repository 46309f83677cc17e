// A model: frame and face boxes in, head poses out, in one call. What `hpe_edge.HeadPose` runs by default.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "hpe/cpu.hpp"
#include "hpe/image.hpp"
#include "hpe/network.hpp"
#include "hpe/preprocess.hpp"

namespace hpe {

// Yaw, pitch and roll of one head and their standard deviations, degrees; a deviation is NaN where the model has none.
struct HeadAngles {
    float euler_deg[3];
    float std_deg[3];
};

// A model card and its network. Immutable, so that threads may share it; each brings a Workspace of its own.
class Model {
  public:
    // `card` is the text of a card (docs/ARCHITECTURE.md), `network` the bytes of its safetensors file. Neither is needed
    // afterwards. Throws Error(CorruptModel) when one is damaged or they do not belong together.
    Model(std::string_view card, std::span<const std::byte> network, Isa isa);
    ~Model();
    Model(Model&&) noexcept;
    Model& operator=(Model&&) noexcept;

    [[nodiscard]] const PreprocessSpec& input() const noexcept;
    [[nodiscard]] const Network& network() const noexcept;

    class Workspace {
      public:
        explicit Workspace(const Model& model);
        ~Workspace();
        Workspace(Workspace&&) noexcept;
        Workspace& operator=(Workspace&&) noexcept;

      private:
        friend class Model;
        struct State;
        std::unique_ptr<State> state_;
    };

    // The pose of the head in each box: crop, network, decode, pitch zero. heads.size() is boxes.size(). Throws Error as
    // preprocess() does, and Error(InvalidArgument) when the network's outputs are not finite.
    void run(const ImageView& image, std::span<const Box> boxes, std::span<HeadAngles> heads, Workspace& workspace) const;

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace hpe
