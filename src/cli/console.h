#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "base/texts.h"
#include "platform/telemetry/trace_id.h"

namespace onshi::cli {

// Of data. `json` is one document, `ndjson` one object per line of a list; a single object looks the same in both.
enum class Format : std::uint8_t { table, csv, json, ndjson };
enum class Colour : std::uint8_t { off, on };
enum class ProgressMode : std::uint8_t { automatic, always, never, json };
enum class Mark : std::uint8_t { good, bad, attention, quiet };

// What the world around a command is: given by main, replaced by tests.
struct Surroundings {
    std::ostream& out;
    std::ostream& err;
    // The value of an environment variable; nullopt when it is not set.
    std::function<std::optional<std::string>(const std::string&)> environment;
    // Whether a person sits there: standard error is a terminal and questions can be asked on /dev/tty.
    bool interactive = false;
    bool out_is_terminal = false;
    // Whether the reader of out went away, as `| head` does when it has seen enough.
    std::function<bool()> reader_is_gone = [] { return false; };
    std::size_t columns = 80;
};

// Where a command writes. Data goes to out, everything else to err (ux §15.2). One thread at a time.
class Console {
  public:
    explicit Console(const Surroundings& surroundings);

    // Set from the global options once they are known.
    void use(Format format, Colour colour, ProgressMode progress);
    void be_quiet() { quiet_ = true; }
    void be_verbose() { verbose_ = true; }
    // Named with every failure from here on: what the other side calls this conversation.
    void trace(const TraceId& id) { trace_ = id; }

    [[nodiscard]] Language language() const { return language_; }
    [[nodiscard]] bool json() const { return format_ == Format::json || format_ == Format::ndjson; }
    [[nodiscard]] Format format() const { return format_; }
    [[nodiscard]] bool quiet() const { return quiet_; }
    [[nodiscard]] bool interactive() const { return surroundings_.interactive; }
    // Whether a line of err can be overwritten.
    [[nodiscard]] bool overwrites() const;
    [[nodiscard]] ProgressMode progress_mode() const { return progress_; }
    [[nodiscard]] std::size_t columns() const { return surroundings_.columns; }

    // A parameter of the sentences that explain a failure, such as `tries_left`.
    void remember(std::string_view name, std::string value) { parameters_.emplace_back(name, std::move(value)); }

    // One line of data.
    void line(std::string_view text);
    // One line for people, on err; not with --quiet.
    void note(std::string_view text);
    // One line about what is being done, on err; with --verbose only.
    void detail(std::string_view text);
    // A note by its label of the catalogue.
    void note_label(std::string_view key, TextParameters parameters = {});
    // Overwrites the present line of err; for progress.
    void status_line(std::string_view text);
    // `error:`, `cause:`, `hint:` and the code, or one problem object.
    void failure(const Error& error);

    // A label of the catalogue in this console's language.
    [[nodiscard]] std::string label(std::string_view key, TextParameters parameters = {}) const;
    // The clerk's (or another audience's) sentence of a code, with its parameters; the code itself when there is none.
    [[nodiscard]] std::string sentence(std::string_view code, Audience audience, TextParameters parameters = {}) const;
    // What whoever typed the command does next about a failure: the operator's sentence, and the clerk's where only a
    // visit is concerned.
    [[nodiscard]] std::string next_step(std::string_view code) const;
    // Coloured when data goes to a terminal that shows colours.
    [[nodiscard]] std::string marked(Mark mark, std::string_view text) const;

    // Asks on the terminal. command.confirmation when there is nobody to ask.
    [[nodiscard]] Result<bool> ask_yes_or_no(std::string_view question);
    // Asks without echo. command.secret_needed when there is nobody to ask, command.interrupted at end of input.
    [[nodiscard]] Result<SecretBytes> ask_secret(std::string_view prompt);

  private:
    [[nodiscard]] std::string with_parameters(std::string text) const;
    Surroundings surroundings_;
    Language language_;
    Format format_ = Format::table;
    Colour colour_ = Colour::off;
    ProgressMode progress_ = ProgressMode::automatic;
    bool quiet_ = false;
    bool verbose_ = false;
    TraceId trace_;
    std::vector<std::pair<std::string, std::string>> parameters_;
};

// From $ONSHI_LANG, else $LC_ALL, $LC_MESSAGES, $LANG: the first that is set.
[[nodiscard]] Language language_of(const Surroundings& surroundings);

}  // namespace onshi::cli
