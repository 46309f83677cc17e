// Helpers that several C++ tests share.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "hpe/cpu.hpp"
#include "hpe/error.hpp"
#include "hpe/preprocess.hpp"

namespace hpe::test {

// Deterministic bytes without structure (Knuth's MMIX generator).
inline std::vector<std::uint8_t> noise(std::size_t count, std::uint64_t seed = 1) {
    std::vector<std::uint8_t> bytes(count);
    for (std::uint8_t& byte : bytes) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        byte = static_cast<std::uint8_t>(seed >> 56);
    }
    return bytes;
}

inline PreprocessSpec spec(int width, int height, float margin = 0.0F, bool square = false) {
    return {width, height, margin, square, ChannelOrder::Bgr, {0.0F, 0.0F, 0.0F}, {1.0F, 1.0F, 1.0F}};
}

inline ImageView dense_view(const std::vector<std::uint8_t>& pixels, int width, int height, PixelFormat format) {
    const int channels = pixel_bytes(format);
    return {pixels.data(), width, height, static_cast<std::ptrdiff_t>(width) * channels, channels, format};
}

inline std::vector<float> run(const ImageView& image, const Box& box, const PreprocessSpec& spec, Isa isa) {
    std::vector<float> out(std::size_t{3} * static_cast<std::size_t>(spec.width * spec.height));
    preprocess(image, {&box, 1}, spec, out, isa);
    return out;
}

inline float largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
    REQUIRE(a.size() == b.size());
    float largest = 0.0F;
    for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
    return largest;
}

// The kind and the message of the error that `call` throws.
template <class Call>
void check_error(ErrorKind kind, const std::string& part, const Call& call) {
    try {
        call();
    } catch (const Error& error) {
        CHECK(error.kind() == kind);
        CHECK_MESSAGE(std::string(error.what()).find(part) != std::string::npos, std::string(error.what()));
        return;
    }
    FAIL("no error was thrown, expected one about: " << part);
}

}  // namespace hpe::test
