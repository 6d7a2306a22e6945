// POST /v1/challenges, /v1/checks, /v1/checks/by-number, /v1/checks/by-number/bulk, /v1/checks/disaster,
// /v1/checks/{receipt}/consents.
#include <algorithm>
#include <array>

#include "domain/audit/rules.h"
#include "domain/eligibility/rules_use.h"
#include "exchange/api/emergencies.h"
#include "hub/parts.h"

namespace onshi::hub {

namespace {

constexpr std::size_t small_body_bytes_max = 4 * 1024;
constexpr std::chrono::milliseconds check_deadline{5'000};
constexpr std::chrono::milliseconds bulk_deadline{20'000};
// Persons of one bulk request that are looked up at one moment: enough to fill a commit, few enough for others to get
// in.
constexpr std::size_t bulk_workers = 32;
constexpr std::size_t person_ref_bytes = 16;

using ResponseResult = Result<http::Response>;

// design §9.2: a pseudonym per organisation, so that two facilities cannot compare their patients.
std::string person_ref(const Secrets& secrets, OrganisationKey organisation, PersonKey person) {
    std::string text;
    ByteWriter writer(text);
    writer.i64(organisation.value());
    writer.i64(person.value());
    const auto mac = secrets.pseudonym.mac(as_bytes(text));
    return to_base64url(Bytes(mac).first(person_ref_bytes));
}

// Counters by answer, made once: asking the registry of metrics takes a lock.
class AnswerCounters {
  public:
    explicit AnswerCounters(Metrics& metrics) {
        for (int method = 0; method < methods; ++method) {
            for (int code = 1; code <= codes; ++code) {
                at(method, code) = metrics.counter(
                    "onshi_eligibility_requests_total", "Answers given, by method and result code.",
                    {{"method",
                      method == 0 ? "number" : organisations::to_string(static_cast<organisations::Method>(method))},
                     {"result", to_string(static_cast<eligibility::ResultCode>(code))}});
            }
        }
    }
    void count(const eligibility::Answer& answer) {
        const int method = answer.source == eligibility::Source::card ? static_cast<int>(answer.method) : 0;
        at(method, static_cast<int>(answer.verdict.result)).add();
    }

  private:
    static constexpr int methods = 4;  // number, pin, face, visual
    static constexpr int codes = 5;
    Counter& at(int method, int code) { return counters_[static_cast<std::size_t>(method * codes + code - 1)]; }
    std::array<Counter, methods * codes> counters_;
};

http::Response answer_response(const Context& context, const organisations::Terminal& terminal,
                               const eligibility::GivenAnswer& given, const eligibility::IssuedChallenge* next) {
    const auto insurers = context.directory.insurers();
    const auto& person = given.answer.person;
    const api::AnswerContext rest{
        terminal, *insurers, context.secrets.receipt,
        person ? person_ref(context.secrets, terminal.organisation.key, person->key) : std::string(), next};
    return http::json_response(api::write_answer(given, rest));
}

Task<ResponseResult> issue_challenges(const Context& context, http::Request& request, Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    auto wanted = api::parse_challenge_request(request.body);
    if (!wanted) co_return fail(std::move(wanted));
    const bool may = eligibility::is_check(wanted->purpose) ? (*terminal)->may(organisations::Role::check_card)
                                                            : eligibility::channel_of(**terminal).has_value();
    if (!may) co_return fail(ErrorCode::role_missing, "check_card");
    std::vector<eligibility::IssuedChallenge> challenges;
    challenges.reserve(wanted->count);
    const Instant now = context.clock.now();
    for (std::size_t i = 0; i < wanted->count; ++i) {
        challenges.push_back(context.challenges.issue((*terminal)->key, wanted->purpose, now, context.random));
    }
    co_return http::json_response(api::write_challenges(challenges));
}

Task<ResponseResult> check_by_card(const Context& context, AnswerCounters& counters, http::Request& request,
                                   Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    auto message = api::parse_card_check(request.body);
    if (!message) co_return fail(std::move(message));
    auto given = co_await context.checks.check_by_card(**terminal, (*message)->check, deadline);
    if (!given) co_return fail(std::move(given));
    counters.count(given->answer);
    const auto next =
        context.challenges.issue((*terminal)->key, (*message)->check.purpose, context.clock.now(), context.random);
    co_return answer_response(context, **terminal, *given, &next);
}

Task<ResponseResult> check_by_number(const Context& context, AnswerCounters& counters, http::Request& request,
                                     Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    auto check = api::parse_number_check(request.body, japan_day(context.clock.now()));
    if (!check) co_return fail(std::move(check));
    auto given = co_await context.checks.check_by_number(**terminal, *check, deadline);
    if (!given) co_return fail(std::move(given));
    counters.count(given->answer);
    co_return answer_response(context, **terminal, *given, nullptr);
}

Task<ResponseResult> check_in_disaster(const Context& context, AnswerCounters& counters, http::Request& request,
                                       Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    auto message = api::parse_disaster_check(request.body, japan_day(context.clock.now()));
    if (!message) co_return fail(std::move(message));
    auto given = co_await context.checks.check_in_disaster(**terminal, *(*message)->check, deadline);
    if (!given) co_return fail(std::move(given));
    counters.count(given->answer);
    co_return answer_response(context, **terminal, *given, nullptr);
}

// What the workers of one bulk request share; each takes the next person until none is left.
struct BulkWork {
    const Context& context;
    const organisations::Terminal& terminal;
    const std::vector<api::BulkCheck>& checks;
    std::vector<api::BulkAnswer>& answers;
    Deadline deadline;
    std::size_t next = 0;
};

Task<void> work_through(BulkWork& work) {
    while (work.next < work.checks.size()) {
        const std::size_t mine = work.next++;
        const auto& one = work.checks[mine];
        if (!one.check) continue;
        auto given = co_await work.context.checks.check_by_number(work.terminal, *one.check, work.deadline);
        work.answers[mine].given = std::move(given);
    }
}

// Each person is decided, recorded and answered as a look-up of its own; beside each other, they share read snapshots
// and commits.
Task<ResponseResult> check_many(const Context& context, AnswerCounters& counters, http::Request& request,
                                Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    if (!(*terminal)->may(organisations::Role::check_number)) co_return fail(ErrorCode::role_missing, "check_number");
    auto checks = api::parse_bulk_checks(request.body, japan_day(context.clock.now()));
    if (!checks) co_return fail(std::move(checks));
    std::vector<api::BulkAnswer> answers;
    answers.reserve(checks->size());
    for (const auto& one : *checks) {
        const Error unjudged = one.check ? Error(ErrorCode::internal_unexpected, "") : one.check.error();
        answers.push_back({one.id, tl::unexpected(unjudged), ""});
    }
    BulkWork work{context, **terminal, *checks, answers, deadline};
    std::vector<Task<void>> workers;
    for (std::size_t i = 0; i < std::min(bulk_workers, checks->size()); ++i) workers.push_back(work_through(work));
    co_await run_side_by_side(std::move(workers));
    for (auto& one : answers) {
        if (!one.given) continue;
        counters.count(one.given->answer);
        const auto& person = one.given->answer.person;
        if (person) one.person_ref = person_ref(context.secrets, (*terminal)->organisation.key, person->key);
    }
    const auto insurers = context.directory.insurers();
    co_return http::json_response(api::write_bulk_answers(answers, **terminal, *insurers, context.secrets.receipt));
}

Task<ResponseResult> record_consents(const Context& context, http::Request& request, Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    const auto place = audit::parse_receipt(request.parameters[0], context.secrets.receipt);
    if (!place) co_return fail(ErrorCode::check_receipt, "not a receipt number");
    auto choices = api::parse_consents(request.body);
    if (!choices) co_return fail(std::move(choices));
    auto recorded = co_await context.checks.record_consents(**terminal, *place, *choices, deadline);
    if (!recorded) co_return fail(std::move(recorded));
    co_return http::json_response(api::write_consents(*recorded, context.secrets.receipt));
}

}  // namespace

Task<Result<std::shared_ptr<const organisations::Terminal>>> caller(const Context& context,
                                                                    const http::Request& request, Deadline deadline) {
    if (request.peer == nullptr || !request.peer->certificate) {
        co_return fail(ErrorCode::request_certificate_required, "no client certificate");
    }
    auto terminal = co_await context.directory.terminal(*request.peer->certificate, deadline);
    co_return terminal;
}

void add_check_routes(http::Server& server, const Context& context) {
    auto counters = std::make_shared<AnswerCounters>(context.metrics);
    http::RouteOptions small;
    small.body_bytes_max = small_body_bytes_max;
    small.deadline = check_deadline;
    http::RouteOptions check = small;
    check.body_bytes_max = api::check_body_bytes_max;
    check.admission = http::AdmissionClass::urgent;

    server.route(http::Method::post, "/v1/challenges", small, [&context](http::Request& request, Deadline deadline) {
        return issue_challenges(context, request, deadline);
    });
    server.route(http::Method::post, "/v1/checks", check,
                 [&context, counters](http::Request& request, Deadline deadline) {
                     return check_by_card(context, *counters, request, deadline);
                 });
    server.route(http::Method::post, "/v1/checks/by-number", small,
                 [&context, counters](http::Request& request, Deadline deadline) {
                     return check_by_number(context, *counters, request, deadline);
                 });
    server.route(http::Method::post, "/v1/checks/disaster", small,
                 [&context, counters](http::Request& request, Deadline deadline) {
                     return check_in_disaster(context, *counters, request, deadline);
                 });
    http::RouteOptions bulk;
    bulk.body_bytes_max = api::bulk_body_bytes_max;
    bulk.deadline = bulk_deadline;
    bulk.admission = http::AdmissionClass::bulk;
    server.route(http::Method::post, "/v1/checks/by-number/bulk", bulk,
                 [&context, counters](http::Request& request, Deadline deadline) {
                     return check_many(context, *counters, request, deadline);
                 });
    server.route(
        http::Method::post, "/v1/checks/{receipt}/consents", small,
        [&context](http::Request& request, Deadline deadline) { return record_consents(context, request, deadline); });
}

}  // namespace onshi::hub
