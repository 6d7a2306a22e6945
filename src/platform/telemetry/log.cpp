#include "platform/telemetry/log.h"

#include <array>
#include <chrono>
#include <ctime>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "platform/telemetry/limits.h"

namespace onshi {

namespace {

constexpr std::array<std::string_view, 5> level_names{"debug", "info", "warn", "error", "off"};

using Sink = std::shared_ptr<spdlog::sinks::sink>;

// A sink that writes the line as it is.
Sink plain(Sink sink) {
    sink->set_pattern("%v");
    return sink;
}

using Line = fmt::basic_memory_buffer<char, log_line_bytes_max>;

void append(Line& line, std::string_view text) {
    line.append(text.data(), text.data() + text.size());
}

// Control characters are escaped; a byte outside ASCII becomes `?`, since log text is English by rule and an invalid
// sequence would spoil the whole line for its readers.
void append_text(Line& line, std::string_view text) {
    line.push_back('"');
    for (const char c : text.substr(0, log_text_bytes_max)) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            line.push_back('\\');
            line.push_back(c);
        } else if (byte < 0x20 || byte == 0x7F) {
            fmt::format_to(std::back_inserter(line), "\\u{:04x}", byte);
        } else {
            line.push_back(byte < 0x80 ? c : '?');
        }
    }
    line.push_back('"');
}

void append_value(Line& line, const LogValue& value) {
    const auto put = [&line]<class T>(const T& held) {
        if constexpr (std::is_same_v<T, std::string_view>) {
            append_text(line, held);
        } else if constexpr (std::is_same_v<T, TraceId>) {
            const auto hex = held.hex();
            append_text(line, std::string_view(hex.data(), hex.size()));
        } else if constexpr (std::is_same_v<T, bool>) {
            append(line, held ? "true" : "false");
        } else if constexpr (std::is_same_v<T, double>) {
            // JSON has no infinities.
            if (held - held != 0) return append(line, "null");
            fmt::format_to(std::back_inserter(line), "{}", held);
        } else {
            fmt::format_to(std::back_inserter(line), "{}", held);
        }
    };
    std::visit(put, value.held());
}

void append_time(Line& line, std::int64_t us) {
    const std::time_t second = us / 1'000'000;
    std::tm utc{};
    gmtime_r(&second, &utc);
    fmt::format_to(std::back_inserter(line), R"({{"ts":"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z")",
                   utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                   us % 1'000'000);
}

// The target, the bound on lines per second, and the one lock around both. Program-wide.
class Target {
  public:
    void replace(LogOptions options, Sink sink) {
        const std::scoped_lock lock(mutex_);
        const auto* function = std::get_if<LogToFunction>(&options.target);
        take_ = function != nullptr ? function->take : nullptr;
        sink_ = std::move(sink);
        lines_per_second_max_ = options.lines_per_second_max;
        second_ = 0;
        lines_ = 0;
    }

    void write(std::string_view line, std::int64_t us) {
        const std::scoped_lock lock(mutex_);
        if (us / 1'000'000 != second_) start_second(us);
        if (++lines_ > lines_per_second_max_) return;
        put(line);
    }

  private:
    void start_second(std::int64_t us) {
        const std::uint64_t over = lines_ > lines_per_second_max_ ? lines_ - lines_per_second_max_ : 0;
        const std::uint64_t lost = over + std::exchange(failures_, 0);
        if (lost > 0) {
            Line dropped;
            append_time(dropped, us);
            fmt::format_to(std::back_inserter(dropped), R"(,"level":"warn","event":"log.dropped","count":{}}})", lost);
            put(std::string_view(dropped.data(), dropped.size()));
        }
        second_ = us / 1'000'000;
        lines_ = 0;
    }

    // A target that fails (disk full, closed pipe) must not take the service down; its lines are counted as dropped.
    void put(std::string_view line) noexcept {
        try {
            if (take_) return take_(line);
            if (!sink_) sink_ = plain(std::make_shared<spdlog::sinks::stderr_sink_st>());
            sink_->log(spdlog::details::log_msg(spdlog::string_view_t{}, spdlog::level::info,
                                                spdlog::string_view_t(line.data(), line.size())));
            sink_->flush();
        } catch (...) {
            ++failures_;
        }
    }

    std::mutex mutex_;
    Sink sink_;
    std::function<void(std::string_view)> take_;
    std::uint64_t lines_per_second_max_ = LogOptions{}.lines_per_second_max;
    std::int64_t second_ = 0;
    std::uint64_t lines_ = 0;
    std::uint64_t failures_ = 0;
};

// Never destroyed: a thread may still log while the program ends.
Target& target() {
    static Target& instance = *new Target;
    return instance;
}

Result<Sink> open_sink(const LogOptions& options) {
    if (std::holds_alternative<LogToStdout>(options.target))
        return plain(std::make_shared<spdlog::sinks::stdout_sink_st>());
    if (std::holds_alternative<LogToStderr>(options.target))
        return plain(std::make_shared<spdlog::sinks::stderr_sink_st>());
    const auto* file = std::get_if<LogToFile>(&options.target);
    if (file == nullptr) return Sink();
    if (file->bytes < log_file_bytes_min || file->files < 1 || file->files > log_files_max) {
        return fail(ErrorCode::config_log, "size or number of log files out of range");
    }
    try {
        return plain(
            std::make_shared<spdlog::sinks::rotating_file_sink_st>(file->path.string(), file->bytes, file->files - 1));
    } catch (const spdlog::spdlog_ex& e) {
        return fail(ErrorCode::config_log, e.what());
    }
}

}  // namespace

namespace log_detail {

void write(Level level, LogEvent event, LogFields fields) {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    const std::int64_t us = std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count();
    Line line;
    append_time(line, us);
    append(line, R"(,"level":")");
    append(line, level_names[static_cast<std::size_t>(level)]);
    append(line, R"(","event":)");
    append_text(line, event.name());
    for (const LogField& field : fields) {
        const std::size_t before = line.size();
        append(line, ",\"");
        append(line, field.key.name());
        append(line, "\":");
        append_value(line, field.value);
        // Room for the mark and the closing brace.
        if (line.size() + 16 > log_line_bytes_max) {
            line.resize(before);
            append(line, R"(,"cut":true)");
            break;
        }
    }
    line.push_back('}');
    target().write(std::string_view(line.data(), line.size()), us);
}

}  // namespace log_detail

void log_failure(Level level, LogEvent event, const Error& error, const TraceId& trace) {
    if (!log_enabled(level)) return;
    const OpenText detail = open_text(error.detail);
    const OpenText file = open_text(error.where.file_name());
    log_detail::write(
        level, event,
        {{"trace_id", trace}, {"code", error.code}, {"detail", detail}, {"file", file}, {"line", error.where.line()}});
}

Result<void> configure_log(LogOptions options) {
    auto sink = open_sink(options);
    if (!sink) return fail(std::move(sink));
    const Level level = options.level;
    target().replace(std::move(options), std::move(*sink));
    set_log_level(level);
    return {};
}

void set_log_level(Level level) {
    log_detail::threshold.store(level, std::memory_order_relaxed);
}

std::optional<Level> find_level(std::string_view name) {
    for (std::size_t i = 0; i < level_names.size(); ++i) {
        if (level_names[i] == name) return static_cast<Level>(i);
    }
    return std::nullopt;
}

}  // namespace onshi
