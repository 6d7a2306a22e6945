#include "cli/app.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

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
              "hint: A settings file is wrong. Tell the operator.\n"
              "config.malformed\n");
    TestSurroundings japanese;
    japanese.variables["ONSHI_LANG"] = "ja";
    EXPECT_EQ(japanese.run({"config", "check", "--config", "/nonexistent.toml"}), 7);
    EXPECT_TRUE(contains(japanese.err.str(), "エラー: 設定ファイルを読めないか")) << japanese.err.str();
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
        {{"card", "read", "--card-image", "/nonexistent"}, 7},
    };
    for (const auto& [words, expected] : cases) {
        TestSurroundings s;
        EXPECT_EQ(s.run(words), expected) << s.err.str();
    }
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
