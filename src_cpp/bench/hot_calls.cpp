// Repeats one hot call, so that a profiler can count its instructions (benchmarks/instructions.py):
//
//   hpe_hot_calls CALL REPEATS ISA CARD NETWORK
//
// CALL is `crop` (one face of 160 pixels in a 720p frame), `network`, or `estimate`, which is both and the decode.
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "hpe/model.hpp"

namespace {

std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error(path + ": expected a readable file");
    return {std::istreambuf_iterator<char>(file), {}};
}

hpe::Isa isa_of(std::string_view name) {
    for (const hpe::Isa isa : hpe::available_isas()) {
        if (hpe::isa_name(isa) == name) return isa;
    }
    throw std::runtime_error("ISA: this processor has no " + std::string(name));
}

// Pixels that look like noise, always the same.
std::vector<std::uint8_t> noise(std::size_t count) {
    std::vector<std::uint8_t> pixels(count);
    std::uint64_t state = 1;
    for (std::uint8_t& pixel : pixels) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        pixel = static_cast<std::uint8_t>(state >> 56);
    }
    return pixels;
}

void repeat(std::string_view call, int repeats, const hpe::Model& model, hpe::Isa isa) {
    constexpr int kWidth = 1280;
    constexpr int kHeight = 720;
    const std::vector<std::uint8_t> pixels = noise(3UL * kWidth * kHeight);
    const hpe::ImageView frame{pixels.data(), kWidth, kHeight, 3 * kWidth, 3, hpe::PixelFormat::Bgr8};
    const hpe::Box box{560.0F, 280.0F, 720.0F, 440.0F};
    const hpe::Network& network = model.network();

    const auto elements = [](const hpe::TensorInfo& tensor) {
        std::size_t count = 1;
        for (const int length : tensor.shape) count *= static_cast<std::size_t>(length);
        return count;
    };
    std::vector<float> crop(elements(network.input()));
    std::vector<std::vector<float>> storage;
    for (const hpe::TensorInfo& output : network.outputs()) storage.emplace_back(elements(output));
    const std::vector<std::span<float>> outputs(storage.begin(), storage.end());
    hpe::Network::Workspace of_network(network);
    hpe::Model::Workspace of_model(model);
    hpe::HeadAngles head{};

    for (int i = 0; i < repeats; ++i) {
        if (call == "crop") hpe::preprocess(frame, {&box, 1}, model.input(), crop, isa);
        else if (call == "network") network.run(crop, outputs, of_network);
        else if (call == "estimate") model.run(frame, {&box, 1}, {&head, 1}, of_model);
        else throw std::runtime_error("CALL: expected crop, network or estimate, got " + std::string(call));
    }
}

}  // namespace

int main(int count, char** values) {
    try {
        if (count != 6) throw std::runtime_error("expected CALL REPEATS ISA CARD NETWORK");
        const hpe::Isa isa = isa_of(values[3]);
        const std::string network = read(values[5]);
        const hpe::Model model(read(values[4]), std::as_bytes(std::span(network)), isa);
        repeat(values[1], std::stoi(values[2]), model, isa);
    } catch (const std::exception& error) {
        std::cerr << "hpe_hot_calls: " << error.what() << '\n';
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
