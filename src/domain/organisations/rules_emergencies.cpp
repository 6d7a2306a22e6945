#include "domain/organisations/rules_emergencies.h"

#include <algorithm>

namespace onshi::organisations {

namespace {

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::string_view to_string(Dependency dependency) {
    const auto found = std::ranges::find(dependency_names, dependency, &decltype(dependency_names)::value_type::first);
    return found == dependency_names.end() ? "unknown" : found->second;
}

std::optional<Dependency> parse_dependency(std::string_view name) {
    const auto found = std::ranges::find(dependency_names, name, &decltype(dependency_names)::value_type::second);
    return found == dependency_names.end() ? std::nullopt : std::optional(found->first);
}

std::string_view to_string(DeskMode mode) {
    switch (mode) {
        case DeskMode::normal: return "normal";
        case DeskMode::coverage_only: return "coverage_only";
        case DeskMode::answers_late: return "answers_late";
        case DeskMode::without_hub: return "without_hub";
    }
    return "normal";
}

DeskMode mode_under(Dependency away) {
    switch (away) {
        case Dependency::card_status: return DeskMode::coverage_only;
        case Dependency::resident_register:
        case Dependency::insurer_files: return DeskMode::answers_late;
        case Dependency::registry:
        case Dependency::ledger: return DeskMode::without_hub;
    }
    return DeskMode::normal;
}

std::string_view to_string(DisasterState state) {
    switch (state) {
        case DisasterState::waiting: return "waiting";
        case DisasterState::announced: return "announced";
        case DisasterState::open: return "open";
        case DisasterState::over: return "over";
    }
    return "over";
}

DisasterState state_at(const Disaster& disaster, Instant now) {
    const Date today = japan_day(now);
    if (disaster.ended_at || today > disaster.days.last) return DisasterState::over;
    if (!disaster.confirmed_at) return DisasterState::waiting;
    return today < disaster.days.first ? DisasterState::announced : DisasterState::open;
}

Result<void> check_period(const DateRange& days, Date today) {
    if (days.last < days.first) return fail(ErrorCode::disaster_period, "last_day is before first_day");
    if (days.last < today) return fail(ErrorCode::disaster_period, "last_day is over");
    if (days.last.days() - days.first.days() >= disaster_days_max) {
        return fail(ErrorCode::disaster_period, "more than 92 days");
    }
    return {};
}

bool is_same_person(std::string_view one, std::string_view other) {
    return std::ranges::equal(trimmed(one), trimmed(other), {}, lower, lower);
}

}  // namespace onshi::organisations
