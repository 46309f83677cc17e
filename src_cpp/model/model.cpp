#include "hpe/model.hpp"

#include <utility>

#include "hpe/error.hpp"
#include "json/corrupt.hpp"
#include "model/card.hpp"
#include "model/head.hpp"
#include "nn/graph.hpp"

namespace hpe {
namespace {

Network checked(Network network, const model::Card& card) {
    const TensorInfo& found = network.input();
    const std::vector<int> shape = {3, card.input.height, card.input.width};
    if (found.name != card.input_name || found.shape != shape) {
        corrupt("model card: input", quoted(card.input_name) + " " + nn::to_string(shape) + " in the network",
                quoted(found.name) + " " + nn::to_string(found.shape));
    }
    return network;
}

}  // namespace

struct Model::Parts {
    Parts(model::Card read, std::span<const std::byte> file, Isa isa)
        : card(std::move(read)), network(checked(Network(file, isa), card)), head(card, network) {}

    model::Card card;
    Network network;
    model::Head head;
};

struct Model::Workspace::State {
    explicit State(const Parts& parts)
        : network(parts.network), crop(nn::element_count(parts.network.input().shape)), outputs(parts.head.size()),
          spans(parts.head.spans(outputs)) {}

    Network::Workspace network;
    std::vector<float> crop;
    std::vector<float> outputs;
    std::vector<std::span<float>> spans;  // of outputs
};

Model::Model(std::string_view card, std::span<const std::byte> network, Isa isa)
    : parts_(std::make_unique<Parts>(model::read_card(card), network, isa)) {}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

const PreprocessSpec& Model::input() const noexcept { return parts_->card.input; }
const Network& Model::network() const noexcept { return parts_->network; }

Model::Workspace::Workspace(const Model& model) : state_(std::make_unique<State>(*model.parts_)) {}
Model::Workspace::~Workspace() = default;
Model::Workspace::Workspace(Workspace&&) noexcept = default;
Model::Workspace& Model::Workspace::operator=(Workspace&&) noexcept = default;

void Model::run(const ImageView& image, std::span<const Box> boxes, std::span<HeadAngles> heads, Workspace& workspace) const {
    if (heads.size() != boxes.size()) {
        throw Error(ErrorKind::InvalidArgument,
                    "heads: expected " + std::to_string(boxes.size()) + ", one a box, got " + std::to_string(heads.size()));
    }
    check_boxes(image, boxes, parts_->card.input);  // all before any work, so that messages number them
    Workspace::State& state = *workspace.state_;
    for (std::size_t i = 0; i < boxes.size(); ++i) {
        preprocess(image, boxes.subspan(i, 1), parts_->card.input, state.crop, parts_->network.isa());
        parts_->network.run(state.crop, state.spans, state.network);
        heads[i] = parts_->head.decode(state.outputs);
    }
}

}  // namespace hpe
