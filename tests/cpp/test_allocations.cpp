// A program of its own, because it replaces the allocator that sanitizers watch in the others.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <new>

#include "hpe/network.hpp"
#include "network_file.hpp"

namespace {

long allocations = 0;

// Not inlined: the compiler would take malloc for the partner of our delete, and warn.
[[gnu::noinline]] void* counted(std::size_t size) noexcept {
    ++allocations;
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
