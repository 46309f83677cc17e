#include "hpe/head_pose.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "hpe/detect.hpp"
#include "json/corrupt.hpp"
#include "model/parallel_model.hpp"
#include "sdk/card_files.hpp"

namespace hpe {
namespace {

constexpr std::string_view kModelFormat = "hpe-edge-card/1";
constexpr std::string_view kDetectorFormat = "hpe-edge-detector/1";
constexpr const char* kBesideModel = "detectors/face.json";

std::string kind_of(const sdk::CardFiles& card, Precision precision) {
    if (precision == Precision::Fp32) return sdk::kFp32Kind;
    if (precision == Precision::Int8) return sdk::kInt8Kind;
    return card.has(sdk::kInt8Kind) && card.int8_keeps_bound ? sdk::kInt8Kind : sdk::kFp32Kind;
}

// Empty where there is none.
std::filesystem::path detector_path(const std::filesystem::path& model_card, const HeadPoseOptions& options) {
    if (!options.detector_card.empty()) return options.detector_card;
    const std::filesystem::path beside = model_card.parent_path() / kBesideModel;
    return std::filesystem::exists(beside) ? beside : std::filesystem::path();
}

FaceDetector open_detector(const sdk::CardFiles& card, const DetectorOptions& options) {
    const char* const kind = card.has(sdk::kInt8Kind) ? sdk::kInt8Kind : sdk::kFp32Kind;
    const std::vector<std::byte> network = sdk::read_verified(card, kind);
    return reading(card.path.string(), [&] { return FaceDetector(card.text, network, active_isa(), options); });
}

std::vector<Pose> join(std::span<const HeadAngles> heads, std::span<const Face> faces) {
    std::vector<Pose> poses;
    poses.reserve(heads.size());
    for (std::size_t i = 0; i < heads.size(); ++i) {
        const auto& [euler, spread] = heads[i];
        poses.push_back({euler[0], euler[1], euler[2], {spread[0], spread[1], spread[2]}, faces[i].box, faces[i].score});
    }
    return poses;
}

}  // namespace

struct HeadPose::Parts {
    Parts(const sdk::CardFiles& card, const std::string& kind, std::span<const std::byte> network, const HeadPoseOptions& options)
        : model(card.text, network, active_isa(), options.threads),
          info{card.name, card.version, card.files.at(kind).sha256, kind == sdk::kInt8Kind ? "int8" : "fp32",
               std::string(isa_name(active_isa())), options.threads, ""} {}

    std::vector<Pose> estimate(const ImageView& image, std::span<const Face> faces) {
        std::vector<Box> boxes;
        for (const Face& face : faces) boxes.push_back(face.box);
        std::vector<HeadAngles> heads(boxes.size());
        model.run(image, boxes, heads);
        return join(heads, faces);
    }

    model::ParallelModel model;
    HeadPoseInfo info;
    std::optional<FaceDetector> detector;
};

HeadPose::HeadPose(const std::filesystem::path& card, const HeadPoseOptions& options) {
    const sdk::CardFiles files = sdk::read_card_files(card, kModelFormat);
    const std::string kind = kind_of(files, options.precision);
    const std::vector<std::byte> network = sdk::read_verified(files, kind);
    parts_ = reading(card.string(), [&] { return std::make_unique<Parts>(files, kind, network, options); });
    const std::filesystem::path found = detector_path(card, options);
    if (found.empty()) return;
    const sdk::CardFiles detector = sdk::read_card_files(found, kDetectorFormat);
    parts_->detector.emplace(open_detector(detector, options.detector));
    parts_->info.detector = detector.name;
}

HeadPose::~HeadPose() = default;
HeadPose::HeadPose(HeadPose&&) noexcept = default;
HeadPose& HeadPose::operator=(HeadPose&&) noexcept = default;

const HeadPoseInfo& HeadPose::info() const noexcept { return parts_->info; }

std::vector<Pose> HeadPose::estimate(const ImageView& image, const std::vector<Box>& boxes) const {
    std::vector<Face> faces;
    for (const Box& box : boxes) faces.push_back({box, std::numeric_limits<float>::quiet_NaN(), {}});
    return parts_->estimate(image, faces);
}

std::vector<Pose> HeadPose::estimate(const ImageView& image) const {
    if (!parts_->detector) {
        throw Error(ErrorKind::InvalidArgument, std::string("estimate: expected face boxes, for there is no detector; put one at ") +
                                                    kBesideModel + " beside the model's card or name its card in detector_card");
    }
    std::vector<Face> faces;
    parts_->detector->detect(image, faces);
    return parts_->estimate(image, faces);
}

}  // namespace hpe
