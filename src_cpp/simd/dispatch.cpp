#include <string>

#include "hpe/error.hpp"
#include "simd/kernels.hpp"

namespace hpe::simd {

const Kernels& kernels(Isa isa) {
    switch (isa) {
        case Isa::Scalar: return scalar_kernels;
        case Isa::Avx2:
#if defined(HPE_HAVE_AVX2)
            return avx2_kernels;
#else
            break;
#endif
    }
    throw Error(ErrorKind::Core, "no kernels for " + std::string(isa_name(isa)) + " in this build");
}

}  // namespace hpe::simd
