// The objects of a card, read member by member: hpe_edge/_fields.py in C++.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "json/corrupt.hpp"
#include "json/json.hpp"

namespace hpe::json {

// One object of the card and what messages call it. All throw Error(CorruptModel).
struct Fields {
    const Value& object;
    std::string where;

    [[nodiscard]] std::string at(const char* key) const { return where.empty() ? key : where + "." + key; }
    [[nodiscard]] const Value& get(const char* key) const { return member(object, key, at(key)); }
    [[nodiscard]] Fields child(const char* key) const {
        const Value& value = get(key);
        check_object(value, at(key));
        return {value, at(key)};
    }
    [[nodiscard]] std::string text(const char* key) const { return json::string(get(key), at(key)); }
    [[nodiscard]] bool boolean(const char* key) const { return json::boolean(get(key), at(key)); }
    [[nodiscard]] float number(const char* key) const { return static_cast<float>(json::number(get(key), at(key))); }
    [[nodiscard]] int integer(const char* key, int high) const { return integer(key, 1, high); }
    [[nodiscard]] int integer(const char* key, int low, int high) const {
        return static_cast<int>(json::integer(get(key), low, high, at(key)));
    }
    [[nodiscard]] const std::vector<Value>& items(const char* key) const { return json::array(get(key), at(key)); }

    [[nodiscard]] std::array<float, 3> three(const char* key) const {
        const std::vector<Value>& values = items(key);
        if (values.size() != 3) corrupt(at(key), "3 numbers", std::to_string(values.size()));
        std::array<float, 3> result{};
        for (std::size_t i = 0; i < 3; ++i) result[i] = static_cast<float>(json::number(values[i], at(key)));
        return result;
    }

    [[nodiscard]] std::vector<std::string> names(const char* key, std::size_t count) const {
        const std::vector<Value>& values = items(key);
        if (values.size() != count) corrupt(at(key), std::to_string(count) + " names", std::to_string(values.size()));
        std::vector<std::string> result;
        for (const Value& value : values) result.push_back(json::string(value, at(key)));
        return result;
    }
};

}  // namespace hpe::json
