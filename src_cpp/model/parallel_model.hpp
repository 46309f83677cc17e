// A model whose calls share the boxes of an image among threads.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "hpe/model.hpp"
#include "model/workers.hpp"

namespace hpe::model {

// Threads may share it.
class ParallelModel {
  public:
    // Throws as Model(), and Error(InvalidArgument) for the number of threads that one call may use.
    ParallelModel(std::string_view card, std::span<const std::byte> network, Isa isa, int threads)
        : model_(card, network, isa), workers_(threads) {}

    [[nodiscard]] const Model& model() const noexcept { return model_; }

    // As Model::run().
    void run(const ImageView& image, std::span<const Box> boxes, std::span<HeadAngles> heads) {
        check_boxes(image, boxes, model_.input());  // all before any work, so that messages number them
        workers_.share(
            boxes.size(), [&] { return Model::Workspace(model_); },
            [&](std::size_t i, Model::Workspace& workspace) {
                model_.run(image, boxes.subspan(i, 1), heads.subspan(i, 1), workspace);
            });
    }

  private:
    Model model_;
    Workers<Model::Workspace> workers_;
};

}  // namespace hpe::model
