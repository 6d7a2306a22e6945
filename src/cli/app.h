#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/console.h"
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/session.h"

namespace onshi::cli {

// How a command is found and explained. All literals. `verb` is empty for a noun that is a command by itself.
struct CommandText {
    const char* noun;
    const char* verb;
    const char* summary;   // one line
    const char* examples;  // shown first in its help
};

// What a command gives: one thing, or a list of like things that fits a table.
enum class DataShape : std::uint8_t { object, list };

// One command: declares its options, then runs once. Lives from declaration to the end of the program.
class Command {
  public:
    Command() = default;
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;
    virtual ~Command() = default;
    virtual void declare(Options& options) = 0;
    [[nodiscard]] virtual DataShape shape() const { return DataShape::object; }
    // A failure is printed by the caller and becomes an exit code by its own code.
    [[nodiscard]] virtual Result<Exit> run(Session& session) = 0;
};

// The nouns in the order of help, each with what it is about. Owns the commands. One thread.
class CommandTree {
  public:
    CommandTree();
    ~CommandTree();
    CommandTree(const CommandTree&) = delete;
    CommandTree& operator=(const CommandTree&) = delete;

    void noun(const char* name, const char* summary);
    // The noun must stand already, unless the command has no verb.
    void add(const CommandText& text, std::unique_ptr<Command> command);
    // For a command type with `static constexpr CommandText text`.
    template <class C>
    void add() {
        add(C::text, std::make_unique<C>());
    }

    // Parses and runs; prints what went wrong.
    [[nodiscard]] int run(std::span<const std::string> arguments, const Surroundings& surroundings);
    // Every sentence of the help, in English unless it ran in another language.
    [[nodiscard]] std::vector<std::string> help_texts() const;
    // For completion: the script for `bash`, `zsh` or `fish`, from the same tree.
    [[nodiscard]] std::string completion(std::string_view shell);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// Every command of the program.
void add_all_commands(CommandTree& tree);
// What main does.
[[nodiscard]] int run_program(std::span<const std::string> arguments, const Surroundings& surroundings);

}  // namespace onshi::cli
