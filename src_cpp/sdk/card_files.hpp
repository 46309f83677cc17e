// A card on the disk and the files that it names: hpe_edge.modelcard.read_verified in C++.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hpe::sdk {

struct FileEntry {
    std::string name;  // a plain file name beside the card
    std::string sha256;
    std::size_t bytes;
};

// What a program must know of a model's or a detector's card to open its files.
struct CardFiles {
    std::string text;  // of the whole card
    std::string name, version;
    std::map<std::string, FileEntry> files;  // by kind
    bool int8_keeps_bound;                   // as the gate of hpe-edge quantize measured it; false where it did not
    std::filesystem::path path;              // of the card

    [[nodiscard]] bool has(const std::string& kind) const { return files.contains(kind); }
};

// Kinds of files that the native network reads.
inline constexpr const char* kFp32Kind = "safetensors";
inline constexpr const char* kInt8Kind = "safetensors-int8";

// Reads a card of this format. Throws Error: ModelNotFound (there is no such file), CorruptModel (its `format` is another
// one, or a field is missing or wrong).
[[nodiscard]] CardFiles read_card_files(const std::filesystem::path& path, std::string_view format);

// The bytes of the card's file of a kind, whose size and sha256 are those of the card: nothing can change in between.
// Throws Error: ModelNotFound (the card has no such kind, the file is not there), CorruptModel (it is another file).
[[nodiscard]] std::vector<std::byte> read_verified(const CardFiles& card, const std::string& kind);

}  // namespace hpe::sdk
