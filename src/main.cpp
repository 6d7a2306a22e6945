// The one program: `onshi <noun> <verb>`.
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <poll.h>
#include <string>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vector>

#include "cli/app.h"

namespace {

std::optional<std::string> from_environment(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

bool reader_is_gone() {
    pollfd out{STDOUT_FILENO, POLLOUT, 0};
    return ::poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

std::size_t terminal_columns() {
    winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
    return size.ws_col;
}

}  // namespace

int main(int argc, char** argv) {
    // A reader that goes away (`| head`) is an error of the write, not the end of a server.
    std::signal(SIGPIPE, SIG_IGN);
    std::ios::sync_with_stdio(false);
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    onshi::cli::Surroundings surroundings{std::cout, std::cerr, from_environment};
    surroundings.interactive = ::isatty(STDERR_FILENO) == 1 && ::isatty(STDIN_FILENO) == 1;
    surroundings.out_is_terminal = ::isatty(STDOUT_FILENO) == 1;
    surroundings.reader_is_gone = reader_is_gone;
    surroundings.columns = terminal_columns();
    return onshi::cli::run_program(arguments, surroundings);
}
