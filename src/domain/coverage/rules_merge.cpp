#include "domain/coverage/rules_merge.h"

#include <algorithm>

namespace onshi::coverage {

namespace {

bool same_text(const std::string& a, const std::string& b) {
    if (a == b) return true;
    const auto one = normalise_insured_text(a);
    const auto other = normalise_insured_text(b);
    return one && other && *one == *other;
}

bool is_better(const Coverage& a, const Coverage& b) {
    const auto rank = [](const Coverage& c) {
        if (c.state != State::active) return 2;
        return c.health_data_held ? 1 : 0;
    };
    return rank(a) < rank(b);
}

void take_over_end(const Coverage& from, MergedRecord& into) {
    if (from.valid_to >= into.record.valid_to) return;
    into.record.valid_to = from.valid_to;
    into.record.loss_reason = from.loss_reason;
    into.changed = true;
}

}  // namespace

identity::Severity merge_severity(const identity::Person& one, const identity::Person& other, bool both_have_numbers) {
    if (both_have_numbers) return identity::Severity::another_person;
    const identity::SentIdentity told{other.name, other.kana, other.address, other.birth, other.sex};
    const identity::Resident known{one.name, one.kana, one.address, one.birth, one.sex, Date::open_end};
    return identity::match_with_register(told, known, Date::first_day).severity;
}

identity::Protection stricter(const identity::Protection& one, const identity::Protection& other) {
    return {one.exchange_history_hidden || other.exchange_history_hidden,
            one.self_information_blocked || other.self_information_blocked};
}

bool same_coverage(const Coverage& a, const Coverage& b) {
    return a.insurer == b.insurer && a.branch == b.branch && a.acquired_on == b.acquired_on &&
           same_text(a.number, b.number) && same_text(a.symbol, b.symbol);
}

std::vector<MergedRecord> merge_records(std::span<const Coverage> survivor, std::span<const Coverage> other,
                                        Date today) {
    std::vector<MergedRecord> merged;
    merged.reserve(survivor.size() + other.size());
    for (const Coverage& record : survivor) merged.push_back({record, MergedFrom::survivor, false});
    for (const Coverage& record : other) {
        MergedRecord added{record, MergedFrom::other, false};
        for (std::size_t i = 0; i < survivor.size() && added.record.state != State::void_; ++i) {
            MergedRecord& held = merged[i];
            if (held.record.state == State::void_ || !same_coverage(held.record, record)) continue;
            MergedRecord& stays = is_better(record, held.record) ? added : held;
            MergedRecord& goes = &stays == &held ? added : held;
            take_over_end(goes.record, stays);
            if (stays.changed) stays.record.file_day = today;
            goes.record.state = State::void_;
            goes.record.file_day = today;
            goes.changed = true;
        }
        merged.push_back(std::move(added));
    }
    return merged;
}

}  // namespace onshi::coverage
