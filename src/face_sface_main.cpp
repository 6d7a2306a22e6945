// The engine that compares faces with OpenCV: `onshi-face-sface serve`, `models check`, `calibrate`, `aim`.
#include <csignal>
#include <iostream>
#include <unistd.h>

#include "face_sface/commands.h"

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    return onshi::sface::run_program(arguments, {std::cout, std::cerr, ::isatty(STDERR_FILENO) == 1});
}
