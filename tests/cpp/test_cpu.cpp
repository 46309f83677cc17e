#include <cstdlib>

#include "support.hpp"

using namespace hpe;

TEST_CASE("the scalar instruction set is always there and comes first") {
    const std::vector<Isa> isas = available_isas();
    REQUIRE(!isas.empty());
    CHECK(isas.front() == Isa::Scalar);
}

TEST_CASE("without a name the best instruction set is chosen") {
    CHECK(choose_isa("") == available_isas().back());
}

TEST_CASE("every available instruction set can be chosen by its name") {
    for (const Isa isa : available_isas()) CHECK(choose_isa(isa_name(isa)) == isa);
}

TEST_CASE("an unknown instruction set is refused with the names of those there are") {
    test::check_error(ErrorKind::InvalidArgument, "HPE_FORCE_ISA", [] { (void)choose_isa("sse9"); });
    test::check_error(ErrorKind::InvalidArgument, "scalar", [] { (void)choose_isa("sse9"); });
}

TEST_CASE("HPE_FORCE_ISA decides what runs") {
    const char* forced = std::getenv("HPE_FORCE_ISA");
    CHECK(active_isa() == choose_isa(forced == nullptr ? "" : forced));
}
