// POST /v1/capsules (signed by the card), GET /v1/capsule-trust.
#include <algorithm>
#include <array>
#include <mutex>

#include "domain/cards/store.h"
#include "domain/eligibility/rules_use.h"
#include "exchange/api/capsules.h"
#include "exchange/capsule/capsule.h"
#include "hub/parts.h"
#include "platform/cose/cose_sign1.h"
#include "platform/telemetry/log.h"

namespace onshi::hub {

namespace {

using ResponseResult = Result<http::Response>;

constexpr std::size_t card_body_bytes_max = 16 * 1024;
constexpr std::size_t suspended_per_read = 2'000;
// How long one list is handed out: all terminals ask for it, and what it says has to be minutes old at most.
constexpr std::chrono::seconds list_life{30};
constexpr std::int64_t second = 1'000'000;

std::string first(const Sha256& digest, std::size_t bytes) {
    return std::string(as_text(Bytes(digest).first(bytes)));
}

// What the holder may carry away of an answer; nullopt where nobody is eligible.
std::optional<capsule::Capsule> capsule_of(const Context& context, const eligibility::CapsuleAnswer& answer) {
    const auto& given = answer.given.answer;
    const bool valid = given.verdict.result == eligibility::ResultCode::valid;
    if (!valid || !given.verdict.coverage || !given.person) return std::nullopt;
    const auto& coverage = *given.verdict.coverage;
    std::array<std::uint8_t, capsule::id_bytes> id{};
    context.random.fill(id);
    capsule::Capsule capsule;
    capsule.id = as_text(id);
    capsule.issuer = context.settings.hub_id;
    // Whole seconds, as the token has them.
    capsule.issued_at = {given.answered_at.us / second * second};
    capsule.expires_at = capsule.issued_at + std::chrono::microseconds(capsule::life);
    capsule.insurer_number = coverage.insurer.issued();
    capsule.symbol = coverage.symbol;
    capsule.number = coverage.number;
    if (coverage.branch) capsule.branch = coverage.branch->text();
    capsule.name = given.person->name;
    capsule.kana = given.person->kana;
    capsule.birth = given.person->birth;
    if (coverage.copay_percent) capsule.copay_percent = *coverage.copay_percent;
    capsule.limit_category = coverage.limit_category;
    if (coverage.valid_to != Date::open_end) capsule.valid_to = coverage.valid_to;
    capsule.card = first(answer.card, capsule::card_bytes);
    capsule.card_name = first(answer.card_name, capsule::card_name_bytes);
    return capsule;
}

Task<ResponseResult> issue_capsule(const Context& context, http::Request& request, Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    auto message = api::parse_card_check(request.body);
    if (!message) co_return fail(std::move(message));
    if (context.secrets.capsule.empty()) co_return fail(ErrorCode::secret_missing, "capsule.N.key");
    auto answer = co_await context.checks.answer_for_capsule(**terminal, (*message)->check, deadline);
    if (!answer) co_return fail(std::move(answer));
    std::optional<api::IssuedCapsule> issued;
    const auto capsule = capsule_of(context, *answer);
    if (capsule) {
        const auto& key = context.secrets.capsule.front();
        issued = api::IssuedCapsule{capsule::write_capsule(*capsule, key), cose::key_id_of(key.public_point()),
                                    capsule->expires_at};
    }
    co_return http::json_response(api::write_capsule(answer->given, issued, context.secrets.receipt));
}

// The list of keys and revocations, made anew when it has grown old. Thread-safe: loops share it.
class TrustList {
  public:
    [[nodiscard]] std::optional<std::string> present(Instant now) const {
        const std::scoped_lock lock(mutex_);
        if (text_.empty() || now - made_at_ > std::chrono::microseconds(list_life)) return std::nullopt;
        return text_;
    }
    void replace(std::string text, Instant made_at) {
        const std::scoped_lock lock(mutex_);
        // Two loops may have made one; none goes back.
        if (!text_.empty() && made_at < made_at_) return;
        text_ = std::move(text);
        made_at_ = made_at;
    }

  private:
    mutable std::mutex mutex_;
    std::string text_;
    Instant made_at_;
};

// Every card that its holder has stopped; whoever lifts that gets a new capsule, or waits for the next list.
Task<Result<std::vector<std::string>>> revoked_names(const Context& context, Deadline deadline) {
    std::vector<std::string> names;
    std::optional<CardKey> after;
    for (;;) {
        sql::ReadBatch batch;
        const auto page = cards::walk_suspended(batch, after, suspended_per_read);
        auto read = co_await context.database.read(batch, deadline);
        if (!read) co_return fail(std::move(read));
        for (const auto& card : page)
            names.push_back(first(eligibility::capsule_card_name(card), capsule::card_name_bytes));
        if (page.size() < suspended_per_read) break;
        after = page[page.size() - 1];
        if (names.size() + suspended_per_read > capsule::trust_revoked_max) {
            log_event(Level::error, "capsule.revocations_cut", {{"count", names.size()}});
            break;
        }
    }
    std::ranges::sort(names);
    co_return names;
}

Task<ResponseResult> give_trust(const Context& context, TrustList& list, http::Request& request, Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    if (context.secrets.capsule.empty()) co_return fail(ErrorCode::secret_missing, "capsule.N.key");
    const Instant now = context.clock.now();
    auto text = list.present(now);
    if (!text) {
        auto revoked = co_await revoked_names(context, deadline);
        if (!revoked) co_return fail(std::move(revoked));
        capsule::Trust trust;
        trust.issuer = context.settings.hub_id;
        trust.issued_at = now;
        for (const auto& key : context.secrets.capsule) trust.keys.emplace_back(as_text(Bytes(key.public_point())));
        trust.revoked = std::move(*revoked);
        // By the oldest key: whoever holds an older list knows that one, and finds the newer ones in here.
        text = capsule::write_trust(trust, context.secrets.capsule.back());
        list.replace(*text, now);
    }
    co_return http::json_response(api::write_capsule_trust(*text));
}

}  // namespace

void add_capsule_routes(http::Server& server, const Context& context) {
    http::RouteOptions card;
    card.body_bytes_max = card_body_bytes_max;
    server.route(http::Method::post, "/v1/capsules", card, [&context](http::Request& request, Deadline deadline) {
        return issue_capsule(context, request, deadline);
    });
    auto list = std::make_shared<TrustList>();
    server.route(http::Method::get, "/v1/capsule-trust", {},
                 [&context, list](http::Request& request, Deadline deadline) {
                     return give_trust(context, *list, request, deadline);
                 });
}

}  // namespace onshi::hub
