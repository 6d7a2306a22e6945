#pragma once

#include <cstddef>
#include <cstdint>

namespace onshi::synth {

// Persons have indexes 0 .. persons_max-1. Bounded by the eight digits of a late-elderly number (domain-rules §1.4).
inline constexpr std::uint64_t persons_max = 140'000'000;
inline constexpr std::uint32_t facilities_max = 230'000;
inline constexpr std::size_t household_size_max = 6;
inline constexpr std::size_t coverage_records_max = 12;
inline constexpr std::size_t faults_max = 128;
// Renewals of one card's certificate that are followed; cards exist since 2016 and last about five years each.
inline constexpr unsigned renewals_max = 3;
// RSA keys are made once per installation; a person's card uses one of them (design §9.16).
inline constexpr std::uint32_t key_pool_size = 64;

// Indexes come in blocks that end with a household, so no household crosses a block.
inline constexpr std::uint32_t block_size = 100;
// One block of this many holds the three persons of the test of undisclosed persons (design §9.10).
inline constexpr std::uint32_t protection_group_blocks = 20;

}  // namespace onshi::synth
