// Faces of an image: letterbox, network, decode and non-maximum suppression in one call.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "hpe/cpu.hpp"
#include "hpe/detector_options.hpp"
#include "hpe/image.hpp"
#include "hpe/preprocess.hpp"

namespace hpe {

struct Point {
    float x, y;
};

// A face in pixels of the image. A face that was lost has NaN everywhere and the score 0.
struct Face {
    Box box;      // tight: brows to chin, jaw to jaw; may reach beyond the image
    float score;  // 0 to 1
    // right eye, left eye (the subject's), nose tip, right and left corner of the mouth
    std::array<Point, 5> landmarks;
};

// A detector card and its network (hpe_edge/detectors/card.py). Threads may share it: each call takes memory of its own,
// which is kept for the next one, and so are the network's plans for the last few sizes of input.
class FaceDetector {
  public:
    // `card` is the text of a card, `network` the bytes of its safetensors file, which are copied: the network is planned
    // anew for each size of input. Throws Error(CorruptModel) when one is damaged or they do not belong together, and
    // Error(InvalidArgument) for the options.
    FaceDetector(std::string_view card, std::span<const std::byte> network, Isa isa, const DetectorOptions& options = {});
    ~FaceDetector();
    FaceDetector(FaceDetector&&) noexcept;
    FaceDetector& operator=(FaceDetector&&) noexcept;

    [[nodiscard]] int longest_side() const noexcept;

    // The faces of an image, the best score first, in place of what `faces` held.
    //
    // The image is scaled so that its longer side has longest_side() pixels; the sides of the input are the next
    // multiples of 32, and the image is in its middle, its border repeated. Each cell (x, y) of a map with stride s
    // whose sigmoid(v[0]) is above the threshold is a face: its middle ((x + 0.5 + v[1]) s, (y + 0.5 + v[2]) s), its size
    // (exp(v[3]) s, exp(v[4]) s) with v kept within 8, its landmarks ((x + 0.5 + v[5]) s, (y + 0.5 + v[6]) s) and so on.
    // Faces that do not overlap the image, or whose box is longer than the image's longer side twice, are left out. Of
    // faces that overlap (intersection over union above the card's nms_iou), the best stays.
    //
    // Throws Error: InvalidImage (empty, or so long and narrow that the window is over kLargestWindow), InvalidArgument
    // when the network's outputs are not finite or a plan of that size is too large.
    void detect(const ImageView& image, std::vector<Face>& faces) const;

    // The faces that were at `boxes` a moment ago, one each; faces.size() is boxes.size(). Looks only at a square window
    // around each box, kFollowWindow times its longer side, and gives the face there whose box overlaps the old one most;
    // a lost face where there is none. A box that has left the image has none.
    //
    // Throws as detect(), and Error(InvalidBox) for a box that is not finite, has no area or a window over kLargestWindow.
    void follow(const ImageView& image, std::span<const Box> boxes, std::span<Face> faces) const;

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

inline constexpr int kFollowSide = 96;          // pixels of follow()'s input
inline constexpr double kFollowWindow = 2.4;    // so that a face takes about 40 of them

}  // namespace hpe
