#include <string>

#include "hpe/error.hpp"
#include "simd/kernels.hpp"
#include "simd/network_kernels.hpp"
#include "simd/quantized_kernels.hpp"

namespace hpe::simd {
namespace {

[[noreturn]] void refuse(Isa isa) {
    throw Error(ErrorKind::Core, "no kernels for " + std::string(isa_name(isa)) + " in this build");
}

}  // namespace

const Kernels& kernels(Isa isa) {
    switch (isa) {
        case Isa::Scalar: return scalar_kernels;
        case Isa::Avx2:
        case Isa::Avx512Vnni:  // wider vectors gain nothing on rows of a few hundred bytes
#if defined(HPE_HAVE_AVX2)
            return avx2_kernels;
#else
            break;
#endif
        case Isa::Neon:
        case Isa::NeonDot: return scalar_kernels;  // written without intrinsics so far
    }
    refuse(isa);
}

const NetworkKernels& network_kernels(Isa isa) {
    switch (isa) {
        case Isa::Scalar: return scalar_network_kernels;
        case Isa::Avx2:
#if defined(HPE_HAVE_AVX2)
            return avx2_network_kernels;
#else
            break;
#endif
        case Isa::Avx512Vnni:
#if defined(HPE_HAVE_AVX512)
            return avx512_network_kernels;
#else
            break;
#endif
        case Isa::Neon:
#if defined(HPE_HAVE_NEON)
            return neon_network_kernels;
#else
            break;
#endif
        case Isa::NeonDot:
#if defined(HPE_HAVE_NEON)
            return neondot_network_kernels;
#else
            break;
#endif
    }
    refuse(isa);
}

const QuantizedKernels& quantized_kernels(Isa isa) {
    switch (isa) {
        case Isa::Scalar: return scalar_quantized_kernels;
        case Isa::Avx2:
#if defined(HPE_HAVE_AVX2)
            return avx2_quantized_kernels;
#else
            break;
#endif
        case Isa::Avx512Vnni:
#if defined(HPE_HAVE_AVX512)
            return avx512_quantized_kernels;
#else
            break;
#endif
        case Isa::Neon:
#if defined(HPE_HAVE_NEON)
            return neon_quantized_kernels;
#else
            break;
#endif
        case Isa::NeonDot:
#if defined(HPE_HAVE_NEON)
            return neondot_quantized_kernels;
#else
            break;
#endif
    }
    refuse(isa);
}

}  // namespace hpe::simd
