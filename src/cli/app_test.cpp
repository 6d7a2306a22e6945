#include "cli/app.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "cli/console.h"
#include "cli/list_writer.h"
#include "cli/session.h"
#include "cli/test_surroundings.h"

namespace onshi::cli {
namespace {

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST(Program, without_a_command_shows_help_on_stderr_and_is_wrong_usage) {
    TestSurroundings s;
    EXPECT_EQ(s.run({}), 2);
    EXPECT_TRUE(s.out.str().empty());
    EXPECT_TRUE(contains(s.err.str(), "eligibility"));
}

TEST(Program, help_shows_examples_before_options_and_goes_to_stdout) {
    TestSurroundings s;
    EXPECT_EQ(s.run({"eligibility", "get", "--help"}), 0);
    const std::string help = s.out.str();
    EXPECT_LT(help.find("Examples:"), help.find("Options:"));
    EXPECT_TRUE(contains(help, "Usage: onshi eligibility get"));
    TestSurroundings again;
    EXPECT_EQ(again.run({"help", "eligibility", "get"}), 0);
    EXPECT_EQ(again.out.str(), help);
}

TEST(Program, every_help_text_has_its_japanese) {
    CommandTree tree;
    add_all_commands(tree);
    for (const auto& text : tree.help_texts()) {
        bool known = text.empty() || find_text(Language::ja, text, Audience::label).has_value();
        for (const auto& setting : setting_table().all()) known = known || setting.en == text;
        EXPECT_TRUE(known) << text;
    }
}

TEST(Program, help_is_shown_in_the_language_of_the_user) {
    TestSurroundings s;
    s.variables["ONSHI_LANG"] = "ja";
    EXPECT_EQ(s.run({"server", "run", "--help"}), 0);
    for (const char* part : {"ハブを、止めるまで動かす。", "使い方", "例:", "オプション", "設定"}) {
        EXPECT_TRUE(contains(s.out.str(), part)) << part << s.out.str();
    }
}

TEST(Program, no_option_takes_a_secret) {
    for (const std::vector<std::string>& words : {std::vector<std::string>{"eligibility", "get", "--pin", "1234"},
                                                  {"card", "read", "--pin", "1234"},
                                                  {"terminal", "enrol", "--code", "X"}}) {
        EXPECT_EQ(TestSurroundings().run(words), 2);
    }
}

TEST(Program, what_was_mistyped_is_answered_with_the_nearest_name) {
    TestSurroundings s;
    EXPECT_EQ(s.run({"server", "statsu"}), 2);
    EXPECT_TRUE(contains(s.err.str(), "did you mean status?")) << s.err.str();
    EXPECT_TRUE(contains(s.err.str(), "command.usage"));
}

TEST(Program, a_failure_says_what_why_what_to_do_and_its_code_in_the_language_of_the_user) {
    TestSurroundings english;
    EXPECT_EQ(english.run({"config", "check", "--config", "/nonexistent.toml"}), 7);
    EXPECT_EQ(english.err.str(),
              "error: The settings file cannot be read or is not valid TOML.\n"
              "cause: /nonexistent.toml does not exist\n"
              "hint: Check the path; correct the line that the cause names and test it with onshi config check "
              "--config FILE.\n"
              "config.malformed\n");
    TestSurroundings japanese;
    japanese.variables["ONSHI_LANG"] = "ja";
    EXPECT_EQ(japanese.run({"config", "check", "--config", "/nonexistent.toml"}), 7);
    EXPECT_TRUE(contains(japanese.err.str(), "エラー: 設定ファイルを読めないか")) << japanese.err.str();
}

// Whoever reads the command line is the operator.
TEST(Program, no_hint_sends_the_operator_to_the_operator) {
    for (std::uint16_t i = 0; i < error_code_count; ++i) {
        for (const auto& [language, words] :
             {std::pair<const char*, std::vector<std::string_view>>{"en", {"the operator", "administrator"}},
              {"ja", {"運用者に", "管理者に"}}}) {
            const Error error{static_cast<ErrorCode>(i), ""};
            TestSurroundings s;
            s.variables["ONSHI_LANG"] = language;
            Console(s.get()).failure(error);
            const std::string shown = s.err.str();
            const auto at = shown.find(language[0] == 'e' ? "hint:" : "対処:");
            // A sentence with a parameter that is not known here is left out.
            const std::string hint = at == std::string::npos ? std::string() : shown.substr(at);
            for (const auto word : words) EXPECT_FALSE(contains(hint, word)) << hint;
        }
    }
}

TEST(Program, a_hub_that_does_not_run_is_answered_with_how_to_start_it) {
    TestSurroundings s;
    EXPECT_EQ(s.run({"server", "status", "--metrics-port", "1"}), 6);
    EXPECT_TRUE(contains(s.err.str(), "hint: Start it with onshi server run --config FILE")) << s.err.str();
    EXPECT_TRUE(contains(s.err.str(), "server.not_running"));
}

TEST(Program, a_card_image_that_does_not_exist_is_an_unreadable_file) {
    TestSurroundings s;
    EXPECT_EQ(s.run({"card", "read", "--card-image", "/nonexistent/001.json"}), 1);
    EXPECT_TRUE(contains(s.err.str(), "/nonexistent/001.json")) << s.err.str();
    EXPECT_TRUE(contains(s.err.str(), "file.unreadable")) << s.err.str();
}

TEST(Program, with_json_a_failure_is_one_problem_object_on_stderr_also_when_nothing_was_understood) {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"errors", "show", "no.such", "--json"}, {"nonsense", "--json"}}) {
        TestSurroundings s;
        EXPECT_NE(s.run(words), 0);
        EXPECT_TRUE(s.out.str().empty());
        const std::string line = s.err.str();
        EXPECT_EQ(line.front(), '{');
        EXPECT_EQ(line.find('\n'), line.size() - 1);
        EXPECT_TRUE(contains(line, "\"code\":\""));
    }
}

TEST(Program, exit_codes_follow_the_table) {
    const std::pair<std::vector<std::string>, int> cases[] = {
        {{"version"}, 0},
        {{"errors", "show", "no.such.code"}, 3},
        {{"eligibility", "get"}, 2},
        {{"eligibility", "get", "--card-image", "x", "--insurer", "1"}, 2},
        {{"eligibility", "get", "--insurer", "06139463", "--number", "1", "--birth", "1985-04-12"}, 7},
        {{"audit", "verify"}, 7},
        {{"db", "migrate", "--store", "/tmp/never"}, 2},
        {{"server", "status", "--metrics-port", "1"}, 6},
        {{"card", "read", "--card-image", "/nonexistent"}, 1},
    };
    for (const auto& [words, expected] : cases) {
        TestSurroundings s;
        EXPECT_EQ(s.run(words), expected) << s.err.str();
    }
}

TEST(Program, what_needs_a_person_says_so_where_there_is_none) {
    TestSurroundings question;
    EXPECT_EQ(question.run({"db", "migrate", "--store", "/nonexistent/onshi"}), 2);
    EXPECT_TRUE(contains(question.err.str(), "command.confirmation")) << question.err.str();
    TestSurroundings secret;
    EXPECT_EQ(secret.run({"terminal", "enrol", "--hub", "https://localhost", "--server-ca", "/proc/self/status",
                          "--out", "/nonexistent/desk"}),
              2);
    EXPECT_TRUE(contains(secret.err.str(), "command.secret_needed")) << secret.err.str();
}

TEST(Program, a_list_comes_in_the_format_that_was_asked_for) {
    const auto shown = [](const char* format) {
        TestSurroundings s;
        EXPECT_EQ(s.run({"errors", "list", "--format", format}), 0);
        return s.out.str();
    };
    EXPECT_TRUE(shown("csv").starts_with("code,http_status,exit,retry,after_ms,vendor\naccount.unknown,403,4,"));
    EXPECT_TRUE(shown("json").starts_with("[{\"schema\":"));
    EXPECT_TRUE(shown("json").ends_with("}\n]\n"));
    EXPECT_TRUE(shown("ndjson").starts_with("{\"schema\":"));
    EXPECT_TRUE(shown("table").starts_with("account.unknown  "));
    TestSurroundings config;
    EXPECT_EQ(config.run({"config", "show", "--format", "csv"}), 0);
    EXPECT_TRUE(config.out.str().starts_with("key,value,default,origin,where\n"));
    EXPECT_EQ(TestSurroundings().run({"version", "--format", "csv"}), 2);
    EXPECT_EQ(TestSurroundings().run({"errors", "list", "--format", "csv", "--json"}), 2);
    EXPECT_EQ(csv_line({"", "a,b", "say \"x\"", "plain"}), R"(,"a,b","say ""x""",plain)");
}

TEST(Program, verbose_tells_where_a_failure_arose) {
    TestSurroundings s;
    EXPECT_EQ(s.run({"errors", "show", "no.such", "--verbose"}), 3);
    EXPECT_TRUE(contains(s.err.str(), "cmd_errors.cpp:")) << s.err.str();
}

TEST(Program, a_reader_that_has_seen_enough_ends_it_quietly) {
    std::ofstream gone("/dev/full");
    std::ostringstream err;
    Surroundings surroundings{gone, err, {}};
    surroundings.reader_is_gone = [] { return true; };
    EXPECT_EQ(run_program(std::vector<std::string>{"errors", "list"}, surroundings), 0);
    EXPECT_EQ(err.str(), "");
}

TEST(Program, an_unwritable_standard_output_is_a_failure) {
    std::ofstream full("/dev/full");
    std::ostringstream err;
    EXPECT_EQ(run_program(std::vector<std::string>{"errors", "list"}, Surroundings{full, err, {}}), 1);
    EXPECT_TRUE(contains(err.str(), "file.unwritable"));
}

TEST(Program, colours_are_shown_on_a_terminal_only_and_never_with_no_color) {
    struct Case {
        bool terminal;
        std::map<std::string, std::string> variables;
        std::vector<std::string> words;
        bool coloured;
    };
    const Case cases[] = {
        {true, {{"TERM", "xterm"}}, {}, true},
        {false, {{"TERM", "xterm"}}, {}, false},
        {true, {{"TERM", "dumb"}}, {}, false},
        {true, {}, {}, false},
        {true, {{"TERM", "xterm"}, {"NO_COLOR", "1"}}, {}, false},
        {true, {{"TERM", "xterm"}}, {"--no-color"}, false},
    };
    for (const auto& c : cases) {
        TestSurroundings s;
        s.out_is_terminal = c.terminal;
        s.variables.insert(c.variables.begin(), c.variables.end());
        std::vector<std::string> words{"server", "check"};
        words.insert(words.end(), c.words.begin(), c.words.end());
        s.run(words);
        EXPECT_EQ(contains(s.out.str(), "\x1b["), c.coloured);
    }
}

TEST(Program, settings_come_from_the_users_file_and_say_so) {
    std::string pattern = (std::filesystem::temp_directory_path() / "onshi-cli-XXXXXX").string();
    const std::filesystem::path home = ::mkdtemp(pattern.data());
    std::filesystem::create_directories(home / "onshi");
    std::ofstream(home / "onshi" / "onshi.toml") << "hub_id = 'mine'\n";
    TestSurroundings s;
    s.variables["XDG_CONFIG_HOME"] = home;
    EXPECT_EQ(s.run({"config", "show", "--origin"}), 0);
    EXPECT_TRUE(contains(s.out.str(), "\"mine\"")) << s.out.str();
    EXPECT_TRUE(contains(s.out.str(), "user_file " + (home / "onshi" / "onshi.toml").string() + ":1"));
    std::filesystem::remove_all(home);
}

TEST(Exit, is_told_by_the_code) {
    const std::pair<ErrorCode, Exit> cases[] = {
        {ErrorCode::role_missing, Exit::not_allowed},   {ErrorCode::card_unknown, Exit::not_found},
        {ErrorCode::store_conflict, Exit::conflict},    {ErrorCode::peer_untrusted, Exit::try_again},
        {ErrorCode::overload_rate, Exit::try_again},    {ErrorCode::certificate_expired, Exit::configuration},
        {ErrorCode::config_value, Exit::configuration}, {ErrorCode::audit_broken, Exit::failed},
        {ErrorCode::command_usage, Exit::usage},        {ErrorCode::command_interrupted, Exit::interrupted},
        {ErrorCode::internal_unexpected, Exit::failed}, {ErrorCode::card_removed, Exit::try_again},
        {ErrorCode::card_suspended, Exit::not_allowed}, {ErrorCode::store_unavailable, Exit::try_again},
    };
    for (const auto& [code, expected] : cases) EXPECT_EQ(exit_of(code), expected) << error_name(code);
}

// What bash offers after these words, the last one being typed.
std::string bash_offers(const std::string& script, const std::string& words, int position) {
    std::string pattern = (std::filesystem::temp_directory_path() / "onshi-completion-XXXXXX").string();
    const std::filesystem::path folder = ::mkdtemp(pattern.data());
    std::ofstream(folder / "script") << script;
    const std::string command = "bash --norc -c 'source " + (folder / "script").string() + "; COMP_WORDS=(" + words +
                                "); COMP_CWORD=" + std::to_string(position) +
                                "; _onshi; echo \"${COMPREPLY[@]}\"' 2>&1";
    std::FILE* pipe = ::popen(command.c_str(), "r");
    std::string offered;
    char buffer[4096];
    while (pipe != nullptr && std::fgets(buffer, sizeof buffer, pipe) != nullptr) offered += buffer;
    if (pipe != nullptr) ::pclose(pipe);
    std::filesystem::remove_all(folder);
    return offered;
}

TEST(Completion, bash_offers_nouns_verbs_options_and_words_from_the_tree) {
    TestSurroundings s;
    ASSERT_EQ(s.run({"completion", "bash"}), 0);
    const std::string script = s.out.str();
    EXPECT_EQ(bash_offers(script, "onshi elig", 1), "eligibility\n");
    EXPECT_EQ(bash_offers(script, "onshi server st", 2), "status\n");
    EXPECT_EQ(bash_offers(script, "onshi server run --ready", 3), "--ready-file\n");
    EXPECT_EQ(bash_offers(script, "onshi --json server run --profile \"\"", 5), "demo production\n");
    EXPECT_EQ(bash_offers(script, "onshi completion f", 2), "fish\n");
}

TEST(Completion, every_shell_gets_every_command) {
    for (const char* shell : {"bash", "zsh", "fish"}) {
        TestSurroundings s;
        ASSERT_EQ(s.run({"completion", shell}), 0);
        for (const char* word :
             {"eligibility", "suspend", "enrol", "verify", "card-image", "spend-last-try", "ready-file"}) {
            EXPECT_TRUE(contains(s.out.str(), word)) << shell << " " << word;
        }
    }
}

}  // namespace
}  // namespace onshi::cli
