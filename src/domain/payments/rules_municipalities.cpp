#include "domain/payments/rules_municipalities.h"

#include <algorithm>

#include <fmt/format.h>

namespace onshi::payments {

namespace {

constexpr int local_law_code_min = 80;
constexpr int local_law_code_max = 99;

// The same law code for one day twice.
bool overlap(const LocalOrdinance& a, const LocalOrdinance& b) {
    return a.law_code == b.law_code && a.terms.days.overlaps(b.terms.days);
}

Result<void> check_ordinances(const Municipality& municipality) {
    const auto& list = municipality.ordinances;
    const std::string code = municipality.code.text();
    if (list.size() > ordinances_per_municipality_max) return fail(ErrorCode::payments_ordinance, code + ": too many");
    for (std::size_t i = 0; i < list.size(); ++i) {
        const std::string place = fmt::format("{}, ordinance {}", code, i + 1);
        const bool local = list[i].law_code >= local_law_code_min && list[i].law_code <= local_law_code_max;
        if (!local) return fail(ErrorCode::payments_ordinance, place + ": law_code is not 80…99");
        if (const auto wrong = contradiction(list[i].terms)) {
            return fail(ErrorCode::payments_ordinance, fmt::format("{}: {}", place, *wrong));
        }
        for (std::size_t j = 0; j < i; ++j) {
            if (!overlap(list[j], list[i])) continue;
            return fail(ErrorCode::payments_ordinance,
                        fmt::format("{}: the days of ordinance {} too, under one law_code", place, j + 1));
        }
    }
    return {};
}

}  // namespace

std::string_view to_string(SubsidyKnowledge knowledge) {
    switch (knowledge) {
        case SubsidyKnowledge::not_asked: return "not_asked";
        case SubsidyKnowledge::known: return "known";
        case SubsidyKnowledge::unknown: return "unknown";
    }
    return "unknown";
}

Result<MunicipalTable> MunicipalTable::make(std::vector<Municipality> municipalities) {
    if (municipalities.size() > municipalities_max) return fail(ErrorCode::payments_municipality, "too many");
    MunicipalTable table;
    table.by_code_ = std::move(municipalities);
    auto& list = table.by_code_;
    std::ranges::sort(list, {}, &Municipality::code);
    for (std::size_t i = 0; i < list.size(); ++i) {
        const std::string code = list[i].code.text();
        if (i > 0 && list[i - 1].code == list[i].code) {
            return fail(ErrorCode::payments_municipality, code + ": stands there twice");
        }
        if (list[i].name.empty() || list[i].name.size() > municipality_name_bytes_max) {
            return fail(ErrorCode::payments_municipality, code + ": name");
        }
        auto checked = check_ordinances(list[i]);
        if (!checked) return tl::unexpected(std::move(checked.error()));
        if (!list[i].is_prefecture()) table.by_name_.push_back(i);
    }
    const auto name_of = [&list](std::size_t place) -> const std::string& { return list[place].name; };
    std::ranges::sort(table.by_name_, {}, name_of);
    const auto twin = std::ranges::adjacent_find(table.by_name_, {}, name_of);
    if (twin != table.by_name_.end()) {
        return fail(ErrorCode::payments_municipality, list[*twin].code.text() + ": another one has the same name");
    }
    return table;
}

const Municipality* MunicipalTable::find(MunicipalityCode code) const {
    const auto found = std::ranges::lower_bound(by_code_, code, {}, &Municipality::code);
    return found != by_code_.end() && found->code == code ? &*found : nullptr;
}

const Municipality* MunicipalTable::home_of(std::string_view address) const {
    // The last name that is not behind the address begins like it as far as any name does that could be its beginning.
    for (std::string_view rest = address; !rest.empty();) {
        const auto after = std::ranges::upper_bound(
            by_name_, rest, {}, [this](std::size_t place) { return std::string_view(by_code_[place].name); });
        if (after == by_name_.begin()) return nullptr;
        const Municipality& before = by_code_[*(after - 1)];
        if (rest.starts_with(before.name)) return &before;
        const auto [in_rest, in_name] = std::ranges::mismatch(rest, before.name);
        rest = rest.substr(0, static_cast<std::size_t>(in_rest - rest.begin()));
    }
    return nullptr;
}

const LocalOrdinance* MunicipalTable::find_ordinance(MunicipalityCode code, int law_code, Date day) const {
    const Municipality* municipality = find(code);
    if (municipality == nullptr) return nullptr;
    for (const auto& ordinance : municipality->ordinances) {
        if (ordinance.law_code == law_code && ordinance.terms.days.contains(day)) return &ordinance;
    }
    return nullptr;
}

SubsidyKnowledge MunicipalTable::knowledge_of(std::string_view address, Date day) const {
    const Municipality* home = home_of(address);
    return home != nullptr && home->is_connected(day) ? SubsidyKnowledge::known : SubsidyKnowledge::unknown;
}

}  // namespace onshi::payments
