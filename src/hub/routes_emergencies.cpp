// GET /v1/modes (every terminal); POST /v1/outages, /v1/outages/lift, GET, POST /v1/disasters,
// /v1/disasters/{disaster}/confirm, /v1/disasters/{disaster}/end (those who run the centre).
#include <algorithm>

#include "domain/organisations/emergencies.h"
#include "domain/organisations/store.h"
#include "exchange/api/emergencies.h"
#include "hub/parts.h"

namespace onshi::hub {

namespace {

using ResponseResult = Result<http::Response>;
using organisations::Disaster;
using TerminalPointer = std::shared_ptr<const organisations::Terminal>;

constexpr std::size_t body_bytes_max = 4 * 1024;

organisations::Emergencies emergencies_of(const Context& context) {
    return {context.database, context.clock, context.random};
}

// Told from memory, so that it can be told while a store is away, and to every terminal of the country. Only while some
// disaster is open, it is looked up where the caller is.
Task<ResponseResult> tell_modes(const Context& context, http::Request& request, Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    const Instant now = context.clock.now();
    std::vector<Disaster> open = context.modes.disasters();
    std::erase_if(open, [now](const Disaster& disaster) {
        return state_at(disaster, now) != organisations::DisasterState::open;
    });
    std::optional<Disaster> own;
    if (!open.empty()) {
        sql::ReadBatch batch;
        const auto place = organisations::load_place(batch, (*terminal)->organisation.key);
        auto read = co_await context.database.read(batch, deadline);
        // Whoever cannot be told of a disaster is told of the outage all the same.
        const auto found = read && place ? std::ranges::find(open, *place, &Disaster::municipality) : open.end();
        if (found != open.end()) own = *found;
    }
    co_return http::json_response(api::write_modes(context.modes.outages(), own, now));
}

// Who runs the centre, and which of its people decides.
Task<Result<TerminalPointer>> administrator(const Context& context, const http::Request& request, Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    if (!(*terminal)->may(organisations::Role::administer)) co_return fail(ErrorCode::role_missing, "administer");
    co_return std::move(*terminal);
}

Task<Result<void>> known_account(const Context& context, const organisations::Terminal& terminal,
                                 std::string_view reference, Deadline deadline) {
    sql::ReadBatch batch;
    const auto account = organisations::load_account(batch, terminal.organisation.key, reference);
    auto read = co_await context.database.read(batch, deadline);
    if (!read) co_return read;
    if (!account || !account->active) co_return fail(ErrorCode::account_unknown, "operator");
    co_return Result<void>();
}

enum class OutageWish : std::uint8_t { declare, lift };

Task<ResponseResult> change_outage(const Context& context, http::Request& request, Deadline deadline, OutageWish wish) {
    auto terminal = co_await administrator(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    auto order = api::parse_outage(request.body);
    if (!order) co_return fail(std::move(order));
    auto known = co_await known_account(context, **terminal, order->operator_reference, deadline);
    if (!known) co_return fail(std::move(known));
    const audit::Actor actor{(*terminal)->organisation.key, (*terminal)->key, order->operator_reference};
    auto service = emergencies_of(context);
    auto change = wish == OutageWish::declare ? service.declare_outage(order->dependency, actor, deadline)
                                              : service.lift_outage(order->dependency, actor, deadline);
    auto set = co_await std::move(change);
    if (!set) co_return fail(std::move(set));
    auto outages = co_await service.outages(deadline);
    if (!outages) co_return fail(std::move(outages));
    co_return http::json_response(api::write_modes(*outages, std::nullopt, context.clock.now()));
}

Task<ResponseResult> declare_outage(const Context& context, http::Request& request, Deadline deadline) {
    return change_outage(context, request, deadline, OutageWish::declare);
}

Task<ResponseResult> lift_outage(const Context& context, http::Request& request, Deadline deadline) {
    return change_outage(context, request, deadline, OutageWish::lift);
}

Task<ResponseResult> declare_disaster(const Context& context, http::Request& request, Deadline deadline) {
    auto terminal = co_await administrator(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    auto wanted = api::parse_disaster(request.body);
    if (!wanted) co_return fail(std::move(wanted));
    auto known = co_await known_account(context, **terminal, wanted->operator_reference, deadline);
    if (!known) co_return fail(std::move(known));
    const audit::Actor actor{(*terminal)->organisation.key, (*terminal)->key, wanted->operator_reference};
    auto service = emergencies_of(context);
    auto disaster = co_await service.declare(wanted->order, actor, deadline);
    if (!disaster) co_return fail(std::move(disaster));
    co_return http::json_response(api::write_disaster(*disaster, context.clock.now()), 201);
}

enum class DisasterDecision : std::uint8_t { confirm, end };

Task<ResponseResult> decide_disaster(const Context& context, http::Request& request, Deadline deadline,
                                     DisasterDecision decision) {
    auto terminal = co_await administrator(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    auto id = api::parse_disaster_id(request.parameters[0]);
    if (!id) co_return fail(std::move(id));
    auto person = api::parse_disaster_decision(request.body);
    if (!person) co_return fail(std::move(person));
    auto known = co_await known_account(context, **terminal, *person, deadline);
    if (!known) co_return fail(std::move(known));
    const audit::Actor actor{(*terminal)->organisation.key, (*terminal)->key, *person};
    auto service = emergencies_of(context);
    auto change = decision == DisasterDecision::confirm ? service.confirm(*id, actor, deadline)
                                                        : service.end(*id, actor, deadline);
    auto disaster = co_await std::move(change);
    if (!disaster) co_return fail(std::move(disaster));
    co_return http::json_response(api::write_disaster(*disaster, context.clock.now()));
}

Task<ResponseResult> confirm_disaster(const Context& context, http::Request& request, Deadline deadline) {
    return decide_disaster(context, request, deadline, DisasterDecision::confirm);
}

Task<ResponseResult> end_disaster(const Context& context, http::Request& request, Deadline deadline) {
    return decide_disaster(context, request, deadline, DisasterDecision::end);
}

Task<ResponseResult> list_disasters(const Context& context, http::Request& request, Deadline deadline) {
    auto terminal = co_await administrator(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    auto service = emergencies_of(context);
    auto disasters = co_await service.list(deadline);
    if (!disasters) co_return fail(std::move(disasters));
    co_return http::json_response(api::write_disasters(*disasters, context.clock.now()));
}

using EmergencyHandler = Task<ResponseResult> (*)(const Context&, http::Request&, Deadline);

}  // namespace

void add_emergency_routes(http::Server& server, const Context& context) {
    http::RouteOptions small;
    small.body_bytes_max = body_bytes_max;
    const auto add = [&](http::Method method, std::string_view path, EmergencyHandler handler) {
        server.route(method, path, small, [&context, handler](http::Request& request, Deadline deadline) {
            return handler(context, request, deadline);
        });
    };
    add(http::Method::get, "/v1/modes", &tell_modes);
    add(http::Method::post, "/v1/outages", &declare_outage);
    add(http::Method::post, "/v1/outages/lift", &lift_outage);
    add(http::Method::get, "/v1/disasters", &list_disasters);
    add(http::Method::post, "/v1/disasters", &declare_disaster);
    add(http::Method::post, "/v1/disasters/{disaster}/confirm", &confirm_disaster);
    add(http::Method::post, "/v1/disasters/{disaster}/end", &end_disaster);
}

}  // namespace onshi::hub
