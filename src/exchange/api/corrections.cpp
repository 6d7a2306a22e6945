#include "exchange/api/corrections.h"

#include <charconv>
#include <string>

#include "domain/audit/rules.h"
#include "exchange/api/values.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::api {

namespace {

constexpr std::int64_t json_integer_max = (std::int64_t{1} << 53U) - 1;

}  // namespace

Result<std::int64_t> parse_after(std::string_view text) {
    std::int64_t after = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), after);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    if (!whole || after < 0 || after > json_integer_max) return fail(ErrorCode::field_range, "after");
    return after;
}

Result<audit::Place> parse_after_receipt(std::string_view text, std::uint64_t receipt_key) {
    if (text == "0") return audit::Place{-1, 0};
    const auto place = audit::parse_receipt(text, receipt_key);
    if (!place) return fail(ErrorCode::check_receipt, "after");
    return *place;
}

std::string write_counter_cases(const std::vector<eligibility::CounterCase>& cases, std::uint64_t receipt_key) {
    std::string json;
    JsonWriter writer(json);
    writer.begin_object();
    writer.begin_array("cases");
    for (const auto& opened : cases) {
        writer.begin_object();
        writer.member("receipt", audit::to_receipt(opened.answer.lane, opened.answer.sequence, receipt_key));
        writer.member("record", std::to_string(opened.record.value()));
        writer.member("care_day", to_iso(opened.care_day));
        writer.member("cause", opened.cause);
        writer.member("opened_at", to_rfc3339(opened.opened_at));
        writer.end_object();
    }
    writer.end_array();
    writer.member("more", cases.size() == eligibility::counter_cases_page_max);
    writer.end_object();
    return json;
}

std::string write_corrections(const std::vector<eligibility::CorrectionEvent>& events, std::uint64_t receipt_key) {
    std::string json;
    JsonWriter writer(json);
    writer.begin_object();
    writer.begin_array("corrections");
    for (const auto& event : events) {
        writer.begin_object();
        writer.member("id", event.id);
        writer.member("receipt", audit::to_receipt(event.answer.lane, event.answer.sequence, receipt_key));
        writer.member("care_day", to_iso(event.care_day));
        writer.member("told", to_string(event.told));
        writer.member("now", to_string(event.now));
        writer.member("claim_hint", to_string(event.hint));
        writer.member("made_at", to_rfc3339(event.made_at));
        writer.end_object();
    }
    writer.end_array();
    writer.member("more", events.size() == eligibility::corrections_page_max);
    writer.end_object();
    return json;
}

}  // namespace onshi::api
