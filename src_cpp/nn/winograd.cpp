#include "nn/winograd.hpp"

#include <algorithm>
#include <array>

namespace hpe::nn {
namespace {

using Row = std::array<double, 3>;

// G of Lavin and Gray, sections 4.1 and 4.3.
std::vector<Row> filter_matrix(int m) {
    if (m == 2) return {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
    return {{1.0 / 4, 0, 0},
            {-1.0 / 6, -1.0 / 6, -1.0 / 6},
            {-1.0 / 6, 1.0 / 6, -1.0 / 6},
            {1.0 / 24, 1.0 / 12, 1.0 / 6},
            {1.0 / 24, -1.0 / 12, 1.0 / 6},
            {0, 0, 1}};
}

int tiles_along(int size, int m) { return (size + m - 1) / m; }

}  // namespace

int winograd_tiles(int height, int width, int m) { return tiles_along(height, m) * tiles_along(width, m); }

int winograd_size(Pair kernel, Pair stride, int channels, int columns, Pair out) {
    constexpr int kFewest = 16;  // channels below which the transforms outweigh the products
    if (kernel.y != 3 || kernel.x != 3 || stride.y != 1 || stride.x != 1) return 0;
    if (channels < kFewest || columns < kFewest) return 0;
    // Multiplications, with two per element for the transforms; products of fewer than four rows cost as much as four.
    constexpr double kTransform = 2.0;
    constexpr int kRows = 4;
    const double pair = static_cast<double>(channels) * columns;
    double best = 9.0 * pair * out.y * out.x;
    int size = 0;
    for (const int m : {2, 4}) {
        const int tiles = winograd_tiles(out.y, out.x, m);
        const int cells = (m + 2) * (m + 2);
        const double cost = cells * (pair * std::max(tiles, kRows) + kTransform * tiles * (channels + columns));
        if (cost < best) {
            best = cost;
            size = m;
        }
    }
    return size;
}

std::vector<float> winograd_filters(const Value& weight, int m) {
    const std::vector<Row> g = filter_matrix(m);
    const std::size_t side = g.size();
    const std::size_t count = weight.data.size() / 9;
    std::vector<float> result(side * side * count);
    for (std::size_t f = 0; f < count; ++f) {
        const float* const filter = weight.data.data() + f * 9;
        for (std::size_t i = 0; i < side * side; ++i) {
            double sum = 0.0;
            for (std::size_t k = 0; k < 9; ++k) sum += g[i / side][k / 3] * static_cast<double>(filter[k]) * g[i % side][k % 3];
            result[i * count + f] = static_cast<float>(sum);
        }
    }
    return result;
}

std::vector<std::int32_t> winograd_input_offsets(int height, int width, int channels, Pad pad, Pair out, int m) {
    const int across = tiles_along(out.x, m);
    const int side = m + 2;
    std::vector<std::int32_t> offsets;
    for (int i = 0; i < side * side; ++i) {
        for (int t = 0; t < winograd_tiles(out.y, out.x, m); ++t) {
            const int y = t / across * m + i / side - pad.top;
            const int x = t % across * m + i % side - pad.left;
            const bool inside = y >= 0 && y < height && x >= 0 && x < width;
            offsets.push_back((inside ? y * width + x : height * width) * channels);
        }
    }
    return offsets;
}

std::vector<std::int32_t> winograd_output_offsets(Pair out, int channels, int m) {
    const int across = tiles_along(out.x, m);
    std::vector<std::int32_t> offsets;
    for (int i = 0; i < m * m; ++i) {
        for (int t = 0; t < winograd_tiles(out.y, out.x, m); ++t) {
            const int y = t / across * m + i / m;
            const int x = t % across * m + i % m;
            offsets.push_back(y < out.y && x < out.x ? (y * out.x + x) * channels : -1);
        }
    }
    return offsets;
}

}  // namespace hpe::nn
