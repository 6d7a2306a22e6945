// `smartcard_card_program IMAGE --vpcd HOST:PORT [--state FILE]`: plugs a virtual card into a reader until SIGTERM or
// SIGINT. What `onshi card attach` does, as a program of its own for the integration tests.
#include <csignal>
#include <iostream>
#include <pthread.h>
#include <string_view>
#include <thread>
#include <vector>

#include "platform/smartcard/card_program.h"

int main(int argc, char** argv) {
    namespace smartcard = onshi::smartcard;
    const std::vector<std::string_view> words(argv + 1, argv + argc);
    const auto options = smartcard::AttachOptions::parse(words);
    if (!options) {
        std::cerr << options.error().detail << '\n';
        return 2;
    }
    // Signals go to the one thread that waits for them, so that no handler has to do anything.
    sigset_t endings;
    sigemptyset(&endings);
    sigaddset(&endings, SIGTERM);
    sigaddset(&endings, SIGINT);
    pthread_sigmask(SIG_BLOCK, &endings, nullptr);
    std::stop_source stop;
    std::thread([endings, stop]() mutable {
        int signal = 0;
        sigwait(&endings, &signal);
        stop.request_stop();
    }).detach();

    const auto ended =
        smartcard::attach_card(*options, stop.get_token(), [] { std::cout << "card in reader" << std::endl; });
    if (ended) return 0;
    std::cerr << onshi::error_name(ended.error().code) << ": " << ended.error().detail << '\n';
    return 1;
}
