// The digest that cards name their files by.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace hpe::sdk {

// SHA-256 of some bytes (FIPS 180-4), in lower-case hexadecimal.
[[nodiscard]] std::string sha256_hex(std::span<const std::byte> data);

}  // namespace hpe::sdk
