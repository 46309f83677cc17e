// The error that every part of the reader of network files raises.
#pragma once

#include <string>
#include <string_view>

#include "hpe/error.hpp"

namespace hpe::nn {

[[noreturn]] inline void corrupt(const std::string& where, const std::string& expected, const std::string& got) {
    throw Error(ErrorKind::CorruptModel, "network file: " + where + ": expected " + expected + ", got " + got);
}

// Text of a file for a message: short, and plain ASCII whatever the file holds.
inline std::string quoted(std::string_view text) {
    constexpr std::size_t kLongest = 64;
    std::string out = "\"";
    for (const char c : text.substr(0, kLongest)) out += (c >= ' ' && c <= '~') ? c : '?';
    return out + (text.size() > kLongest ? "...\"" : "\"");
}

}  // namespace hpe::nn
