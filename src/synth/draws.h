#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/random.h"

namespace onshi::synth {

// What is drawn about one subject. The numbers are part of the result: a new field is appended, never inserted.
enum class Field : std::uint32_t {
    place = 1,
    place_skew,
    household_kind,
    head_age,
    head_birth_day,
    head_sex,
    foreign,
    nationality,
    surname,
    rare_surname,
    income,
    welfare,
    welfare_since,
    spouse_age,
    first_child_age,
    child_gap,
    same_birth_siblings,
    elder_age,
    birth_day,
    sex,
    printed_sex,
    own_surname,
    given_name,
    rare_given_name,
    reading_missing,
    alias,
    address,
    building,
    died,
    died_on,
    works,
    first_job,
    first_job_day,
    changes,
    change_day,
    change_snap,
    scheme,
    insurer,
    insurer_skew,
    future_job,
    never_notified,
    acquisition_delay,
    acquisition_late,
    loss_delay,
    loss_late,
    loss_unreported,
    loss_date_wrong,
    withheld,
    withheld_kind,
    sent_birth_date,
    cancelled_record,
    cancelled_day,
    wrong_link,
    ratio_wrong,
    arrears,
    short_term,
    sent_name,
    sent_kana,
    sent_address,
    other_surname,
    specific_disease,
    card_held,
    card_issued,
    card_registered,
    card_registered_on,
    card_channel,
    card_cancelled,
    card_renewed,
    card_renewed_on,
    card_status,
    card_status_day,
    card_pin_less,
    card_pin_locked,
    key_pool,
    paper_certificate,
    trio_block,
    trio_age,
    trio_kind,
    layout,
    layout_of_block,
    slot_order,
    facility,
    facility_place,
    facility_skew,
    facility_flags,
    facility_terminals,
    insurer_master,
    municipality_connected,
    subsidy,
    subsidy_income,
    limit_certificate,
};

// f(seed, index, field): every draw about a subject, in any order and as often as asked. A value; thread-safe.
class Draws {
  public:
    constexpr Draws(std::uint64_t seed, std::uint64_t index) : base_(mix64(seed ^ mix64(index))) {}

    // `ordinal` tells apart repeated draws of one field (the third job, the second child); below 2^16.
    [[nodiscard]] constexpr std::uint64_t bits(Field field, std::uint32_t ordinal = 0) const {
        return mix64(base_ + ((std::uint64_t{static_cast<std::uint32_t>(field)} << 16U) | ordinal) * step);
    }
    // 0 .. bound-1, each equally likely up to 2^-32.
    [[nodiscard]] constexpr std::uint32_t below(std::uint32_t bound, Field field, std::uint32_t ordinal = 0) const {
        return scaled(bits(field, ordinal), bound);
    }
    [[nodiscard]] constexpr std::int32_t between(std::int32_t low, std::int32_t high, Field field,
                                                 std::uint32_t ordinal = 0) const {
        return low + static_cast<std::int32_t>(below(static_cast<std::uint32_t>(high - low + 1), field, ordinal));
    }
    // Integer rates, so that a nation is the same on every machine.
    [[nodiscard]] constexpr bool per_billion(std::uint32_t rate, Field field, std::uint32_t ordinal = 0) const {
        return below(1'000'000'000, field, ordinal) < rate;
    }
    [[nodiscard]] constexpr bool percent(std::uint32_t rate, Field field, std::uint32_t ordinal = 0) const {
        return below(100, field, ordinal) < rate;
    }
    // A rank 0 .. bound-1 in which low ranks are much more likely, as with the sizes of towns and firms.
    [[nodiscard]] constexpr std::uint32_t skewed(std::uint32_t bound, Field field, Field skew,
                                                 std::uint32_t ordinal = 0) const {
        return static_cast<std::uint32_t>(
            (((bits(field, ordinal) >> 32U) * (bits(skew, ordinal) >> 32U)) >> 32U) * bound >> 32U);
    }
    // Sum of three: a bell around 0 between -3*reach and 3*reach.
    [[nodiscard]] constexpr std::int32_t bell(std::uint32_t reach, Field field, std::uint32_t ordinal = 0) const {
        const std::uint64_t word = bits(field, ordinal);
        const std::uint64_t width = 2 * reach + 1;
        const std::uint64_t sum = (((word & 0x1FFFFFU) * width) >> 21U) +
                                  ((((word >> 21U) & 0x1FFFFFU) * width) >> 21U) +
                                  ((((word >> 42U) & 0x1FFFFFU) * width) >> 21U);
        return static_cast<std::int32_t>(sum) - static_cast<std::int32_t>(3 * reach);
    }
    [[nodiscard]] static constexpr std::uint32_t scaled(std::uint64_t word, std::uint32_t bound) {
        return static_cast<std::uint32_t>(((word >> 32U) * bound) >> 32U);
    }

  private:
    static constexpr std::uint64_t step = 0x9E3779B97F4A7C15ULL;
    std::uint64_t base_;
};

// Picks an ordinal by weight with one table look-up; a weight's share is rounded to 1/4096. A value; thread-safe.
class WeightedPick {
  public:
    WeightedPick() = default;
    explicit WeightedPick(std::span<const std::uint32_t> weights) {
        std::uint64_t sum = 0;
        for (const std::uint32_t weight : weights) sum += weight;
        std::uint64_t upto = 0;
        std::size_t cell = 0;
        for (std::size_t i = 0; i < weights.size(); ++i) {
            upto += weights[i];
            const std::size_t end = static_cast<std::size_t>(upto * cells_.size() / sum);
            while (cell < end) cells_[cell++] = static_cast<std::uint16_t>(i);
        }
    }
    [[nodiscard]] std::uint32_t at(std::uint64_t bits) const { return cells_[bits >> 52U]; }

  private:
    std::array<std::uint16_t, 4096> cells_{};
};

}  // namespace onshi::synth
