#include "domain/eligibility/webhooks.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "base/bytes.h"
#include "domain/audit/chain.h"

namespace onshi::eligibility {

namespace {

using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

// Of a webhook that has nothing to send.
constexpr std::int64_t idle = std::numeric_limits<std::int64_t>::max();

#define ONSHI_WEBHOOK_COLUMNS "organisation_key, url, generation, delivered_upto, failures, next_try_at, version"

const Statement select_webhook("eligibility.select_webhook", Store::ledger, ShardKey::organisation,
                               "SELECT " ONSHI_WEBHOOK_COLUMNS " FROM webhook WHERE organisation_key = $1");
const Statement select_due("eligibility.select_due_webhooks", Store::ledger, ShardKey::none,
                           "SELECT " ONSHI_WEBHOOK_COLUMNS
                           " FROM webhook WHERE next_try_at <= $1 "
                           "ORDER BY next_try_at, organisation_key LIMIT $2");
const Statement insert_webhook("eligibility.insert_webhook", Store::ledger, ShardKey::organisation,
                               "INSERT INTO webhook (" ONSHI_WEBHOOK_COLUMNS
                               ") VALUES ($1, $2, 1, 0, 0, $3, 1) "
                               "ON CONFLICT (organisation_key) DO NOTHING");
const Statement update_url("eligibility.update_webhook_url", Store::ledger, ShardKey::organisation,
                           "UPDATE webhook SET url = $2, generation = generation + 1, failures = 0, next_try_at = $3, "
                           "version = version + 1 WHERE organisation_key = $1 AND version = $4");
const Statement update_progress("eligibility.update_webhook", Store::ledger, ShardKey::organisation,
                                "UPDATE webhook SET delivered_upto = $2, failures = $3, next_try_at = $4, "
                                "version = version + 1 WHERE organisation_key = $1 AND version = $5");
// Removing is setting nothing: the row stays, so that an old version is never taken for a new one.
const Statement update_removed("eligibility.remove_webhook", Store::ledger, ShardKey::organisation,
                               "UPDATE webhook SET url = '', next_try_at = $2, version = version + 1 "
                               "WHERE organisation_key = $1 AND version = $3");
const Statement wake("eligibility.wake_webhook", Store::ledger, ShardKey::organisation,
                     "UPDATE webhook SET next_try_at = CASE WHEN next_try_at = $3 THEN $2 ELSE next_try_at END, "
                     "version = version + 1 WHERE organisation_key = $1 AND url <> ''");

#undef ONSHI_WEBHOOK_COLUMNS

Webhook decode_webhook(const Row& row) {
    Webhook webhook;
    webhook.organisation = OrganisationKey(row.integer(0));
    webhook.url = row.text(1);
    webhook.generation = row.integer(2);
    webhook.delivered_upto = row.integer(3);
    webhook.failures = row.integer(4);
    if (row.integer(5) != idle) webhook.next_try_at = Instant{row.integer(5)};
    webhook.version = row.integer(6);
    return webhook;
}

std::string payload_of(OrganisationKey organisation, std::string_view url) {
    std::string payload;
    ByteWriter writer(payload);
    writer.i64(organisation.value());
    writer.text(url);
    return payload;
}

}  // namespace

Result<WebhookAddress> parse_webhook_url(std::string_view url, WebhookReach reach) {
    const auto refuse = [] { return fail(ErrorCode::webhook_address, "https://host[:port]/path"); };
    constexpr std::string_view https = "https://";
    constexpr std::string_view http = "http://";
    WebhookAddress address;
    const bool plain = url.starts_with(http);
    const bool sane =
        url.size() <= webhook_url_max && std::ranges::all_of(url, [](char c) { return c > ' ' && c < 0x7F; });
    if (!sane || (!plain && !url.starts_with(https))) return refuse();
    address.tls = !plain;
    address.port = plain ? 80 : 443;
    url.remove_prefix(plain ? http.size() : https.size());
    const std::string_view authority = url.substr(0, url.find_first_of("/?#"));
    address.target = url.substr(authority.size());
    if (address.target.empty()) address.target = "/";
    if (!address.target.starts_with('/') || address.target.find('#') != std::string::npos) return refuse();
    if (authority.find_first_of("@[]\\%") != std::string_view::npos) return refuse();
    const auto colon = authority.find(':');
    address.host = authority.substr(0, colon);
    if (address.host.empty()) return refuse();
    if (colon != std::string_view::npos) {
        const std::string_view digits = authority.substr(colon + 1);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
        const bool whole = error == std::errc() && end == digits.data() + digits.size() && address.port != 0;
        if (!whole) return refuse();
    }
    const bool loopback = address.host == "127.0.0.1" || address.host == "localhost";
    // An address in figures is somebody's inner network; certificates of the outside name hosts.
    const bool figures = std::ranges::all_of(address.host, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
    if (reach == WebhookReach::loopback_too && loopback) return address;
    if (plain || loopback || figures || address.host.find('.') == std::string::npos) return refuse();
    return address;
}

std::chrono::seconds webhook_wait(std::int64_t failures, std::uint64_t draw) {
    const std::int64_t doublings = std::clamp<std::int64_t>(failures - 1, 0, 16);
    const std::int64_t whole =
        std::min<std::int64_t>(webhook_first_wait.count() << doublings, webhook_wait_max.count());
    // Spread, so that those who failed together do not come back together.
    const auto spread = static_cast<std::int64_t>(draw % static_cast<std::uint64_t>(whole / 2 + 1));
    return std::chrono::seconds(whole - whole / 4 + spread);
}

std::string webhook_secret(const pki::HmacKey& key, OrganisationKey organisation, std::int64_t generation) {
    std::string text = "onshi-webhook-v1\n";
    ByteWriter writer(text);
    writer.i64(organisation.value());
    writer.i64(generation);
    const Sha256 mac = key.mac(as_bytes(text));
    return to_hex(Bytes(mac));
}

std::string webhook_signature(std::string_view secret, Instant at, std::string_view body) {
    const std::int64_t seconds = at.us / 1'000'000;
    const std::string stamp = fmt::format("{}.", seconds);
    const auto key = pki::HmacKey::create(as_bytes(secret));
    if (!key) return {};
    const Sha256 mac = key->mac({as_bytes(stamp), as_bytes(body)});
    return fmt::format("t={},v1={}", seconds, to_hex(Bytes(mac)));
}

Task<Result<Webhook>> Webhooks::find(OrganisationKey organisation, Deadline deadline) {
    sql::ReadBatch batch;
    const auto found = batch.one(select_webhook, decode_webhook, organisation.value());
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    if (!found || found->url.empty()) co_return fail(ErrorCode::webhook_unknown, "no address");
    co_return *found;
}

Task<Result<Webhook>> Webhooks::put(const audit::Actor& actor, std::string url, Deadline deadline) {
    sql::ReadBatch batch;
    const auto found = batch.one(select_webhook, decode_webhook, actor.organisation.value());
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    // The same address again is a receiver that is well again: it keeps its secret and is tried at once.
    Webhook webhook;
    if (found) webhook = *found;
    if (webhook.url == url && webhook.failures == 0) co_return webhook;
    const Instant now = clock_.now();
    sql::WriteSet set(Store::ledger);
    if (webhook.version == 0) {
        set.guard(insert_webhook, 1, actor.organisation.value(), url, now.us);
        webhook.generation = 1;
    } else if (webhook.url == url) {
        set.guard(update_progress, 1, actor.organisation.value(), webhook.delivered_upto, 0, now.us, webhook.version);
    } else {
        set.guard(update_url, 1, actor.organisation.value(), url, now.us, webhook.version);
        ++webhook.generation;
    }
    const std::string payload = payload_of(actor.organisation, url);
    audit::attach_record(set, audit::Event::webhook_changed, actor, now, payload, random_);
    auto committed = co_await database_.commit(std::move(set), deadline);
    if (!committed) co_return fail(std::move(committed));
    webhook.organisation = actor.organisation;
    webhook.url = std::move(url);
    webhook.failures = 0;
    webhook.next_try_at = now;
    ++webhook.version;
    co_return webhook;
}

Task<Result<void>> Webhooks::remove(const audit::Actor& actor, Deadline deadline) {
    auto found = co_await find(actor.organisation, deadline);
    if (!found) co_return fail(std::move(found));
    sql::WriteSet set(Store::ledger);
    set.guard(update_removed, 1, actor.organisation.value(), idle, found->version);
    const std::string payload = payload_of(actor.organisation, {});
    audit::attach_record(set, audit::Event::webhook_changed, actor, clock_.now(), payload, random_);
    auto committed = co_await database_.commit(std::move(set), deadline);
    if (!committed) co_return fail(std::move(committed));
    co_return Result<void>();
}

Task<Result<bool>> Webhooks::move(const Webhook& webhook, std::int64_t upto, std::int64_t failures,
                                  std::optional<Instant> next, Deadline deadline) {
    sql::WriteSet set(Store::ledger);
    set.guard(update_progress, 1, webhook.organisation.value(), upto, failures, next ? next->us : idle,
              webhook.version);
    auto committed = co_await database_.commit(std::move(set), deadline);
    if (committed) co_return true;
    if (committed.error().code != ErrorCode::store_conflict) co_return fail(std::move(committed));
    co_return false;
}

Task<Result<std::vector<Webhook>>> Webhooks::claim_due(Deadline deadline) {
    const Instant now = clock_.now();
    sql::ReadBatch batch;
    const auto due = batch.many(select_due, webhooks_due_max, decode_webhook, now.us, webhooks_due_max);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    std::vector<Webhook> claimed;
    for (const Webhook& webhook : due) {
        sql::WriteSet set(Store::ledger);
        const Instant until = now + std::chrono::microseconds(webhook_lease);
        set.guard(update_progress, 1, webhook.organisation.value(), webhook.delivered_upto, webhook.failures, until.us,
                  webhook.version);
        auto committed = co_await database_.commit(std::move(set), deadline);
        if (!committed && committed.error().code == ErrorCode::store_conflict) continue;
        if (!committed) co_return fail(std::move(committed));
        claimed.push_back(webhook);
        ++claimed.back().version;
    }
    co_return claimed;
}

Task<Result<void>> Webhooks::delivered(const Webhook& webhook, std::int64_t upto, bool more, Deadline deadline) {
    const Instant now = clock_.now();
    const std::int64_t reached = std::max(upto, webhook.delivered_upto);
    auto moved = co_await move(webhook, reached, 0, more ? std::optional(now) : std::nullopt, deadline);
    if (!moved) co_return fail(std::move(moved));
    if (*moved) co_return Result<void>();
    // A correction was made meanwhile, or another address was set, which is told everything anew from where this one
    // is.
    auto fresh = co_await find(webhook.organisation, deadline);
    if (!fresh && fresh.error().code == ErrorCode::webhook_unknown) co_return Result<void>();
    if (!fresh) co_return fail(std::move(fresh));
    if (fresh->generation != webhook.generation) co_return Result<void>();
    moved = co_await move(*fresh, reached, 0, now, deadline);
    if (!moved) co_return fail(std::move(moved));
    co_return Result<void>();
}

Task<Result<void>> Webhooks::failed(const Webhook& webhook, Deadline deadline) {
    std::array<std::uint8_t, 8> drawn{};
    random_.fill(drawn);
    ByteReader bits(drawn);
    const std::int64_t failures = webhook.failures + 1;
    std::optional<Instant> next = clock_.now() + std::chrono::microseconds(webhook_wait(failures, bits.u64()));
    if (failures >= webhook_failures_max) next.reset();
    auto moved = co_await move(webhook, webhook.delivered_upto, failures, next, deadline);
    if (!moved) co_return fail(std::move(moved));
    co_return Result<void>();
}

void wake_webhook(sql::WriteSet& set, OrganisationKey organisation, Instant at) {
    set.change(wake, organisation.value(), at.us, idle);
}

}  // namespace onshi::eligibility
