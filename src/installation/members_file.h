#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "synth/nation.h"

namespace onshi::installation {

// Rows of a members' file (exchange/insurer_files) as the insurers of the synthetic nation would send them, planted
// faults included: for demos, tests and benchmarks. The nation outlives it. Not thread-safe.
class MembersFileWriter {
  public:
    explicit MembersFileWriter(const synth::Nation& nation) : nation_(nation) {}

    [[nodiscard]] static std::string header();
    // The acquisition of one record, with what the insurer got wrong; appends a line.
    void add(const synth::SyntheticPerson& person, std::size_t record, std::string& out) const;
    // The record once more with another limit category.
    void change(const synth::SyntheticPerson& person, std::size_t record, std::string& out) const;
    void lose(const synth::SyntheticPerson& person, std::size_t record, Date lost_on, std::string& out) const;

  private:
    void row(std::string_view operation, const synth::SyntheticPerson& person, std::size_t record,
             const std::optional<Date>& lost_on, bool other_limit, std::string& out) const;
    const synth::Nation& nation_;
};

// The record of a person that covers the nation's day; nullopt when none does or it never existed.
[[nodiscard]] std::optional<std::size_t> current_record(const synth::Nation& nation,
                                                        const synth::SyntheticPerson& person);

}  // namespace onshi::installation
