// The list of a bulk look-up. Only its form is read strictly; the persons in it are judged one by one.
#include "exchange/api/checks.h"
#include "platform/text_formats/json_reader.h"

namespace onshi::api {

namespace {

// A person's terms as they were sent.
struct Terms {
    std::string_view care_day;
    std::string_view insurer;
    std::string_view symbol;
    std::string_view number;
    std::string_view branch;
    std::string_view birth;
    bool limit_consent = false;
};

constexpr std::size_t term_bytes_max = 80;

Terms read_terms(JsonObject& object) {
    const auto text = [&](std::string_view name) { return object.optional_text(name, term_bytes_max).value_or(""); };
    return {text("care_day"),
            text("insurer_number"),
            text("symbol"),
            text("number"),
            text("branch"),
            text("birth_date"),
            object.optional_boolean("limit_consent").value_or(false)};
}

// The first thing that is wrong, in the order in which a document is read.
Result<eligibility::NumberCheck> judge(const CheckId& id, const Terms& terms, Date today) {
    // MN-2: no number of ours, whatever field it was put into.
    for (const auto text : {terms.insurer, terms.symbol, terms.number}) {
        if (contains_individual_number(text)) return fail(ErrorCode::request_my_number, "");
    }
    auto insurer = InsurerNumber::parse(terms.insurer);
    if (!insurer) return fail(std::move(insurer));
    auto insured = InsuredSymbolNumber::parse(terms.symbol, terms.number);
    if (!insured) return fail(std::move(insured));
    std::optional<BranchNumber> branch;
    if (!terms.branch.empty()) {
        auto parsed = BranchNumber::parse(terms.branch);
        if (!parsed) return fail(std::move(parsed));
        branch = *parsed;
    }
    auto birth = parse_iso_date(terms.birth);
    if (!birth) return fail(std::move(birth));
    if (*birth > today) return fail(ErrorCode::date_out_of_range, "birth_date");
    auto care_day = parse_iso_date(terms.care_day);
    if (!care_day) return fail(std::move(care_day));
    return eligibility::NumberCheck{id, *care_day, *insurer, std::move(*insured), branch, *birth, terms.limit_consent};
}

}  // namespace

Result<std::vector<BulkCheck>> parse_bulk_checks(std::string_view body, Date today) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    std::vector<BulkCheck> checks;
    auto read = document->read([&](JsonObject& object) {
        object.objects("checks", bulk_checks_max, [&](JsonObject& one) {
            const auto id = one.parsed("check_id", 36, &CheckId::parse);
            const Terms terms = read_terms(one);
            if (id) checks.push_back({*id, judge(*id, terms, today)});
        });
    });
    if (!read) return fail(std::move(read));
    return checks;
}

}  // namespace onshi::api
