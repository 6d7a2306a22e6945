#include "synth/subsidies.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/ensure.h"
#include "synth/draws.h"

namespace onshi::synth {

namespace {

constexpr std::uint32_t connected_per_thousand = 105;
constexpr std::uint32_t prefecture_body = 601;  // 実施機関 of a prefecture's programmes
constexpr int child_age_max = 18;
// Shares of adults, chosen after published counts of recipients.
constexpr std::uint32_t incurable_per_thousand = 8;
constexpr std::uint32_t psychiatry_per_thousand = 18;
constexpr std::uint32_t disability_per_thousand = 30;
constexpr std::array<std::uint32_t, 6> incurable_caps{0, 2'500, 5'000, 10'000, 20'000, 30'000};
constexpr std::array<std::uint32_t, 3> psychiatry_caps{2'500, 5'000, 10'000};

// The number with its check digit.
PublicPayerNumber payer_number(int law_code, int prefecture, std::uint32_t body) {
    std::string digits = std::to_string(law_code * 100'000 + prefecture * 1'000 + static_cast<int>(body));
    digits += static_cast<char>('0' + check_digit_a(digits).value_or(0));
    const auto parsed = PublicPayerNumber::parse(digits);
    ENSURE(parsed.has_value());
    return *parsed;
}

std::uint32_t recipient_number(std::uint64_t index) {
    const std::string digits = std::to_string(1'000'000 + index % 1'000'000).substr(1);
    return static_cast<std::uint32_t>(index % 1'000'000) * 10 +
           static_cast<std::uint32_t>(check_digit_a(digits).value_or(0));
}

// The year of a programme that begins on the first of a month, the one that holds the day.
DateRange year_from(int month, Date day) {
    const CivilDay civil = day.civil();
    const int year = civil.month >= month ? civil.year : civil.year - 1;
    const Date first = *Date::from_ymd(year, month, 1);
    return {first, Date::from_ymd(year + 1, month, 1)->plus_days(-1)};
}

}  // namespace

bool is_connected(const Nation& nation, std::uint16_t municipality) {
    const Draws draws(nation.settings().seed, municipality);
    return draws.below(1'000, Field::municipality_connected) < connected_per_thousand;
}

std::uint32_t prefecture_code(int prefecture) {
    const auto five = static_cast<std::uint32_t>(prefecture) * 1'000;
    return five * 10 + local_government_check(five);
}

bool holds_limit_certificate(const Nation& nation, const SyntheticPerson& person) {
    if (person.protection != ProtectionRole::none) return false;
    return Draws(nation.settings().seed, person.index).below(12, Field::limit_certificate) == 0;
}

SyntheticSubsidies subsidies_of(const Nation& nation, const SyntheticPerson& person) {
    SyntheticSubsidies held;
    const Date as_of = nation.settings().as_of;
    if (person.protection != ProtectionRole::none || person.is_deceased()) return held;
    const auto age = age_on(person.birth_date, as_of);
    if (!age) return held;
    const Municipality& home = nation.organisations().municipalities()[person.address.municipality];
    const Draws draws(nation.settings().seed, person.index);
    const auto body = static_cast<std::uint32_t>(person.address.municipality -
                                                 nation.organisations().municipalities_of(home.prefecture).first + 1);
    const std::uint32_t recipient = recipient_number(person.index);
    const bool connected = is_connected(nation, person.address.municipality);
    const std::uint32_t prefecture = prefecture_code(home.prefecture);
    if (*age <= child_age_max) {
        if (!connected) return held;
        DateRange valid = year_from(4, as_of);
        valid.first = std::max(valid.first, person.birth_date);
        held.push_back({payer_number(child_subsidy_law_code, home.prefecture, body), recipient, "架空こども医療費助成",
                        home.code, valid, std::nullopt, 3, false});
        return held;
    }
    if (draws.below(1'000, Field::subsidy, 1) < incurable_per_thousand) {
        const std::uint32_t income = 1 + draws.below(5, Field::subsidy_income);
        held.push_back({payer_number(incurable_disease_law_code, home.prefecture, prefecture_body), recipient,
                        "架空特定医療費（指定難病）", prefecture, year_from(10, as_of), incurable_caps[income],
                        static_cast<std::uint8_t>(income), false});
    }
    if (draws.below(1'000, Field::subsidy, 2) < psychiatry_per_thousand) {
        const std::uint32_t income = draws.below(3, Field::subsidy_income, 1);
        held.push_back({payer_number(outpatient_psychiatry_law_code, home.prefecture, prefecture_body), recipient,
                        "架空自立支援医療（精神通院）", prefecture, year_from(4, as_of), psychiatry_caps[income],
                        static_cast<std::uint8_t>(income + 1), false});
    }
    if (connected && draws.below(1'000, Field::subsidy, 3) < disability_per_thousand) {
        held.push_back({payer_number(disability_subsidy_law_code, home.prefecture, body), recipient,
                        "架空障害者医療費助成", home.code, year_from(8, as_of), std::nullopt, 2,
                        draws.below(5, Field::subsidy, 4) == 0});
    }
    return held;
}

}  // namespace onshi::synth
