#include "cli/tty.h"

#include <array>
#include <csignal>
#include <poll.h>
#include <pty.h>
#include <string>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "cli/test_surroundings.h"

namespace onshi::cli {
namespace {

// A person at a terminal: a child whose controlling terminal is a new pseudo-terminal runs `act`, we type and look.
class Person {
  public:
    explicit Person(int (*act)()) {
        child_ = ::forkpty(&terminal_, nullptr, nullptr, nullptr);
        if (child_ == 0) ::_exit(act());
    }
    ~Person() { ::close(terminal_); }
    Person(const Person&) = delete;
    Person& operator=(const Person&) = delete;
    void type(std::string_view text) const {
        EXPECT_EQ(::write(terminal_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    // Everything shown until `text` came, or the terminal closed.
    std::string see(std::string_view text) {
        std::array<char, 256> bytes;
        while (shown_.find(text) == std::string::npos) {
            pollfd waiting{terminal_, POLLIN, 0};
            if (::poll(&waiting, 1, 5'000) <= 0) break;
            const auto got = ::read(terminal_, bytes.data(), bytes.size());
            if (got <= 0) break;
            shown_.append(bytes.data(), static_cast<std::size_t>(got));
        }
        return shown_;
    }
    int ended() {
        see("\x01 never shown");
        int status = 0;
        ::waitpid(child_, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    [[nodiscard]] bool echoes() const {
        termios settings{};
        return ::tcgetattr(terminal_, &settings) == 0 && (settings.c_lflag & ECHO) != 0;
    }
    [[nodiscard]] pid_t pid() const { return child_; }

  private:
    int terminal_ = -1;
    pid_t child_ = -1;
    std::string shown_;
};

int ask_for_1234() {
    const auto secret = read_secret_from_terminal("PIN: ");
    if (!secret) return secret.error().code == ErrorCode::command_interrupted ? 42 : 43;
    return secret->equals(as_bytes("1234")) ? 0 : 1;
}

int ask_for_a_word() {
    const auto line = read_line_from_terminal("go on? ");
    return line && *line == "y" ? 0 : 1;
}

// Before what cannot be undone by itself.
int migrate_after_a_question() {
    TestSurroundings s;
    auto surroundings = s.get();
    surroundings.interactive = true;
    const std::vector<std::string> words{"db", "migrate", "--store", "/nonexistent/onshi"};
    const int ended = run_program(words, surroundings);
    return ended == 2 && s.err.str().find("command.declined") != std::string::npos ? 0 : 1;
}

TEST(Terminal, a_no_to_the_question_changes_nothing) {
    Person person(migrate_after_a_question);
    person.see("[y/N] ");
    person.type("n\n");
    EXPECT_EQ(person.ended(), 0);
}

TEST(Terminal, a_secret_is_read_without_being_shown_and_echo_comes_back) {
    Person person(ask_for_1234);
    EXPECT_NE(person.see("PIN: ").find("PIN: "), std::string::npos);
    EXPECT_FALSE(person.echoes());
    person.type("1234\n");
    EXPECT_EQ(person.ended(), 0);
    EXPECT_EQ(person.see("").find("1234"), std::string::npos);
}

TEST(Terminal, the_end_of_input_is_an_interruption) {
    Person person(ask_for_1234);
    person.see("PIN: ");
    person.type("\x04");
    EXPECT_EQ(person.ended(), 42);
}

TEST(Terminal, a_signal_ends_the_question_with_its_usual_effect) {
    Person person(ask_for_1234);
    person.see("PIN: ");
    ::kill(person.pid(), SIGTERM);
    EXPECT_EQ(person.ended(), 128 + SIGTERM);
}

TEST(Terminal, a_line_that_is_too_long_is_refused) {
    Person person(ask_for_1234);
    person.see("PIN: ");
    person.type(std::string(typed_line_bytes_max + 1, '1') + "\n");
    EXPECT_EQ(person.ended(), 43);
}

TEST(Terminal, an_ordinary_question_is_answered_by_a_line) {
    Person person(ask_for_a_word);
    person.see("go on? ");
    person.type("y\n");
    EXPECT_EQ(person.ended(), 0);
}

}  // namespace
}  // namespace onshi::cli
