#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/date.h"
#include "base/identifiers.h"

namespace onshi::coverage {

// Life of a record (domain-rules §2.1). ENDED is not a state of its own: it is what `valid_to` says.
enum class State : std::uint8_t { active = 1, withheld = 2, void_ = 3 };

enum class Relation : std::uint8_t { insured = 1, dependant = 2 };  // 本人・家族

// 喪失事由, codes of §1.5; 0 while the coverage has not ended.
enum class LossReason : std::uint8_t { none = 0, death = 1, welfare = 2, other_insurance = 3, other = 99 };

// 証区分, codes of §1.5.
enum class CertificateKind : std::uint8_t {
    general = 1,
    retired = 2,
    short_term = 3,
    short_term_retired = 4,
    eligibility_certificate = 5,
    special_retired = 6,
    self_defence = 7,
};

// One coverage of one person, as known now. `valid_to` is the last covered day; `lost_on` is the next one.
struct Coverage {
    CoverageKey key{0};
    InsurerNumber insurer;
    std::string symbol;  // as received; empty where the scheme has none
    std::string number;
    std::optional<BranchNumber> branch;
    Relation relation = Relation::insured;
    Date acquired_on;
    Date valid_to = Date::open_end;
    LossReason loss_reason = LossReason::none;
    State state = State::active;
    // Seen, but its link to the person is doubted and a policy holds back health data only (domain-rules §2.5).
    bool health_data_held = false;
    std::optional<int> copay_percent;  // 0…100; absent: not told by the insurer
    std::string limit_category;        // §1.5 `A01` … `B10`; empty: none on file
    CertificateKind kind = CertificateKind::general;
    Date file_day;                // day of the insurer's file that brought it
    std::int64_t known_from = 0;  // registry commit that made it known

    [[nodiscard]] bool covers(Date day) const { return acquired_on <= day && day <= valid_to; }
    [[nodiscard]] std::optional<Date> lost_on() const {
        return valid_to == Date::open_end ? std::nullopt : std::optional(valid_to.plus_days(1));
    }
};

inline constexpr std::size_t coverages_per_person_max = 64;

// In packed bytes: known from the commit that wrote them. Who packs a new version does not know its number yet; the
// row's `known_from`, or the section's version, tells it to the reader.
inline constexpr std::int64_t known_from_commit = 0;

// The compact form of one record, and of all records of a person (the coverage section of `person_now`). nullopt for
// bytes of another form or more than coverages_per_person_max records.
[[nodiscard]] std::string pack(const Coverage& coverage);
[[nodiscard]] std::optional<Coverage> unpack(std::string_view bytes);
[[nodiscard]] std::string pack_all(const std::vector<Coverage>& coverages);
[[nodiscard]] std::optional<std::vector<Coverage>> unpack_all(std::string_view bytes);

}  // namespace onshi::coverage
