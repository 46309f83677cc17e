#include "nn/memory.hpp"

#include <algorithm>
#include <memory>
#include <numeric>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace hpe::nn {
namespace {

constexpr std::size_t kFloatsPerLine = kAlignment / sizeof(float);

bool meet(const Buffer& a, const Buffer& b) { return a.first <= b.last && b.first <= a.last; }

std::size_t rounded(std::size_t size, std::size_t unit) { return (size + unit - 1) / unit * unit; }

// Where a huge page would stay almost empty, a usual one does.
std::size_t page_of(std::size_t bytes) { return bytes < kHugePage / 8 ? kAlignment : kHugePage; }

float* zeros(std::size_t count) {
    const std::size_t page = page_of(count * sizeof(float));
    const std::size_t bytes = rounded(count * sizeof(float), page);
    void* const data = ::operator new[](bytes, std::align_val_t{page});
#if defined(__linux__)
    if (page == kHugePage) madvise(data, bytes, MADV_HUGEPAGE);  // a wish: a system without it gives usual pages
#endif
    return std::uninitialized_value_construct_n(static_cast<float*>(data), count) - count;
}

}  // namespace

AlignedFloats::AlignedFloats(std::size_t size)
    : size_(size), data_(zeros(size + kSlack), Free{std::align_val_t{page_of((size + kSlack) * sizeof(float))}}) {}

const float* Constants::copy(std::span<const std::byte> bytes) {
    const std::size_t size = rounded(bytes.size(), kAlignment) / sizeof(float);
    if (slabs_.empty() || slabs_.back().size() - used_ < size) {
        slabs_.emplace_back(std::max(size, kHugePage / sizeof(float) - kSlack));
        used_ = 0;
    }
    float* const to = slabs_.back().data() + used_;
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::byte*>(to));
    used_ += size;
    bytes_ += bytes.size();
    return to;
}

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
            if (offset + rounded(buffers[index].size, kFloatsPerLine) <= arena.offsets[other]) break;
            offset = std::max(offset, arena.offsets[other] + rounded(buffers[other].size, kFloatsPerLine));
        }
        arena.offsets[index] = offset;
        arena.size = std::max(arena.size, offset + rounded(buffers[index].size, kFloatsPerLine));
        const auto at = std::upper_bound(placed.begin(), placed.end(), offset, [&](std::size_t value, std::size_t other) {
            return value < arena.offsets[other];
        });
        placed.insert(at, index);
    }
    return arena;
}

}  // namespace hpe::nn
