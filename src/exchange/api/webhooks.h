#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/eligibility/webhooks.h"

namespace onshi::api {

// `{"url": "…"}`. The address itself is judged by who knows what may be named.
[[nodiscard]] Result<std::string> parse_webhook(std::string_view body);
// With its secret only where it was just made or asked for by its owner.
[[nodiscard]] std::string write_webhook(const eligibility::Webhook& webhook, std::string_view secret);

}  // namespace onshi::api
