#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/date.h"
#include "base/result.h"
#include "synth/limits.h"
#include "synth/organisations.h"
#include "synth/person.h"

namespace onshi::synth {

// Parts per billion, of records unless said otherwise. The defaults are the published rates; a demo of ten thousand may
// raise them to see every fault. "Chosen" ones have no published figure.
struct FaultRates {
    std::uint32_t withheld_name = 8'687'500;  // 1.39 M of 160 M records differ in name or address (domain-rules MT-4)
    std::uint32_t withheld_birth_or_sex = 17'369;  // 2,779 of 160 M (MT-4)
    std::uint32_t wrong_link = 101'742;            // of persons: 8,351 of 82.08 M (domain-facts §4)
    std::uint32_t wrong_ratio = 47'066;            // of current records: 5,695 of 121 M (domain-facts §4)
    std::uint32_t late_acquisition = 80'000'000;   // of acquisitions, more than 10 days late; chosen
    std::uint32_t late_loss = 100'000'000;         // of losses; chosen
    std::uint32_t loss_unreported = 80'000'000;    // of changes from 国保 to an employee's scheme; chosen
    std::uint32_t loss_date_wrong = 10'000'000;    // of losses; chosen
    std::uint32_t never_registered = 30'000'000;   // of those who would have to join 国保 themselves; chosen
    std::uint32_t cancelled_record = 500'000;      // of persons; chosen
    std::uint32_t future_job = 1'000'000;          // of workers, beginning next month; chosen
};

struct NationSettings {
    std::uint64_t seed = 1;
    // Today in that nation: 2024-12-02 .. 2035-12-31.
    Date as_of = Date::of(2026, 11, 23);
    FaultRates rates;
};

struct NationTables;

// Everything about the nation that is not one person. Immutable; thread-safe; owns its tables (about 1 MiB).
class Nation {
  public:
    // Errors: synth.settings.
    [[nodiscard]] static Result<Nation> create(const NationSettings& settings);
    Nation(Nation&&) noexcept;
    Nation& operator=(Nation&&) noexcept;
    ~Nation();

    [[nodiscard]] const NationSettings& settings() const;
    [[nodiscard]] const Organisations& organisations() const;

    // A person alone: index < persons_max. The same whatever else is made; for many in order use PersonMaker.
    [[nodiscard]] SyntheticPerson person(std::uint64_t index) const;
    // The planted faults of a person, for the truth file.
    [[nodiscard]] std::vector<Fault> truth(std::uint64_t index) const;
    // 個人番号 as twelve digits; unique per index, right check digit. For the intake side only (domain-rules MN-1).
    [[nodiscard]] std::uint64_t individual_number(std::uint64_t index) const;

  private:
    friend class PersonMaker;
    explicit Nation(std::unique_ptr<const NationTables> tables);
    std::unique_ptr<const NationTables> tables_;
};

struct Household;

// Makes persons into one buffer and keeps the last household, so that runs of indexes are fast and allocate nothing.
// The nation must outlive it. Not thread-safe: one per thread.
class PersonMaker {
  public:
    explicit PersonMaker(const Nation& nation);
    ~PersonMaker();
    PersonMaker(const PersonMaker&) = delete;
    PersonMaker& operator=(const PersonMaker&) = delete;

    // Valid until the next call.
    [[nodiscard]] const SyntheticPerson& make(std::uint64_t index);

  private:
    const NationTables& tables_;
    std::unique_ptr<Household> household_;
    SyntheticPerson person_;
};

}  // namespace onshi::synth
