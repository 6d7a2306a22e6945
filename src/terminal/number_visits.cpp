#include "terminal/number_visits.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/date.h"
#include "base/identifiers.h"
#include "base/texts.h"
#include "terminal/card_messages.h"

namespace onshi::terminal {

namespace {

using oqs::Unit;

constexpr std::string_view done = "1";
constexpr std::string_view failed = "2";
constexpr std::string_view valid = "1";
// Named like an outcome, so that `oqs_result_codes` can give it another code.
constexpr std::string_view outcome_name = "note.last_visit";
constexpr std::string_view sentence_name = "label.last_visit_file";

std::string terms_of(std::string_view insurer, std::string_view symbol, std::string_view number,
                     std::string_view branch, std::optional<Date> birth) {
    const auto parsed = InsurerNumber::parse(insurer);
    const auto insured = InsuredSymbolNumber::parse(symbol, number);
    if (!parsed || !insured || !birth) return {};
    std::string text = "onshi-number-visit-v1";
    ByteWriter writer(text);
    writer.i64(parsed->to_key());
    writer.text(insured->symbol.comparison());
    writer.text(insured->number.comparison());
    // Some clients write one digit.
    writer.text(branch.size() == 1 ? fmt::format("0{}", branch) : std::string(branch));
    writer.i64(birth->days());
    return text;
}

std::string message_of(Instant told_at, Instant now) {
    const auto sentence = find_text(Language::ja, sentence_name, Audience::label);
    if (!sentence) return {};
    const std::string date = to_iso(japan_day(told_at));
    const std::string days = fmt::format("{}", japan_day(now).days() - japan_day(told_at).days());
    return oqs::fit_message(fill_text(*sentence, {{"date", date}, {"days", days}}));
}

}  // namespace

std::optional<LastVisitUse> parse_last_visit_use(std::string_view word) {
    if (word == "none") return LastVisitUse::none;
    if (word == "marked") return LastVisitUse::marked;
    if (word == "answered") return LastVisitUse::answered;
    return std::nullopt;
}

std::string visit_terms(const oqs::SearchTerms& terms) {
    const auto birth = parse_compact_date(terms.birth_date);
    if (!birth) return {};
    return terms_of(terms.insurer_number, terms.symbol, terms.number, terms.branch, *birth);
}

std::string visit_terms(JsonItem answer) {
    const auto coverage = answer.object("coverage");
    const auto birth = parse_iso_date(answer.object("person").text("birth_date"));
    if (!birth || coverage.text("number").empty()) return {};
    return terms_of(coverage.object("insurer").text("number"), coverage.text("symbol"), coverage.text("number"),
                    coverage.text("branch"), *birth);
}

Task<Result<void>> keep_number_visit(LocalStore& store, std::string terms, std::string answer, Instant now) {
    if (terms.empty()) co_return Result<void>();
    std::string key = store.tag(LocalKind::number_visit, terms);
    auto kept = co_await store.put(LocalKind::number_visit, std::move(key), std::move(answer), now);
    co_return kept;
}

Task<Result<void>> forget_number_visit(LocalStore& store, std::string terms) {
    if (terms.empty()) co_return Result<void>();
    std::string key = store.tag(LocalKind::number_visit, terms);
    auto removed = co_await store.remove(LocalKind::number_visit, std::move(key));
    co_return removed;
}

Task<Result<std::optional<NumberVisit>>> find_number_visit(LocalStore& store, std::string terms, Instant since) {
    if (terms.empty()) co_return std::optional<NumberVisit>();
    std::string key = store.tag(LocalKind::number_visit, terms);
    auto found = co_await store.find(LocalKind::number_visit, std::move(key));
    // Sealed by another key: there is nothing to show, and no reason to fail.
    if (!found && found.error().code == ErrorCode::secret_not_authentic) co_return std::optional<NumberVisit>();
    if (!found) co_return fail(std::move(found));
    if (!*found || (*found)->at < since) co_return std::optional<NumberVisit>();
    NumberVisit visit{std::move((*found)->content), (*found)->at};
    co_return std::optional<NumberVisit>(std::move(visit));
}

bool covers(JsonItem answer, std::string_view care_day) {
    const auto day = parse_compact_date(care_day);
    const auto coverage = answer.object("coverage");
    const auto from = parse_iso_date(coverage.text("acquired_on"));
    if (!day || !from || *day < *from) return false;
    const auto end = coverage.text("valid_to");
    if (end.empty()) return true;
    const auto last = parse_iso_date(end);
    return last && *day <= *last;
}

std::optional<Unit> unit_of_last_visit(const NumberVisit& visit, std::string_view care_day, LastVisitUse use,
                                       const AnswerStyle& style, Instant now) {
    if (use == LastVisitUse::none) return std::nullopt;
    const auto answer = JsonView::parse(visit.answer);
    if (!answer || !covers(answer->root(), care_day)) return std::nullopt;
    // Nobody agrees to the limit here.
    Unit unit = unit_of_answer(answer->root(), {}, style);
    if (unit.records.empty()) return std::nullopt;
    unit.records.front().address.clear();
    const bool answered = use == LastVisitUse::answered;
    unit.outcome.status = answered ? done : failed;
    unit.outcome.validity = answered ? valid : std::string_view();
    unit.outcome.code = style.profile.result_code(outcome_name);
    unit.outcome.message = message_of(visit.told_at, now);
    return unit;
}

std::vector<std::string> differences_by_number(std::string_view told, std::string_view later) {
    const auto before = JsonView::parse(told);
    const auto now = JsonView::parse(later);
    if (!before || !now) return {"result"};
    auto members = differences(before->root(), now->root());
    const auto tells_limit = [](const JsonView& answer) {
        return !answer.root().object("coverage").text("limit_category").empty();
    };
    if (!tells_limit(*before) || !tells_limit(*now)) std::erase(members, "limit_category");
    return members;
}

}  // namespace onshi::terminal
