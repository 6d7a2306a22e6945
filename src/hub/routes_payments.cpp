// POST /v1/payments/estimate.
#include "domain/payments/rules.h"
#include "exchange/api/payments.h"
#include "hub/parts.h"

namespace onshi::hub {

namespace {

constexpr std::int64_t facility_prefecture_divisor = 100'000'000;  // of a facility code's ten digits

// What the ordinance leaves of what the claim leaves. payments.payer: no ordinance of that law code on that day.
payments::Evaluated<payments::SubsidyResult> apply_subsidy(const payments::MunicipalTable& municipal,
                                                           const api::EstimateSubsidy& asked, int prefecture,
                                                           const payments::ClaimResult& claim) {
    const auto rounding = claim.limited ? payments::Rounding::exact : payments::Rounding::to_ten_yen;
    const payments::Yen left = payments::counter_amount(claim.patient_total, rounding);
    const auto* issuer = municipal.find(asked.municipality);
    if (issuer == nullptr || !issuer->is_connected(asked.visit.day)) {
        payments::SubsidyResult unknown;
        unknown.answer = payments::SubsidyAnswer::municipality_unknown;
        unknown.patient = left;
        return unknown;
    }
    const auto* ordinance = municipal.find_ordinance(asked.municipality, asked.law_code, asked.visit.day);
    if (ordinance == nullptr) return tl::unexpected(ErrorCode::payments_payer);
    payments::SubsidyVisit visit = asked.visit;
    visit.facility_prefecture = prefecture;
    visit.left = left;
    return payments::apply_ordinance(ordinance->terms, visit);
}

// A calculation on what the caller gives: nobody is looked up and nothing is disclosed, so nothing is recorded.
Task<Result<http::Response>> estimate(const Context& context, http::Request& request, Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    const auto asked = api::parse_estimate(request.body);
    if (!asked) co_return tl::unexpected(asked.error());
    const payments::Claim& claim = asked->claim;
    const auto& tables = payments::builtin_tables();
    payments::Steps steps;
    const auto result = payments::evaluate_claim(claim, tables, &steps);
    if (!result) co_return fail(result.error());
    if (asked->ratio_suspect && !result->ratio_suspect) {
        steps.add({.rule = payments::Rule::ratio_suspect, .percent = claim.ratio});
    }
    std::optional<payments::SubsidyResult> subsidy;
    if (asked->subsidy) {
        const int prefecture = static_cast<int>((*terminal)->organisation.code / facility_prefecture_divisor);
        const auto applied = apply_subsidy(context.municipal, *asked->subsidy, prefecture, *result);
        if (!applied) co_return fail(applied.error());
        subsidy = *applied;
        if (applied->answer == payments::SubsidyAnswer::applies) {
            const bool in_kind = applied->refund_later == payments::Yen(0);
            steps.add({.rule = in_kind ? payments::Rule::subsidy : payments::Rule::subsidy_refund,
                       .payer = static_cast<std::uint8_t>(asked->subsidy->law_code),
                       .of = in_kind ? applied->patient + applied->subsidy : applied->patient,
                       .amount = in_kind ? applied->patient : applied->refund_later});
        }
    }
    co_return http::json_response(
        api::write_estimate(*payments::find_limit_table(tables, claim.care_month), claim, *result, steps, subsidy));
}

}  // namespace

void add_payment_routes(http::Server& server, const Context& context) {
    http::RouteOptions options;
    options.body_bytes_max = api::estimate_body_max;
    server.route(
        http::Method::post, "/v1/payments/estimate", options,
        [&context](http::Request& request, Deadline deadline) { return estimate(context, request, deadline); });
}

}  // namespace onshi::hub
