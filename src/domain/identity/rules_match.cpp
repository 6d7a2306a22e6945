#include "domain/identity/rules_match.h"

#include <algorithm>
#include <array>
#include <utility>

namespace onshi::identity {

namespace {

// Whether the text holds only characters that stand for themselves: ASCII, kana, kanji of the basic block, full-width
// digits, U+3000, 々. Equal texts of these are EXACT without folding; most records are.
bool is_plain(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto at = [&](std::size_t k) {
            return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U;
        };
        const unsigned first = at(0);
        if (first >= 0x20 && first < 0x7F) {
            ++i;
            continue;
        }
        const unsigned code = ((first & 0x0FU) << 12U) | ((at(1) & 0x3FU) << 6U) | (at(2) & 0x3FU);
        const bool three = (first & 0xF0U) == 0xE0U && (at(1) & 0xC0U) == 0x80U && (at(2) & 0xC0U) == 0x80U;
        const bool plain = (code >= 0x4E00 && code <= 0x9FA0) || (code >= 0x3041 && code <= 0x3096) ||
                           (code >= 0x30A1 && code <= 0x30FC && code != 0x30FB) || code == 0x3000 || code == 0x3005 ||
                           (code >= 0xFF10 && code <= 0xFF19);
        if (!three || !plain) return false;
        i += 3;
    }
    return true;
}

// Spaces alone hold nothing that could be compared.
bool says_something(std::string_view text) {
    return text.find_first_not_of(" \xE3\x80") != std::string_view::npos;
}

FieldMatch match_names(std::string_view sent, std::string_view registered, std::uint32_t& unknown) {
    if (sent == registered && is_plain(sent) && says_something(sent)) return FieldMatch::exact;
    const auto match = compare_names(sent, registered);
    if (!match) return FieldMatch::different;
    unknown += match->unknown_characters;
    return match->match;
}

FieldMatch match_addresses(std::string_view sent, std::string_view registered, std::uint32_t& unknown) {
    if (sent == registered && is_plain(sent) && says_something(sent)) return FieldMatch::exact;
    const auto match = compare_addresses(sent, registered);
    if (!match) return FieldMatch::different;
    unknown += match->unknown_characters;
    return match->overall;
}

FieldMatch match_sexes(Sex sent, Sex registered) {
    if (sent == Sex::unset || registered == Sex::unset) return FieldMatch::missing;
    return sent == registered ? FieldMatch::exact : FieldMatch::different;
}

void withhold(MatchReport& report, Severity severity, OutcomeCode cause) {
    report.severity = severity;
    report.cause = cause;
}

// The first cause that holds, the gravest first.
void judge(MatchReport& report) {
    const bool name = report.name == FieldMatch::different;
    const bool kana = report.kana == FieldMatch::different;
    // Neither writing nor reading could be compared: nothing says that it is this person.
    const bool nameless = report.name == FieldMatch::missing && report.kana == FieldMatch::missing;
    if (report.birth == FieldMatch::different) {
        withhold(report, Severity::another_person, OutcomeCode::cause_match_birth_date);
    } else if (report.sex == FieldMatch::different) {
        withhold(report, Severity::another_person, OutcomeCode::cause_match_sex);
    } else if ((name && !agrees(report.kana)) || (kana && !agrees(report.name)) || nameless) {
        withhold(report, Severity::another_person, OutcomeCode::cause_match_name_and_kana);
    } else if (name) {
        withhold(report, Severity::one_name, OutcomeCode::cause_match_name);
    } else if (kana) {
        withhold(report, Severity::one_name, OutcomeCode::cause_match_kana);
    } else if (report.address == FieldMatch::different) {
        withhold(report, Severity::address, OutcomeCode::cause_match_address);
    }
}

constexpr std::array<std::pair<std::string_view, ConfirmReason>, 5> reasons{
    {{"alias", ConfirmReason::alias},
     {"variant_character", ConfirmReason::variant_character},
     {"recent_move", ConfirmReason::recent_move},
     {"typing_of_register", ConfirmReason::typing_of_register},
     {"other", ConfirmReason::other}}};

}  // namespace

std::uint16_t MatchReport::packed_fields() const {
    unsigned packed = 0;
    for (const FieldMatch field : {name, kana, birth, sex, address})
        packed = (packed << 2U) | static_cast<unsigned>(field);
    return static_cast<std::uint16_t>(packed);
}

MatchReport match_with_register(const SentIdentity& sent, const std::optional<Resident>& resident, Date acquired_on) {
    MatchReport report;
    if (!resident) {
        withhold(report, Severity::another_person, OutcomeCode::cause_match_not_found);
        return report;
    }
    report.name = match_names(sent.name, resident->name, report.unknown_characters);
    report.kana = match_names(sent.kana, resident->kana, report.unknown_characters);
    report.birth = sent.birth == resident->birth ? FieldMatch::exact : FieldMatch::different;
    report.sex = match_sexes(sent.sex, resident->sex);
    report.address = match_addresses(sent.address, resident->address, report.unknown_characters);
    if (resident->deceased_on < acquired_on) {
        withhold(report, Severity::another_person, OutcomeCode::cause_match_deceased);
    } else {
        judge(report);
    }
    return report;
}

MatchReport unmatched_for_want_of_number() {
    MatchReport report;
    withhold(report, Severity::another_person, OutcomeCode::cause_match_number_missing);
    return report;
}

HoldScope MatchPolicy::scope_of(Severity severity) const {
    switch (severity) {
        case Severity::another_person: return another_person;
        case Severity::one_name: return one_name;
        case Severity::address: return address;
        case Severity::none: break;
    }
    return HoldScope::all;
}

std::optional<HoldScope> parse_hold_scope(std::string_view word) {
    for (const HoldScope scope : {HoldScope::all, HoldScope::health_data_only}) {
        if (word == to_string(scope)) return scope;
    }
    return std::nullopt;
}

std::string_view to_string(HoldScope scope) {
    return scope == HoldScope::all ? "all" : "health_data_only";
}

std::optional<ConfirmReason> parse_confirm_reason(std::string_view word) {
    const auto found = std::ranges::find(reasons, word, &std::pair<std::string_view, ConfirmReason>::first);
    if (found == reasons.end()) return std::nullopt;
    return found->second;
}

std::string_view to_string(ConfirmReason reason) {
    const auto found = std::ranges::find(reasons, reason, &std::pair<std::string_view, ConfirmReason>::second);
    return found == reasons.end() ? std::string_view() : found->first;
}

}  // namespace onshi::identity
