#include "nn/memory.hpp"

#include <algorithm>
#include <numeric>

namespace hpe::nn {
namespace {

constexpr std::size_t kFloatsPerLine = kAlignment / sizeof(float);

std::size_t rounded(std::size_t size) { return (size + kFloatsPerLine - 1) / kFloatsPerLine * kFloatsPerLine; }

bool meet(const Buffer& a, const Buffer& b) { return a.first <= b.last && b.first <= a.last; }

}  // namespace

AlignedFloats::AlignedFloats(std::size_t size)
    : size_(size), data_(new (std::align_val_t{kAlignment}) float[size + kSlack]()) {}

Arena plan_arena(std::span<const Buffer> buffers) {
    std::vector<std::size_t> by_size(buffers.size());
    std::iota(by_size.begin(), by_size.end(), std::size_t{0});
    std::stable_sort(by_size.begin(), by_size.end(),
                     [&](std::size_t a, std::size_t b) { return buffers[a].size > buffers[b].size; });
    Arena arena{std::vector<std::size_t>(buffers.size()), 0};
    std::vector<std::size_t> placed;  // by offset
    for (const std::size_t index : by_size) {
        std::size_t offset = 0;
        for (const std::size_t other : placed) {
            if (!meet(buffers[index], buffers[other])) continue;
            if (offset + rounded(buffers[index].size) <= arena.offsets[other]) break;
            offset = std::max(offset, arena.offsets[other] + rounded(buffers[other].size));
        }
        arena.offsets[index] = offset;
        arena.size = std::max(arena.size, offset + rounded(buffers[index].size));
        const auto at = std::upper_bound(placed.begin(), placed.end(), offset, [&](std::size_t value, std::size_t other) {
            return value < arena.offsets[other];
        });
        placed.insert(at, index);
    }
    return arena;
}

}  // namespace hpe::nn
