#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "synth/nation.h"

// A members' file with planted faults, and what an intake made of it.
namespace onshi::bench {

// What is wrong with a row, as the nation's truth tells it.
enum class Planted : std::uint8_t { nothing, address, one_name, both_names, birth_or_sex, wrong_link };
inline constexpr std::size_t planted_kinds = 6;
[[nodiscard]] std::string_view to_string(Planted planted);

// What became of it: seen, or withheld with a severity.
enum class Seen : std::uint8_t { seen, severity_3, severity_2, severity_1, refused };
inline constexpr std::size_t seen_kinds = 5;
[[nodiscard]] std::string_view to_string(Seen seen);

struct IntakeFileOptions {
    std::filesystem::path file;
    std::uint64_t persons = 0;    // of the registry: indexes below are known to it
    std::uint64_t residents = 0;  // of the resident register
    std::uint64_t additions = 0;  // of people whom the registry does not know
    std::uint64_t changes = 0;    // of records it has
};

// Writes the file as insurers send theirs, insurer by insurer. Gives the truth of each row in the order of the file.
// Fewer rows than asked for where there are not so many people: bench.invalid.
[[nodiscard]] Result<std::vector<Planted>> write_intake_file(const synth::Nation& nation,
                                                             const IntakeFileOptions& options);

struct Confusion {
    std::array<std::array<std::uint64_t, seen_kinds>, planted_kinds> rows{};
    [[nodiscard]] std::uint64_t at(Planted planted, Seen seen) const {
        return rows[static_cast<std::size_t>(planted)][static_cast<std::size_t>(seen)];
    }
    [[nodiscard]] std::uint64_t total(Planted planted) const;
    [[nodiscard]] std::uint64_t withheld(Planted planted) const;
};
// Reads the result file beside the truth. bench.invalid when they do not fit together.
[[nodiscard]] Result<Confusion> read_results(const std::filesystem::path& result_file,
                                             const std::vector<Planted>& truth);

}  // namespace onshi::bench
