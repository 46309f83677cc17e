#include "sdk/card_files.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <system_error>

#include "hpe/error.hpp"
#include "json/fields.hpp"
#include "sdk/sha256.hpp"

namespace hpe::sdk {
namespace {

using json::Fields;

constexpr std::size_t kLargestCard = std::size_t{1} << 24;  // bytes

std::size_t size_of(const std::filesystem::path& path) {
    std::error_code failure;
    const std::uintmax_t size = std::filesystem::file_size(path, failure);
    if (failure) throw Error(ErrorKind::ModelNotFound, "cannot read " + path.string() + ": " + failure.message());
    return static_cast<std::size_t>(size);
}

std::vector<std::byte> read_bytes(const std::filesystem::path& path, std::size_t size) {
    std::vector<std::byte> bytes(size);
    std::ifstream file(path, std::ios::binary);
    file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
    if (!file) throw Error(ErrorKind::ModelNotFound, "cannot read " + path.string() + ": the file does not open or is being changed");
    return bytes;
}

std::string read_text(const std::filesystem::path& path) {
    const std::size_t size = size_of(path);
    if (size > kLargestCard) {
        corrupt(path.string(), "a card of at most " + std::to_string(kLargestCard) + " bytes", std::to_string(size));
    }
    const std::vector<std::byte> bytes = read_bytes(path, size);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A card may come from anywhere: it names files beside itself and nothing else on the disk.
bool is_plain(const std::string& name) {
    return !name.empty() && name.find_first_of("/\\:") == std::string::npos && name.find('\0') == std::string::npos &&
           name != "." && name != "..";
}

bool is_digest(const std::string& text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

FileEntry read_entry(const Fields& fields) {
    const json::Value& bytes = fields.get("bytes");
    const std::int64_t size = json::integer(bytes, 1, std::numeric_limits<std::int32_t>::max(), fields.at("bytes"));
    FileEntry entry{fields.text("path"), fields.text("sha256"), static_cast<std::size_t>(size)};
    if (!is_plain(entry.name)) corrupt(fields.at("path"), "a plain file name beside the card", hpe::quoted(entry.name));
    if (!is_digest(entry.sha256)) {
        corrupt(fields.at("sha256"), "64 lower-case hexadecimal digits", hpe::quoted(entry.sha256));
    }
    return entry;
}

std::map<std::string, FileEntry> read_entries(const Fields& fields) {
    std::map<std::string, FileEntry> files;
    for (const std::string& kind : fields.object.names) files.emplace(kind, read_entry(fields.child(kind.c_str())));
    return files;
}

bool keeps_bound(const Fields& card) {
    if (json::find(card.object, "int8") == nullptr) return false;
    const Fields fields = card.child("int8");
    return fields.number("shift_deg") <= fields.number("bound_deg");
}

std::string kinds_of(const CardFiles& card) {
    std::string list;
    for (const auto& [kind, entry] : card.files) list += (list.empty() ? "" : ", ") + hpe::quoted(kind);
    return list.empty() ? "none" : list;
}

}  // namespace

CardFiles read_card_files(const std::filesystem::path& path, std::string_view format) {
    CardFiles card{read_text(path), {}, {}, {}, false, path};
    return reading(path.string(), [&] {
        const json::Value value = json::parse(card.text, "text");
        json::check_object(value, "text");
        const Fields fields{value, ""};
        const std::string found = fields.text("format");
        if (found != format) corrupt("format", hpe::quoted(format), hpe::quoted(found));
        card.name = fields.text("name");
        card.version = fields.text("version");
        card.files = read_entries(fields.child("files"));
        card.int8_keeps_bound = keeps_bound(fields);
        return card;
    });
}

std::vector<std::byte> read_verified(const CardFiles& card, const std::string& kind) {
    const auto found = card.files.find(kind);
    if (found == card.files.end()) {
        throw Error(ErrorKind::ModelNotFound, card.path.string() + ": expected a file of kind " + hpe::quoted(kind) +
                                                  ", the card lists " + kinds_of(card));
    }
    const FileEntry& entry = found->second;
    const std::filesystem::path path = card.path.parent_path() / entry.name;
    const std::size_t size = size_of(path);
    if (size != entry.bytes) {
        corrupt(path.string(), std::to_string(entry.bytes) + " bytes as " + card.path.filename().string() + " says",
                std::to_string(size) + "; the file is damaged or another one, install it again");
    }
    std::vector<std::byte> bytes = read_bytes(path, size);
    const std::string digest = sha256_hex(bytes);
    if (digest != entry.sha256) {
        corrupt(path.string(), "sha256 " + entry.sha256 + " as " + card.path.filename().string() + " says",
                digest + "; the file is damaged or another one, install it again");
    }
    return bytes;
}

}  // namespace hpe::sdk
