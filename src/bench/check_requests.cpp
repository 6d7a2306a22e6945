#include "bench/check_requests.h"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <thread>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/sha256.h"
#include "bench/limits.h"
#include "domain/eligibility/challenges.h"
#include "domain/eligibility/rules.h"
#include "exchange/api/checks.h"
#include "platform/event_loop/event_loop.h"
#include "platform/http/client.h"

namespace onshi::bench {

namespace {

constexpr std::size_t typical_body_bytes = 800;

using Challenges = std::vector<std::string>;

std::optional<Challenges> read_challenges(std::string_view body) {
    boost::system::error_code error;
    const auto document = boost::json::parse({body.data(), body.size()}, error);
    if (error || !document.is_object()) return std::nullopt;
    const auto* list = document.as_object().if_contains("challenges");
    if (list == nullptr || !list->is_array()) return std::nullopt;
    Challenges texts;
    for (const auto& entry : list->as_array()) {
        const auto* object = entry.if_object();
        const auto* text = object == nullptr ? nullptr : object->if_contains("challenge");
        if (text == nullptr || !text->is_string()) return std::nullopt;
        texts.emplace_back(text->as_string());
    }
    return texts;
}

Task<Result<Challenges>> fetch_challenges(http::Client& client, std::size_t count, Deadline deadline) {
    Challenges all;
    all.reserve(count);
    http::ClientRequest request;
    request.method = http::Method::post;
    request.target = "/v1/challenges";
    while (all.size() < count) {
        const auto wanted = std::min(count - all.size(), eligibility::challenges_per_request_max);
        request.body = fmt::format(R"({{"purpose":"check","count":{}}})", wanted);
        auto answer = co_await client.send(request, deadline);
        if (!answer) co_return fail(std::move(answer));
        auto some = read_challenges(answer->body);
        if (!some || some->size() != wanted) co_return fail(ErrorCode::peer_protocol, "challenges");
        std::ranges::move(*some, std::back_inserter(all));
    }
    co_return all;
}

Result<Challenges> challenges_for(const PreparationOrder& order, const BenchTerminal& terminal, std::size_t count,
                                  Deadline deadline) {
    http::ClientOptions options;
    options.host = order.hub.address;
    options.port = order.port;
    options.tls = http::ClientTls{order.hub.anchors, terminal.identity.clone(), order.hub.server_name};
    auto client = http::Client::make(std::move(options));
    if (!client) return fail(std::move(client));
    return run_to_end(fetch_challenges(*client, count, deadline));
}

// What the threads that sign share.
struct Signing {
    const PreparationOrder& order;
    PersonDraw& draw;
    Deadline deadline;
    Date care_day;
    std::atomic<std::uint64_t> found{0};
    std::atomic<std::uint64_t> skipped{0};
    std::atomic<bool> failed{false};
};

// The next person in the order who has a card; nullopt when a whole round found none.
std::optional<BenchCard> draw_card(Signing& signing) {
    while (true) {
        const auto place = __atomic_fetch_add(&signing.draw.next, 1, __ATOMIC_RELAXED);
        auto card = signing.order.cards.card(signing.draw.order.at(place));
        if (card) {
            ++signing.found;
            return card;
        }
        ++signing.skipped;
        if (signing.found == 0 && signing.skipped > signing.draw.order.count()) return std::nullopt;
    }
}

std::optional<std::string> signed_body(const Signing& signing, const BenchTerminal& terminal,
                                       const std::string& challenge, const BenchCard& card, Random& random) {
    eligibility::CardCheck check{.id = CheckId::make(random),
                                 .challenge = challenge,
                                 .care_day = signing.care_day,
                                 .operator_reference = {},
                                 .visual_reason = {},
                                 .face_engine = {},
                                 .authority_key_id = card.authority_key_id,
                                 .serial = card.serial,
                                 .signature = {},
                                 .certificate = {}};
    const std::string id = check.id.text();
    const std::string lines = to_text(eligibility::SignedLines{.hub_id = signing.order.hub.id,
                                                               .facility = terminal.facility,
                                                               .terminal = terminal.id,
                                                               .challenge = challenge,
                                                               .purpose = to_string(check.purpose),
                                                               .method = to_string(check.method),
                                                               .face_engine = {},
                                                               .care_day = check.care_day,
                                                               .operator_reference = {},
                                                               .check_id = id});
    const auto signature = card.key->sign_pkcs1(sha256(as_bytes(lines)));
    if (!signature) return std::nullopt;
    check.signature = as_text(*signature);
    return api::write_card_check(check);
}

void sign_lane(Signing& signing, const BenchTerminal& terminal, const Challenges& challenges, RequestBodies& lane) {
    SystemRandom random;
    lane.reserve(challenges.size(), challenges.size() * typical_body_bytes);
    for (const auto& challenge : challenges) {
        const auto card = draw_card(signing);
        const auto body = card ? signed_body(signing, terminal, challenge, *card, random) : std::nullopt;
        if (!body || signing.deadline.passed() || lane.bytes() + body->size() > prepared_bytes_max) {
            signing.failed = true;
            return;
        }
        lane.add(*body);
    }
}

// Lanes are dealt to the threads one by one as they become free.
void sign_all(Signing& signing, const std::vector<Challenges>& challenges, std::vector<RequestBodies>& lanes) {
    std::atomic<std::size_t> next_lane{0};
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) {
        threads.emplace_back([&] {
            for (std::size_t lane = next_lane++; lane < lanes.size(); lane = next_lane++) {
                if (signing.failed) return;
                sign_lane(signing, signing.order.terminals[lane], challenges[lane], lanes[lane]);
            }
        });
    }
}

}  // namespace

std::size_t Prepared::count() const {
    return std::accumulate(lanes.begin(), lanes.end(), std::size_t{0},
                           [](std::size_t sum, const RequestBodies& lane) { return sum + lane.size(); });
}

std::size_t Prepared::bytes() const {
    return std::accumulate(lanes.begin(), lanes.end(), std::size_t{0},
                           [](std::size_t sum, const RequestBodies& lane) { return sum + lane.bytes(); });
}

Result<Prepared> prepare_checks(const PreparationOrder& order, PersonDraw& draw) {
    if (order.terminals.empty() || order.count < order.terminals.size() || order.count > prepared_requests_max) {
        return fail(ErrorCode::config_value, "number of requests to prepare");
    }
    const auto deadline = Deadline::in(preparation_time_max);
    const std::size_t each = order.count / order.terminals.size();
    std::vector<Challenges> challenges;
    for (const auto& terminal : order.terminals) {
        auto some = challenges_for(order, terminal, each, deadline);
        if (!some) return fail(std::move(some));
        challenges.push_back(std::move(*some));
    }
    Signing signing{.order = order, .draw = draw, .deadline = deadline, .care_day = japan_day(order.clock.now())};
    Prepared prepared;
    prepared.lanes.resize(order.terminals.size());
    sign_all(signing, challenges, prepared.lanes);
    if (signing.failed) {
        return fail(ErrorCode::bench_invalid,
                    fmt::format("{} of {} requests prepared: nobody has a usable card, or it took too long",
                                prepared.count(), order.count));
    }
    prepared.persons_skipped = signing.skipped;
    prepared.rounds = (draw.next + draw.order.count() - 1) / draw.order.count();
    return prepared;
}

}  // namespace onshi::bench
