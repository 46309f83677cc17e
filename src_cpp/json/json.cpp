#include "json/json.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <locale>
#include <sstream>

#include "json/corrupt.hpp"

namespace hpe::json {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string byte_name(char c) {
    if (c >= ' ' && c <= '~') return std::string("'") + c + "'";
    constexpr std::string_view kDigits = "0123456789abcdef";
    const unsigned code = static_cast<unsigned char>(c);
    return std::string("byte 0x") + kDigits[code >> 4U] + kDigits[code & 15U];
}

// Bytes of the UTF-8 character that `text` starts with, 0 if that is none (overlong forms and surrogates are none).
std::size_t character_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(text[i])); };
    const unsigned lead = byte(0);
    if (lead < 0x80) return 1;
    if (lead < 0xC2 || lead > 0xF4) return 0;
    const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (length > text.size()) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80) return 0;
    }
    const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
    const bool surrogate = lead == 0xED && byte(1) > 0x9F;
    const bool beyond = lead == 0xF4 && byte(1) > 0x8F;
    return overlong || surrogate || beyond ? 0 : length;
}

void append_utf8(std::string& out, unsigned code) {
    const auto put = [&](unsigned byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xC0U | code >> 6U);
        put(0x80U | (code & 0x3FU));
    } else if (code < 0x10000) {
        put(0xE0U | code >> 12U);
        put(0x80U | (code >> 6U & 0x3FU));
        put(0x80U | (code & 0x3FU));
    } else {
        put(0xF0U | code >> 18U);
        put(0x80U | (code >> 12U & 0x3FU));
        put(0x80U | (code >> 6U & 0x3FU));
        put(0x80U | (code & 0x3FU));
    }
}

class Parser {
  public:
    Parser(std::string_view text, const std::string& where) : text_(text), where_(where) {}

    Value document() {
        Value root = value(0);
        if (at_ != text_.size()) fail("the end of the text");
        return root;
    }

  private:
    [[noreturn]] void fail(const std::string& expected) const {
        corrupt(where_ + ", byte " + std::to_string(at_), expected,
                at_ < text_.size() ? byte_name(text_[at_]) : "the end of the text");
    }

    [[nodiscard]] bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }

    bool accept(char c) {
        const bool found = next_is(c);
        if (found) ++at_;
        return found;
    }

    void skip_space() {
        while (next_is(' ') || next_is('\t') || next_is('\n') || next_is('\r')) ++at_;
    }

    // A value and the space around it.
    Value value(int depth) {
        if (++values_ > kMaxValues) fail("at most " + std::to_string(kMaxValues) + " values");
        skip_space();
        Value out;
        if (next_is('{') || next_is('[')) {
            if (depth == kMaxDepth) fail("a nesting of at most " + std::to_string(kMaxDepth));
            out = next_is('{') ? object(depth + 1) : list(depth + 1);
        } else if (next_is('"')) {
            out.kind = Kind::String;
            out.text = string();
        } else if (next_is('-') || (at_ < text_.size() && is_digit(text_[at_]))) {
            out.kind = Kind::Number;
            out.text = number();
        } else {
            out = word();
        }
        skip_space();
        return out;
    }

    Value object(int depth) {
        Value out;
        out.kind = Kind::Object;
        ++at_;
        skip_space();
        if (accept('}')) return out;
        do {
            skip_space();
            if (!next_is('"')) fail("a key");
            out.names.push_back(string());
            skip_space();
            if (!accept(':')) fail("':'");
            out.items.push_back(value(depth));
        } while (accept(','));
        if (!accept('}')) fail("',' or '}'");
        refuse_duplicates(out.names);
        return out;
    }

    Value list(int depth) {
        Value out;
        out.kind = Kind::Array;
        ++at_;
        skip_space();
        if (accept(']')) return out;
        do {
            out.items.push_back(value(depth));
        } while (accept(','));
        if (!accept(']')) fail("',' or ']'");
        return out;
    }

    void refuse_duplicates(const std::vector<std::string>& names) const {
        std::vector<std::string_view> sorted(names.begin(), names.end());
        std::sort(sorted.begin(), sorted.end());
        const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
        if (twice != sorted.end()) corrupt(where_, "every key once", quoted(*twice) + " twice");
    }

    Value word() {
        Value out;
        const std::string_view rest = text_.substr(at_);
        for (const std::string_view name : {"true", "false", "null"}) {
            if (!rest.starts_with(name)) continue;
            at_ += name.size();
            out.kind = name == "null" ? Kind::Null : Kind::Bool;
            out.truth = name == "true";
            return out;
        }
        fail("a value");
    }

    void digits() {
        if (at_ == text_.size() || !is_digit(text_[at_])) fail("a digit");
        while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    }

    std::string number() {
        const std::size_t start = at_;
        accept('-');
        if (!accept('0')) digits();
        if (accept('.')) digits();
        if (accept('e') || accept('E')) {
            if (!accept('+')) accept('-');
            digits();
        }
        return std::string(text_.substr(start, at_ - start));
    }

    std::string string() {
        std::string out;
        ++at_;
        while (!accept('"')) {
            if (at_ == text_.size()) fail("'\"'");
            if (static_cast<unsigned char>(text_[at_]) < 0x20) fail("no control character in a string");
            if (accept('\\')) {
                escape(out);
                continue;
            }
            const std::size_t length = character_length(text_.substr(at_));
            if (length == 0) fail("a UTF-8 character");
            out += text_.substr(at_, length);
            at_ += length;
        }
        return out;
    }

    void escape(std::string& out) {
        constexpr std::string_view kLetters = "\"\\/bfnrt";
        constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
        if (accept('u')) {
            append_utf8(out, escaped_code());
            return;
        }
        const std::size_t letter = at_ < text_.size() ? kLetters.find(text_[at_]) : std::string_view::npos;
        if (letter == std::string_view::npos) fail("an escape of JSON");
        out += kMeant[letter];
        ++at_;
    }

    // A code point behind \u; those beyond the first 65536 are written as two halves.
    unsigned escaped_code() {
        const unsigned first = hex4();
        if (first < 0xD800 || first > 0xDFFF) return first;
        if (first > 0xDBFF) fail("the first half of a surrogate pair before the second");
        if (!accept('\\') || !accept('u')) fail("the second half of a surrogate pair");
        const unsigned second = hex4();
        if (second < 0xDC00 || second > 0xDFFF) fail("the second half of a surrogate pair");
        return 0x10000U + ((first - 0xD800U) << 10U) + (second - 0xDC00U);
    }

    unsigned hex4() {
        unsigned code = 0;
        for (int i = 0; i < 4; ++i, ++at_) {
            unsigned digit = 0;
            const char* const from = text_.data() + at_;
            if (at_ == text_.size() || std::from_chars(from, from + 1, digit, 16).ec != std::errc{}) {
                fail("four hexadecimal digits");
            }
            code = code * 16 + digit;
        }
        return code;
    }

    std::string_view text_;
    const std::string& where_;
    std::size_t at_ = 0;
    std::size_t values_ = 0;
};

std::string describe(const Value& value) {
    switch (value.kind) {
        case Kind::Null: return "null";
        case Kind::Bool: return value.truth ? "true" : "false";
        case Kind::Number: return "the number " + value.text.substr(0, 40);
        case Kind::String: return "the string " + quoted(value.text);
        case Kind::Array: return "an array of " + std::to_string(value.items.size());
        case Kind::Object: return "an object";
    }
    return "nothing";
}

void check_kind(const Value& value, Kind kind, const char* name, const std::string& where) {
    if (value.kind != kind) corrupt(where, name, describe(value));
}

}  // namespace

Value parse(std::string_view text, const std::string& where) { return Parser(text, where).document(); }

const std::string& string(const Value& value, const std::string& where) {
    check_kind(value, Kind::String, "a string", where);
    return value.text;
}

bool boolean(const Value& value, const std::string& where) {
    check_kind(value, Kind::Bool, "true or false", where);
    return value.truth;
}

double number(const Value& value, const std::string& where) {
    check_kind(value, Kind::Number, "a number", where);
    // A stream and not from_chars: not every standard library has that for doubles. The locale of the process must
    // not matter.
    std::istringstream stream(value.text);
    stream.imbue(std::locale::classic());
    double out = 0.0;
    if (!(stream >> out) || !std::isfinite(out)) corrupt(where, "a finite number", describe(value));
    return out;
}

std::int64_t integer(const Value& value, std::int64_t low, std::int64_t high, const std::string& where) {
    std::int64_t out = 0;
    const char* const end = value.text.data() + value.text.size();
    const auto [stop, error] = std::from_chars(value.text.data(), end, out);
    if (value.kind != Kind::Number || error != std::errc{} || stop != end || out < low || out > high) {
        corrupt(where, "an integer from " + std::to_string(low) + " to " + std::to_string(high), describe(value));
    }
    return out;
}

const std::vector<Value>& array(const Value& value, const std::string& where) {
    check_kind(value, Kind::Array, "an array", where);
    return value.items;
}

void check_object(const Value& value, const std::string& where) {
    check_kind(value, Kind::Object, "an object", where);
}

void check_keys(const Value& value, std::span<const std::string_view> keys, const std::string& where) {
    check_object(value, where);
    for (const std::string_view key : keys) (void)member(value, key, where);
    for (const std::string& name : value.names) {
        if (std::find(keys.begin(), keys.end(), name) == keys.end()) corrupt(where, "no other key", quoted(name));
    }
}

const Value* find(const Value& object, std::string_view key) noexcept {
    const auto name = std::find(object.names.begin(), object.names.end(), key);
    if (name == object.names.end()) return nullptr;
    return &object.items[static_cast<std::size_t>(name - object.names.begin())];
}

const Value& member(const Value& object, std::string_view key, const std::string& where) {
    const Value* const found = find(object, key);
    if (found == nullptr) corrupt(where, "the key " + quoted(key), "none");
    return *found;
}

}  // namespace hpe::json
