#include "hub/webhook_sender.h"

#include <fstream>
#include <sstream>

#include "domain/eligibility/webhooks.h"
#include "exchange/api/corrections.h"
#include "platform/http/client.h"
#include "platform/telemetry/log.h"

namespace onshi::hub {

namespace {

constexpr std::chrono::milliseconds store_deadline{5'000};
constexpr std::string_view signature_header = "onshi-signature";

}  // namespace

eligibility::WebhookReach webhook_reach(const Settings& settings) {
    return settings.profile == Profile::demo ? eligibility::WebhookReach::loopback_too
                                             : eligibility::WebhookReach::https_only;
}

bool sends_webhooks(const Settings& settings) {
    return settings.profile == Profile::demo || !settings.webhook_roots.empty();
}

Result<std::shared_ptr<WebhookSender>> WebhookSender::open(const Context& context) {
    std::stringstream pem;
    if (!context.settings.webhook_roots.empty()) {
        std::ifstream file(context.settings.webhook_roots, std::ios::binary);
        pem << file.rdbuf();
        const bool sane = file && pem.str().size() <= http::pem_bytes_max;
        if (!sane) return fail(ErrorCode::config_certificate, "webhook_roots cannot be read");
    }
    return std::shared_ptr<WebhookSender>(new WebhookSender(context, pem.str()));
}

Task<Result<void>> WebhookSender::look(const LoopExecutor& executor) {
    if (under_way_ + static_cast<int>(eligibility::webhooks_due_max) > webhook_messages_max) co_return Result<void>();
    eligibility::Webhooks webhooks(context_.database, context_.clock, context_.random);
    auto due = co_await webhooks.claim_due(Deadline::in(store_deadline));
    if (!due) co_return fail(std::move(due));
    for (eligibility::Webhook& webhook : *due) {
        ++under_way_;
        spawn(executor, send(shared_from_this(), std::move(webhook)));
    }
    co_return Result<void>();
}

Task<Result<void>> WebhookSender::post(const eligibility::Webhook& webhook, std::string body, Deadline deadline) {
    auto address = eligibility::parse_webhook_url(webhook.url, webhook_reach(context_.settings));
    if (!address) co_return fail(std::move(address));
    http::ClientOptions options;
    options.host = address->host;
    options.port = address->port;
    options.response_bytes_max = webhook_response_bytes_max;
    if (address->tls) {
        http::ClientTls tls;
        tls.server_anchors.pem = roots_;
        options.tls = std::move(tls);
    }
    auto client = http::Client::make(std::move(options));
    if (!client) co_return fail(std::move(client));
    http::ClientRequest request;
    request.method = http::Method::post;
    request.target = address->target;
    const std::string secret =
        eligibility::webhook_secret(context_.secrets.pseudonym, webhook.organisation, webhook.generation);
    request.headers.push_back({signature_header, eligibility::webhook_signature(secret, context_.clock.now(), body)});
    request.body = std::move(body);
    auto response = co_await client->send(request, deadline);
    if (!response) co_return fail(std::move(response));
    const bool taken = response->status >= 200 && response->status < 300;
    if (!taken) co_return fail(ErrorCode::peer_refused, "not a 2xx answer");
    co_return Result<void>();
}

Task<void> WebhookSender::send(std::shared_ptr<WebhookSender> self, eligibility::Webhook webhook) {
    const Context& context = self->context_;
    eligibility::Webhooks webhooks(context.database, context.clock, context.random);
    eligibility::Corrections corrections(context.database, context.clock);
    const Deadline reading = Deadline::in(store_deadline);
    auto events = co_await corrections.list(webhook.organisation, webhook.delivered_upto, reading);
    Result<void> sent;
    if (!events) sent = fail(std::move(events));
    const bool has_news = events && !events->empty();
    if (has_news) {
        std::string body = api::write_corrections(*events, context.secrets.receipt);
        sent = co_await self->post(webhook, std::move(body), Deadline::in(webhook_message_time));
    }
    const Deadline writing = Deadline::in(store_deadline);
    Result<void> noted;
    if (sent) {
        const std::int64_t upto = has_news ? events->back().id : webhook.delivered_upto;
        const bool more = has_news && events->size() == eligibility::corrections_page_max;
        noted = co_await webhooks.delivered(webhook, upto, more, writing);
    } else {
        log_failure(Level::info, "eligibility.webhook_failed", sent.error());
        noted = co_await webhooks.failed(webhook, writing);
    }
    // The lease ends by itself, and everything is sent again then.
    if (!noted) log_failure(Level::warn, "eligibility.webhook_not_noted", noted.error());
    --self->under_way_;
}

}  // namespace onshi::hub
