// Eight threads share two models and a detector, on frames of more sizes than the detector keeps plans for. A program of
// its own: ThreadSanitizer goes with no other sanitizer (cmake --preset tsan).
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "hpe/detect.hpp"
#include "hpe/model.hpp"
#include "model/workers.hpp"
#include "support.hpp"

using namespace hpe;

namespace {

constexpr std::size_t kThreads = 8;
constexpr int kSteps = 5;
constexpr int kLongest = 32 * kSteps;
constexpr std::size_t kSizes = 2 * kSteps - 1;  // of the detector's input: one side the longest, the other 32 to as long

std::string read(const std::string& name) {
    std::ifstream file(std::filesystem::path(HPE_MODELS) / name, std::ios::binary);
    REQUIRE_MESSAGE(file, "cannot read ", name);
    return {std::istreambuf_iterator<char>(file), {}};
}

template <class T>
T open(const std::string& card, const std::string& network, auto... options) {
    const std::string bytes = read(network);
    return T(read(card), std::as_bytes(std::span(bytes)), active_isa(), options...);
}

Model open_model(const std::string& network) { return open<Model>("fsanet.json", network); }

// So low a threshold finds faces in noise.
FaceDetector open_detector() {
    return open<FaceDetector>("detectors/face.json", "detectors/face-int8.safetensors",
                              DetectorOptions{.longest_side = kLongest, .score_threshold = 0.02, .max_faces = 3});
}

struct Frame {
    explicit Frame(int i)
        : width(i < kSteps ? kLongest : 32 * (i - kSteps + 1)), height(i < kSteps ? 32 * (i + 1) : kLongest),
          pixels(test::noise(std::size_t{3} * static_cast<std::size_t>(width * height), static_cast<std::uint64_t>(i) + 1)) {}

    [[nodiscard]] ImageView view() const { return test::dense_view(pixels, width, height, PixelFormat::Bgr8); }
    [[nodiscard]] Box middle() const {
        return {0.25F * static_cast<float>(width), 0.25F * static_cast<float>(height), 0.75F * static_cast<float>(width),
                0.75F * static_cast<float>(height)};
    }

    int width, height;
    std::vector<std::uint8_t> pixels;
};

// What is seen in one frame; compared bit for bit, NaN with NaN too.
struct Seen {
    std::vector<Face> faces;
    Face followed;
    std::array<HeadAngles, 2> heads;  // of the float32 and of the 8-bit network

    bool operator==(const Seen& other) const {
        return faces.size() == other.faces.size() &&
               (faces.empty() || std::memcmp(faces.data(), other.faces.data(), faces.size() * sizeof(Face)) == 0) &&
               std::memcmp(&followed, &other.followed, sizeof(Face)) == 0 &&
               std::memcmp(heads.data(), other.heads.data(), sizeof heads) == 0;
    }
};

// What threads share.
struct Shared {
    std::array<Model, 2> models{open_model("fsanet.safetensors"), open_model("fsanet-int8.safetensors")};
    FaceDetector detector = open_detector();

    [[nodiscard]] Seen look(const Frame& frame) const {
        Seen seen{};
        const Box box = frame.middle();
        detector.detect(frame.view(), seen.faces);
        detector.follow(frame.view(), {&box, 1}, {&seen.followed, 1});
        for (std::size_t m = 0; m < models.size(); ++m) {
            Model::Workspace workspace(models[m]);
            models[m].run(frame.view(), {&box, 1}, {&seen.heads[m], 1}, workspace);
        }
        return seen;
    }
};

// Runs work(thread) in eight threads at once.
template <class Work>
void together(const Work& work) {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) threads.emplace_back([&work, t] { work(t); });
}

}  // namespace

TEST_CASE("threads that share models and a detector see what one thread sees") {
    std::vector<Frame> frames;
    for (std::size_t i = 0; i < kSizes; ++i) frames.emplace_back(static_cast<int>(i));
    std::vector<Seen> alone;
    const Shared first;
    std::size_t faces = 0;
    for (const Frame& frame : frames) {
        alone.push_back(first.look(frame));
        faces += alone.back().faces.size();
    }
    REQUIRE(faces > 0);
    const Shared shared;  // its plans are made while the threads run
    std::vector<std::size_t> wrong(kThreads);
    together([&](std::size_t t) {
        for (std::size_t i = 0; i < kSizes; ++i) {
            const std::size_t k = (i + 2 * t) % kSizes;
            wrong[t] += !(shared.look(frames[k]) == alone[k]);
        }
    });
    CHECK(wrong == std::vector<std::size_t>(kThreads));
}

TEST_CASE("calls that have threads of their own share their workspaces, and an error leaves them in order") {
    const Frame frame(3);
    const Model model = open_model("fsanet-int8.safetensors");
    const std::vector<Box> boxes(6, frame.middle());
    std::vector<HeadAngles> expected(boxes.size());
    Model::Workspace own(model);
    model.run(frame.view(), boxes, expected, own);
    model::Workers<Model::Workspace> workers(3);
    std::vector<int> right(kThreads);
    together([&](std::size_t t) {
        std::vector<HeadAngles> heads(boxes.size());
        const auto make = [&] { return Model::Workspace(model); };
        const auto run = [&](std::size_t i, Model::Workspace& workspace) {
            model.run(frame.view(), std::span(boxes).subspan(i, 1), std::span(heads).subspan(i, 1), workspace);
        };
        for (int round = 0; round < 2; ++round) {
            const auto fail = [&](std::size_t i, Model::Workspace&) { throw Error(ErrorKind::Core, std::to_string(i)); };
            CHECK_THROWS_AS(workers.share(boxes.size(), make, fail), Error);
            workers.share(boxes.size(), make, run);
            right[t] += std::memcmp(heads.data(), expected.data(), heads.size() * sizeof(HeadAngles)) == 0;
        }
    });
    CHECK(right == std::vector<int>(kThreads, 2));
}
