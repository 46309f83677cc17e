// Writes what the fuzzers start from: make_seeds FOLDER fills FOLDER/reader and FOLDER/graph.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "network_file.hpp"

namespace {

void write(const std::filesystem::path& path, const char* data, std::size_t size) {
    std::ofstream(path, std::ios::binary).write(data, static_cast<std::streamsize>(size));
}

// The form that fuzz_graph reads.
std::string graph_seed(const hpe::test::OpCase& one) {
    std::string text;
    for (const hpe::test::StoredTensor& tensor : one.tensors) {
        text += tensor.name;
        for (const int size : tensor.shape) text += std::to_string(size);
    }
    return text + "\n" + hpe::test::graph_text(one.input_shape, one.nodes);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: make_seeds FOLDER\n", stderr);
        return 2;
    }
    const std::filesystem::path folder = argv[1];
    std::filesystem::create_directories(folder / "reader");
    std::filesystem::create_directories(folder / "graph");
    int number = 0;
    for (const hpe::test::OpCase& one : hpe::test::op_cases()) {
        const std::string name = std::to_string(number++);
        const hpe::test::Bytes file = one.file();
        write(folder / "reader" / name, reinterpret_cast<const char*>(file.data()), file.size());
        const std::string graph = graph_seed(one);
        write(folder / "graph" / name, graph.data(), graph.size());
    }
    return 0;
}
