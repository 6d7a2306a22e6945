#pragma once

#include <functional>
#include <memory>

namespace onshi::cli {

// What a long-running command does when it is told to end.
struct SignalActions {
    // First SIGTERM or SIGINT. Called again and again until the watch ends, so that one that came too early is not
    // lost.
    std::function<void()> stop;
    // Once, on the first SIGINT: tells the person about the second one.
    std::function<void()> tell;
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
