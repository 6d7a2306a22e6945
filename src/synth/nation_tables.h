#pragma once

#include <array>
#include <cstdint>

#include "synth/draws.h"
#include "synth/nation.h"
#include "synth/organisations.h"

namespace onshi::synth {

// Where in its block a household begins, and how many persons it has.
struct Seat {
    std::uint8_t head;
    std::uint8_t size;
};
using BlockLayout = std::array<Seat, block_size>;

// The shapes that households of one size take.
enum class HouseholdKind : std::uint8_t { single, couple, parent, couple_with_children, couple_with_elders };
inline constexpr std::size_t household_kind_count = 5;

// Prefectures go round in a cycle of slots, as many for each as its population deserves.
inline constexpr std::uint32_t prefecture_slots = 1'250;
inline constexpr std::uint64_t cycle_persons = std::uint64_t{prefecture_slots} * block_size;
inline constexpr std::uint32_t slot_stride = 37;  // coprime to the number of slots

struct Slot {
    std::uint8_t prefecture;  // 1..47
    std::uint16_t rank;       // among the slots of the prefecture
};

// The last persons of every block live alone; in one block of a group they are the protection trio.
inline constexpr std::uint32_t trio_first = block_size - 3;

// All draws that need more than arithmetic. Immutable after construction; thread-safe.
struct NationTables {
    explicit NationTables(const NationSettings& chosen);

    [[nodiscard]] Seat seat(std::uint64_t index) const;
    // Whether the index is one of the three persons of its block's protection trio.
    [[nodiscard]] bool in_trio(std::uint64_t index) const;
    [[nodiscard]] const Slot& slot(std::uint64_t head) const;
    // Unique among all persons of the prefecture that the household at `head` lives in, below 10^8.
    [[nodiscard]] std::uint32_t rank_in_prefecture(std::uint64_t head, std::uint32_t member) const;
    [[nodiscard]] std::uint32_t head_age(HouseholdKind kind, std::uint64_t bits) const {
        return head_ages[static_cast<std::size_t>(kind)].at(bits);
    }

    NationSettings settings;
    Organisations organisations;
    std::array<BlockLayout, 256> layouts{};
    std::array<Slot, prefecture_slots> slots{};
    std::array<std::uint16_t, prefecture_count> slots_of_prefecture{};
    std::array<WeightedPick, household_kind_count> head_ages;
    WeightedPick surname_pick;
    WeightedPick rare_surname_pick;
    WeightedPick nationality_pick;
    Date registry_start;  // records that ended before are not kept

  private:
    void make_layouts();
    void make_slots();
    void make_picks();
};

// The registry began its pilot on this day (domain-rules §1.13): nothing was known before.
inline constexpr Date registry_opened = Date::of(2021, 3, 4);

}  // namespace onshi::synth
