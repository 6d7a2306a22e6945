#include "synth/nation_tables.h"

#include <vector>

#include "base/ensure.h"

namespace onshi::synth {

namespace {

// Households of 1..6 persons in the first 97 seats of a block. With the three that live alone at the end: 38 % alone,
// 2.2 persons on average, about the census of 2020.
constexpr std::array<std::uint32_t, household_size_max> size_weights{1426, 1273, 743, 526, 181, 82};

// Age of the head in bands of five years from 0 to 104, per kind of household: fitted so that all members together give
// the age pyramid of 2024 (thousands: 0-4 3,950 … 75-79 7,950 … 100+ 95; from general knowledge) and those who died
// since.
constexpr std::size_t band_count = 21;
constexpr std::array<std::array<std::uint32_t, band_count>, household_kind_count> head_age_weights{{
    {0, 0, 0, 149, 620, 834, 620, 267, 115, 264, 613, 584, 574, 672, 1057, 1219, 1011, 823, 463, 113, 14},
    {0, 0, 0, 0, 91, 261, 348, 163, 48, 83, 325, 656, 1013, 1392, 1858, 1703, 1082, 630, 280, 64, 1},
    {0, 0, 0, 0, 10, 59, 316, 1111, 1224, 955, 762, 595, 594, 587, 664, 771, 821, 763, 517, 220, 10},
    {0, 0, 0, 0, 22, 110, 417, 1088, 1602, 1857, 1676, 1205, 847, 529, 325, 192, 95, 34, 0, 0, 0},
    {0, 0, 0, 0, 0, 39, 169, 516, 1046, 1891, 2434, 2003, 1220, 499, 148, 36, 0, 0, 0, 0, 0},
}};

WeightedPick age_pick(const std::array<std::uint32_t, band_count>& bands) {
    // Beyond 100 each year has little more than half of the year before.
    static constexpr std::array<std::uint32_t, 9> centenarians{42, 26, 15, 8, 4, 2, 1, 1, 1};
    std::vector<std::uint32_t> years;
    for (std::size_t band = 0; band + 1 < band_count; ++band) {
        for (std::size_t age = band * 5; age < band * 5 + 5; ++age) {
            // Nobody below 18 heads a household; those of 18 and 19 make up for it.
            const std::uint32_t share = band != 3 ? 20 : (age < 18 ? 0 : 50);
            years.push_back(bands[band] * share);
        }
    }
    for (const std::uint32_t share : centenarians) years.push_back(bands.back() * share);
    return WeightedPick(years);
}

}  // namespace

NationTables::NationTables(const NationSettings& chosen)
    : settings(chosen), organisations(chosen.seed), registry_start(registry_opened) {
    const Date kept = settings.as_of.plus_months_clamped(-6 * 12);
    if (kept > registry_start) registry_start = kept;
    make_layouts();
    make_slots();
    make_picks();
}

void NationTables::make_layouts() {
    const WeightedPick sizes(size_weights);
    for (std::size_t number = 0; number < layouts.size(); ++number) {
        const Draws draws(settings.seed, number);
        BlockLayout& layout = layouts[number];
        std::uint32_t seat = 0;
        for (std::uint32_t turn = 0; seat < block_size; ++turn) {
            std::uint32_t size = 1;
            if (seat < trio_first) size = 1 + sizes.at(draws.bits(Field::layout, turn));
            // What does not fit before the trio's seats is drawn again.
            if (seat < trio_first && seat + size > trio_first) continue;
            for (std::uint32_t member = 0; member < size; ++member) {
                layout[seat + member] = {static_cast<std::uint8_t>(seat), static_cast<std::uint8_t>(size)};
            }
            seat += size;
        }
    }
}

void NationTables::make_slots() {
    const std::uint64_t population = national_population();
    std::uint64_t upto = 0;
    std::size_t slot = 0;
    for (std::size_t p = 0; p < prefecture_count; ++p) {
        upto += prefectures()[p].population;
        const std::size_t end = static_cast<std::size_t>(upto * prefecture_slots / population);
        while (slot < end) slots[slot++] = {static_cast<std::uint8_t>(p + 1), 0};
    }
    const Draws draws(settings.seed, prefecture_slots);
    for (std::uint32_t i = prefecture_slots - 1; i > 0; --i) {
        std::swap(slots[i], slots[draws.below(i + 1, Field::slot_order, i)]);
    }
    for (Slot& each : slots) each.rank = slots_of_prefecture[each.prefecture - 1U]++;
    for (const std::uint16_t width : slots_of_prefecture) {
        ENSURE((persons_max / cycle_persons + 1) * block_size * width * household_size_max <= 100'000'000);
    }
}

void NationTables::make_picks() {
    for (std::size_t kind = 0; kind < household_kind_count; ++kind) head_ages[kind] = age_pick(head_age_weights[kind]);
    std::vector<std::uint32_t> weights;
    for (const Surname& surname : surnames()) weights.push_back(surname.weight);
    surname_pick = WeightedPick(weights);
    weights.clear();
    for (const RareSurname& surname : rare_surnames()) weights.push_back(surname.weight);
    rare_surname_pick = WeightedPick(weights);
    weights.clear();
    for (std::uint32_t n = 0; n < nationality_count; ++n)
        weights.push_back(names_of(static_cast<Nationality>(n)).weight);
    nationality_pick = WeightedPick(weights);
}

Seat NationTables::seat(std::uint64_t index) const {
    const Draws draws(settings.seed, ~(index / block_size));
    const BlockLayout& layout =
        layouts[draws.below(static_cast<std::uint32_t>(layouts.size()), Field::layout_of_block)];
    return layout[index % block_size];
}

bool NationTables::in_trio(std::uint64_t index) const {
    if (index % block_size < trio_first) return false;
    const std::uint64_t block = index / block_size;
    const Draws draws(settings.seed, ~(block / protection_group_blocks));
    return block % protection_group_blocks == draws.below(protection_group_blocks, Field::trio_block);
}

const Slot& NationTables::slot(std::uint64_t head) const {
    return slots[(head / block_size * slot_stride + head % block_size) % prefecture_slots];
}

std::uint32_t NationTables::rank_in_prefecture(std::uint64_t head, std::uint32_t member) const {
    // (cycle, position, slot) name one household: the stride is coprime to the number of slots, so within a cycle each
    // position meets each slot once.
    const Slot& own = slot(head);
    const std::uint64_t width = slots_of_prefecture[own.prefecture - 1U];
    const std::uint64_t household = (head / cycle_persons * block_size + head % block_size) * width + own.rank;
    return static_cast<std::uint32_t>(household * household_size_max + member);
}

}  // namespace onshi::synth
