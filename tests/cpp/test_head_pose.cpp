#include "hpe/head_pose.hpp"

#include <cmath>
#include <thread>

#include "hpe/cpu.hpp"
#include "model_folder.hpp"
#include "support.hpp"

using namespace hpe;

namespace {

// Blue 10, green 20, red 30.
std::vector<std::uint8_t> colour(int width, int height) {
    std::vector<std::uint8_t> pixels;
    for (int i = 0; i < width * height; ++i) pixels.insert(pixels.end(), {10, 20, 30});
    return pixels;
}

void check_colour(const Pose& pose) {
    CHECK(pose.yaw_deg == doctest::Approx(10).epsilon(1e-4));
    CHECK(pose.pitch_deg == doctest::Approx(20).epsilon(1e-4));
    CHECK(pose.roll_deg == doctest::Approx(30).epsilon(1e-4));
    for (const float deviation : pose.std_deg) CHECK(std::isnan(deviation));
}

void refuse(const test::ModelFolder& folder, ErrorKind kind, const std::string& part, const HeadPoseOptions& options = {}) {
    test::check_error(kind, part, [&] { const HeadPose pose(folder.path(), options); });
}

}  // namespace

TEST_CASE("a model is opened from its card, and boxes become poses in their order") {
    const test::ModelFolder folder;
    const HeadPose pose(folder.path());
    CHECK(pose.info().model == "tiny");
    CHECK(pose.info().model_version == "1.2");
    CHECK(pose.info().precision == "int8");
    CHECK(pose.info().sha256 == sdk::sha256_hex(test::mean_network()));
    CHECK(pose.info().instruction_set == isa_name(active_isa()));
    CHECK(pose.info().detector == "bright");

    const std::vector<std::uint8_t> pixels = colour(40, 30);
    const std::vector<Pose> poses =
        pose.estimate(test::dense_view(pixels, 40, 30, PixelFormat::Bgr8), {{2, 2, 30, 12}, {4, 18, 30, 28}});
    REQUIRE(poses.size() == 2);
    for (const Pose& found : poses) {
        check_colour(found);
        CHECK(std::isnan(found.score));
    }
    CHECK(poses[0].box.x0 == 2.0F);
    CHECK(poses[1].box.x0 == 4.0F);
    CHECK(pose.estimate(test::dense_view(pixels, 40, 30, PixelFormat::Bgr8), {}).empty());
}

TEST_CASE("without boxes the detector beside the card finds the faces, the surest first") {
    const test::ModelFolder folder;
    test::Scene scene(64, 64);
    scene.square(8, 8, 8, 200).square(40, 40, 8);
    const ImageView image = test::dense_view(scene.pixels, 64, 64, PixelFormat::Mono8);
    const std::vector<Pose> poses = HeadPose(folder.path()).estimate(image);
    REQUIRE(poses.size() == 2);
    CHECK(poses[0].box.x0 > 30.0F);
    CHECK(poses[0].score > poses[1].score);
    CHECK(poses[0].yaw_deg > 0.0F);

    HeadPoseOptions options;
    options.detector.max_faces = 1;
    CHECK(HeadPose(folder.path(), options).estimate(image).size() == 1);
    options.detector.score_threshold = 0.999;
    CHECK(HeadPose(folder.path(), options).estimate(image).empty());
}

TEST_CASE("threads share one HeadPose, and a call may use several") {
    const test::ModelFolder folder;
    HeadPoseOptions options;
    options.threads = 2;
    const HeadPose pose(folder.path(), options);
    const std::vector<std::uint8_t> pixels = colour(40, 30);
    const ImageView image = test::dense_view(pixels, 40, 30, PixelFormat::Bgr8);
    const std::vector<Box> boxes(5, Box{2, 2, 30, 12});
    std::vector<std::vector<Pose>> found(3);
    {
        std::vector<std::jthread> callers;
        for (std::vector<Pose>& poses : found) callers.emplace_back([&] { poses = pose.estimate(image, boxes); });
    }
    for (const std::vector<Pose>& poses : found) {
        REQUIRE(poses.size() == boxes.size());
        for (const Pose& one : poses) check_colour(one);
    }
}

TEST_CASE("the card decides what Auto means, and a precision that it lacks is refused") {
    const test::ModelFolder folder;
    const auto precision = [&](Precision wanted) {
        HeadPoseOptions options;
        options.precision = wanted;
        return HeadPose(folder.path(), options).info().precision;
    };
    CHECK(precision(Precision::Fp32) == "fp32");
    folder.write_card("'int8':{'shift_deg':0.3,'bound_deg':0.2,'heads':5},");
    CHECK(precision(Precision::Auto) == "fp32");
    CHECK(precision(Precision::Int8) == "int8");
    folder.write_card();
    CHECK(precision(Precision::Auto) == "fp32");
    folder.write_card("", "hpe-edge-card/1", folder.files({{"safetensors", "tiny.safetensors"}}));
    CHECK(precision(Precision::Auto) == "fp32");
    test::check_error(ErrorKind::ModelNotFound, "\"safetensors-int8\", the card lists \"safetensors\"",
                      [&] { precision(Precision::Int8); });
}

TEST_CASE("what is missing or damaged is refused") {
    const test::ModelFolder folder;
    test::check_error(ErrorKind::ModelNotFound, "none.json", [&] { const HeadPose pose(folder.path("none.json")); });
    test::check_error(ErrorKind::ModelNotFound, "detectors", [&] { const HeadPose pose(folder.path("detectors")); });

    std::string network(test::mean_network().size(), 'x');
    folder.write("tiny-int8.safetensors", network);
    refuse(folder, ErrorKind::CorruptModel, "tiny-int8.safetensors: expected sha256");
    folder.write("tiny-int8.safetensors", network.substr(1));
    refuse(folder, ErrorKind::CorruptModel, "bytes as tiny.json says, got " + std::to_string(network.size() - 1));
    std::filesystem::remove(folder.path("tiny-int8.safetensors"));
    refuse(folder, ErrorKind::ModelNotFound, "tiny-int8.safetensors");

    folder.write("tiny.safetensors", network);  // the right digest of what is no network
    folder.write_card("", "hpe-edge-card/1", folder.files({{"safetensors", "tiny.safetensors"}}));
    refuse(folder, ErrorKind::CorruptModel, "tiny.json: network file");
    folder.write("tiny.json", "{");
    refuse(folder, ErrorKind::CorruptModel, "tiny.json: text");
}

TEST_CASE("a card names files beside itself and nothing else on the disk") {
    const test::ModelFolder folder;
    const std::string digest(64, '0');
    const auto entry = [&](const std::string& path, const std::string& sha256, const std::string& bytes) {
        folder.write_card("", "hpe-edge-card/1",
                          "'files':{'safetensors':{'path':'" + path + "','sha256':'" + sha256 + "','bytes':" + bytes + "}}");
    };
    for (const char* path : {"../tiny.safetensors", "/etc/passwd", "..", ".", "a\\\\b", ""}) {
        CAPTURE(path);
        entry(path, digest, "5");
        refuse(folder, ErrorKind::CorruptModel, "files.safetensors.path");
    }
    entry("tiny.safetensors", digest.substr(1), "5");
    refuse(folder, ErrorKind::CorruptModel, "files.safetensors.sha256");
    for (const char* bytes : {"0", "-1", "1e3", "99999999999"}) {
        entry("tiny.safetensors", digest, bytes);
        refuse(folder, ErrorKind::CorruptModel, "files.safetensors.bytes");
    }
    folder.write_card("", "hpe-edge-card/2");
    refuse(folder, ErrorKind::CorruptModel, "format: expected \"hpe-edge-card/1\"");
}

TEST_CASE("options out of range, and a detector that is not there") {
    const test::ModelFolder folder;
    HeadPoseOptions options;
    options.threads = 0;
    refuse(folder, ErrorKind::InvalidArgument, "threads", options);
    options = {};
    options.detector.longest_side = 31;
    refuse(folder, ErrorKind::InvalidArgument, "longest_side", options);
    options = {};
    options.detector_card = folder.path("other.json");
    refuse(folder, ErrorKind::ModelNotFound, "other.json", options);
    options.detector_card = folder.path();
    refuse(folder, ErrorKind::CorruptModel, "format: expected \"hpe-edge-detector/1\"", options);

    std::filesystem::remove(folder.path("detectors/face.json"));
    const HeadPose pose(folder.path());
    CHECK(pose.info().detector.empty());
    const std::vector<std::uint8_t> pixels = colour(40, 30);
    const ImageView image = test::dense_view(pixels, 40, 30, PixelFormat::Bgr8);
    test::check_error(ErrorKind::InvalidArgument, "detectors/face.json", [&] { (void)pose.estimate(image); });
    test::check_error(ErrorKind::InvalidBox, "boxes_xyxy[1]",
                      [&] { (void)pose.estimate(image, {{2, 2, 30, 12}, {2, NAN, 30, 12}}); });
    test::check_error(ErrorKind::InvalidImage, "image", [&] { (void)pose.estimate({nullptr, 4, 4, 12, 3, PixelFormat::Bgr8}, {}); });
}
