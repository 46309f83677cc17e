// Fuzzes the reader of network files with whole files.
#include <cstddef>
#include <cstdint>
#include <span>

#include "hpe/error.hpp"
#include "network_file.hpp"
#include "nn/reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        hpe::test::check_promises(hpe::nn::read_network(std::as_bytes(std::span(data, size))));
    } catch (const hpe::Error& error) {
        if (error.kind() != hpe::ErrorKind::CorruptModel) throw;
    }
    return 0;
}
