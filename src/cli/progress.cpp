#include "cli/progress.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/display_width.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

using std::chrono::steady_clock;

constexpr std::size_t bar_columns_max = 40;

std::string grouped(std::uint64_t value) {
    std::string digits = fmt::format("{}", value);
    for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
    return digits;
}

std::uint64_t rate(const ProgressState& state) {
    if (state.elapsed.count() <= 0) return 0;
    const double per_second = static_cast<double>(state.done) * 1000.0 / static_cast<double>(state.elapsed.count());
    return static_cast<std::uint64_t>(per_second);
}

// Nothing before a second has passed: such a figure would only mislead.
std::string time_left(const ProgressState& state) {
    if (state.total == 0 || state.done == 0 || state.elapsed < std::chrono::seconds(1)) return {};
    const auto rest = static_cast<double>(state.total - std::min(state.done, state.total));
    const double ms = static_cast<double>(state.elapsed.count()) * rest / static_cast<double>(state.done);
    const auto seconds = static_cast<std::uint64_t>(ms / 1000.0 + 0.5);
    if (seconds < 120) return fmt::format("{} s left", seconds);
    return fmt::format("{} min left", (seconds + 30) / 60);
}

unsigned percent(const ProgressState& state) {
    if (state.total == 0) return 0;
    return static_cast<unsigned>(std::min<std::uint64_t>(100, state.done * 100 / state.total));
}

}  // namespace

std::string progress_bar(const ProgressState& state, std::size_t width) {
    std::string tail;
    if (state.total > 0) tail += fmt::format("  {:3} %", percent(state));
    if (rate(state) > 0) tail += fmt::format("  {}/s", grouped(rate(state)));
    const std::string left = time_left(state);
    if (!left.empty()) tail += "  " + left;
    std::string line(state.stage);
    const std::size_t taken = display_width(line) + display_width(tail) + 2;
    const std::size_t room = width > taken ? std::min(width - taken, bar_columns_max) : 0;
    if (state.total > 0 && room >= 5) {
        const std::size_t full = room * percent(state) / 100;
        line += "  ";
        for (std::size_t i = 0; i < room; ++i) line += i < full ? "█" : "░";
    }
    return cut_to_width(line + tail, width);
}

std::string progress_line(const ProgressState& state) {
    std::string line = fmt::format("{}: {}", state.stage, grouped(state.done));
    if (state.total > 0) line += fmt::format(" of {} ({} %)", grouped(state.total), percent(state));
    if (rate(state) > 0) line += fmt::format(", {}/s", grouped(rate(state)));
    const std::string left = time_left(state);
    return left.empty() ? line : line + ", " + left;
}

std::string progress_json(const ProgressState& state) {
    std::string text;
    JsonWriter writer(text);
    writer.begin_object();
    writer.begin_object("progress");
    writer.member("stage", state.stage);
    writer.member("done", static_cast<std::int64_t>(state.done));
    if (state.total > 0) writer.member("total", static_cast<std::int64_t>(state.total));
    writer.end_object();
    writer.end_object();
    return text;
}

Progress::Form Progress::form_of(const Console& console) {
    switch (console.progress_mode()) {
        case ProgressMode::never: return Form::none;
        case ProgressMode::json: return Form::json;
        case ProgressMode::always: return Form::bar;
        case ProgressMode::automatic: break;
    }
    if (console.quiet()) return Form::none;
    return console.overwrites() ? Form::bar : Form::line;
}

Progress::Progress(Console& console) : console_(console), form_(form_of(console)), shown_at_(steady_clock::now()) {}

Progress::~Progress() {
    if (bar_shown_) console_.status_line("");
}

void Progress::show(std::string_view stage, std::uint64_t done, std::uint64_t total) {
    if (form_ == Form::none) return;
    const SteadyTime now = steady_clock::now();
    if (stage != stage_) {
        stage_ = stage;
        stage_began_ = now;
    }
    const auto since = now - shown_at_;
    const bool due = (form_ == Form::bar && since >= bar_every) ||
                     (form_ == Form::json && since >= progress_json_every) ||
                     (form_ == Form::line && since >= progress_line_every);
    if (!due) return;
    shown_at_ = now;
    const ProgressState state{stage_, done, total,
                              std::chrono::duration_cast<std::chrono::milliseconds>(now - stage_began_)};
    if (form_ == Form::json) return console_.note(progress_json(state));
    if (form_ == Form::line) return console_.note(progress_line(state));
    bar_shown_ = true;
    console_.status_line(progress_bar(state, console_.columns() - 1));
}

}  // namespace onshi::cli
