// A strict JSON reader for untrusted text: bounded in depth and in the number of values, duplicate keys refused.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hpe::json {

constexpr int kMaxDepth = 16;
constexpr std::size_t kMaxValues = std::size_t{1} << 17;  // bounds the memory of a tree

enum class Kind { Null, Bool, Number, String, Array, Object };

struct Value {
    Kind kind = Kind::Null;
    bool truth = false;              // of a Bool
    std::string text;                // a String decoded, a Number as it is written
    std::vector<std::string> names;  // of the members of an Object
    std::vector<Value> items;        // of an Array, or the members' values
};

// `where` names the text in the messages of errors, here and below. All throw Error(CorruptModel).
[[nodiscard]] Value parse(std::string_view text, const std::string& where);

[[nodiscard]] const std::string& string(const Value& value, const std::string& where);
[[nodiscard]] bool boolean(const Value& value, const std::string& where);
[[nodiscard]] double number(const Value& value, const std::string& where);
// A number written without fraction and exponent, low <= number <= high.
[[nodiscard]] std::int64_t integer(const Value& value, std::int64_t low, std::int64_t high, const std::string& where);
[[nodiscard]] const std::vector<Value>& array(const Value& value, const std::string& where);

void check_object(const Value& value, const std::string& where);
// An object with exactly these members.
void check_keys(const Value& value, std::span<const std::string_view> keys, const std::string& where);
[[nodiscard]] const Value* find(const Value& object, std::string_view key) noexcept;
[[nodiscard]] const Value& member(const Value& object, std::string_view key, const std::string& where);

}  // namespace hpe::json
