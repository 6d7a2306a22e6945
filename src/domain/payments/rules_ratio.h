// The copay ratio by law, and whether what an insurer sent can be true. Pure, without allocation, thread-safe.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "base/identifiers.h"
#include "domain/payments/model.h"

namespace onshi::payments {

// Which field of the insurer's record is read on a day (§4.1, §4.2).
enum class AgeGroup : std::uint8_t { preschool, general, seventy, late_elderly };
inline constexpr std::size_t age_group_count = 4;
[[nodiscard]] std::string_view to_string(AgeGroup group);

// `scheme` late_elderly is late-elderly at any age: 65 and over with a certified disability.
[[nodiscard]] AgeGroup age_group_on(Date birth, Date day, InsurerScheme scheme);
// The ratios that the law knows for a group on a day.
[[nodiscard]] std::span<const Percent> lawful_ratios(const Tables& tables, AgeGroup group, Date day);

// What the law makes of an income (§4.1; the thresholds are from memory and stand in the tables).
struct IncomeFacts {
    std::optional<Yen> standard_monthly_pay;  // employees' schemes
    std::optional<Yen> taxable;               // 課税所得
    std::optional<Yen> total_income;          // pension and other income of the persons of 70 (75) and over
    bool several_elderly = false;             // two or more of them in the household
};
// What is not known never makes a ratio lower: it is then the highest that the rest allows, and not certain.
struct LawfulRatio {
    Percent percent;
    bool certain = true;
};
[[nodiscard]] LawfulRatio lawful_ratio(const Tables& tables, AgeGroup group, Date day, const IncomeFacts& income);

// ---- Plausibility at intake (§4.1): RATIO_SUSPECT -------------------------------------------------------------------

enum class RatioFinding : std::uint8_t {
    plausible,
    blank,             // no ratio on file
    suspect_age,       // no ratio of the law for this age: 30 % for a child of five; late-elderly below 65
    suspect_category,  // the limit category belongs to another age or another ratio
    suspect_pattern,   // lawful, and as good as never sent by this insurer for this age
};
[[nodiscard]] std::string_view to_string(RatioFinding finding);
[[nodiscard]] constexpr bool is_ratio_suspect(RatioFinding finding) {
    return finding >= RatioFinding::suspect_age;
}

// How often an insurer sent each ratio for each age group in its accepted files. Ratios in percent, 0..100.
struct RatioPattern {
    std::array<std::array<std::uint32_t, 101>, age_group_count> counts{};

    // Above this an age group's counts are halved, so that what was sent lately weighs more.
    static constexpr std::uint32_t count_max = 1U << 30U;
    void add(const RatioPattern& other);
    void count(AgeGroup group, Percent ratio) {
        ++counts[static_cast<std::size_t>(group)][static_cast<std::size_t>(ratio.value())];
    }
};

struct RatioRecord {
    Date birth;
    Date day;  // the day whose ratio this is: first day of validity, or the file's day
    InsurerScheme scheme = InsurerScheme::national_health;
    std::optional<int> copay_percent;  // as sent; absent: blank
    std::string_view limit_category;   // as sent, §1.5; empty: blank, which is not suspect by itself
};
// The stored value stays the answer whatever this finds: the insurer is told, nothing is changed. `pattern` may be
// nullptr: then only the law judges. A category that is no code of §1.5 is suspect_category.
[[nodiscard]] RatioFinding ratio_plausibility(const RatioRecord& record, const Tables& tables,
                                              const RatioPattern* pattern = nullptr);

// How much of a file was blank. Counted per insurer and file.
struct BlankCount {
    std::uint64_t records = 0;
    std::uint64_t blank_ratio = 0;
    std::uint64_t blank_limit = 0;  // no limit category where the scheme has them
};
enum class BlankVerdict : std::uint8_t { accept, stop };
// What is kept of an insurer between its files.
struct RatioHistory {
    BlankCount blank;   // what files are compared with: the best so far, or the last large one that a person let pass
    BlankCount recent;  // of files that were too small to be judged alone, until they are enough together
    RatioPattern pattern;
    // Takes over what an accepted file told. `verdict`: what judge_blank_rate said of it before a person let it pass:
    // only then do blanks become what is usual, so that they do not creep up file by file.
    void learn(const RatioHistory& file, BlankVerdict verdict, const PlausibilityTable& table);
    // What a file is judged by: itself, or where it is too small together with the small ones before it.
    [[nodiscard]] BlankCount judged(const BlankCount& file, const PlausibilityTable& table) const;
};
// Whether a file is to be stopped because its share of blank ratios or categories jumped against what the insurer
// usually sends (2025-07: a vendor's setting blanked both of a whole insurer). Without a file before: no blank ratio
// is expected, and nothing is known of categories, which not every insurer sends.
[[nodiscard]] BlankVerdict judge_blank_rate(const RatioHistory& before, const BlankCount& file, const Tables& tables);

// ---- What an answer says -------------------------------------------------------------------------------------------

// "Blank" told apart from "not applicable" (§3.11). A blank ratio or category is a fault of the record: the counter
// uses the plain ratio of the age and never guesses a lower class.
enum class Presence : std::uint8_t {
    present,
    blank,           // belongs to this person and is missing
    not_applicable,  // nothing of the kind exists for this person
    not_shown,       // there may be one; the way of asking does not show it
};
[[nodiscard]] std::string_view to_string(Presence presence);

// Schemes without monthly limits by category in the answer: 自衛官 have their own.
[[nodiscard]] Presence limit_category_presence(std::string_view limit_category, InsurerScheme scheme);
[[nodiscard]] Presence copay_ratio_presence(std::optional<int> copay_percent);
// The ratio at which a counter collects while the record is blank: the highest that the law knows for the age.
[[nodiscard]] Percent plain_ratio(const Tables& tables, AgeGroup group, Date day);

}  // namespace onshi::payments
