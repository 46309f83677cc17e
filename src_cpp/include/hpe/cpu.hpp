// Instruction sets: what the machine has, which one runs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hpe {

enum class Isa { Scalar, Avx2, Avx512Vnni, Neon, NeonDot };

[[nodiscard]] std::string_view isa_name(Isa isa) noexcept;

// Slowest first; always starts with Scalar.
[[nodiscard]] std::vector<Isa> available_isas();

// The instruction set every kernel call uses: the best one the machine has, or the one that
// HPE_FORCE_ISA names. Throws Error(InvalidArgument) when HPE_FORCE_ISA names one that is unknown
// or that the machine lacks; the choice is made once, on the first call.
[[nodiscard]] Isa active_isa();

// What active_isa() does with a value of HPE_FORCE_ISA; an empty name means "the best one".
[[nodiscard]] Isa choose_isa(std::string_view forced_name);

}  // namespace hpe
