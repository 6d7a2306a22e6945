#include "cli/console.h"

#include <ostream>

#include <fmt/format.h>

#include "cli/tty.h"
#include "platform/http/problem.h"

namespace onshi::cli {

namespace {

std::string_view escape_of(Mark mark) {
    switch (mark) {
        case Mark::good: return "\x1b[32m";
        case Mark::bad: return "\x1b[31m";
        case Mark::attention: return "\x1b[33m";
        case Mark::quiet: return "\x1b[2m";
    }
    return "";
}

// A sentence that cannot be filled is left out rather than shown with a brace.
bool has_open_parameter(std::string_view sentence) {
    return sentence.find('{') != std::string_view::npos;
}

}  // namespace

Language language_of(const Surroundings& surroundings) {
    for (const char* name : {"ONSHI_LANG", "LC_ALL", "LC_MESSAGES", "LANG"}) {
        const auto value = surroundings.environment ? surroundings.environment(name) : std::nullopt;
        if (value && !value->empty()) return language_of_locale(*value);
    }
    return Language::en;
}

Console::Console(const Surroundings& surroundings)
    : surroundings_(surroundings), language_(language_of(surroundings)) {}

void Console::use(Format format, Colour colour, ProgressMode progress) {
    format_ = format;
    progress_ = progress;
    const auto no_colour = surroundings_.environment ? surroundings_.environment("NO_COLOR") : std::nullopt;
    const auto terminal = surroundings_.environment ? surroundings_.environment("TERM") : std::nullopt;
    const bool shown = surroundings_.out_is_terminal && terminal.value_or("dumb") != "dumb";
    const bool wanted = colour == Colour::on && (!no_colour || no_colour->empty());
    colour_ = shown && wanted ? Colour::on : Colour::off;
}

bool Console::overwrites() const {
    const auto terminal = surroundings_.environment ? surroundings_.environment("TERM") : std::nullopt;
    return interactive() && terminal.value_or("dumb") != "dumb";
}

void Console::line(std::string_view text) {
    surroundings_.out << text << '\n';
}

void Console::note(std::string_view text) {
    if (!quiet_) surroundings_.err << text << '\n' << std::flush;
}

void Console::detail(std::string_view text) {
    if (verbose_) surroundings_.err << text << '\n' << std::flush;
}

void Console::note_label(std::string_view key, TextParameters parameters) {
    note(label(key, parameters));
}

void Console::status_line(std::string_view text) {
    surroundings_.err << '\r' << text << "\x1b[K" << std::flush;
}

void Console::failure(const Error& error) {
    surroundings_.out << std::flush;
    if (json()) {
        surroundings_.err << http::problem_response(error, language_, trace_).body << '\n' << std::flush;
        return;
    }
    const std::string_view code = error_name(error.code);
    surroundings_.err << label("label.error") << ": " << with_parameters(sentence(code, Audience::vendor)) << '\n';
    if (!error.detail.empty()) surroundings_.err << label("label.cause") << ": " << error.detail << '\n';
    for (const auto& field : error.fields) {
        surroundings_.err << label("label.cause") << ": " << field.pointer << ": "
                          << sentence(error_name(field.code), Audience::vendor) << '\n';
    }
    const std::string hint = with_parameters(next_step(code));
    if (!has_open_parameter(hint)) surroundings_.err << label("label.hint") << ": " << hint << '\n';
    surroundings_.err << code;
    if (error.retry_after_ms > 0) {
        const std::string seconds = fmt::format("{:.3g}", static_cast<double>(error.retry_after_ms) / 1000.0);
        surroundings_.err << " (" << label("label.retry_after", {{"seconds", seconds}}) << ')';
    }
    if (!trace_.none()) {
        const auto hex = trace_.hex();
        surroundings_.err << " trace " << std::string_view(hex.data(), hex.size());
    }
    surroundings_.err << '\n' << std::flush;
    detail(fmt::format("{}:{}", error.where.file_name(), error.where.line()));
}

std::string Console::with_parameters(std::string text) const {
    for (const auto& [name, value] : parameters_) text = fill_text(text, {{name, value}});
    return text;
}

std::string Console::next_step(std::string_view code) const {
    const auto next = find_text(language_, code, Audience::operator_);
    return next ? std::string(*next) : sentence(code, Audience::clerk);
}

std::string Console::label(std::string_view key, TextParameters parameters) const {
    return sentence(key, Audience::label, parameters);
}

std::string Console::sentence(std::string_view code, Audience audience, TextParameters parameters) const {
    const auto found = find_text(language_, code, audience);
    return found ? fill_text(*found, parameters) : std::string(code);
}

std::string Console::marked(Mark mark, std::string_view text) const {
    if (colour_ == Colour::off) return std::string(text);
    return fmt::format("{}{}\x1b[0m", escape_of(mark), text);
}

Result<bool> Console::ask_yes_or_no(std::string_view question) {
    if (!interactive()) return fail(ErrorCode::command_confirmation, "");
    auto answer = read_line_from_terminal(fmt::format("{} [y/N] ", question));
    if (!answer) return fail(std::move(answer));
    return *answer == "y" || *answer == "Y" || *answer == "yes" || *answer == "はい";
}

Result<SecretBytes> Console::ask_secret(std::string_view prompt) {
    if (!interactive()) return fail(ErrorCode::command_secret_needed, "");
    return read_secret_from_terminal(fmt::format("{}: ", prompt));
}

}  // namespace onshi::cli
