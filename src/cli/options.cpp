#include "cli/options.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "base/ensure.h"
#include "platform/settings/settings.h"

namespace onshi::cli {

OptionHandle& OptionHandle::required() {
    option_->required();
    return *this;
}

OptionHandle& OptionHandle::one_of(std::initializer_list<const char*> words) {
    option_->check(CLI::IsMember(std::vector<std::string>(words.begin(), words.end())));
    return *this;
}

OptionHandle& OptionHandle::range(std::int64_t min, std::int64_t max) {
    option_->check(CLI::Range(min, max));
    return *this;
}

OptionHandle& OptionHandle::excludes(OptionHandle other) {
    option_->excludes(other.option_);
    return *this;
}

OptionHandle& OptionHandle::needs(OptionHandle other) {
    option_->needs(other.option_);
    return *this;
}

OptionHandle Options::flag(bool& into, const char* names, const char* help) {
    return OptionHandle(app_.add_flag(names, into, help));
}

OptionHandle Options::text(std::string& into, const char* names, const char* value, const char* help) {
    return OptionHandle(app_.add_option(names, into, help)->type_name(value));
}

OptionHandle Options::text(std::optional<std::string>& into, const char* names, const char* value, const char* help) {
    return OptionHandle(app_.add_option(names, into, help)->type_name(value));
}

OptionHandle Options::texts(std::vector<std::string>& into, const char* names, const char* value, const char* help) {
    auto* option = app_.add_option(names, into, help)->type_name(value);
    // Each `--name` takes one value, so that what follows it is not swallowed.
    if (names[0] == '-') option->allow_extra_args(false);
    return OptionHandle(option);
}

OptionHandle Options::integer(std::int64_t& into, const char* names, const char* value, const char* help) {
    return OptionHandle(app_.add_option(names, into, help)->type_name(value)->capture_default_str());
}

OptionHandle Options::integer(std::optional<std::int64_t>& into, const char* names, const char* value,
                              const char* help) {
    return OptionHandle(app_.add_option(names, into, help)->type_name(value));
}

void Options::settings(std::initializer_list<std::string_view> keys) {
    for (const auto key : keys) {
        const auto* setting = table_.find(key);
        ENSURE(setting != nullptr);
        this->setting(key, setting->flag_name().c_str());
    }
}

void Options::setting(std::string_view key, const char* names) {
    const auto* setting = table_.find(key);
    ENSURE(setting != nullptr);
    // The table checks the value, so that a flag, a variable and a file are refused alike.
    const auto take = [&flags = setting_flags_, name = setting->key](const std::string& text) {
        flags.emplace_back(name, text);
    };
    auto* option = app_.add_option_function<std::string>(names, take, setting->en);
    const char* value = setting->type == settings::SettingType::path ? "DIR" : "VALUE";
    if (setting->type == settings::SettingType::path && !setting->key.ends_with("_folder")) value = "FILE";
    option->type_name(value);
    if (setting->type == settings::SettingType::word) option->check(CLI::IsMember(setting->words));
    option->group("Settings");
}

}  // namespace onshi::cli
