#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "base/result.h"
#include "platform/telemetry/log_keys.h"
#include "platform/telemetry/trace_id.h"

namespace onshi {

enum class Level : std::uint8_t { debug, info, warn, error, off };

// `area.what`, a literal: what happened, so that lines can be counted by it.
class LogEvent {
  public:
    consteval LogEvent(const char* name) : name_(name) {
        if (name_.find('.') == std::string_view::npos) throw "an event is called area.what";
        for (const char c : name_) {
            if (!(c == '.' || c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) throw "lower case only";
        }
    }
    [[nodiscard]] std::string_view name() const { return name_; }

  private:
    std::string_view name_;
};

// A literal that stands in log_keys.h; another one does not compile.
class LogKey {
  public:
    consteval LogKey(const char* name) : name_(name) {
        if (!is_log_key(name_)) throw "this key is not in log_keys.h";
    }
    [[nodiscard]] std::string_view name() const { return name_; }

  private:
    std::string_view name_;
};

// Marks text that is not a literal: who writes it has made sure that it can hold no personal data (a file name of ours,
// a route pattern, an address of a listener). A search for this word finds every such place.
struct OpenText {
    std::string_view text;
};
[[nodiscard]] inline OpenText open_text(std::string_view text) {
    return {text};
}

// What a log line may say: numbers, truth values, catalogue codes, trace ids, literals, and text marked by open_text().
class LogValue {
  public:
    using Held = std::variant<std::int64_t, std::uint64_t, double, bool, TraceId, std::string_view>;

    template <std::same_as<bool> B>
    LogValue(B value) : held_(value) {}
    template <std::signed_integral I>
    LogValue(I value) : held_(static_cast<std::int64_t>(value)) {}
    template <std::unsigned_integral U>
        requires(!std::same_as<U, bool>)
    LogValue(U value) : held_(static_cast<std::uint64_t>(value)) {}
    LogValue(double value) : held_(value) {}
    LogValue(ErrorCode code) : held_(error_name(code)) {}
    LogValue(const TraceId& id) : held_(id) {}
    LogValue(OpenText text) : held_(text.text) {}
    consteval LogValue(const char* literal) : held_(std::string_view(literal)) {}

    [[nodiscard]] const Held& held() const { return held_; }

  private:
    Held held_;
};

struct LogField {
    LogKey key;
    LogValue value;
};

using LogFields = std::initializer_list<LogField>;

namespace log_detail {

inline std::atomic<Level> threshold = Level::warn;
void write(Level level, LogEvent event, LogFields fields);

}  // namespace log_detail

[[nodiscard]] inline bool log_enabled(Level level) {
    return level >= log_detail::threshold.load(std::memory_order_relaxed);
}

// `log_event(Level::warn, "http.shed", {{"route", open_text(pattern)}, {"count", n}});` One JSON object per line with
// `ts`, `level`, `event` and the fields. Thread-safe; writes before it returns; costs one comparison when off.
inline void log_event(Level level, LogEvent event, LogFields fields = {}) {
    if (log_enabled(level)) log_detail::write(level, event, fields);
}

// A failure with its code, detail and place in the source. `trace` may be none.
void log_failure(Level level, LogEvent event, const Error& error, const TraceId& trace = {});

struct LogToStderr {};
struct LogToStdout {};
// Rotates to at most `files` files of at most `bytes` each.
struct LogToFile {
    std::filesystem::path path;
    std::size_t bytes = 64UL << 20U;
    std::size_t files = 5;
};
// For tests and for the terminal's own view: called with one line without its end, one call at a time.
struct LogToFunction {
    std::function<void(std::string_view)> take;
};

struct LogOptions {
    Level level = Level::info;
    std::variant<LogToStderr, LogToStdout, LogToFile, LogToFunction> target;
    // Lines beyond this within one second are dropped and counted in a line `log.dropped`.
    std::uint32_t lines_per_second_max = 20'000;
};

// Before it is called, warnings and errors go to stderr. Thread-safe; may be called again (SIGHUP). Fails with
// `config.log`, and then everything stays as it was.
[[nodiscard]] Result<void> configure_log(LogOptions options);
void set_log_level(Level level);
// nullopt for another word than debug, info, warn, error, off.
[[nodiscard]] std::optional<Level> find_level(std::string_view name);

}  // namespace onshi
