#include "exchange/api/uses.h"

#include <fmt/format.h>

#include "domain/audit/rules.h"
#include "domain/organisations/model.h"
#include "exchange/api/values.h"
#include "platform/text_formats/json_reader.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::api {

namespace {

constexpr std::size_t insured_text_max = 64;
constexpr std::size_t word_max = 32;

// Who decides, and about which of the insurer's members.
struct NamedMember {
    std::string operator_reference;
    std::optional<InsuredSymbolNumber> insured;
    std::optional<BranchNumber> branch;
    std::optional<Date> birth;

    void read(JsonObject& object) {
        operator_reference = object.text("operator", organisations::account_reference_max);
        const auto symbol = object.optional_text("symbol", insured_text_max);
        const std::string_view number = object.text("number", insured_text_max);
        auto parsed = InsuredSymbolNumber::parse(symbol.value_or(""), number);
        if (parsed) insured = std::move(*parsed);
        if (!parsed && !number.empty()) object.reject("number", ErrorCode::field_value);
        branch = object.optional_parsed("branch", 2, &BranchNumber::parse);
        birth = object.parsed("birth_date", 10, &parse_iso_date);
    }
};

}  // namespace

std::string write_use(const eligibility::UseChange& change, std::uint64_t receipt_key) {
    std::string json;
    JsonWriter writer(json);
    writer.begin_object();
    writer.member("use", cards::to_string(change.state));
    writer.member("changed", change.changed);
    if (change.position.sequence > 0) {
        writer.member("receipt", audit::to_receipt(change.position.lane, change.position.sequence, receipt_key));
    }
    writer.end_object();
    return json;
}

Result<ProtectionRequest> parse_protection(std::string_view body) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    NamedMember named;
    std::string flag;
    std::string wish;
    auto read = document->read([&](JsonObject& object) {
        named.read(object);
        flag = object.text("flag", word_max);
        wish = object.text("wish", word_max);
        const bool known_flag = flag == "hide_history" || flag == "block_self_information";
        if (!known_flag && !flag.empty()) object.reject("flag", ErrorCode::field_value);
        const bool known_wish = wish == "set" || wish == "void";
        if (!known_wish && !wish.empty()) object.reject("wish", ErrorCode::field_value);
    });
    if (!read) return fail(std::move(read));
    return ProtectionRequest{std::move(named.operator_reference),
                             std::move(*named.insured),
                             named.branch,
                             *named.birth,
                             flag == "hide_history" ? coverage::ProtectionFlag::hide_history
                                                    : coverage::ProtectionFlag::block_self_information,
                             wish == "set" ? coverage::ProtectionWish::set : coverage::ProtectionWish::clear};
}

std::string write_protection(const coverage::ProtectionStanding& standing) {
    std::string json;
    JsonWriter writer(json);
    writer.begin_object();
    writer.member("hide_history", standing.flags.exchange_history_hidden);
    writer.member("block_self_information", standing.flags.self_information_blocked);
    writer.begin_array("waiting_for_second_person");
    if (standing.waiting.exchange_history_hidden) writer.text("hide_history");
    if (standing.waiting.self_information_blocked) writer.text("block_self_information");
    writer.end_array();
    writer.end_object();
    return json;
}

Result<CancelRequest> parse_cancel(std::string_view body) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    NamedMember named;
    bool waives = false;
    auto read = document->read([&](JsonObject& object) {
        named.read(object);
        waives = object.optional_boolean("without_waiting").value_or(false);
    });
    if (!read) return fail(std::move(read));
    return CancelRequest{std::move(named.operator_reference), std::move(*named.insured), named.branch, *named.birth,
                         waives ? cards::UseWish::cancel_now : cards::UseWish::cancel};
}

std::string write_cancelled(const coverage::UseCancelled& cancelled) {
    std::string json;
    JsonWriter writer(json);
    writer.begin_object();
    writer.member("use", cards::to_string(cancelled.state));
    writer.member("changed", cancelled.changed);
    writer.member("record", fmt::format("{}", cancelled.record.value()));
    writer.end_object();
    return json;
}

Result<IssuedRequest> parse_issued(std::string_view body) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    IssuedRequest request;
    auto read = document->read([&](JsonObject& object) {
        request.operator_reference = object.text("operator", organisations::account_reference_max);
        request.valid_to = object.parsed("valid_to", 10, &parse_iso_date).value_or(Date());
    });
    if (!read) return fail(std::move(read));
    return request;
}

std::string write_issued(CoverageKey record, cards::UseState use) {
    std::string json;
    JsonWriter writer(json);
    writer.begin_object();
    writer.member("record", fmt::format("{}", record.value()));
    writer.member("use", cards::to_string(use));
    writer.end_object();
    return json;
}

std::string write_orders(const coverage::PaperService::Page& page) {
    std::string json;
    JsonWriter writer(json);
    writer.begin_object();
    writer.begin_array("orders");
    for (const coverage::PaperOrder& order : page.orders) {
        writer.begin_object();
        writer.member("record", fmt::format("{}", order.coverage.value()));
        writer.member("reason", coverage::to_string(order.reason));
        writer.member("since", to_rfc3339(order.since));
        writer.end_object();
    }
    writer.end_array();
    if (page.next) writer.member("next", fmt::format("{}", page.next->value()));
    writer.end_object();
    return json;
}

}  // namespace onshi::api
