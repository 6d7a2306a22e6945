#include "cli/completion.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/format.h>

namespace onshi::cli {

namespace {

enum class Offers : std::uint8_t { nothing, files, folders, words };

struct OptionNode {
    std::string long_name;   // with hyphens; empty for a positional
    std::string short_name;  // with hyphen, or empty
    std::string help;
    bool takes_value = false;
    Offers offers = Offers::nothing;
    std::vector<std::string> words;
};

// One noun or verb: what may follow it.
struct CommandNode {
    std::string path;  // `server run`; empty for the program
    std::string summary;
    std::vector<std::pair<std::string, std::string>> subcommands;  // name, summary
    std::vector<OptionNode> options;
    std::vector<OptionNode> positionals;
};

// `WORD:{auto,always}`: the library keeps the words of a check in the name of the type.
std::vector<std::string> words_of(const std::string& type) {
    std::vector<std::string> words;
    const auto open = type.find('{');
    const auto close = type.rfind('}');
    if (open == std::string::npos || close == std::string::npos || close < open) return words;
    std::string_view rest = std::string_view(type).substr(open + 1, close - open - 1);
    while (!rest.empty()) {
        const auto comma = std::min(rest.find(','), rest.size());
        words.emplace_back(rest.substr(0, comma));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return words;
}

Offers offers_of(const std::string& type, const std::vector<std::string>& words) {
    if (!words.empty()) return Offers::words;
    if (type.starts_with("FILE") || type.starts_with("IMAGE")) return Offers::files;
    return type.starts_with("DIR") ? Offers::folders : Offers::nothing;
}

OptionNode option_node(const CLI::Option& option) {
    OptionNode node;
    if (!option.get_lnames().empty()) node.long_name = "--" + option.get_lnames().front();
    if (!option.get_snames().empty()) node.short_name = "-" + option.get_snames().front();
    node.help = option.get_description();
    node.takes_value = option.get_expected_min() > 0;
    const std::string type = option.get_type_name();
    node.words = words_of(type);
    node.offers = node.takes_value ? offers_of(type, node.words) : Offers::nothing;
    return node;
}

void walk(const CLI::App& app, const std::string& path, std::vector<CommandNode>& nodes) {
    CommandNode node;
    node.path = path;
    node.summary = app.get_description();
    for (const auto* option : app.get_options()) {
        auto made = option_node(*option);
        (made.long_name.empty() && made.short_name.empty() ? node.positionals : node.options)
            .push_back(std::move(made));
    }
    const auto subcommands = app.get_subcommands([](const CLI::App*) { return true; });
    for (const auto* sub : subcommands) node.subcommands.emplace_back(sub->get_name(), sub->get_description());
    nodes.push_back(std::move(node));
    for (const auto* sub : subcommands)
        walk(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), nodes);
}

std::vector<CommandNode> nodes_of(const CLI::App& root) {
    std::vector<CommandNode> nodes;
    walk(root, "", nodes);
    // What the program itself takes may stand behind every verb.
    const auto global = nodes.front().options;
    for (std::size_t i = 1; i < nodes.size(); ++i) {
        for (const auto& option : global) {
            if (option.long_name != "--help") nodes[i].options.push_back(option);
        }
    }
    return nodes;
}

// In single quotes of a shell.
std::string in_quotes(std::string_view text) {
    std::string result = "'";
    for (const char c : text) {
        if (c == '\'') {
            result += "'\\''";
        } else {
            result.push_back(c);
        }
    }
    return result + "'";
}

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

// ---- bash -----------------------------------------------------------------------------------------------------------

std::string bash_reply(const OptionNode& option) {
    switch (option.offers) {
        case Offers::files: return "compgen -f -- \"$cur\"";
        case Offers::folders: return "compgen -d -- \"$cur\"";
        case Offers::words:
            return fmt::format("compgen -W {} -- \"$cur\"", in_quotes(fmt::format("{}", fmt::join(option.words, " "))));
        case Offers::nothing: return "";
    }
    return "";
}

void add_bash_values(const CommandNode& node, std::string& script) {
    for (const auto& option : node.options) {
        if (!option.takes_value || option.long_name.empty()) continue;
        const std::string reply = bash_reply(option);
        script += fmt::format("    '{} {}') COMPREPLY=({}); return ;;\n", node.path, option.long_name,
                              reply.empty() ? "" : "$(" + reply + ")");
    }
}

std::string bash_words(const CommandNode& node) {
    std::string words;
    for (const auto& [name, summary] : node.subcommands) words += name + " ";
    for (const auto& positional : node.positionals) {
        for (const auto& word : positional.words) words += word + " ";
    }
    for (const auto& option : node.options) {
        if (!option.long_name.empty()) words += option.long_name + " ";
    }
    if (!words.empty()) words.pop_back();
    return words;
}

bool wants_files(const CommandNode& node) {
    return std::ranges::any_of(node.positionals, [](const OptionNode& p) { return p.offers != Offers::words; });
}

std::string paths_pattern(const std::vector<CommandNode>& nodes) {
    std::string pattern;
    for (const auto& node : nodes) {
        if (!node.path.empty()) pattern += (pattern.empty() ? "" : "|") + in_quotes(node.path);
    }
    return pattern;
}

std::string bash_script(const std::vector<CommandNode>& nodes) {
    std::string script =
        "# Generated by `onshi completion bash`.\n"
        "_onshi() {\n"
        "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path='' i\n"
        "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "    case \"${path:+$path }${COMP_WORDS[i]}\" in\n"
        "    " +
        paths_pattern(nodes) +
        ") path=\"${path:+$path }${COMP_WORDS[i]}\" ;;\n"
        "    esac\n"
        "  done\n"
        "  case \"$path $prev\" in\n";
    for (const auto& node : nodes) add_bash_values(node, script);
    script += "  esac\n  case \"$path\" in\n";
    for (const auto& node : nodes) {
        const std::string files = wants_files(node) ? " $(compgen -f -- \"$cur\")" : "";
        script += fmt::format("    {}) COMPREPLY=($(compgen -W {} -- \"$cur\"){}) ;;\n", in_quotes(node.path),
                              in_quotes(bash_words(node)), files);
    }
    return script + "  esac\n}\ncomplete -o filenames -F _onshi onshi";
}

// ---- zsh ------------------------------------------------------------------------------------------------------------

// A colon ends the name in a list of _describe.
std::string zsh_entry(std::string_view name, const std::string& help) {
    std::string escaped;
    for (const char c : name) escaped += c == ':' ? std::string("\\:") : std::string(1, c);
    return in_quotes(escaped + ":" + first_line(help));
}

std::string zsh_reply(const OptionNode& option) {
    switch (option.offers) {
        case Offers::files: return "_files";
        case Offers::folders: return "_files -/";
        case Offers::words: return fmt::format("compadd -- {}", fmt::join(option.words, " "));
        case Offers::nothing: return "return 0";
    }
    return "return 0";
}

void add_zsh_node(const CommandNode& node, std::string& script) {
    script += fmt::format("    {})\n      list=(", in_quotes(node.path));
    for (const auto& [name, summary] : node.subcommands) script += zsh_entry(name, summary) + " ";
    for (const auto& option : node.options) {
        if (!option.long_name.empty()) script += zsh_entry(option.long_name, option.help) + " ";
    }
    script += ")\n      _describe 'onshi' list\n";
    for (const auto& positional : node.positionals) script += "      " + zsh_reply(positional) + "\n";
    script += "      ;;\n";
}

std::string zsh_script(const std::vector<CommandNode>& nodes) {
    std::string script =
        "#compdef onshi\n# Generated by `onshi completion zsh`.\n"
        "_onshi() {\n"
        "  local path_words='' i prev=${words[CURRENT-1]}\n"
        "  local -a list\n"
        "  for ((i = 2; i < CURRENT; i++)); do\n"
        "    case \"${path_words:+$path_words }${words[i]}\" in\n"
        "    " +
        paths_pattern(nodes) +
        ") path_words=\"${path_words:+$path_words }${words[i]}\" ;;\n"
        "    esac\n"
        "  done\n"
        "  case \"$path_words $prev\" in\n";
    for (const auto& node : nodes) {
        for (const auto& option : node.options) {
            if (!option.takes_value || option.long_name.empty()) continue;
            script += fmt::format("    '{} {}') {}; return ;;\n", node.path, option.long_name, zsh_reply(option));
        }
    }
    script += "  esac\n  case \"$path_words\" in\n";
    for (const auto& node : nodes) add_zsh_node(node, script);
    return script + "  esac\n}\ncompdef _onshi onshi";
}

// ---- fish -----------------------------------------------------------------------------------------------------------

std::string fish_condition(const CommandNode& node, const std::string& nouns) {
    if (node.path.empty()) return "not __fish_seen_subcommand_from " + nouns;
    const auto space = node.path.find(' ');
    const std::string noun = node.path.substr(0, space);
    if (space != std::string::npos) {
        return fmt::format("__fish_seen_subcommand_from {}; and __fish_seen_subcommand_from {}", noun,
                           node.path.substr(space + 1));
    }
    std::string condition = "__fish_seen_subcommand_from " + noun;
    if (node.subcommands.empty()) return condition;
    condition += "; and not __fish_seen_subcommand_from";
    for (const auto& [name, summary] : node.subcommands) condition += " " + name;
    return condition;
}

void add_fish_option(const std::string& condition, const OptionNode& option, std::string& script) {
    if (option.long_name.empty()) return;
    script += fmt::format("complete -c onshi -n {} -l {}", in_quotes(condition), option.long_name.substr(2));
    if (!option.short_name.empty()) script += " -s " + option.short_name.substr(1);
    if (option.takes_value)
        script += option.offers == Offers::files || option.offers == Offers::folders ? " -r -F" : " -x";
    if (option.offers == Offers::words) script += " -a " + in_quotes(fmt::format("{}", fmt::join(option.words, " ")));
    script += " -d " + in_quotes(first_line(option.help)) + "\n";
}

std::string fish_script(const std::vector<CommandNode>& nodes) {
    std::string nouns;
    for (const auto& [name, summary] : nodes.front().subcommands) nouns += (nouns.empty() ? "" : " ") + name;
    std::string script = "# Generated by `onshi completion fish`.\ncomplete -c onshi -f\n";
    for (const auto& node : nodes) {
        const std::string condition = fish_condition(node, nouns);
        for (const auto& [name, summary] : node.subcommands) {
            script += fmt::format("complete -c onshi -n {} -a {} -d {}\n", in_quotes(condition), in_quotes(name),
                                  in_quotes(first_line(summary)));
        }
        for (const auto& option : node.options) add_fish_option(condition, option, script);
        for (const auto& positional : node.positionals) {
            const std::string what = positional.offers == Offers::words
                                         ? " -a " + in_quotes(fmt::format("{}", fmt::join(positional.words, " ")))
                                         : std::string(" -F");
            script += fmt::format("complete -c onshi -n {}{}\n", in_quotes(condition), what);
        }
    }
    script.pop_back();
    return script;
}

}  // namespace

std::string completion_script(const CLI::App& root, std::string_view shell) {
    const auto nodes = nodes_of(root);
    if (shell == "bash") return bash_script(nodes);
    if (shell == "zsh") return zsh_script(nodes);
    return shell == "fish" ? fish_script(nodes) : std::string();
}

}  // namespace onshi::cli
