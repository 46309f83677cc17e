// Memory of a plan: aligned floats, buffers that live for a few steps, and their places in one arena.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <vector>

namespace hpe::nn {

inline constexpr std::size_t kAlignment = 64;

// Floats that a kernel may read past the end of a tensor, and ignores.
inline constexpr std::size_t kSlack = 128;

// `size` zeros at an address divisible by kAlignment, with kSlack more behind them.
class AlignedFloats {
  public:
    explicit AlignedFloats(std::size_t size);

    [[nodiscard]] float* data() noexcept { return data_.get(); }
    [[nodiscard]] const float* data() const noexcept { return data_.get(); }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

  private:
    struct Free {
        void operator()(float* data) const noexcept { ::operator delete[](data, std::align_val_t{kAlignment}); }
    };
    std::size_t size_;
    std::unique_ptr<float[], Free> data_;
};

// Memory that a value or a scratch area needs from step `first` to step `last`.
struct Buffer {
    std::size_t size;  // floats
    int first;
    int last;
};

struct Arena {
    std::vector<std::size_t> offsets;  // of each buffer, floats, aligned
    std::size_t size;
};

// Places buffers so that those alive at the same time do not overlap: the largest first, each at the lowest place that
// is free (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020, "greedy by size").
[[nodiscard]] Arena plan_arena(std::span<const Buffer> buffers);

}  // namespace hpe::nn
