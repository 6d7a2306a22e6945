#include "cli/app.h"

#include <algorithm>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/format.h>

#include "base/ensure.h"
#include "base/texts.h"
#include "cli/completion.h"
#include "cli/session.h"
#include "platform/settings/nearest.h"

namespace onshi::cli {

namespace {

constexpr std::size_t help_column = 32;

// The whole command before its options, examples first. Examples are kept as the footer, which is not printed at the
// end.
class HelpFormatter final : public CLI::Formatter {
  public:
    HelpFormatter() {
        column_width(help_column);
        label("REQUIRED", "(required)");
    }
    std::string make_description(const CLI::App* app) const override {
        std::string text = app->get_description() + "\n\n";
        if (!app->get_footer().empty()) text += get_label("Examples") + ":\n" + app->get_footer() + "\n\n";
        return text;
    }
    std::string make_footer(const CLI::App*) const override { return {}; }
    std::string make_usage(const CLI::App* app, std::string) const override {
        std::string name;
        for (const auto* at = app; at != nullptr; at = at->get_parent()) {
            if (!name.empty()) name.insert(0, 1, ' ');
            name.insert(0, at->get_name());
        }
        return CLI::Formatter::make_usage(app, name);
    }
};

// What was typed where a noun or verb was expected, when that is what is wrong.
std::optional<std::string> did_you_mean(const CLI::App& at, const std::string& typed) {
    std::vector<std::string_view> names;
    for (const auto* sub : at.get_subcommands({})) names.emplace_back(sub->get_name());
    const auto nearest = settings::nearest_name(typed, names);
    return nearest ? std::optional(std::string(*nearest)) : std::nullopt;
}

Format format_of(std::string_view word) {
    if (word == "csv") return Format::csv;
    if (word == "json") return Format::json;
    return word == "ndjson" ? Format::ndjson : Format::table;
}

std::string joined(std::span<const std::string> arguments, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count && i < arguments.size(); ++i) text += (i > 0 ? " " : "") + arguments[i];
    return text;
}

// The sentence itself where the catalogue does not hold it: that of a setting is translated in the table of settings.
std::string in_language(Language language, const std::string& english) {
    const auto found = find_text(language, english, Audience::label);
    if (found) return std::string(*found);
    for (const auto& setting : setting_table().all()) {
        if (setting.en == english) return setting.text(language);
    }
    return english;
}

}  // namespace

struct CommandTree::Impl {
    struct Entry {
        CLI::App* app;
        std::unique_ptr<Command> command;
    };
    CLI::App root{"onshi — online health-insurance eligibility", "onshi"};
    GlobalOptions global;
    std::vector<SettingFlag> setting_flags;
    std::vector<Entry> entries;

    // Help is written in the program in English; the catalogue holds the other language by the same sentences.
    void translate(Language language);
    void translate(CLI::App& app, Language language);
    CLI::App* find_noun(const char* name) {
        for (auto* sub : root.get_subcommands({})) {
            if (sub->get_name() == name) return sub;
        }
        return nullptr;
    }
    CLI::App* add_noun(const char* name, const char* description) {
        auto* app = root.add_subcommand(name, description);
        app->footer("");
        shape(*app);
        return app;
    }
    static void shape(CLI::App& app) {
        // Global options may stand behind the verb too.
        app.fallthrough();
    }
    void declare_global();
    [[nodiscard]] std::optional<Error> parse(std::span<const std::string> arguments, Console& console, bool& helped);
    [[nodiscard]] Error explain(const CLI::ParseError& error, std::span<const std::string> arguments) const;
    // The deepest command that the arguments name, with the number of words that name it.
    [[nodiscard]] std::pair<const CLI::App*, std::size_t> named(std::span<const std::string> arguments) const;
    [[nodiscard]] Entry* chosen();
};

void CommandTree::Impl::translate(Language language) {
    for (const char* word : {"Examples", "Usage", "Positionals", "Options", "Subcommands"}) {
        root.get_formatter()->label(word, in_language(language, word));
    }
    translate(root, language);
}

void CommandTree::Impl::translate(CLI::App& app, Language language) {
    app.description(in_language(language, app.get_description()));
    if (app.get_parent() != nullptr) app.group(in_language(language, app.get_group()));
    for (auto* option : app.get_options()) {
        option->description(in_language(language, option->get_description()));
        option->group(in_language(language, option->get_group()));
    }
    for (auto* sub : app.get_subcommands({})) translate(*sub, language);
}

void CommandTree::Impl::declare_global() {
    // Before any subcommand is added: they take over what stands here.
    root.formatter(std::make_shared<HelpFormatter>());
    root.footer(
        "  onshi demo init ./demo\n  onshi server run --config demo/hub.toml\n"
        "  onshi eligibility get --card --terminal demo/terminals/desk\n  onshi errors show store.unavailable");
    root.require_subcommand(0, 1);
    auto* json = root.add_flag("--json", global.json,
                               "one JSON object (lists: one per line) on stdout, problem objects on stderr");
    root.add_option("--format", global.format, "how data is written; csv and one json document for lists")
        ->type_name("WORD")
        ->check(CLI::IsMember(std::vector<std::string>{"table", "csv", "json", "ndjson"}))
        ->excludes(json);
    root.add_flag("-q,--quiet", global.quiet, "no notes on stderr");
    root.add_flag("-v,--verbose", global.verbose, "say on stderr what is asked of whom, and where a failure arose");
    root.add_flag("--no-color", global.no_colour, "no colours; also by NO_COLOR and TERM=dumb");
    root.add_flag("-y,--yes", global.yes, "do not ask before what cannot be undone by itself");
    root.add_option("--progress", global.progress, "how progress is shown on stderr")
        ->type_name("WORD")
        ->check(CLI::IsMember(std::vector<std::string>{"auto", "always", "never", "json"}));
    root.add_option("--config", global.config, "settings file in place of the user's and the system's")
        ->type_name("FILE");
}

std::pair<const CLI::App*, std::size_t> CommandTree::Impl::named(std::span<const std::string> arguments) const {
    const CLI::App* at = &root;
    std::size_t words = 0;
    for (const auto& word : arguments) {
        const CLI::App* next = nullptr;
        for (const auto* sub : at->get_subcommands({})) {
            if (sub->get_name() == word) next = sub;
        }
        if (next == nullptr) break;
        at = next;
        ++words;
    }
    return {at, words};
}

Error CommandTree::Impl::explain(const CLI::ParseError& error, std::span<const std::string> arguments) const {
    const auto [at, words] = named(arguments);
    std::string detail = error.what();
    if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
        // The library lists them backwards.
        const auto extra = root.remaining(true);
        if (!extra.empty()) detail = "not expected: " + joined(extra, extra.size());
    }
    if (words < arguments.size()) {
        const auto nearest = did_you_mean(*at, arguments[words]);
        if (nearest) detail += fmt::format("; did you mean {}?", *nearest);
    }
    const std::string command = joined(arguments, words);
    detail += fmt::format("; see onshi {}{}--help", command, command.empty() ? "" : " ");
    return {ErrorCode::command_usage, std::move(detail)};
}

std::optional<Error> CommandTree::Impl::parse(std::span<const std::string> arguments, Console& console, bool& helped) {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    try {
        root.parse(reversed);
        return std::nullopt;
    } catch (const CLI::CallForHelp&) {
        helped = true;
        console.line(named(arguments).first->help());
        return std::nullopt;
    } catch (const CLI::ParseError& error) {
        return explain(error, arguments);
    }
}

CommandTree::Impl::Entry* CommandTree::Impl::chosen() {
    for (auto& entry : entries) {
        if (entry.app->parsed()) return &entry;
    }
    return nullptr;
}

CommandTree::CommandTree() : impl_(std::make_unique<Impl>()) {
    impl_->declare_global();
}
CommandTree::~CommandTree() = default;

void CommandTree::noun(const char* name, const char* summary) {
    ENSURE(impl_->find_noun(name) == nullptr);
    impl_->add_noun(name, summary)->require_subcommand(0, 1);
}

void CommandTree::add(const CommandText& text, std::unique_ptr<Command> command) {
    const bool alone = std::string_view(text.verb).empty();
    CLI::App* app = nullptr;
    if (alone) {
        app = impl_->add_noun(text.noun, text.summary);
    } else {
        CLI::App* noun = impl_->find_noun(text.noun);
        ENSURE(noun != nullptr);
        app = noun->add_subcommand(text.verb, text.summary);
        Impl::shape(*app);
    }
    app->footer(text.examples);
    Options options(*app, setting_table(), impl_->setting_flags);
    command->declare(options);
    impl_->entries.push_back({app, std::move(command)});
}

int CommandTree::run(std::span<const std::string> arguments, const Surroundings& surroundings) {
    Console console(surroundings);
    std::vector<std::string> words(arguments.begin(), arguments.end());
    // `onshi help eligibility get` is `onshi eligibility get --help`.
    if (!words.empty() && words.front() == "help") {
        words.erase(words.begin());
        words.push_back("--help");
    }
    if (console.language() != Language::en) impl_->translate(console.language());
    bool helped = false;
    const auto wrong = impl_->parse(words, console, helped);
    const auto& global = impl_->global;
    const auto progress = global.progress == "always"  ? ProgressMode::always
                          : global.progress == "never" ? ProgressMode::never
                          : global.progress == "json"  ? ProgressMode::json
                                                       : ProgressMode::automatic;
    // What was not understood has set nothing, and still a script wants its problem object.
    const bool json = global.json || std::ranges::find(words, "--json") != words.end();
    const Format format = json ? Format::ndjson : format_of(global.format);
    console.use(format, global.no_colour ? Colour::off : Colour::on, progress);
    if (global.quiet) console.be_quiet();
    if (global.verbose) console.be_verbose();
    if (helped) return static_cast<int>(Exit::done);
    if (wrong) {
        console.failure(*wrong);
        return static_cast<int>(Exit::usage);
    }
    auto* entry = impl_->chosen();
    if (entry == nullptr) {
        const auto [at, count] = impl_->named(words);
        surroundings.err << at->help() << std::flush;
        return static_cast<int>(Exit::usage);
    }
    if (format == Format::csv && entry->command->shape() != DataShape::list) {
        console.failure(Error(ErrorCode::command_usage, "--format csv is for commands that give a list"));
        return static_cast<int>(Exit::usage);
    }
    Session session(console, global, surroundings, impl_->setting_flags);
    session.completion = [this](std::string_view shell) { return completion(shell); };
    auto ended = entry->command->run(session);
    surroundings.out << std::flush;
    // Who went away has seen enough; on a full disk what was asked for did not arrive.
    if (ended && !surroundings.out && surroundings.reader_is_gone()) return static_cast<int>(Exit::done);
    if (ended && !surroundings.out) ended = fail(ErrorCode::file_unwritable, "standard output");
    if (ended) return static_cast<int>(*ended);
    console.failure(ended.error());
    return static_cast<int>(exit_of(ended.error().code));
}

std::vector<std::string> CommandTree::help_texts() const {
    std::vector<std::string> texts;
    const auto collect = [&texts](const auto& self, const CLI::App& app) -> void {
        texts.push_back(app.get_description());
        for (const auto* option : app.get_options()) texts.push_back(option->get_description());
        for (const auto* sub : app.get_subcommands({})) self(self, *sub);
    };
    collect(collect, impl_->root);
    return texts;
}

std::string CommandTree::completion(std::string_view shell) {
    return completion_script(impl_->root, shell);
}

int run_program(std::span<const std::string> arguments, const Surroundings& surroundings) {
    CommandTree tree;
    add_all_commands(tree);
    return tree.run(arguments, surroundings);
}

}  // namespace onshi::cli
