// Winograd's minimal filtering for 3x3 convolutions: when it pays, its filters and where its tiles lie.
#pragma once

#include <cstdint>
#include <vector>

#include "nn/graph.hpp"

namespace hpe::nn {

// Pixels m of a tile's side, 2 or 4, that make the convolution fastest; 0 when none beats the direct way.
[[nodiscard]] int winograd_size(Pair kernel, Pair stride, int channels, int columns, Pair out);

[[nodiscard]] int winograd_tiles(int height, int width, int m);

// G g G^T of every filter: [(m + 2)^2][O][C].
[[nodiscard]] std::vector<float> winograd_filters(const Value& weight, int m);

// For the kernels (simd/network_kernels.hpp); pixels that the image lacks lie behind its end.
[[nodiscard]] std::vector<std::int32_t> winograd_input_offsets(int height, int width, int channels, Pad pad, Pair out,
                                                               int m);
[[nodiscard]] std::vector<std::int32_t> winograd_output_offsets(Pair out, int channels, int m);

}  // namespace hpe::nn
