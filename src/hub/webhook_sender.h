#pragma once

#include <memory>
#include <string>

#include "domain/eligibility/webhooks.h"
#include "hub/parts.h"

namespace onshi::hub {

inline constexpr std::chrono::seconds webhooks_look_every{2};
// Messages under way at one moment; a receiver that is slow keeps one of them, not the others.
inline constexpr int webhook_messages_max = 64;
inline constexpr std::chrono::milliseconds webhook_message_time{10'000};
inline constexpr std::size_t webhook_response_bytes_max = 64 * 1024;

// Which addresses this hub's profile allows, and whether it sends at all.
[[nodiscard]] eligibility::WebhookReach webhook_reach(const Settings& settings);
[[nodiscard]] bool sends_webhooks(const Settings& settings);

// Sends corrections to those who want to be told, from one loop. Borrows the context; lives as long as its messages.
class WebhookSender : public std::enable_shared_from_this<WebhookSender> {
  public:
    // config.certificate for roots that cannot be read.
    [[nodiscard]] static Result<std::shared_ptr<WebhookSender>> open(const Context& context);
    // One round: what is due is sent, each in a coroutine of its own on `executor`'s loop.
    [[nodiscard]] Task<Result<void>> look(const LoopExecutor& executor);

  private:
    WebhookSender(const Context& context, std::string roots) : context_(context), roots_(std::move(roots)) {}
    [[nodiscard]] static Task<void> send(std::shared_ptr<WebhookSender> self, eligibility::Webhook webhook);
    [[nodiscard]] Task<Result<void>> post(const eligibility::Webhook& webhook, std::string body, Deadline deadline);

    const Context& context_;
    std::string roots_;  // PEM
    int under_way_ = 0;
};

}  // namespace onshi::hub
