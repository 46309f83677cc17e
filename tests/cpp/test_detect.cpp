#include <array>
#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include "detector_file.hpp"
#include "hpe/detect.hpp"
#include "hpe/network.hpp"
#include "support.hpp"

using namespace hpe;

namespace {

ImageView view(const test::Scene& scene) {
    return test::dense_view(scene.pixels, scene.width, scene.height, PixelFormat::Mono8);
}

FaceDetector bright(const DetectorOptions& options = {}, const std::string& changes = "", Isa isa = active_isa()) {
    return {test::detector_card(changes), test::bright_detector(), isa, options};
}

std::vector<Face> found(const FaceDetector& detector, const test::Scene& scene) {
    std::vector<Face> faces;
    detector.detect(view(scene), faces);
    return faces;
}

void check_box(const Box& box, const Box& expected, double tolerance = 1e-3) {
    CHECK(std::abs(box.x0 - expected.x0) < tolerance);
    CHECK(std::abs(box.y0 - expected.y0) < tolerance);
    CHECK(std::abs(box.x1 - expected.x1) < tolerance);
    CHECK(std::abs(box.y1 - expected.y1) < tolerance);
}

}  // namespace

TEST_CASE("a bright cell is a face, on every instruction set") {
    for (const Isa isa : available_isas()) {
        const std::vector<Face> faces = found(bright({}, "", isa), test::Scene(64, 64).square(24, 16, 8));
        REQUIRE(faces.size() == 1);
        check_box(faces[0].box, {16, 8, 40, 32});
        CHECK(faces[0].score == doctest::Approx(1.0 / (1.0 + std::exp(-4.0 * 127.5 / 128.0))).epsilon(1e-4));
        for (std::size_t i = 0; i < 5; ++i) {
            CHECK(faces[0].landmarks[i].x == doctest::Approx(28.0 + 2.0 * static_cast<double>(i)));
            CHECK(faces[0].landmarks[i].y == doctest::Approx(20.0));
        }
    }
}

TEST_CASE("faces are found at their place in images of other sizes and shapes") {
    // half the size; and the input is 32 high, so that its border repeats 4 rows on either side
    check_box(found(bright(), test::Scene(128, 48).square(48, 8, 16)).at(0).box, {32, -8, 80, 40});
    // four times the size
    check_box(found(bright(), test::Scene(16, 16).square(4, 4, 2)).at(0).box, {2, 2, 8, 8});
    check_box(found(bright({.longest_side = 128}), test::Scene(128, 128).square(48, 16, 8)).at(0).box, {40, 8, 64, 32});
}

TEST_CASE("of faces that overlap the best stays, and the best ones are given") {
    const test::Scene scene = test::Scene(64, 64).square(8, 8, 8, 220).square(16, 8, 8).square(48, 48, 8, 200);
    const std::vector<Face> faces = found(bright(), scene);
    REQUIRE(faces.size() == 2);
    check_box(faces[0].box, {8, 0, 32, 24});
    check_box(faces[1].box, {40, 40, 64, 64});
    CHECK(faces[0].score > faces[1].score);
    CHECK(found(bright({}, "'score_threshold':0.5,'nms_iou':0.6"), scene).size() == 3);
    CHECK(found(bright({.score_threshold = 0.95}), scene).size() == 1);
    const std::vector<Face> one = found(bright({.max_faces = 1}), scene);
    REQUIRE(one.size() == 1);
    check_box(one[0].box, faces[0].box);
}

TEST_CASE("200 faces are found, and as many as are asked for at most") {
    test::Scene scene(1024, 512);
    for (int i = 0; i < 200; ++i) scene.square(32 + i % 20 * 48, 16 + i / 20 * 48, 8);
    CHECK(found(bright({.longest_side = 1024}), scene).size() == 200);
    CHECK(found(bright({.longest_side = 1024, .max_faces = 17}), scene).size() == 17);
}

TEST_CASE("images of any size give an answer") {
    CHECK(found(bright(), test::Scene(1, 1)).empty());
    CHECK(found(bright(), test::Scene(1, 300)).empty());
    CHECK(found(bright(), test::Scene(300, 1)).empty());
    CHECK(found(bright(), test::Scene(7680, 4320).square(1920, 960, 960)).size() == 1);
    // all of it is one bright face, and what is larger than twice the image is none
    for (const Face& face : found(bright(), test::Scene(1, 1).square(0, 0, 1))) CHECK(face.box.x1 - face.box.x0 <= 2.0F);
}

TEST_CASE("a followed face is found where it went, and a lost one is not") {
    for (const Isa isa : available_isas()) {
        const FaceDetector detector = bright({}, "", isa);
        const test::Scene scene = test::Scene(200, 150).square(64, 48, 16).square(120, 20, 16);
        const std::array<Box, 4> boxes = {Box{50, 40, 90, 80}, Box{150, 100, 190, 140}, Box{108, 10, 148, 50}, Box{300, 9, 340, 49}};
        std::array<Face, 4> faces{};
        detector.follow(view(scene), boxes, faces);
        // the window of 96 pixels is not scaled: its cells begin at 22, 12 and 80, -18
        check_box(faces[0].box, {58, 40, 82, 64}, 8.0);
        check_box(faces[2].box, {116, 16, 140, 40}, 8.0);
        for (const std::size_t lost : {1U, 3U}) {
            CHECK(faces[lost].score == 0.0F);
            CHECK(std::isnan(faces[lost].box.x0));
            CHECK(std::isnan(faces[lost].landmarks[4].y));
        }
    }
}

TEST_CASE("wrong images, boxes and numbers of them are refused") {
    const FaceDetector detector = bright();
    const test::Scene scene(64, 64);
    std::vector<Face> faces(2);
    std::array<Box, 2> boxes = {Box{1, 1, 9, 9}, Box{1, 1, 9, 9}};
    const auto follow = [&] { detector.follow(view(scene), boxes, faces); };
    CHECK_NOTHROW(follow());
    boxes[1].y1 = boxes[1].y0;
    test::check_error(ErrorKind::InvalidBox, "boxes_xyxy[1]: expected a box with an area", follow);
    boxes[1].y1 = std::numeric_limits<float>::quiet_NaN();
    test::check_error(ErrorKind::InvalidBox, "boxes_xyxy[1]: expected finite numbers", follow);
    boxes[1] = {-1e6F, -1e6F, 1e6F, 1e6F};
    test::check_error(ErrorKind::InvalidBox, "boxes_xyxy[1]", follow);
    faces.resize(1);
    test::check_error(ErrorKind::InvalidArgument, "faces: expected 2", follow);
    test::check_error(ErrorKind::InvalidImage, "image", [&] { detector.detect({nullptr, 0, 0, 0, 1, PixelFormat::Mono8}, faces); });
    const std::vector<std::uint8_t> line(70'000);
    const ImageView long_line = test::dense_view(line, 70'000, 1, PixelFormat::Mono8);
    test::check_error(ErrorKind::InvalidImage, "width 70000 and height 1", [&] { detector.detect(long_line, faces); });
}

TEST_CASE("options and outputs out of range are refused") {
    for (const int side : {0, 31, kLargestSide + 1}) {
        test::check_error(ErrorKind::InvalidArgument, "longest_side", [&] { (void)bright({.longest_side = side}); });
    }
    for (const double score : {0.0, 1.0, std::nan("")}) {
        test::check_error(ErrorKind::InvalidArgument, "score_threshold",
                          [&] { (void)bright({.score_threshold = score}); });
    }
    test::check_error(ErrorKind::InvalidArgument, "max_faces",
                      [] { (void)bright({.max_faces = 0}); });
    const FaceDetector detector(test::detector_card(), test::bright_detector(2e38F), active_isa());
    test::check_error(ErrorKind::InvalidArgument, "expected finite outputs", [&] { (void)found(detector, test::Scene(64, 64).square(8, 8, 8)); });
}

TEST_CASE("a card that is damaged or of another network is refused") {
    const auto refuse = [](const std::string& card, const test::Bytes& network, const std::string& part) {
        CAPTURE(card);
        test::check_error(ErrorKind::CorruptModel, part, [&] { const FaceDetector detector(card, network, Isa::Scalar); });
    };
    const test::Bytes network = test::bright_detector();
    refuse("", network, "detector card: text");
    refuse(test::detector_card().substr(0, 90), network, "detector card: text");
    refuse(test::detector_card("'score_threshold':1,'nms_iou':0.4"), network, "detector card: score_threshold: expected a number above 0");
    refuse(test::detector_card("'score_threshold':0.5"), network, "detector card: nms_iou");
    const auto changed = [](const std::string& from, const std::string& to) {
        std::string card = test::detector_card();
        return card.replace(card.find(test::json_text(from)), from.size(), test::json_text(to));
    };
    refuse(changed("'name':'x'", "'name':'y'"), network, "detector card: input: expected \"y\" [3, H, W]");
    refuse(changed("'name':'stride8'", "'name':'none'"), network, "output \"none\": expected one of the network's outputs");
    refuse(changed("'stride':8", "'stride':16"), network, "output \"stride8\": expected [15, 4, 4], got [15, 8, 8]");
    refuse(changed("'stride':8", "'stride':12"), network, "outputs.stride: expected a divisor of 32");
    refuse(changed("'longest_side':64", "'longest_side':9000"), network, "input.longest_side");
    refuse(changed("hpe-edge-detector/1", "hpe-edge-card/1"), network, "format: expected \"hpe-edge-detector/1\"");
    refuse(test::detector_card(), {}, "network file");
    refuse(test::detector_card(), test::bright_detector(1.0F, "[3, 48, 64]"), "multiples of 32");
}

TEST_CASE("threads share a detector, with more sizes of input than it keeps") {
    const FaceDetector detector = bright();
    constexpr int kSizes = 12;
    const auto scene = [](int i) { return test::Scene(64 + 96 * (i % 2), 8 + 16 * i).square(24, 0, 8); };
    std::vector<std::size_t> expected;
    for (int i = 0; i < kSizes; ++i) expected.push_back(found(bright(), scene(i)).size());
    std::vector<int> wrong(4, 0);
    {
        std::vector<std::jthread> threads;
        for (std::size_t t = 0; t < wrong.size(); ++t) {
            threads.emplace_back([&, t] {
                for (int i = 0; i < 4 * kSizes; ++i) {
                    const int k = (i + static_cast<int>(t) * 3) % kSizes;
                    wrong[t] += found(detector, scene(k)).size() != expected[static_cast<std::size_t>(k)];
                }
            });
        }
    }
    CHECK(wrong == std::vector<int>(4, 0));
}

TEST_CASE("a network takes another size of input where its graph allows it") {
    for (const test::OpCase& one : test::quantized_cases()) {
        const Network network(one.file(), active_isa(), InputSize{15, 10});
        CHECK(network.input().shape[1] == 15);
        const std::vector<float> input(nn::element_count(network.input().shape), 0.5F);
        std::vector<float> out(nn::element_count(network.outputs()[0].shape));
        const std::array<std::span<float>, 1> outputs = {out};
        Network::Workspace workspace(network);
        network.run(input, outputs, workspace);
        CHECK(out.size() != nn::element_count(one.output));
        CHECK(Network(one.file(), active_isa(), InputSize{network.input().shape[1], 8}).outputs()[0].shape.size() == 3);
    }
    const auto refuse = [](const std::string& shape, const std::string& nodes, const std::string& part) {
        const test::Bytes file = test::network_file(test::graph_text(shape, nodes), {});
        CHECK_NOTHROW(Network(file, active_isa()));
        test::check_error(ErrorKind::InvalidArgument, part, [&] { (void)Network(file, active_isa(), InputSize{6, 5}); });
    };
    refuse("[3, 4, 4]", "{'op':'reshape','in':['x'],'out':'y','shape':[48]}", "node 0 (\"y\"): expected an input of [3, 4, 4]");
    refuse("[3, 4, 4]", "{'op':'slice','in':['x'],'out':'y','axis':2,'start':0,'stop':4}", "for which it is made");
    refuse("[3, 9, 9]", "{'op':'max_pool','in':['x'],'out':'y','kernel':[7,7],'stride':[1,1],'pad':[0,0,0,0]}", "a kernel not larger");
    refuse("[3, 4]", "{'op':'relu','in':['x'],'out':'y'}", "rank 3");
    const test::Bytes small = test::small_network();
    for (const InputSize size : {InputSize{0, 9}, InputSize{-1, 9}, InputSize{1 << 20, 1 << 20}, InputSize{1 << 13, 1 << 13}}) {
        test::check_error(ErrorKind::InvalidArgument, "input size: height", [&] { (void)Network(small, active_isa(), size); });
    }
}
