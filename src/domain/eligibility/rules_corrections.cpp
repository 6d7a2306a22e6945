#include "domain/eligibility/rules_corrections.h"

#include "domain/coverage/rules_merge.h"

namespace onshi::eligibility {

namespace {

bool counts_on(const coverage::Coverage& record, Date day) {
    return record.state == coverage::State::active && record.covers(day);
}

// The one a check would give: of several the latest acquired (§2.4).
const coverage::Coverage* covering(std::span<const coverage::Coverage> records, Date day) {
    const coverage::Coverage* found = nullptr;
    for (const auto& record : records) {
        if (counts_on(record, day) && (found == nullptr || found->acquired_on < record.acquired_on)) found = &record;
    }
    return found;
}

// A record that became void because the same coverage stands in another one (two persons were merged): nothing that was
// told of it turned out otherwise.
const coverage::Coverage* standing_for(const coverage::Coverage* asked, std::span<const coverage::Coverage> records) {
    if (asked == nullptr || asked->state != coverage::State::void_) return asked;
    for (const auto& record : records) {
        if (record.state == coverage::State::active && coverage::same_coverage(*asked, record)) return &record;
    }
    return asked;
}

const coverage::Coverage* find(std::span<const coverage::Coverage> records, const std::optional<CoverageKey>& key) {
    for (const auto& record : records) {
        if (key && record.key == *key) return &record;
    }
    return nullptr;
}

}  // namespace

std::string_view to_string(ClaimHint hint) {
    switch (hint) {
        case ClaimHint::transfer: return "transfer";
        case ClaimHint::ask_again: return "ask_again";
        case ClaimHint::covered: return "covered";
    }
    return "ask_again";
}

bool is_correctable(const Answer& answer) {
    if (!answer.person || answer.verdict.result == ResultCode::several) return false;
    if (answer.verdict.result != ResultCode::none) return true;
    return answer.verdict.cause == OutcomeCode::cause_unregistered ||
           answer.verdict.cause == OutcomeCode::cause_withheld;
}

std::optional<Correction> correct(const Told& told, std::span<const coverage::Coverage> records) {
    const coverage::Coverage* asked = standing_for(find(records, told.coverage), records);
    const bool stands = asked != nullptr && counts_on(*asked, told.care_day);
    const coverage::Coverage* now = covering(records, told.care_day);
    if (told.result == ResultCode::valid) {
        if (stands) return std::nullopt;
        if (now != nullptr) {
            // Whoever asked by number asked about that record: it ended, and there is a newer one.
            if (told.source == Source::number) {
                return Correction{ResultCode::invalid_newer, told.coverage, ClaimHint::transfer};
            }
            return Correction{ResultCode::valid, now->key, ClaimHint::transfer};
        }
        return Correction{asked != nullptr ? ResultCode::invalid : ResultCode::none, told.coverage,
                          ClaimHint::ask_again};
    }
    if (stands) return Correction{ResultCode::valid, told.coverage, ClaimHint::covered};
    if (told.result == ResultCode::invalid_newer) {
        if (now != nullptr) return std::nullopt;
        return Correction{ResultCode::invalid, told.coverage, ClaimHint::ask_again};
    }
    if (now == nullptr) return std::nullopt;
    const bool asked_another = told.source == Source::number && told.coverage.has_value();
    if (asked_another) return Correction{ResultCode::invalid_newer, told.coverage, ClaimHint::covered};
    return Correction{ResultCode::valid, now->key, ClaimHint::covered};
}

}  // namespace onshi::eligibility
