#include "hpe/cpu.hpp"

#include <cstdlib>

#include "hpe/error.hpp"

#if defined(HPE_HAVE_NEON) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace hpe {
namespace {

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

// The compiler's builtin also asks the operating system whether it saves the wide registers.
std::vector<Isa> available_isas() {
    std::vector<Isa> isas{Isa::Scalar};
#if defined(HPE_HAVE_AVX2)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) isas.push_back(Isa::Avx2);
#endif
#if defined(HPE_HAVE_AVX512)
    if (isas.back() == Isa::Avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vnni")) {
        isas.push_back(Isa::Avx512Vnni);
    }
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
