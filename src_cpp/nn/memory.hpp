// Memory of a plan: aligned floats, buffers that live for a few steps, and their places in one arena.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <vector>

namespace hpe::nn {

inline constexpr std::size_t kAlignment = 64;

// Floats that a kernel may read past the end of a tensor, and ignores.
inline constexpr std::size_t kSlack = 128;

// A page of this size, where the system has them, spares 511 lookups of addresses to a run that finds cold caches.
inline constexpr std::size_t kHugePage = std::size_t{2} << 20;

// `size` zeros at an address divisible by kAlignment, with kSlack more behind them; many of them in huge pages.
class AlignedFloats {
  public:
    explicit AlignedFloats(std::size_t size);

    [[nodiscard]] float* data() noexcept { return data_.get(); }
    [[nodiscard]] const float* data() const noexcept { return data_.get(); }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

  private:
    struct Free {
        std::align_val_t alignment;
        void operator()(float* data) const noexcept { ::operator delete[](data, alignment); }
    };
    std::size_t size_;
    std::unique_ptr<float[], Free> data_;
};

// What a plan holds besides its steps: weights, offsets. One behind another as they were kept, which is the order in
// which the steps read them: a run then reads one long stream.
class Constants {
  public:
    // A copy that lives as long as this, aligned, kSlack floats readable behind it.
    template <class T>
    std::span<const T> keep(const std::vector<T>& values) {
        static_assert(std::is_trivially_copyable_v<T>);
        const std::span<const T> bytes(values);
        return {reinterpret_cast<const T*>(copy(std::as_bytes(bytes))), values.size()};
    }

    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  private:
    const float* copy(std::span<const std::byte> bytes);

    std::vector<AlignedFloats> slabs_;
    std::size_t used_ = 0;   // floats of the last slab
    std::size_t bytes_ = 0;  // of what is kept
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
