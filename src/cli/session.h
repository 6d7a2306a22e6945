#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/console.h"
#include "cli/options.h"
#include "platform/settings/settings.h"

namespace onshi::cli {

// The options that every command has.
struct GlobalOptions {
    bool json = false;
    bool quiet = false;
    bool verbose = false;
    bool no_colour = false;
    bool yes = false;
    std::string format = "table";
    std::string progress = "auto";
    std::string config;  // a settings file in place of the user's and the system's
};

// The program's settings table, parsed once. Thread-safe.
[[nodiscard]] const settings::SettingTable& setting_table();

// What a command gets beside its own options. One thread.
class Session {
  public:
    Session(Console& console, const GlobalOptions& options, const Surroundings& surroundings,
            const std::vector<SettingFlag>& setting_flags);

    [[nodiscard]] Console& console() { return console_; }
    [[nodiscard]] const Clock& clock() const { return clock_; }
    [[nodiscard]] Random& random() { return random_; }
    [[nodiscard]] const GlobalOptions& options() const { return options_; }

    // flag > environment > user file > system file > default; with --config that file instead of the two.
    [[nodiscard]] Result<settings::ResolvedSettings> settings() const;
    // For what cannot be undone by itself: --yes, or a person's yes on the terminal. command.confirmation,
    // command.declined.
    [[nodiscard]] Result<void> confirm(std::string_view what);
    // Used by `completion`: the tree that this session runs in.
    std::function<std::string(std::string_view shell)> completion;

  private:
    Console& console_;
    const GlobalOptions& options_;
    const Surroundings& surroundings_;
    const std::vector<SettingFlag>& setting_flags_;
    SystemClock clock_;
    SystemRandom random_;
};

}  // namespace onshi::cli
