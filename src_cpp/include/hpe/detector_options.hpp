// What the caller of a face detector may choose.
#pragma once

#include <optional>

namespace hpe {

inline constexpr int kLargestSide = 4096;  // of an input, pixels
inline constexpr int kMostFaces = 256;     // that detect() gives where nothing else is asked

// The card says the rest, and what is left out here.
struct DetectorOptions {
    std::optional<int> longest_side = {};  // of the input that an image is scaled to, 32 to kLargestSide pixels
    std::optional<double> score_threshold = {};  // above 0 and below 1
    int max_faces = kMostFaces;  // 1 or more: the best so many are given
};

}  // namespace hpe
