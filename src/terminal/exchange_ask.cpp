// Persons to the hub and back.
#include <fmt/format.h>

#include "base/bytes.h"
#include "base/date.h"
#include "platform/text_formats/json_list.h"
#include "platform/text_formats/json_writer.h"
#include "terminal/exchange.h"
#include "terminal/limits.h"

namespace onshi::terminal {

namespace {

using oqs::Unit;

constexpr std::string_view single_target = "/v1/checks/by-number";
constexpr std::string_view bulk_target = "/v1/checks/by-number/bulk";

// What is longer than the hub reads would spoil the list for everybody else on it; nothing is as wrong for this person.
constexpr std::size_t term_bytes_max = 80;
std::string_view term(std::string_view text) {
    return text.size() <= term_bytes_max ? text : std::string_view();
}

// As our JSON has dates; what is no date is sent as it is, and the hub says so.
std::string iso_day(std::string_view compact) {
    const auto day = parse_compact_date(compact);
    return day ? to_iso(*day) : std::string(term(compact));
}

// The first wrong field says more than "a field is wrong".
ErrorCode reason_of(const Error& error) {
    return error.fields.empty() ? error.code : error.fields.front().code;
}

// Whether a failure is about this inquiry; otherwise the whole ask failed, and may be made again.
bool is_own_failure(const Error& error) {
    const Retry retry = catalogue_entry(error.code).retry;
    return !means_away(error.code) && (retry == Retry::never || retry == Retry::after_change);
}

Unit unit_of_bulk_item(JsonItem item, std::string_view limit_consent, bool bulk, const AnswerStyle& style) {
    const auto answer = item.object("answer");
    if (!answer.exists()) {
        const auto code = item.object("problem").text("code");
        return unit_of_failure(code.empty() ? error_name(ErrorCode::peer_protocol) : code, style.profile);
    }
    return bulk ? bulk_unit_of_answer(answer, style) : unit_of_answer(answer, limit_consent, style);
}

std::string list_body(const std::vector<std::string>& bodies) {
    std::string body = R"({"checks":[)";
    for (std::size_t i = 0; i < bodies.size(); ++i) {
        if (i > 0) body.push_back(',');
        body.append(bodies[i]);
    }
    body.append("]}");
    return body;
}

}  // namespace

CheckId check_id_of(const Sha256& origin, std::size_t index) {
    std::string text = "onshi-check-id-v1";
    ByteWriter writer(text);
    writer.raw(origin);
    writer.u64(index);
    Sha256 digest = sha256(as_bytes(text));
    // The form of a random UUID.
    digest[6] = static_cast<std::uint8_t>((digest[6] & 0x0FU) | 0x40U);
    digest[8] = static_cast<std::uint8_t>((digest[8] & 0x3FU) | 0x80U);
    return *CheckId::from_bytes(Bytes(digest).first(16));
}

std::string number_check_body(const CheckId& id, std::string_view care_day, const oqs::SearchTerms& terms) {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object();
    writer.member("check_id", id.text());
    writer.member("care_day", iso_day(care_day));
    writer.member("insurer_number", term(terms.insurer_number));
    if (!terms.symbol.empty()) writer.member("symbol", term(terms.symbol));
    writer.member("number", term(terms.number));
    // Some clients write one digit.
    if (terms.branch.size() == 1) writer.member("branch", "0" + terms.branch);
    if (terms.branch.size() > 1) writer.member("branch", term(terms.branch));
    writer.member("birth_date", iso_day(terms.birth_date));
    // What staff wrote down as agreed to; the hub tells the limit category with it only, and keeps it as a consent.
    if (terms.limit_consent == "1") writer.member("limit_consent", true);
    writer.end_object();
    return body;
}

AnswerStyle Exchange::style() const {
    return {settings_.profile, find_reference_, local_digits(clock_.now()),
            modes_.mode() == organisations::DeskMode::answers_late};
}

// One person goes the way of a single look-up, which waits in no line with lists.
Task<Result<std::vector<Unit>>> Exchange::ask(std::vector<std::string> bodies, std::vector<std::string> limit_consents,
                                              bool bulk, Deadline deadline, std::vector<std::string>* answers) {
    if (modes_.without_hub()) co_return fail(ErrorCode::outage_declared, "the hub has said so");
    const bool alone = bodies.size() == 1 && !bulk;
    std::string body = alone ? bodies.front() : list_body(bodies);
    auto answered = co_await hub_.post(std::string(alone ? single_target : bulk_target), std::move(body), deadline);
    std::vector<Unit> units;
    if (answers != nullptr) answers->assign(bodies.size(), std::string());
    if (!answered) {
        if (!is_own_failure(answered.error())) co_return fail(std::move(answered));
        for (std::size_t i = 0; i < bodies.size(); ++i) {
            units.push_back(unit_of_failure(reason_of(answered.error()), settings_.profile));
        }
        co_return units;
    }
    auto document = JsonView::parse(*answered);
    if (!document) co_return fail(std::move(document));
    const AnswerStyle words = style();
    if (alone) {
        units.push_back(unit_of_answer(document->root(), limit_consents.front(), words));
        if (answers != nullptr) answers->front() = std::move(*answered);
        co_return units;
    }
    const auto items = document->root().objects("answers");
    if (items.size() != bodies.size()) co_return fail(ErrorCode::peer_protocol, "another number of answers");
    if (answers != nullptr) *answers = json_list_members(*answered, "answers", "answer");
    for (std::size_t i = 0; i < items.size(); ++i) {
        units.push_back(unit_of_bulk_item(items[i], limit_consents[i], bulk, words));
    }
    co_return units;
}

std::string Exchange::reference_key(std::string_view insurer, std::string_view symbol, std::string_view number,
                                    std::string_view branch) const {
    const auto parsed = InsurerNumber::parse(insurer);
    const auto insured = InsuredSymbolNumber::parse(symbol, number);
    if (!parsed || !insured) return {};
    std::string text;
    ByteWriter writer(text);
    writer.i64(parsed->to_key());
    writer.text(insured->symbol.comparison());
    writer.text(insured->number.comparison());
    writer.text(branch);
    return store_.tag(LocalKind::reference, text);
}

std::string Exchange::find_reference(const oqs::PersonRecord& record) const {
    // Registered with its branch, or without one.
    for (const auto& branch : {record.branch, std::string()}) {
        const auto found = references_.find(reference_key(record.insurer_number, record.symbol, record.number, branch));
        if (found != references_.end()) return found->second;
    }
    return {};
}

}  // namespace onshi::terminal
