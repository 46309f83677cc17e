#include "model/card.hpp"

#include <cmath>

#include "json/corrupt.hpp"
#include "json/fields.hpp"

namespace hpe::model {
namespace {

using json::Fields;

constexpr int kMostBins = 4096;
constexpr int kLargestInput = 4096;

PreprocessSpec read_input(const Fields& fields) {
    const PreprocessSpec spec{fields.integer("width", kLargestInput),
                              fields.integer("height", kLargestInput),
                              fields.number("margin"),
                              fields.boolean("square"),
                              parse_channel_order(fields.text("channel_order")),
                              fields.three("mean"),
                              fields.three("scale")};
    check_spec(spec);
    return spec;
}

SsrHead read_ssr(const Fields& fields) {
    const std::vector<json::Value>& bins = fields.items("stages");
    if (bins.empty() || bins.size() > kMostStages) {
        corrupt(fields.at("stages"), "1 to " + std::to_string(kMostStages) + " stages", std::to_string(bins.size()));
    }
    const auto p = fields.names("p", bins.size());
    const auto eta = fields.names("eta", bins.size());
    const auto delta = fields.names("delta", bins.size());
    SsrHead head{{}, fields.number("range_deg"), fields.boolean("eta_per_bin")};
    for (std::size_t k = 0; k < bins.size(); ++k) {
        const auto count = static_cast<int>(json::integer(bins[k], 1, kMostBins, fields.at("stages")));
        head.stages.push_back({count, p[k], eta[k], delta[k]});
    }
    return head;
}

BinsHead read_bins(const Fields& fields) {
    const auto names = fields.names("outputs", 3);
    return {{names[0], names[1], names[2]}, fields.integer("bins", kMostBins), fields.number("first_deg"),
            fields.number("step_deg")};
}

std::variant<SsrHead, BinsHead, AnglesHead> read_head(const Fields& fields) {
    const std::string kind = fields.text("kind");
    if (kind == "ssr") return read_ssr(fields);
    if (kind == "bins") return read_bins(fields);
    if (kind == "angles") return AnglesHead{fields.text("output")};
    corrupt(fields.at("kind"), "\"ssr\", \"bins\" or \"angles\"", quoted(kind));
}

std::optional<Spread> read_spread(const Fields& head) {
    const json::Value* value = json::find(head.object, "spread");
    if (value == nullptr || value->kind == json::Kind::Null) return std::nullopt;
    const Fields fields = head.child("spread");
    const json::Value* output = json::find(fields.object, "output");
    const bool named = output != nullptr && output->kind != json::Kind::Null;
    return Spread{fields.three("scale"), named ? fields.text("output") : ""};
}

}  // namespace

Card read_card(std::string_view text) {
    return reading("model card", [&] {
        const json::Value value = json::parse(text, "text");
        json::check_object(value, "text");
        const Fields card{value, ""};
        const Fields input = card.child("input");
        const Fields head = card.child("head");
        Card result{input.text("name"), read_input(input), read_head(head), read_spread(head),
                    json::number(card.get("pitch_zero_deg"), "pitch_zero_deg")};
        const bool without_bins = !std::holds_alternative<BinsHead>(result.head);
        if (result.spread && result.spread->output.empty() && without_bins) {
            corrupt("head.spread.output", "the name of an output, as the head has no bins", "none");
        }
        return result;
    });
}

}  // namespace hpe::model
