#include "exchange/api/webhooks.h"

#include "exchange/api/values.h"
#include "platform/text_formats/json_reader.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::api {

Result<std::string> parse_webhook(std::string_view body) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    std::string url;
    auto read = document->read([&](JsonObject& object) { url = object.text("url", eligibility::webhook_url_max); });
    if (!read) return fail(std::move(read));
    return url;
}

std::string write_webhook(const eligibility::Webhook& webhook, std::string_view secret) {
    std::string json;
    JsonWriter writer(json);
    writer.begin_object();
    writer.member("url", webhook.url);
    writer.member("secret", secret);
    writer.member("delivered_upto", webhook.delivered_upto);
    writer.member("failures", webhook.failures);
    const bool stopped = webhook.failures >= eligibility::webhook_failures_max;
    writer.member("stopped", stopped);
    if (webhook.failures > 0 && webhook.next_try_at) writer.member("next_try_at", to_rfc3339(*webhook.next_try_at));
    writer.end_object();
    return json;
}

}  // namespace onshi::api
