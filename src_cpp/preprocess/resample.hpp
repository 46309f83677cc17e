// The separable resampling of one crop, from bytes to normalised planes.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "hpe/preprocess.hpp"
#include "preprocess/axis.hpp"
#include "simd/kernels.hpp"

namespace hpe {

// Scratch memory of one thread; grows to the largest crop seen and stays.
struct Workspace {
    struct PlaneRows {
        std::vector<const std::uint8_t*> starts;
        std::vector<float> carried;        // what the rows so far give to the next one
        std::vector<std::uint8_t> packed;  // dense copy of the window when elements do not lie side by side
    };
    AxisPlan x;
    AxisPlan y;
    std::array<PlaneRows, 2> planes;
    std::vector<float> folded;  // rows after the vertical pass, channels as in the image
};

// Resamples along workspace.x and workspace.y into `out`, 3 x spec.height x spec.width.
void resample(const ImageView& image, const PreprocessSpec& spec, const simd::Kernels& kernels,
              Workspace& workspace, float* out);

}  // namespace hpe
