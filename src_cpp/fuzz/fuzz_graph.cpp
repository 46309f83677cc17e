// Fuzzes networks with the text of the graph alone, in a container that is well-formed: changes of a whole file seldom
// get through the container and the quoting of the text. What is read is also planned and run.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hpe/error.hpp"
#include "hpe/network.hpp"
#include "network_file.hpp"
#include "nn/reader.hpp"

namespace {

using hpe::test::StoredTensor;

// The first line holds the tensors, one letter and the digits of its shape each ("w2322b2"), the rest is the graph.
std::vector<StoredTensor> read_tensors(const std::string& text, std::size_t& at) {
    constexpr std::size_t kMaxTensors = 8;
    std::vector<StoredTensor> tensors;
    while (at + 1 < text.size() && text[at] != '\n' && tensors.size() < kMaxTensors) {
        StoredTensor tensor{std::string(1, text[at++]), {}, {}};
        while (at < text.size() && text[at] >= '1' && text[at] <= '9' && tensor.shape.size() < 4) {
            tensor.shape.push_back(text[at++] - '0');
        }
        tensors.push_back(tensor);
    }
    if (at < text.size()) ++at;
    return tensors;
}

// What is read can also be planned and run, if it is small.
void plan_and_run(const hpe::test::Bytes& file, std::optional<hpe::InputSize> size = std::nullopt) {
    constexpr std::size_t kMostBytes = std::size_t{1} << 16;
    const hpe::Network network(file, hpe::active_isa(), size);
    if (network.workspace_bytes() > kMostBytes) return;
    hpe::Network::Workspace workspace(network);
    const std::vector<float> input(hpe::nn::element_count(network.input().shape), 0.5F);
    std::vector<std::vector<float>> outputs;
    std::vector<std::span<float>> spans;
    for (const hpe::TensorInfo& output : network.outputs()) {
        outputs.emplace_back(hpe::nn::element_count(output.shape));
        spans.emplace_back(outputs.back());
    }
    network.run(input, spans, workspace);
}

// A sound file may still not be made for another size; that is the caller's mistake then, and not the file's.
void plan_another_size(const hpe::test::Bytes& file) {
    try {
        plan_and_run(file, hpe::InputSize{7, 12});
    } catch (const hpe::Error& error) {
        if (error.kind() != hpe::ErrorKind::InvalidArgument) throw;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    std::size_t at = 0;
    const std::vector<StoredTensor> tensors = read_tensors(text, at);
    const hpe::test::Bytes file = hpe::test::network_file(text.substr(at), tensors);
    try {
        hpe::test::check_promises(hpe::nn::read_network(file));
        plan_and_run(file);
        plan_another_size(file);
    } catch (const hpe::Error& error) {
        if (error.kind() != hpe::ErrorKind::CorruptModel) throw;
    }
    return 0;
}
