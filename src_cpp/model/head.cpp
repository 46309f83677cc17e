#include "model/head.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "decode/rotation_checks.hpp"
#include "hpe/decode.hpp"
#include "json/corrupt.hpp"
#include "nn/graph.hpp"

namespace hpe::model {

Head::Head(const Card& card, const Network& network) : outputs_(network.outputs()), card_(card) {
    for (const TensorInfo& output : outputs_) {
        const std::size_t count = nn::element_count(output.shape);
        pieces_.push_back({size_, count});
        size_ += count;
    }
    std::visit([&](const auto& head) { place(head); }, card_.head);
    if (card_.spread && !card_.spread->output.empty()) log_std_ = find(card_.spread->output, {3});
}

Head::Piece Head::find(const std::string& name, std::initializer_list<int> shape) const {
    const auto found = std::find_if(outputs_.begin(), outputs_.end(), [&](const TensorInfo& o) { return o.name == name; });
    const std::string where = "model card: head: output " + quoted(name);
    if (found == outputs_.end()) corrupt(where, "one of the network's outputs", "none of that name");
    if (found->shape != std::vector<int>(shape)) corrupt(where, nn::to_string(shape), nn::to_string(found->shape));
    return pieces_[static_cast<std::size_t>(found - outputs_.begin())];
}

void Head::place(const SsrHead& head) {
    for (const SsrHead::Stage& stage : head.stages) {
        const Piece eta = head.eta_per_bin ? find(stage.eta, {3, stage.bins}) : find(stage.eta, {3});
        stages_.push_back({stage.bins, find(stage.p, {3, stage.bins}), eta, find(stage.delta, {3})});
    }
}

void Head::place(const BinsHead& head) {
    for (const std::string& name : head.logits) logits_.push_back(find(name, {head.bins}));
}

void Head::place(const AnglesHead& head) { plain_ = find(head.output, {3}); }

std::vector<std::span<float>> Head::spans(std::span<float> outputs) const {
    std::vector<std::span<float>> result;
    for (const Piece& piece : pieces_) result.push_back(outputs.subspan(piece.start, piece.size));
    return result;
}

void Head::decode_stages(std::span<const float> outputs, HeadAngles& angles) const {
    const SsrHead& head = std::get<SsrHead>(card_.head);
    std::array<SsrStage, kMostStages> stages{};
    for (std::size_t k = 0; k < stages_.size(); ++k) {
        const Stage& s = stages_[k];
        stages[k] = {s.bins, head.eta_per_bin, outputs.subspan(s.p.start, s.p.size), outputs.subspan(s.eta.start, s.eta.size),
                     outputs.subspan(s.delta.start, s.delta.size)};
    }
    ssr_stages(std::span(stages).first(stages_.size()), head.range_deg, angles.euler_deg);
}

void Head::decode_bins(std::span<const float> outputs, HeadAngles& angles) const {
    const BinsHead& head = std::get<BinsHead>(card_.head);
    for (std::size_t a = 0; a < logits_.size(); ++a) {
        softmax_expectation(outputs.subspan(logits_[a].start, logits_[a].size), head.bins, head.first_deg, head.step_deg,
                            std::span(angles.euler_deg).subspan(a, 1), std::span(angles.std_deg).subspan(a, 1));
    }
}

HeadAngles Head::decode(std::span<const float> outputs) const {
    HeadAngles angles{};
    std::fill_n(angles.std_deg, 3, std::numeric_limits<float>::quiet_NaN());
    if (!stages_.empty()) decode_stages(outputs, angles);
    if (!logits_.empty()) decode_bins(outputs, angles);
    if (plain_.size > 0) std::copy_n(outputs.data() + plain_.start, 3, angles.euler_deg);
    if (card_.spread && log_std_.size > 0) {
        spread_from_log(outputs.subspan(log_std_.start, 3), card_.spread->scale, angles.std_deg);
    } else if (card_.spread) {
        scale_spread(angles.std_deg, card_.spread->scale, angles.std_deg);
    }
    const Vec3 measured = {angles.euler_deg[0], angles.euler_deg[1], angles.euler_deg[2]};
    check_finite(measured, "euler_deg", 0);
    const Vec3 shifted = offset_pitch_zero(measured, card_.pitch_zero_deg);
    for (std::size_t a = 0; a < 3; ++a) angles.euler_deg[a] = static_cast<float>(shifted[a]);
    return angles;
}

}  // namespace hpe::model
