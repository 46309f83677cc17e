#include <cmath>
#include <cstring>
#include <thread>

#include "hpe_edge.h"
#include "model_folder.hpp"
#include "support.hpp"

using namespace hpe;

namespace {

constexpr int kSide = 64;

struct Opened {
    explicit Opened(const test::ModelFolder& folder, const hpe_edge_options* options = nullptr) {
        const hpe_edge_status status = hpe_edge_open(folder.path().string().c_str(), options, &estimator);
        REQUIRE_MESSAGE(status == HPE_EDGE_OK, std::string(hpe_edge_last_error()));
    }
    ~Opened() { hpe_edge_close(estimator); }
    Opened(const Opened&) = delete;
    Opened& operator=(const Opened&) = delete;

    hpe_edge_estimator* estimator = nullptr;
};

hpe_edge_image image_of(const test::Scene& scene) {
    return {scene.pixels.data(), scene.width, scene.height, 0, HPE_EDGE_MONO8, nullptr, 0};
}

test::Scene two_faces() { return test::Scene(kSide, kSide).square(8, 8, 8, 200).square(40, 40, 8); }

void check_failure(hpe_edge_status found, hpe_edge_status expected, const std::string& part) {
    CHECK(found == expected);
    const std::string message = hpe_edge_last_error();
    CHECK_MESSAGE(message.find(part) != std::string::npos, message);
}

}  // namespace

TEST_CASE("C: a card is opened, and says what runs") {
    const test::ModelFolder folder;
    hpe_edge_options options{};
    options.precision = HPE_EDGE_PRECISION_FP32;
    options.threads = 2;
    const Opened model(folder, &options);
    hpe_edge_info info{};
    REQUIRE(hpe_edge_get_info(model.estimator, &info) == HPE_EDGE_OK);
    CHECK(std::string(info.model) == "tiny");
    CHECK(std::string(info.model_version) == "1.2");
    CHECK(std::string(info.precision) == "fp32");
    CHECK(std::string(info.detector) == "bright");
    CHECK(std::strlen(info.sha256) == 64);
    CHECK(info.threads == 2);
    CHECK(std::string(hpe_edge_version()).find('.') != std::string::npos);
}

TEST_CASE("C: poses of boxes and of the faces found") {
    const test::ModelFolder folder;
    const Opened model(folder);
    const test::Scene scene = two_faces();
    hpe_edge_image image = image_of(scene);

    hpe_edge_pose found[4] = {};
    std::size_t count = 9;
    REQUIRE(hpe_edge_estimate(model.estimator, &image, found, 4, &count) == HPE_EDGE_OK);
    REQUIRE(count == 2);
    CHECK(found[0].score > found[1].score);
    REQUIRE(hpe_edge_estimate(model.estimator, &image, found, 1, &count) == HPE_EDGE_OK);
    CHECK(count == 1);
    REQUIRE(hpe_edge_estimate(model.estimator, &image, nullptr, 0, &count) == HPE_EDGE_OK);
    CHECK(count == 0);

    hpe_edge_pose given{};
    REQUIRE(hpe_edge_estimate_boxes(model.estimator, &image, &found[0].box, 1, &given) == HPE_EDGE_OK);
    CHECK(given.yaw_deg == found[0].yaw_deg);
    CHECK(given.box.x1 == found[0].box.x1);
    CHECK(std::isnan(given.score));
    CHECK(std::isnan(given.std_deg[2]));
    CHECK(hpe_edge_estimate_boxes(model.estimator, &image, nullptr, 0, nullptr) == HPE_EDGE_OK);

    // upside down, by its stride
    image.data += (kSide - 1) * kSide;
    image.row_stride = -kSide;
    const hpe_edge_box& box = found[0].box;
    const hpe_edge_box flipped{box.x0, kSide - box.y1, box.x1, kSide - box.y0};
    hpe_edge_pose turned{};
    REQUIRE(hpe_edge_estimate_boxes(model.estimator, &image, &flipped, 1, &turned) == HPE_EDGE_OK);
    CHECK(turned.yaw_deg == doctest::Approx(given.yaw_deg).epsilon(1e-4));
}

TEST_CASE("C: every pixel format") {
    const test::ModelFolder folder;
    const Opened model(folder);
    const test::Scene scene = two_faces();
    const hpe_edge_box box{4, 4, 20, 20};
    const auto yaw_of = [&](std::int32_t format, const std::vector<std::uint8_t>& data, const std::uint8_t* second) {
        const hpe_edge_image image{data.data(), kSide, kSide, 0, format, second, 0};
        hpe_edge_pose pose{};
        REQUIRE(hpe_edge_estimate_boxes(model.estimator, &image, &box, 1, &pose) == HPE_EDGE_OK);
        return pose.yaw_deg;
    };
    const std::vector<std::uint8_t> grey(scene.pixels.begin(), scene.pixels.end());
    std::vector<std::uint8_t> four, packed;
    for (const std::uint8_t value : grey) {
        four.insert(four.end(), {value, value, value, 77});
        packed.insert(packed.end(), {value, 128});  // neutral U and V
    }
    const std::vector<std::uint8_t> neutral(grey.size() / 2, 128);
    const float expected = yaw_of(HPE_EDGE_MONO8, grey, nullptr);
    CHECK(yaw_of(HPE_EDGE_BGRA8, four, nullptr) == doctest::Approx(expected));
    CHECK(yaw_of(HPE_EDGE_RGBA8, four, nullptr) == doctest::Approx(expected));
    const float luma = yaw_of(HPE_EDGE_YUYV, packed, nullptr);
    CHECK(luma != doctest::Approx(expected));  // limited range
    CHECK(yaw_of(HPE_EDGE_NV12, grey, neutral.data()) == doctest::Approx(luma));

    const hpe_edge_image one_plane{grey.data(), kSide, kSide, 0, HPE_EDGE_NV12, nullptr, 0};
    hpe_edge_pose pose{};
    check_failure(hpe_edge_estimate_boxes(model.estimator, &one_plane, &box, 1, &pose), HPE_EDGE_INVALID_IMAGE,
                  "expected the plane of U and V, got NULL");
}

TEST_CASE("C: a pose as a quaternion") {
    hpe_edge_pose pose{};
    double xyzw[4] = {};
    REQUIRE(hpe_edge_quaternion(&pose, xyzw) == HPE_EDGE_OK);
    CHECK(xyzw[3] == doctest::Approx(1.0));
    pose.roll_deg = 90.0F;  // clockwise in the image: + about z, which points into it
    REQUIRE(hpe_edge_quaternion(&pose, xyzw) == HPE_EDGE_OK);
    CHECK(xyzw[2] == doctest::Approx(std::sqrt(0.5)));
    pose.roll_deg = NAN;
    check_failure(hpe_edge_quaternion(&pose, xyzw), HPE_EDGE_INVALID_ARGUMENT, "pose");
}

TEST_CASE("C: whatever is wrong is a status and a message") {
    const test::ModelFolder folder;
    const std::string card = folder.path().string();
    hpe_edge_estimator* none = nullptr;
    check_failure(hpe_edge_open("none.json", nullptr, &none), HPE_EDGE_MODEL_NOT_FOUND, "none.json");
    check_failure(hpe_edge_open(nullptr, nullptr, &none), HPE_EDGE_INVALID_ARGUMENT, "card: expected a pointer");
    check_failure(hpe_edge_open(card.c_str(), nullptr, nullptr), HPE_EDGE_INVALID_ARGUMENT, "estimator");
    hpe_edge_options options{};
    options.precision = 7;
    check_failure(hpe_edge_open(card.c_str(), &options, &none), HPE_EDGE_INVALID_ARGUMENT, "options.precision");
    options = {};
    options.score_threshold = NAN;
    check_failure(hpe_edge_open(card.c_str(), &options, &none), HPE_EDGE_INVALID_ARGUMENT, "score_threshold");
    CHECK(none == nullptr);
    hpe_edge_close(nullptr);

    const Opened model(folder);
    const test::Scene scene = two_faces();
    const hpe_edge_image image = image_of(scene);
    hpe_edge_pose pose{};
    std::size_t count = 5;
    const auto estimate = [&](const hpe_edge_image& given) { return hpe_edge_estimate(model.estimator, &given, &pose, 1, &count); };
    hpe_edge_image bad = image;
    bad.format = 99;
    check_failure(estimate(bad), HPE_EDGE_INVALID_IMAGE, "image.format");
    bad = image;
    bad.second_data = bad.data;
    check_failure(estimate(bad), HPE_EDGE_INVALID_IMAGE, "image.second_data");
    bad = image;
    bad.data = nullptr;
    check_failure(estimate(bad), HPE_EDGE_INVALID_IMAGE, "image");
    bad = image;
    bad.width = -1;
    check_failure(estimate(bad), HPE_EDGE_INVALID_IMAGE, "image");
    check_failure(hpe_edge_estimate(nullptr, &image, &pose, 1, &count), HPE_EDGE_INVALID_ARGUMENT, "estimator");
    check_failure(hpe_edge_estimate(model.estimator, &image, nullptr, 1, &count), HPE_EDGE_INVALID_ARGUMENT, "poses");
    CHECK(count == 5);
    const hpe_edge_box nan_box{NAN, 0, 8, 8};
    check_failure(hpe_edge_estimate_boxes(model.estimator, &image, &nan_box, 1, &pose), HPE_EDGE_INVALID_BOX, "boxes_xyxy[0]");

    folder.write("tiny-int8.safetensors", "short");
    check_failure(hpe_edge_open(card.c_str(), nullptr, &none), HPE_EDGE_CORRUPT_MODEL, "5; the file is damaged");
}

TEST_CASE("C: the last error is the thread's own") {
    hpe_edge_estimator* none = nullptr;
    CHECK(hpe_edge_open("first.json", nullptr, &none) == HPE_EDGE_MODEL_NOT_FOUND);
    std::thread([] {
        CHECK(std::string(hpe_edge_last_error()).empty());
        hpe_edge_estimator* other = nullptr;
        CHECK(hpe_edge_open("second.json", nullptr, &other) == HPE_EDGE_MODEL_NOT_FOUND);
    }).join();
    CHECK(std::string(hpe_edge_last_error()).find("first.json") != std::string::npos);
}
