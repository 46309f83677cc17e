// A model opened from its card's file: images in, head poses out. This header needs C++17 (docs/CPP.md).
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "hpe/box.hpp"
#include "hpe/detector_options.hpp"
#include "hpe/error.hpp"
#include "hpe/image.hpp"

namespace hpe {

// Arithmetic of the network. Auto: Int8 where the card has such a file and says that it keeps its bound, else Fp32.
enum class Precision { Auto, Fp32, Int8 };

struct HeadPoseOptions {
    Precision precision = Precision::Auto;
    int threads = 1;  // 1 to 256, that one call may use: they share the faces of an image
    // Empty: detectors/face.json beside the model's card; where there is none, boxes have to be given.
    std::filesystem::path detector_card = {};
    DetectorOptions detector = {};
};

// One head. Degrees, with the signs of docs/CONVENTIONS.md: +yaw, the nose points to image-left; +pitch, the face looks
// up; +roll, the head is turned clockwise in the image.
struct Pose {
    float yaw_deg, pitch_deg, roll_deg;
    std::array<float, 3> std_deg;  // spread of yaw, pitch, roll; NaN where the model has none
    Box box;                       // the tight face box, pixels
    float score;                   // of the detector, 0 to 1; NaN where the box was given
};

// What runs.
struct HeadPoseInfo {
    std::string model, model_version;
    std::string sha256;           // of the network's file
    std::string precision;        // "fp32", "int8"
    std::string instruction_set;  // "scalar", "avx2", "avx512vnni", "neon", "neondot"
    int threads;
    std::string detector;  // the name in its card; empty where there is none
};

// Calls do not change it: threads may share one.
class HeadPose {
  public:
    // `card` is the path of a model's card, "fsanet.json"; its files lie beside it, and their sha256 is checked.
    // Throws Error: ModelNotFound (no such card or file, or the card has no file of the precision), CorruptModel (one is
    // damaged, or they do not belong together), InvalidArgument (an option is out of range).
    explicit HeadPose(const std::filesystem::path& card, const HeadPoseOptions& options = {});
    ~HeadPose();
    HeadPose(HeadPose&&) noexcept;
    HeadPose& operator=(HeadPose&&) noexcept;

    [[nodiscard]] const HeadPoseInfo& info() const noexcept;

    // The poses of the heads in these tight face boxes (brows to chin, jaw to jaw, no margin), in their order.
    // Throws Error: InvalidImage (no pixels), InvalidBox (not finite, no area, outside the image; messages number it).
    [[nodiscard]] std::vector<Pose> estimate(const ImageView& image, const std::vector<Box>& boxes) const;

    // The poses of the faces that the detector finds, the surest first. Throws Error(InvalidArgument) without a detector.
    [[nodiscard]] std::vector<Pose> estimate(const ImageView& image) const;

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace hpe
