#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include "detect/card.hpp"
#include "detect/decode.hpp"
#include "detect/plans.hpp"
#include "hpe/detect.hpp"
#include "hpe/error.hpp"
#include "preprocess/window.hpp"

namespace hpe {
namespace {

using detect::kInputMultiple;

detect::Rules rules_of(const detect::Card& card, const DetectorOptions& options) {
    const detect::Rules rules{options.score_threshold.value_or(card.score_threshold), card.nms_iou, options.max_faces};
    if (!(rules.score_threshold > 0.0 && rules.score_threshold < 1.0)) {
        throw Error(ErrorKind::InvalidArgument, "score_threshold: expected a number above 0 and below 1, got " +
                                                    std::to_string(rules.score_threshold));
    }
    if (rules.max_faces < 1) {
        throw Error(ErrorKind::InvalidArgument,
                    "max_faces: expected a whole number >= 1, got " + std::to_string(rules.max_faces));
    }
    return rules;
}

int side_of(const detect::Card& card, const DetectorOptions& options) {
    const int side = options.longest_side.value_or(card.longest_side);
    if (side >= kInputMultiple && side <= kLargestSide) return side;
    throw Error(ErrorKind::InvalidArgument, "longest_side: expected " + std::to_string(kInputMultiple) + " to " +
                                                std::to_string(kLargestSide) + " pixels, got " + std::to_string(side));
}

// The size of the input for an image, and the window around the image that becomes it.
struct Letterbox {
    InputSize size;
    Box window;
};

Letterbox letterbox(const ImageView& image, int longest_side) {
    const int longer = std::max(image.width, image.height);
    // in whole numbers, so that the longer side is exactly the one asked for
    const auto side = [&](int pixels) {
        const std::int64_t unit = std::int64_t{kInputMultiple} * longer;
        return static_cast<int>((std::int64_t{pixels} * longest_side + unit - 1) / unit) * kInputMultiple;
    };
    const InputSize size{side(image.height), side(image.width)};
    const double pixel = static_cast<double>(longer) / longest_side;  // of the input, in the image
    const double border_x = 0.5 * (size.width * pixel - image.width);
    const double border_y = 0.5 * (size.height * pixel - image.height);
    if (std::max(size.width, size.height) * pixel > kLargestWindow) {
        throw Error(ErrorKind::InvalidImage, "image: expected at most " + std::to_string(static_cast<int>(kLargestWindow)) +
                                                 " pixels a side with the border around it, got width " +
                                                 std::to_string(image.width) + " and height " + std::to_string(image.height));
    }
    return {size,
            {static_cast<float>(-border_x), static_cast<float>(-border_y), static_cast<float>(image.width + border_x),
             static_cast<float>(image.height + border_y)}};
}

PreprocessSpec spec_of(const detect::Card& card, InputSize size, double window, bool square) {
    const auto margin = static_cast<float>(0.5 * (window - 1.0));
    return {size.width, size.height, margin, square, card.channel_order, card.mean, card.scale};
}

// A sound box; what is wrong with another one is for crop_window() to say.
bool has_left(const Box& box, const ImageView& image) {
    const float width = box.x1 - box.x0;
    const float height = box.y1 - box.y0;
    return width > 0.0F && height > 0.0F && std::isfinite(width) && std::isfinite(height) && outside(box, image);
}

Face lost_face() {
    constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
    Face face{{kNone, kNone, kNone, kNone}, 0.0F, {}};
    face.landmarks.fill({kNone, kNone});
    return face;
}

Face most_overlapping(std::span<const Face> faces, const Box& old) {
    const Face* best = nullptr;
    double most = 0.0;
    for (const Face& face : faces) {
        const double shared = detect::overlap(face.box, old);
        if (shared > most) {
            most = shared;
            best = &face;
        }
    }
    return best == nullptr ? lost_face() : *best;
}

}  // namespace

struct FaceDetector::Parts {
    Parts(std::string_view text, std::span<const std::byte> file, Isa isa_, const DetectorOptions& options)
        : card(detect::read_card(text)), isa(isa_), rules(rules_of(card, options)), longest_side(side_of(card, options)),
          plans(card, file, isa) {}

    // Calls use(faces) with the faces in the window around a box.
    template <class Use>
    void look(const ImageView& image, const Box& box, const PreprocessSpec& spec, int max_faces, const Use& use) {
        plans.with({spec.height, spec.width}, [&](const Network& network, detect::Scratch& scratch) {
            preprocess(image, {&box, 1}, spec, scratch.input, isa);
            network.run(scratch.input, scratch.outputs, scratch.workspace);
            const detect::Placement placement{crop_window(box, 0, spec, image), spec.width, spec.height, image};
            const detect::Rules limited{rules.score_threshold, rules.nms_iou, max_faces};
            detect::decode(scratch.maps, limited, placement, scratch.cells, scratch.faces);
            use(std::span<const Face>(scratch.faces));
        });
    }

    detect::Card card;
    Isa isa;
    detect::Rules rules;
    int longest_side;
    detect::Plans plans;
};

FaceDetector::FaceDetector(std::string_view card, std::span<const std::byte> network, Isa isa, const DetectorOptions& options)
    : parts_(std::make_unique<Parts>(card, network, isa, options)) {}
FaceDetector::~FaceDetector() = default;
FaceDetector::FaceDetector(FaceDetector&&) noexcept = default;
FaceDetector& FaceDetector::operator=(FaceDetector&&) noexcept = default;

int FaceDetector::longest_side() const noexcept { return parts_->longest_side; }

void FaceDetector::detect(const ImageView& image, std::vector<Face>& faces) const {
    faces.clear();
    check_image(image);
    const Letterbox box = letterbox(image, parts_->longest_side);
    parts_->look(image, box.window, spec_of(parts_->card, box.size, 1.0, false), parts_->rules.max_faces,
                 [&](std::span<const Face> found) { faces.assign(found.begin(), found.end()); });
}

void FaceDetector::follow(const ImageView& image, std::span<const Box> boxes, std::span<Face> faces) const {
    if (faces.size() != boxes.size()) {
        throw Error(ErrorKind::InvalidArgument,
                    "faces: expected " + std::to_string(boxes.size()) + ", one a box, got " + std::to_string(faces.size()));
    }
    check_image(image);
    const PreprocessSpec spec = spec_of(parts_->card, {kFollowSide, kFollowSide}, kFollowWindow, true);
    for (std::size_t i = 0; i < boxes.size(); ++i) {  // all before any work, so that messages number them
        if (!has_left(boxes[i], image)) (void)crop_window(boxes[i], i, spec, image);
    }
    for (std::size_t i = 0; i < boxes.size(); ++i) {
        faces[i] = lost_face();
        if (has_left(boxes[i], image)) continue;
        parts_->look(image, boxes[i], spec, kMostFaces,
                     [&](std::span<const Face> found) { faces[i] = most_overlapping(found, boxes[i]); });
    }
}

}  // namespace hpe
