// The error of everything that reads files which are not trusted: network files and model cards.
#pragma once

#include <string>
#include <string_view>

#include "hpe/error.hpp"

namespace hpe {

[[noreturn]] inline void corrupt(const std::string& where, const std::string& expected, const std::string& got) {
    throw Error(ErrorKind::CorruptModel, where + ": expected " + expected + ", got " + got);
}

// What `read` returns; its errors say which file it read.
template <class Read>
auto reading(const std::string& file, const Read& read) {
    try {
        return read();
    } catch (const Error& error) {
        throw Error(error.kind(), file + ": " + error.what());
    }
}

// Text of a file for a message: short, and plain ASCII whatever the file holds.
inline std::string quoted(std::string_view text) {
    constexpr std::size_t kLongest = 64;
    std::string out = "\"";
    for (const char c : text.substr(0, kLongest)) out += (c >= ' ' && c <= '~') ? c : '?';
    return out + (text.size() > kLongest ? "...\"" : "\"");
}

}  // namespace hpe
