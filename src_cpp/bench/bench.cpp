// Micro-benchmarks of the core: build/default/src_cpp/bench/hpe_bench
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "hpe/decode.hpp"
#include "hpe/preprocess.hpp"
#include "hpe/rotation.hpp"

namespace {

// One face of state.range(0) pixels in the middle of a 1280 x 720 frame, to 64 x 64.
void preprocess_face(benchmark::State& state, hpe::Isa isa, hpe::PixelFormat format) {
    constexpr int kWidth = 1280;
    constexpr int kHeight = 720;
    const int channels = hpe::pixel_bytes(format);
    const int planes = format == hpe::PixelFormat::Nv12 ? 2 : 1;  // the second is as wide, and its lower half not used
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(kWidth * kHeight * channels * planes));
    std::uint64_t seed = 1;
    for (std::uint8_t& pixel : pixels) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        pixel = static_cast<std::uint8_t>(seed >> 56);
    }
    const hpe::ImageView frame{pixels.data(), kWidth, kHeight, kWidth * channels, channels, format,
                               {pixels.data() + pixels.size() / 2, kWidth, 2}};
    const auto half = static_cast<float>(state.range(0)) / 2.0F;
    const hpe::Box box{640.0F - half, 360.0F - half, 640.0F + half, 360.0F + half};
    const hpe::PreprocessSpec spec{64,
                                   64,
                                   0.4F,
                                   true,
                                   hpe::ChannelOrder::Bgr,
                                   {127.5F, 127.5F, 127.5F},
                                   {0.0078125F, 0.0078125F, 0.0078125F}};
    std::vector<float> out(3 * 64 * 64);
    for (auto _ : state) {
        hpe::preprocess(frame, {&box, 1}, spec, out, isa);
        benchmark::DoNotOptimize(out.data());
    }
}

void softmax(benchmark::State& state) {
    const std::vector<float> logits(3 * 66, 0.5F);
    std::vector<float> angles(3);
    std::vector<float> spread(3);
    for (auto _ : state) {
        hpe::softmax_expectation(logits, 66, -97.5F, 3.0F, angles, spread);
        benchmark::DoNotOptimize(angles.data());
    }
}

void ssr(benchmark::State& state) {
    const std::vector<float> p(9, 0.5F);
    const std::vector<float> shift(3, 0.1F);
    const std::vector<hpe::SsrStage> stages(3, hpe::SsrStage{3, false, p, shift, shift});
    std::vector<float> angles(3);
    for (auto _ : state) {
        hpe::ssr_stages(stages, 99.0F, angles);
        benchmark::DoNotOptimize(angles.data());
    }
}

void euler_round_trip(benchmark::State& state) {
    const hpe::Vec3 euler = {10.0, 20.0, 30.0};
    for (auto _ : state) benchmark::DoNotOptimize(hpe::rotation_to_euler(hpe::euler_to_rotation(euler)));
}

const bool kRegistered = [] {
    for (const hpe::Isa isa : hpe::available_isas()) {
        for (const auto& [name, format] :
             {std::pair{"bgr8", hpe::PixelFormat::Bgr8}, std::pair{"mono8", hpe::PixelFormat::Mono8},
              std::pair{"rgba8", hpe::PixelFormat::Rgba8}, std::pair{"yuyv", hpe::PixelFormat::Yuyv},
              std::pair{"nv12", hpe::PixelFormat::Nv12}}) {
            const std::string title = "preprocess/" + std::string(hpe::isa_name(isa)) + "/" + name;
            benchmark::RegisterBenchmark(title.c_str(), preprocess_face, isa, format)
                ->Arg(20)
                ->Arg(80)
                ->Arg(160)
                ->Arg(320)
                ->Unit(benchmark::kMicrosecond);
        }
    }
    benchmark::RegisterBenchmark("softmax_expectation/3x66", softmax);
    benchmark::RegisterBenchmark("ssr_stages/3x3", ssr);
    benchmark::RegisterBenchmark("euler_round_trip", euler_round_trip);
    return true;
}();

}  // namespace
