#pragma once

#include <string>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "cli/session.h"
#include "cli/terminal_profile.h"
#include "platform/event_loop/event_loop.h"
#include "platform/http/client.h"

namespace onshi::cli {

// What one request may take, retries included.
inline constexpr std::chrono::milliseconds request_deadline{20'000};

// A hub as one terminal (or nobody yet) talks to it; tries again as the catalogue advises. All its requests carry one
// trace id, which failures name. Used on one loop; owns its connections, see run_conversation.
class HubConnection {
  public:
    [[nodiscard]] static Result<HubConnection> open(const HubAddress& address, http::ClientTls tls, Session& session);
    // The body of a good answer. `replay`: whether the request carries its own identity (a check id).
    [[nodiscard]] Task<Result<std::string>> post(std::string target, std::string body, http::Replay replay);
    // Before the loop ends.
    void close() { client_.close_idle(); }

  private:
    HubConnection(http::Client client, std::string address, Session& session, const TraceId& trace)
        : client_(std::move(client)),
          address_(std::move(address)),
          console_(&session.console()),
          language_(session.console().language()),
          random_(&session.random()),
          trace_(trace) {}
    http::Client client_;
    std::string address_;
    Console* console_;
    Language language_;
    Random* random_;
    TraceId trace_;
};

namespace hub_connection_detail {

template <class T>
Task<T> close_afterwards(HubConnection& hub, Task<T> task) {
    auto result = co_await std::move(task);
    hub.close();
    co_return result;
}

}  // namespace hub_connection_detail

// Runs one conversation on a loop of its own and ends its connections with it: they belong to that loop.
template <class T>
[[nodiscard]] T run_conversation(HubConnection& hub, Task<T> task) {
    return run_to_end(hub_connection_detail::close_afterwards(hub, std::move(task)));
}

// Loads the terminal's key and certificate and opens.
[[nodiscard]] Result<HubConnection> connect_as(const TerminalProfile& profile, Session& session);

}  // namespace onshi::cli
