#include "terminal/list_terms.h"

#include <string_view>

#include "base/date.h"

namespace onshi::terminal {

namespace {

using oqs::Message;
using oqs::SearchTerms;

// OQSCD028
constexpr std::string_view by_visit = "2";
constexpr std::string_view online = "3";
constexpr std::string_view first_of_month = "01";

using Refusal = std::optional<ErrorCode>;

Refusal check_month(const std::string& month) {
    if (month.empty()) return ErrorCode::field_missing;
    const auto first = parse_compact_date(month + std::string(first_of_month));
    return first ? Refusal() : first.error().code;
}

Refusal check_period(const std::string& from, const std::string& to) {
    if (from.empty() || to.empty()) return ErrorCode::field_missing;
    const auto first = parse_compact_date(from);
    if (!first) return first.error().code;
    const auto last = parse_compact_date(to);
    if (!last) return last.error().code;
    return *last < *first ? Refusal(ErrorCode::field_value) : Refusal();
}

Refusal check_flag(const std::string& flag, std::string_view own) {
    return flag.empty() || flag == own ? Refusal() : Refusal(ErrorCode::field_value);
}

Refusal check_visits(const SearchTerms& terms) {
    const auto wrong = check_flag(terms.treatment_flag, by_visit);
    return wrong ? wrong : check_period(terms.consent_from, terms.consent_to);
}

Refusal check_online(const SearchTerms& terms) {
    const auto wrong = check_flag(terms.treatment_flag, online);
    if (wrong) return wrong;
    const bool consents = !terms.consent_from.empty() || !terms.consent_to.empty();
    const bool examinations = !terms.examination_from.empty() || !terms.examination_to.empty();
    if (consents && examinations) return ErrorCode::field_value;
    return examinations ? check_period(terms.examination_from, terms.examination_to)
                        : check_period(terms.consent_from, terms.consent_to);
}

}  // namespace

bool asks_for_unkept_list(Message message) {
    return message == Message::entrusted_upload || message == Message::home_visit_consents_upload ||
           message == Message::online_care_consents_upload;
}

std::optional<ErrorCode> wrong_list_terms(const oqs::Request& request) {
    if (!asks_for_unkept_list(request.message)) return std::nullopt;
    const SearchTerms terms = request.persons.empty() ? SearchTerms() : request.persons.front().terms;
    if (request.message == Message::entrusted_upload) return check_month(terms.treatment_month);
    return request.message == Message::home_visit_consents_upload ? check_visits(terms) : check_online(terms);
}

}  // namespace onshi::terminal
