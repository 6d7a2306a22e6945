#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace onshi::settings {
class SettingTable;
}

namespace onshi::cli {

// One declared option, for saying more about it. Refers to the parser.
class OptionHandle {
  public:
    explicit OptionHandle(CLI::Option* option) : option_(option) {}
    OptionHandle& required();
    OptionHandle& one_of(std::initializer_list<const char*> words);
    OptionHandle& range(std::int64_t min, std::int64_t max);
    OptionHandle& excludes(OptionHandle other);
    OptionHandle& needs(OptionHandle other);

  private:
    CLI::Option* option_;
};

// A setting that was given as a flag: key and text.
using SettingFlag = std::pair<std::string, std::string>;

// Where a command declares what it takes. `names` as `-y,--yes`; a name without hyphens is a positional. `value` names
// the value in help; completion offers files for FILE and IMAGE and folders for DIR. What is bound outlives the
// parsing. Hides the parsing library, whose header costs seconds to compile.
class Options {
  public:
    Options(CLI::App& app, const settings::SettingTable& table, std::vector<SettingFlag>& setting_flags)
        : app_(app), table_(table), setting_flags_(setting_flags) {}

    OptionHandle flag(bool& into, const char* names, const char* help);
    OptionHandle text(std::string& into, const char* names, const char* value, const char* help);
    OptionHandle text(std::optional<std::string>& into, const char* names, const char* value, const char* help);
    OptionHandle texts(std::vector<std::string>& into, const char* names, const char* value, const char* help);
    OptionHandle integer(std::int64_t& into, const char* names, const char* value, const char* help);
    OptionHandle integer(std::optional<std::int64_t>& into, const char* names, const char* value, const char* help);
    // Flags that override settings; with all their names, ranges and words from the table.
    void settings(std::initializer_list<std::string_view> keys);
    // The same under a shorter name.
    void setting(std::string_view key, const char* names);

  private:
    CLI::App& app_;
    const settings::SettingTable& table_;
    std::vector<SettingFlag>& setting_flags_;
};

}  // namespace onshi::cli
