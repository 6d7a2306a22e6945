#include "domain/payments/rules_ratio.h"

#include <algorithm>

#include "domain/payments/rules.h"

namespace onshi::payments {

namespace {

// From here on the late-elderly know 20 % (令和4年10月).
constexpr Date late_elderly_20_from = Date::of(2022, 10, 1);
constexpr Percent percent_10 = Percent::of(10);
constexpr Percent percent_20 = Percent::of(20);
constexpr Percent percent_30 = Percent::of(30);
// 後期高齢者 below 75 are people with a certified disability from here on.
constexpr int late_elderly_age_min = 65;
// A file says how few blanks are usual where it is at least this part of the largest one: small ones have none by
// chance.
constexpr std::uint64_t usual_sample_divisor = 2;
// The codes of §1.5 that name the ratio of a 後期高齢者.
constexpr std::string_view code_general_2 = "B09";
constexpr std::string_view code_general_1 = "B10";

__extension__ using Wide = __int128;

bool fits_age(Category category, AgeGroup group) {
    const bool elderly = group == AgeGroup::seventy || group == AgeGroup::late_elderly;
    return (band_of(category) == Band::over70) == elderly;
}

// 現役並み is who pays 30 % (§3.3). 一般Ⅰ and Ⅱ are 後期高齢者 at 10 % and 20 %; of these the tax-exempt pay 10 %
// (§4.1).
bool contradicts(Category category, std::string_view code, Percent ratio, AgeGroup group) {
    if (band_of(category) != Band::over70) return false;
    if (is_active(category) != (ratio == percent_30)) return true;
    if (group != AgeGroup::late_elderly) return code == code_general_1 || code == code_general_2;
    if (code == code_general_2) return ratio != percent_20;
    const bool exempt = category == Category::low_1 || category == Category::low_2;
    return (exempt || code == code_general_1) && ratio != percent_10;
}

// Whether the insurer as good as never sends this ratio for this age, and sends enough for that to mean something.
bool is_unusual(const RatioPattern& pattern, AgeGroup group, Percent ratio, const PlausibilityTable& table) {
    const auto& counts = pattern.counts[static_cast<std::size_t>(group)];
    std::uint64_t all = 0;
    for (const auto count : counts) all += count;
    if (all < table.pattern_records_min) return false;
    const std::uint64_t own = counts[static_cast<std::size_t>(ratio.value())];
    return own * 10'000 < all * table.pattern_share_per_10000_min;
}

}  // namespace

AgeGroup age_group_on(Date birth, Date day, InsurerScheme scheme) {
    if (scheme == InsurerScheme::late_elderly || day >= late_elderly_start(birth)) return AgeGroup::late_elderly;
    if (day <= preschool_end(birth)) return AgeGroup::preschool;
    return day >= seventy_start(birth) ? AgeGroup::seventy : AgeGroup::general;
}

std::span<const Percent> lawful_ratios(const Tables& tables, AgeGroup group, Date day) {
    const RatioTable& table = tables.ratio;
    switch (group) {
        case AgeGroup::preschool: return {&table.preschool, 1};
        case AgeGroup::general: return {&table.general, 1};
        case AgeGroup::seventy: return table.seventy;
        case AgeGroup::late_elderly: break;
    }
    return day < late_elderly_20_from ? table.late_elderly_before_2022_10 : table.late_elderly;
}

LawfulRatio lawful_ratio(const Tables& tables, AgeGroup group, Date day, const IncomeFacts& income) {
    const RatioTable& table = tables.ratio;
    const auto ratios = lawful_ratios(tables, group, day);
    const Percent highest = ratios.back();
    if (ratios.size() == 1) return {highest};
    const bool by_pay = group == AgeGroup::seventy && income.standard_monthly_pay.has_value();
    const auto& base = by_pay ? income.standard_monthly_pay : income.taxable;
    const Yen active_from = by_pay ? table.active_pay_from : table.active_taxable_from;
    const Yen exempt_below =
        income.several_elderly ? table.exempt_income_several_below : table.exempt_income_alone_below;
    const bool exempt = income.total_income && *income.total_income < exempt_below;
    if (!exempt && (!base || *base >= active_from))
        return {highest, base.has_value() && income.total_income.has_value()};
    if (ratios.size() == 2) return {ratios.front()};
    const Yen middle_from =
        income.several_elderly ? table.late_middle_income_several_from : table.late_middle_income_alone_from;
    const bool below = (income.taxable && *income.taxable < table.late_middle_taxable_from) ||
                       (income.total_income && *income.total_income < middle_from);
    if (below) return {ratios.front()};
    return {ratios[1], income.taxable.has_value() && income.total_income.has_value()};
}

std::string_view to_string(AgeGroup group) {
    switch (group) {
        case AgeGroup::preschool: return "preschool";
        case AgeGroup::general: return "general";
        case AgeGroup::seventy: return "seventy";
        case AgeGroup::late_elderly: return "late_elderly";
    }
    return "general";
}

std::string_view to_string(RatioFinding finding) {
    switch (finding) {
        case RatioFinding::plausible: return "plausible";
        case RatioFinding::blank: return "blank";
        case RatioFinding::suspect_age: return "suspect_age";
        case RatioFinding::suspect_category: return "suspect_category";
        case RatioFinding::suspect_pattern: return "suspect_pattern";
    }
    return "plausible";
}

void RatioPattern::add(const RatioPattern& other) {
    for (std::size_t group = 0; group < age_group_count; ++group) {
        bool full = false;
        for (std::size_t i = 0; i < counts[group].size(); ++i) {
            const std::uint64_t sum = std::uint64_t{counts[group][i]} + other.counts[group][i];
            counts[group][i] = static_cast<std::uint32_t>(std::min<std::uint64_t>(sum, count_max));
            full = full || sum >= count_max;
        }
        if (!full) continue;
        for (auto& count : counts[group]) count /= 2;
    }
}

namespace {

BlankCount sum(const BlankCount& a, const BlankCount& b) {
    return {a.records + b.records, a.blank_ratio + b.blank_ratio, a.blank_limit + b.blank_limit};
}

// The better of two shares, as a count of `records`, upwards.
std::uint64_t better_of(std::uint64_t a, std::uint64_t a_records, std::uint64_t b, std::uint64_t b_records,
                        std::uint64_t records) {
    const bool first = static_cast<Wide>(a) * b_records <= static_cast<Wide>(b) * a_records;
    const auto blank = static_cast<Wide>(first ? a : b) * records;
    const std::uint64_t of = first ? a_records : b_records;
    return static_cast<std::uint64_t>((blank + of - 1) / of);
}

}  // namespace

BlankCount RatioHistory::judged(const BlankCount& file, const PlausibilityTable& table) const {
    return file.records >= table.blank_records_min ? file : sum(recent, file);
}

void RatioHistory::learn(const RatioHistory& file, BlankVerdict verdict, const PlausibilityTable& table) {
    pattern.add(file.pattern);
    const BlankCount& now = file.blank;
    if (now.records < table.blank_records_min) {
        recent = sum(recent, now);
        if (recent.records < table.blank_records_min) return;
        // A person who lets a small file pass has not said that the blanks of those before it are usual.
        if (blank.records == 0 && verdict == BlankVerdict::accept) blank = recent;
        recent = {};
        return;
    }
    if (blank.records == 0 || verdict == BlankVerdict::stop) {
        blank = now;
    } else if (now.records * usual_sample_divisor >= blank.records) {
        const std::uint64_t records = std::max(blank.records, now.records);
        blank = {records, better_of(now.blank_ratio, now.records, blank.blank_ratio, blank.records, records),
                 better_of(now.blank_limit, now.records, blank.blank_limit, blank.records, records)};
    }
}

RatioFinding ratio_plausibility(const RatioRecord& record, const Tables& tables, const RatioPattern* pattern) {
    const AgeGroup group = age_group_on(record.birth, record.day, record.scheme);
    const bool too_young = record.day < birthday(record.birth, late_elderly_age_min);
    if (group == AgeGroup::late_elderly && too_young) return RatioFinding::suspect_age;
    std::optional<Category> category;
    if (!record.limit_category.empty()) {
        category = parse_category(tables, record.limit_category);
        // A category of another age is wrong whatever ratio stands beside it.
        if (!category || !fits_age(*category, group)) return RatioFinding::suspect_category;
    }
    if (!record.copay_percent) return RatioFinding::blank;
    const auto ratio = Percent::from(*record.copay_percent);
    const auto lawful = lawful_ratios(tables, group, record.day);
    if (!ratio || std::ranges::find(lawful, *ratio) == lawful.end()) return RatioFinding::suspect_age;
    if (category && contradicts(*category, record.limit_category, *ratio, group)) return RatioFinding::suspect_category;
    if (pattern != nullptr && is_unusual(*pattern, group, *ratio, tables.plausibility)) {
        return RatioFinding::suspect_pattern;
    }
    return RatioFinding::plausible;
}

namespace {

// blank / records > before_blank / before_records + jump / 1000, without a division.
bool jumps(std::uint64_t before_blank, std::uint64_t before_records, std::uint64_t blank, std::uint64_t records,
           std::uint32_t jump_per_1000) {
    const auto known = static_cast<Wide>(std::max<std::uint64_t>(before_records, 1));
    const auto now = static_cast<Wide>(records);
    const Wide allowed =
        static_cast<Wide>(before_records == 0 ? 0 : before_blank) * now * 1000 + now * known * jump_per_1000;
    return static_cast<Wide>(blank) * known * 1000 > allowed;
}

}  // namespace

BlankVerdict judge_blank_rate(const RatioHistory& before, const BlankCount& file, const Tables& tables) {
    const PlausibilityTable& table = tables.plausibility;
    const BlankCount now = before.judged(file, table);
    if (now.records < table.blank_records_min) return BlankVerdict::accept;
    const auto jump = table.blank_jump_per_1000;
    const BlankCount& usual = before.blank;
    const bool ratios = jumps(usual.blank_ratio, usual.records, now.blank_ratio, now.records, jump);
    const bool limits =
        usual.records > 0 && jumps(usual.blank_limit, usual.records, now.blank_limit, now.records, jump);
    return ratios || limits ? BlankVerdict::stop : BlankVerdict::accept;
}

std::string_view to_string(Presence presence) {
    switch (presence) {
        case Presence::present: return "present";
        case Presence::blank: return "blank";
        case Presence::not_applicable: return "not_applicable";
        case Presence::not_shown: return "not_shown";
    }
    return "blank";
}

Presence limit_category_presence(std::string_view limit_category, InsurerScheme scheme) {
    if (!limit_category.empty()) return Presence::present;
    return scheme == InsurerScheme::self_defence ? Presence::not_applicable : Presence::blank;
}

Presence copay_ratio_presence(std::optional<int> copay_percent) {
    return copay_percent ? Presence::present : Presence::blank;
}

Percent plain_ratio(const Tables& tables, AgeGroup group, Date day) {
    return lawful_ratios(tables, group, day).back();
}

}  // namespace onshi::payments
