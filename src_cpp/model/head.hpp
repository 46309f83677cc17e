// Decodes the outputs of one run of a network as the card's head says.
#pragma once

#include <span>
#include <vector>

#include "hpe/model.hpp"
#include "model/card.hpp"

namespace hpe::model {

class Head {
  public:
    // Finds the head's outputs in the network. Throws Error(CorruptModel) when one is missing or has another shape.
    Head(const Card& card, const Network& network);

    // Floats of all the network's outputs, one behind the other, and where each lies in them.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::vector<std::span<float>> spans(std::span<float> outputs) const;

    [[nodiscard]] HeadAngles decode(std::span<const float> outputs) const;

  private:
    struct Piece {
        std::size_t start, size;
    };
    struct Stage {
        int bins;
        Piece p, eta, delta;
    };

    [[nodiscard]] Piece find(const std::string& name, std::initializer_list<int> shape) const;
    void place(const SsrHead& head);
    void place(const BinsHead& head);
    void place(const AnglesHead& head);
    void decode_stages(std::span<const float> outputs, HeadAngles& angles) const;
    void decode_bins(std::span<const float> outputs, HeadAngles& angles) const;

    const std::vector<TensorInfo>& outputs_;
    std::vector<Piece> pieces_;  // of outputs_
    std::size_t size_ = 0;
    Card card_;
    std::vector<Stage> stages_;   // of a head of stages
    std::vector<Piece> logits_;   // of a head of bins
    Piece plain_{0, 0};           // of a head of angles
    Piece log_std_{0, 0};         // of a spread with an output
};

}  // namespace hpe::model
