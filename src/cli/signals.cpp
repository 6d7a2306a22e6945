#include "cli/signals.h"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <pthread.h>
#include <stop_token>
#include <thread>
#include <unistd.h>

#include "cli/exit.h"

namespace onshi::cli {

struct SignalWatch::Impl {
    SignalActions actions;
    sigset_t watched{};
    sigset_t before{};
    std::jthread thread;

    void watch(const std::stop_token& ended) const {
        bool stopping = false;
        int interrupts = 0;
        while (!ended.stop_requested()) {
            // Short, so that the end of the command is seen soon.
            const timespec patience{0, 200'000'000};
            const int signal = sigtimedwait(&watched, nullptr, &patience);
            if (signal == SIGINT && ++interrupts == 2) ::_exit(static_cast<int>(Exit::interrupted));
            if (signal == SIGINT && interrupts == 1 && actions.tell) actions.tell();
            const bool hung_up = signal == SIGHUP && actions.hangup == Hangup::stops;
            stopping = stopping || signal == SIGINT || signal == SIGTERM || hung_up;
            if (stopping) actions.stop();
        }
    }
};

SignalWatch::SignalWatch(SignalActions actions) : impl_(std::make_unique<Impl>()) {
    impl_->actions = std::move(actions);
    sigemptyset(&impl_->watched);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&impl_->watched, signal);
    pthread_sigmask(SIG_BLOCK, &impl_->watched, &impl_->before);
}

void SignalWatch::finish() {
    impl_->thread = {};
}

SignalWatch::~SignalWatch() {
    finish();
    pthread_sigmask(SIG_SETMASK, &impl_->before, nullptr);
}

void SignalWatch::start() {
    impl_->thread = std::jthread([impl = impl_.get()](const std::stop_token& ended) { impl->watch(ended); });
}

}  // namespace onshi::cli
