// A program of its own, because it replaces the allocator that sanitizers watch in the others.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <new>

#include "detector_file.hpp"
#include "hpe/detect.hpp"
#include "hpe/network.hpp"
#include "hpe/preprocess.hpp"
#include "network_file.hpp"

namespace {

long allocations = 0;
std::size_t largest = 0;  // bytes of one allocation

// Not inlined: the compiler would take malloc for the partner of our delete, and warn.
[[gnu::noinline]] void* counted(std::size_t size) noexcept {
    ++allocations;
    largest = std::max(largest, size);
    return std::malloc(size == 0 ? 1 : size);
}

[[gnu::noinline]] void released(void* memory) noexcept { std::free(memory); }

}  // namespace

void* operator new(std::size_t size) {
    if (void* memory = counted(size)) return memory;
    throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counted(size); }
void operator delete(void* memory) noexcept { released(memory); }
void operator delete(void* memory, std::size_t) noexcept { released(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { released(memory); }

TEST_CASE("running a network allocates nothing") {
    for (const auto& file : {hpe::test::small_network(), hpe::test::Separable{16, 65, 65, 1, 1, 20}.file()}) {
        const hpe::Network network(file, hpe::active_isa());
        hpe::Network::Workspace workspace(network);
        const std::vector<float> input(hpe::nn::element_count(network.input().shape), 0.5F);
        std::vector<float> out(hpe::nn::element_count(network.outputs()[0].shape));
        const std::array<std::span<float>, 1> outputs = {out};
        const long before = allocations;
        network.run(input, outputs, workspace);
        CHECK(allocations == before);
        CHECK(before > 0);
    }
}

TEST_CASE("finding and following faces allocates nothing once a size has been seen") {
    const hpe::FaceDetector detector(hpe::test::detector_card(), hpe::test::bright_detector(), hpe::active_isa());
    const hpe::test::Scene scene = hpe::test::Scene(100, 60).square(24, 16, 16).square(64, 32, 16);
    const hpe::ImageView image{scene.pixels.data(), 100, 60, 100, 1, hpe::PixelFormat::Mono8};
    std::vector<hpe::Face> faces;
    std::array<hpe::Face, 1> followed{};
    const std::array<hpe::Box, 1> boxes = {hpe::Box{20, 10, 50, 40}};
    detector.detect(image, faces);
    detector.follow(image, boxes, followed);
    const long before = allocations;
    detector.detect(image, faces);
    detector.follow(image, boxes, followed);
    CHECK(allocations == before);
    CHECK(faces.size() == 2);
    CHECK(followed[0].score > 0.5F);
}

TEST_CASE("crops of every format copy no frame, and allocate nothing once a size has been seen") {
    constexpr int kWidth = 1280;
    constexpr int kHeight = 720;
    const std::vector<std::uint8_t> pixels(std::size_t{4} * kWidth * kHeight, 128);
    const hpe::PreprocessSpec spec{64, 64, 0.4F, true, hpe::ChannelOrder::Bgr, {}, {1.0F, 1.0F, 1.0F}};
    const hpe::Box box{600.0F, 300.0F, 700.0F, 400.0F};
    std::vector<float> out(std::size_t{3} * 64 * 64);
    for (const hpe::PixelFormat format :
         {hpe::PixelFormat::Nv12, hpe::PixelFormat::Yuyv, hpe::PixelFormat::Rgba8, hpe::PixelFormat::Bgr8}) {
        const int bytes = hpe::pixel_bytes(format);
        const hpe::ChromaView chroma{pixels.data() + std::size_t{1} * kWidth * kHeight, kWidth, 2};
        const hpe::ImageView frame{pixels.data(), kWidth, kHeight, std::ptrdiff_t{kWidth} * bytes, bytes, format, chroma};
        largest = 0;
        hpe::preprocess(frame, {&box, 1}, spec, out, hpe::active_isa());
        CHECK(largest < std::size_t{64} * 1024);
        const long before = allocations;
        hpe::preprocess(frame, {&box, 1}, spec, out, hpe::active_isa());
        CHECK(allocations == before);
    }
}
