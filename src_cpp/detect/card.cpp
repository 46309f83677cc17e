#include "detect/card.hpp"

#include "hpe/detect.hpp"
#include "json/fields.hpp"

namespace hpe::detect {
namespace {

using json::Fields;

constexpr std::size_t kMostOutputs = 8;

void check_format(const std::string& format) {
    constexpr std::string_view kFormat = "hpe-edge-detector/1";
    if (format != kFormat) corrupt("format", quoted(kFormat), quoted(format));
}

double fraction(const Fields& fields, const char* key) {
    const double value = json::number(fields.get(key), fields.at(key));
    if (!(value > 0.0 && value < 1.0)) corrupt(fields.at(key), "a number above 0 and below 1", std::to_string(value));
    return value;
}

std::vector<Card::Output> read_outputs(const Fields& card) {
    const std::vector<json::Value>& items = card.items("outputs");
    if (items.empty() || items.size() > kMostOutputs) {
        corrupt("outputs", "1 to " + std::to_string(kMostOutputs) + " outputs", std::to_string(items.size()));
    }
    std::vector<Card::Output> outputs;
    for (const json::Value& item : items) {
        json::check_object(item, "outputs");
        const Fields fields{item, "outputs"};
        const int stride = fields.integer("stride", kInputMultiple);
        if (kInputMultiple % stride != 0) {
            corrupt("outputs.stride", "a divisor of " + std::to_string(kInputMultiple), std::to_string(stride));
        }
        outputs.push_back({fields.text("name"), stride});
    }
    return outputs;
}

}  // namespace

Card read_card(std::string_view text) {
    return reading("detector card", [&] {
        const json::Value value = json::parse(text, "text");
        json::check_object(value, "text");
        const Fields card{value, ""};
        check_format(card.text("format"));
        const Fields input = card.child("input");
        return Card{input.text("name"),
                    parse_channel_order(input.text("channel_order")),
                    input.three("mean"),
                    input.three("scale"),
                    input.integer("longest_side", kInputMultiple, kLargestSide),
                    read_outputs(card),
                    fraction(card, "score_threshold"),
                    fraction(card, "nms_iou")};
    });
}

}  // namespace hpe::detect
