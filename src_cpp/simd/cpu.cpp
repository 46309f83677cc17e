#include "hpe/cpu.hpp"

#include <cstdlib>
#include <initializer_list>

#include "hpe/error.hpp"

#if defined(HPE_HAVE_AVX2)
#include <cpuid.h>
#endif
#if defined(HPE_HAVE_NEON) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace hpe {
namespace {

#if defined(HPE_HAVE_AVX2)
// Read here and not by __builtin_cpu_supports, whose library clang-cl does not link (llvm issue 144630).
struct Leaf {
    unsigned a = 0, b = 0, c = 0, d = 0;
};

Leaf cpuid(unsigned number) {
    Leaf leaf;
    __get_cpuid_count(number, 0, &leaf.a, &leaf.b, &leaf.c, &leaf.d);  // leaves zeros where there is no such leaf
    return leaf;
}

bool has(unsigned word, std::initializer_list<int> bits) {
    for (const int bit : bits) {
        if ((word >> bit & 1U) == 0) return false;
    }
    return true;
}

struct WideRegisters {
    bool avx2, avx512vnni;
};

// Intel's manual, volume 1, 13.2 and 15.2 to 15.4: what the processor has and the operating system saves.
WideRegisters wide_registers() {
    const Leaf basic = cpuid(1), more = cpuid(7);
    if (!has(basic.c, {12, 27})) return {false, false};  // FMA, OSXSAVE
    unsigned saved = 0, high = 0;
    __asm__("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
    const bool avx2 = has(saved, {1, 2}) && has(more.b, {5});
    const bool avx512 = has(saved, {5, 6, 7}) && has(more.b, {16, 17, 30, 31}) && has(more.c, {11});  // F DQ BW VL, VNNI
    return {avx2, avx2 && avx512};
}
#endif

#if defined(HPE_HAVE_NEON)
bool has_dot_product() {
#if defined(__linux__)
    return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#else
    return true;  // Apple's all have it
#endif
}
#endif

}  // namespace

std::string_view isa_name(Isa isa) noexcept {
    switch (isa) {
        case Isa::Scalar: return "scalar";
        case Isa::Avx2: return "avx2";
        case Isa::Avx512Vnni: return "avx512vnni";
        case Isa::Neon: return "neon";
        case Isa::NeonDot: return "neondot";
    }
    return "unknown";
}

std::vector<Isa> available_isas() {
    std::vector<Isa> isas{Isa::Scalar};
#if defined(HPE_HAVE_AVX2)
    const WideRegisters wide = wide_registers();
    if (wide.avx2) isas.push_back(Isa::Avx2);
    if (wide.avx512vnni) isas.push_back(Isa::Avx512Vnni);
#endif
#if defined(HPE_HAVE_NEON)
    isas.push_back(Isa::Neon);  // part of every AArch64
    if (has_dot_product()) isas.push_back(Isa::NeonDot);
#endif
    return isas;
}

Isa choose_isa(std::string_view forced_name) {
    const std::vector<Isa> isas = available_isas();
    if (forced_name.empty()) return isas.back();
    std::string names;
    for (const Isa isa : isas) {
        if (isa_name(isa) == forced_name) return isa;
        names += (names.empty() ? "" : ", ") + std::string(isa_name(isa));
    }
    throw Error(ErrorKind::InvalidArgument,
                "HPE_FORCE_ISA: expected one of the instruction sets of this machine (" + names + "), got '" +
                    std::string(forced_name) + "'; unset it to use the best one");
}

Isa active_isa() {
    static const Isa isa = [] {
        const char* forced = std::getenv("HPE_FORCE_ISA");
        return choose_isa(forced == nullptr ? "" : forced);
    }();
    return isa;
}

}  // namespace hpe
