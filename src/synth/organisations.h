#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/date.h"
#include "base/identifiers.h"
#include "synth/limits.h"
#include "synth/places.h"

namespace onshi::synth {

// How an insurer writes symbols (記号); the number part tells workplaces apart (domain-rules §1.4).
enum class SymbolStyle : std::uint8_t {
    none,               // late-elderly, most of National Health Insurance
    digits,             // 1234
    full_width_digits,  // １２３４
    prefixed,           // 架空－１２３４
    kana,               // ア1234
    fixed_text,         // 架国, the same for everybody
};

// An invented insurer. The numbers have right check digits and may exist; names and telephone numbers do not.
struct SyntheticInsurer {
    InsurerNumber number;
    std::string name;  // starts with 架空
    DateRange validity;
    std::uint8_t prefecture;  // 1..47
    SymbolStyle symbol_style;
    std::uint8_t first_branch;        // the branch of the insured themself: 0 or 1, the insurer's own numbering
    std::uint16_t telephone;          // last four digits, see append_insurer_telephone
    std::uint8_t file_interval_days;  // how often it sends a file: 1 or 7
    std::uint8_t file_weekday;        // of weekly files, 0 .. 6
};

// The day of the newest file of that insurer, before `as_of`.
[[nodiscard]] Date newest_file_on(const SyntheticInsurer& insurer, Date as_of);

// An invented municipality inside a real prefecture.
struct Municipality {
    std::string name;                // 架空星川市, without the prefecture
    std::uint32_t code;              // 全国地方公共団体コード: prefecture, 3 digits, check digit
    std::uint32_t postal_code;       // 7 digits, 000nnnn: no such area exists
    std::uint16_t national_insurer;  // index of its National Health Insurance
    std::uint8_t prefecture;         // 1..47
};

enum class FacilityKind : std::uint8_t { hospital, clinic, dental, pharmacy, visiting_nurses };

struct SyntheticFacility {
    FacilityCode code;
    FacilityKind kind;
    std::string name;  // starts with 架空
    std::uint16_t municipality;
    std::uint8_t terminals;   // at least 1 when connected, else 0
    bool obliged;             // to connect (domain-facts §1: 93.0 %)
    bool reads_phones;        // has a reader for phones (about 77,000)
    std::uint32_t telephone;  // last seven digits, see append_facility_telephone
};

// Neighbours in a master: the insurers of one kind, the municipalities of a prefecture.
struct IndexRun {
    std::uint16_t first = 0;
    std::uint16_t count = 0;
    [[nodiscard]] std::uint16_t at(std::uint32_t ordinal) const { return static_cast<std::uint16_t>(first + ordinal); }
};

// Everything that is not a person. Immutable after construction; thread-safe.
class Organisations {
  public:
    explicit Organisations(std::uint64_t seed);

    // About 3,390 insurers under 3,496 numbers: the branches of 協会けんぽ and the second numbers of societies (63,
    // 72-75) count once each. The last `dissolved_societies` health societies have ended and insure nobody.
    [[nodiscard]] std::span<const SyntheticInsurer> insurers() const { return insurers_; }
    [[nodiscard]] std::span<const Municipality> municipalities() const { return municipalities_; }
    // The n-th facility, n < facilities_max: kinds as in domain-facts §1, places by population.
    [[nodiscard]] SyntheticFacility facility(std::uint32_t index) const;

    struct Runs {
        IndexRun association;  // by prefecture
        IndexRun seamen;
        IndexRun societies;
        IndexRun self_defence;
        IndexRun national_servants;
        IndexRun local_servants;  // the first 47 by prefecture
        IndexRun police;
        IndexRun schools;
        IndexRun late_elderly;  // by prefecture
        IndexRun retired_societies;
        IndexRun retired_servants;
        IndexRun national_health;
        std::array<IndexRun, prefecture_count> trade_societies;
    };
    [[nodiscard]] const Runs& runs() const { return runs_; }
    // Municipalities of a prefecture, the largest first.
    [[nodiscard]] IndexRun municipalities_of(int prefecture) const {
        return municipality_runs_[static_cast<std::size_t>(prefecture - 1)];
    }
    static constexpr std::uint32_t dissolved_societies = 12;

  private:
    void make_municipalities();
    void make_employees_insurers();
    void make_national_insurers();
    [[nodiscard]] std::uint16_t add(int law_code, int prefecture, std::uint32_t body, std::string name, Date since);
    // Bodies from `highest` downwards.
    [[nodiscard]] IndexRun add_run(int law_code, int prefecture, std::uint32_t highest, std::uint32_t count,
                                   std::string_view suffix);
    void add_societies();

    std::uint64_t seed_;
    std::vector<SyntheticInsurer> insurers_;
    std::vector<Municipality> municipalities_;
    std::array<IndexRun, prefecture_count> municipality_runs_{};
    Runs runs_;
};

// The check digit of a local government code (five digits before it): weights 6 5 4 3 2, modulus 11.
[[nodiscard]] std::uint32_t local_government_check(std::uint32_t five_digits);

}  // namespace onshi::synth
