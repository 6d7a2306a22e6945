#include "platform/settings/toml_values.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/utf8.h"
#include "platform/settings/limits.h"

namespace onshi::settings {

namespace {

bool is_text(std::string_view text) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
    return text.size() <= setting_text_bytes_max && is_valid_utf8(text) && std::ranges::none_of(text, is_control);
}

std::optional<Value> accepted(const Setting& setting, std::string text) {
    if (!is_text(text)) return std::nullopt;
    if (setting.type == SettingType::word && std::ranges::find(setting.words, text) == setting.words.end()) {
        return std::nullopt;
    }
    return Value(std::move(text));
}

bool in_range(const Setting& setting, double value) {
    return value >= setting.min && value <= setting.max;
}

std::optional<Value> accepted(const Setting& setting, std::int64_t value) {
    if (!in_range(setting, static_cast<double>(value))) return std::nullopt;
    return Value(value);
}

std::optional<Value> accepted(const Setting& setting, double value) {
    if (!in_range(setting, value)) return std::nullopt;
    return Value(value);
}

std::optional<Value> accepted(std::vector<std::string> texts) {
    if (texts.size() > setting_list_max || !std::ranges::all_of(texts, is_text)) return std::nullopt;
    return Value(std::move(texts));
}

template <class T>
std::optional<T> parsed_number(std::string_view text) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<Value> list_of(const toml::node& node) {
    const auto* array = node.as_array();
    if (array == nullptr || array->size() > setting_list_max) return std::nullopt;
    std::vector<std::string> texts;
    for (const auto& element : *array) {
        auto text = element.value_exact<std::string>();
        if (!text) return std::nullopt;
        texts.push_back(std::move(*text));
    }
    return accepted(std::move(texts));
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const auto comma = std::min(text.find(','), text.size());
        parts.emplace_back(text.substr(0, comma));
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return parts;
}

}  // namespace

std::optional<Value> value_of(const Setting& setting, const toml::node& node) {
    switch (setting.type) {
        case SettingType::text:
        case SettingType::path:
        case SettingType::word: {
            auto text = node.value_exact<std::string>();
            return text ? accepted(setting, std::move(*text)) : std::nullopt;
        }
        case SettingType::integer: {
            const auto value = node.value_exact<std::int64_t>();
            return value ? accepted(setting, *value) : std::nullopt;
        }
        case SettingType::number: {
            // 200 and 200.0 are the same number to a person.
            const auto value = node.is_number() ? node.value<double>() : std::nullopt;
            return value ? accepted(setting, *value) : std::nullopt;
        }
        case SettingType::boolean: {
            const auto value = node.value_exact<bool>();
            return value ? std::optional<Value>(*value) : std::nullopt;
        }
        case SettingType::texts: return list_of(node);
    }
    return std::nullopt;
}

std::optional<Value> value_of(const Setting& setting, std::string_view text) {
    switch (setting.type) {
        case SettingType::text:
        case SettingType::path:
        case SettingType::word: return accepted(setting, std::string(text));
        case SettingType::integer: {
            const auto value = parsed_number<std::int64_t>(text);
            return value ? accepted(setting, *value) : std::nullopt;
        }
        case SettingType::number: {
            const auto value = parsed_number<double>(text);
            return value ? accepted(setting, *value) : std::nullopt;
        }
        case SettingType::boolean:
            if (text == "true") return Value(true);
            if (text == "false") return Value(false);
            return std::nullopt;
        case SettingType::texts: return accepted(split(text));
    }
    return std::nullopt;
}

namespace {

std::string in_quotes(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') result.push_back('\\');
        result.push_back(c);
    }
    return result + '"';
}

struct ToText {
    std::string operator()(const std::string& text) const { return in_quotes(text); }
    std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }
    std::string operator()(double value) const {
        const std::string text = fmt::format("{}", value);
        return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
    }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(const std::vector<std::string>& texts) const {
        std::string result = "[";
        for (const auto& text : texts) result += (result.size() > 1 ? ", " : "") + in_quotes(text);
        return result + "]";
    }
};

}  // namespace

std::string to_string(const Value& value) {
    return std::visit(ToText(), value);
}

}  // namespace onshi::settings
