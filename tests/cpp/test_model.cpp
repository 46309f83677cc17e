#include <array>
#include <cmath>

#include "hpe/model.hpp"
#include "model_file.hpp"
#include "support.hpp"

using namespace hpe;

namespace {

constexpr int kWidth = 40;
constexpr int kHeight = 30;

// Blue 10, green 20, red 30; half of it in the lower part.
std::vector<std::uint8_t> two_tones() {
    std::vector<std::uint8_t> pixels;
    for (int i = 0; i < kWidth * kHeight; ++i) {
        const int divisor = i < kWidth * kHeight / 2 ? 1 : 2;
        for (const int value : {10, 20, 30}) pixels.push_back(static_cast<std::uint8_t>(value / divisor));
    }
    return pixels;
}

const std::array<Box, 2> kBoxes = {Box{2, 2, 30, 12}, Box{2, 18, 30, 28}};

}  // namespace

TEST_CASE("a model gives the angles of every box, on every instruction set") {
    const std::vector<std::uint8_t> pixels = two_tones();
    const ImageView image = test::dense_view(pixels, kWidth, kHeight, PixelFormat::Bgr8);
    for (const Isa isa : available_isas()) {
        const Model model(test::model_card(), test::mean_network(), isa);
        Model::Workspace workspace(model);
        std::array<HeadAngles, 2> heads{};
        model.run(image, kBoxes, heads, workspace);
        for (std::size_t i = 0; i < 2; ++i) {
            for (std::size_t a = 0; a < 3; ++a) {
                const int expected = 10 * static_cast<int>(a + 1) / (i == 0 ? 1 : 2);
                CHECK(heads[i].euler_deg[a] == doctest::Approx(expected).epsilon(1e-4));
                CHECK(std::isnan(heads[i].std_deg[a]));
            }
        }
    }
}

TEST_CASE("bad boxes are numbered before anything runs") {
    const std::vector<std::uint8_t> pixels = two_tones();
    const ImageView image = test::dense_view(pixels, kWidth, kHeight, PixelFormat::Bgr8);
    const Model model(test::model_card(), test::mean_network(), active_isa());
    Model::Workspace workspace(model);
    std::array<HeadAngles, 2> heads{};
    std::array<Box, 2> boxes = kBoxes;
    boxes[1].x1 = boxes[1].x0;
    test::check_error(ErrorKind::InvalidBox, "boxes_xyxy[1]", [&] { model.run(image, boxes, heads, workspace); });
    CHECK(heads[0].euler_deg[0] == 0.0F);
    const auto too_few = std::span(heads).first(1);
    test::check_error(ErrorKind::InvalidArgument, "heads: expected 2", [&] { model.run(image, kBoxes, too_few, workspace); });
}

TEST_CASE("a card that is damaged or of another network is refused") {
    const auto refuse = [](const std::string& text, const std::string& part) {
        CAPTURE(text);
        test::check_error(ErrorKind::CorruptModel, "model card: " + part,
                          [&] { const Model model(text, test::mean_network(), Isa::Scalar); });
    };
    refuse("", "text");
    refuse(test::model_card().substr(0, 90), "text");
    refuse(test::model_card("{'kind':'angles','output':'out'}", "9"), "input: expected \"x\" [3, 6, 9]");
    refuse(test::model_card("{'kind':'angles','output':'none'}"), "head: output \"none\"");
    refuse(test::model_card("{'kind':'other'}"), "head.kind");
    refuse(test::model_card("{'kind':'bins','outputs':['out','out','out'],'bins':66,'first_deg':-97.5,'step_deg':3}"),
           "head: output \"out\": expected [66], got [3]");
    test::check_error(ErrorKind::CorruptModel, "network file", [] { const Model model(test::model_card(), {}, Isa::Scalar); });
}
