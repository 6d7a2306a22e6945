#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "cli/console.h"

namespace onshi::cli {

inline constexpr std::chrono::milliseconds bar_every{100};
inline constexpr std::chrono::seconds progress_json_every{1};
inline constexpr std::chrono::seconds progress_line_every{5};

// How far a stage is.
struct ProgressState {
    std::string_view stage;
    std::uint64_t done = 0;
    std::uint64_t total = 0;  // 0: not known
    std::chrono::milliseconds elapsed{0};
};

// `cards  ███████░░░░░  58 %  12,300/s  3 s left`, at most `width` columns.
[[nodiscard]] std::string progress_bar(const ProgressState& state, std::size_t width);
// `cards: 5,800 of 10,000 (58 %), 12,300/s, 3 s left`.
[[nodiscard]] std::string progress_line(const ProgressState& state);
// {"progress":{"stage":"cards","done":5800,"total":10000}}
[[nodiscard]] std::string progress_json(const ProgressState& state);

// Shows a long command's progress on err (ux §15.2): a bar on a terminal, else a line every five seconds. Nothing with
// --progress=never or --quiet. Not thread-safe; borrows the console.
class Progress {
  public:
    explicit Progress(Console& console);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    // Cheap: most calls only look at the clock.
    void show(std::string_view stage, std::uint64_t done, std::uint64_t total);

  private:
    enum class Form : std::uint8_t { none, bar, line, json };
    [[nodiscard]] static Form form_of(const Console& console);
    Console& console_;
    Form form_;
    std::string stage_;
    SteadyTime stage_began_;
    SteadyTime shown_at_;
    bool bar_shown_ = false;
};

}  // namespace onshi::cli
