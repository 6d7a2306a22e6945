#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace onshi::cli {

// What a long-running command does when it is told to end.
// What the end of the terminal (SIGHUP) means: nothing to a server, the end to what a person started beside their work.
enum class Hangup : std::uint8_t { ignored, stops };

struct SignalActions {
    // First SIGTERM or SIGINT, or SIGHUP where that stops. Called again and again until the watch ends, so that one
    // that came too early is not lost.
    std::function<void()> stop;
    // Once, on the first SIGINT: tells the person about the second one.
    std::function<void()> tell;
    Hangup hangup = Hangup::ignored;
};

// Takes SIGTERM and SIGINT on a thread of its own; blocks them, and SIGHUP, in every thread that is started later, so
// make it before other threads. A second SIGINT ends the process at once with 130. One per process; owns its thread.
class SignalWatch {
  public:
    explicit SignalWatch(SignalActions actions);
    ~SignalWatch();
    SignalWatch(const SignalWatch&) = delete;
    SignalWatch& operator=(const SignalWatch&) = delete;
    // Signals are acted on from here on; earlier ones wait.
    void start();
    // After this no action is called any more. Call it before what the actions refer to goes away.
    void finish();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace onshi::cli
