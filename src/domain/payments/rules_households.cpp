#include <algorithm>
#include <array>

#include "base/ensure.h"
#include "domain/payments/rules.h"

namespace onshi::payments {

namespace {

constexpr Percent percent_10 = Percent::of(10);
constexpr Percent percent_20 = Percent::of(20);
constexpr Percent percent_30 = Percent::of(30);

// The rows that decide: of the household under 70, and of its persons of 70 and over.
struct Rows {
    const LimitRow* under70 = nullptr;
    const LimitRow* active = nullptr;    // 現役並み, for persons at 30 % in a household of ア, イ or ウ
    const LimitRow* ordinary = nullptr;  // everybody else of 70 and over
};

const LimitRow* row_of(const LimitTable& table, Category category, std::uint8_t step) {
    return find_row(table, {category, step});
}

Rows rows_of(const LimitTable& table, const Household& household) {
    const auto [category, step] = household.limit_class;
    Rows rows;
    rows.under70 = row_of(table, category, step);
    switch (category) {
        case Category::u70_a:
        case Category::u70_i:
        case Category::u70_u: {
            const auto offset = static_cast<std::uint8_t>(category) - static_cast<std::uint8_t>(Category::u70_a);
            const auto active = static_cast<Category>(static_cast<std::uint8_t>(Category::active_3) +
                                                      static_cast<std::uint8_t>(offset));
            rows.active = row_of(table, active, step);
            // 現役並み takes the 30 % ratio (§3.3); without it a high pay gives the dearest row of 一般.
            rows.ordinary = row_of(table, Category::general, step == 0 ? std::uint8_t{0} : std::uint8_t{1});
            break;
        }
        case Category::u70_e: rows.ordinary = row_of(table, Category::general, step); break;
        case Category::u70_o:
            rows.ordinary = row_of(table, household.low_income_1 ? Category::low_1 : Category::low_2, 0);
            break;
        default: rows.under70 = nullptr;
    }
    return rows;
}

std::optional<ErrorCode> impossible(const Household& household) {
    if (household.item_count == 0 || household.item_count > household_items_max) return ErrorCode::payments_household;
    if (household.low_income_1 && household.limit_class.category != Category::u70_o) {
        return ErrorCode::payments_category;
    }
    for (const auto& item : household.list()) {
        if (item.cost < Yen(0) || item.cost > Yen(cost_yen_max)) return ErrorCode::payments_amount;
        const bool ten = item.band == Band::over70 && item.ratio == percent_10;
        if (!ten && item.ratio != percent_20 && item.ratio != percent_30) return ErrorCode::payments_ratio;
        // Age, ratio and a half month are of a person, not of one of their providers.
        for (const auto& other : household.list()) {
            if (other.person != item.person) continue;
            const bool alike =
                other.band == item.band && other.ratio == item.ratio && other.half_month == item.half_month;
            if (!alike) return ErrorCode::payments_household;
        }
    }
    return std::nullopt;
}

class Aggregation {
  public:
    Aggregation(const Household& household, const Tables& tables, const Rows& rows, Steps* steps,
                std::span<Yen> refunds)
        : household_(household), tables_(tables), rows_(rows), steps_(steps), refunds_(refunds) {}

    [[nodiscard]] HouseholdResult run() {
        for (std::size_t i = 0; i < household_.item_count; ++i) take(i);
        for (std::size_t i = 0; i < household_.item_count; ++i) {
            if (household_.items[i].half_month && is_first_of_person(i)) cap_half_month(i);
        }
        cap_elderly();
        cap_all();
        if (result_.ratio_suspect) tell({.rule = Rule::ratio_suspect, .percent = percent_30});
        result_.refund_total = result_.refund_a + result_.refund_b + result_.refund_c;
        result_.net_burden = result_.paid - result_.refund_total;
        return result_;
    }

  private:
    void tell(const Step& step) const {
        if (steps_ != nullptr) steps_->add(step);
    }

    // Divides a step's refund among the items that it counted, in proportion to what each still leaves to pay.
    template <class Counts>
    void give_back(Yen refund, Counts&& counts) const {
        if (refunds_.empty()) return;
        const std::size_t count = household_.item_count;
        std::array<Yen, household_items_max> left{};
        std::array<Yen, household_items_max> shares{};
        for (std::size_t i = 0; i < count; ++i) {
            const HouseholdItem& item = household_.items[i];
            if (counts(item)) left[i] = item.ratio.share_of(item.cost) - refunds_[i];
        }
        split_refund(refund, std::span(left).first(count), std::span(shares).first(count));
        for (std::size_t i = 0; i < count; ++i) refunds_[i] += shares[i];
    }

    [[nodiscard]] bool is_counted(const HouseholdItem& item) const {
        return item.band == Band::over70 || item.ratio.share_of(item.cost) >= item_min(item);
    }

    [[nodiscard]] bool is_active_person(const HouseholdItem& item) const {
        return rows_.active != nullptr && item.ratio == percent_30;
    }

    void take(std::size_t i) {
        const HouseholdItem& item = household_.items[i];
        const Yen copay = item.ratio.share_of(item.cost);
        result_.paid += copay;
        const auto number = static_cast<std::uint8_t>(i + 1);
        tell({.rule = Rule::copay, .part = number, .percent = item.ratio, .of = item.cost, .amount = copay});
        if (item.band == Band::over70) {
            elderly_cost_ += item.cost;
            elderly_ += copay;
            any_active_ = any_active_ || is_active_person(item);
            result_.ratio_suspect = result_.ratio_suspect || (item.ratio == percent_30 && rows_.active == nullptr);
            any_elderly_ = true;
            if (item.setting == Setting::outpatient) cap_outpatient(i);
        } else if (copay >= item_min(item)) {
            young_cost_ += item.cost;
            young_ += copay;
            any_young_ = true;
        } else {
            tell({.rule = Rule::household_not_counted, .part = number, .of = copay, .amount = item_min(item)});
        }
    }

    [[nodiscard]] Yen item_min(const HouseholdItem& item) const {
        return item.half_month ? tables_.household_item_min_half_month : tables_.household_item_min;
    }

    [[nodiscard]] bool is_first_of_person(std::size_t at) const {
        const HouseholdItem& item = household_.items[at];
        for (std::size_t i = 0; i < at; ++i) {
            if (household_.items[i].person == item.person) return false;
        }
        return true;
    }

    [[nodiscard]] Yen outpatient_cap(const HouseholdItem& item, Yen cap) const {
        return item.half_month ? Yen(cap.value() / 2) : cap;
    }

    // 75歳到達月: what one person pays of what is counted has a halved limit of its own, before the household's.
    void cap_half_month(std::size_t first) {
        const HouseholdItem& person = household_.items[first];
        const bool elderly = person.band == Band::over70;
        Yen outpatient;
        Yen counted;
        Yen cost;
        bool active = false;
        for (const HouseholdItem& item : household_.list()) {
            if (item.person != person.person) continue;
            const Yen copay = item.ratio.share_of(item.cost);
            if (!elderly && copay < item_min(item)) continue;
            cost += item.cost;
            const bool active_item = elderly && is_active_person(item);
            active = active || active_item;
            (elderly && !active_item && item.setting == Setting::outpatient ? outpatient : counted) += copay;
        }
        const auto cap = rows_.ordinary->outpatient;
        counted += cap ? smaller(outpatient, outpatient_cap(person, *cap)) : outpatient;
        const LimitRow& row = !elderly ? *rows_.under70 : active ? *rows_.active : *rows_.ordinary;
        const Limit limit = monthly_limit(row, {.cost = cost, .many = household_.many, .half_month = true});
        if (counted <= limit.amount) return;
        const Yen refund = counted - limit.amount;
        tell({.rule = Rule::household_half_month,
              .part = static_cast<std::uint8_t>(first + 1),
              .of = counted,
              .amount = limit.amount});
        give_back(refund, [&](const HouseholdItem& item) { return item.person == person.person && is_counted(item); });
        if (elderly) {
            result_.refund_b += refund;
        } else {
            result_.refund_c += refund;
            young_ -= refund;
        }
    }

    // Step A, once for each person, at the person's first outpatient item.
    void cap_outpatient(std::size_t first) {
        const HouseholdItem& item = household_.items[first];
        Yen sum;
        for (std::size_t i = 0; i < household_.item_count; ++i) {
            const HouseholdItem& other = household_.items[i];
            if (other.person != item.person || other.setting != item.setting) continue;
            if (i < first) return;
            if (is_active_person(other)) return;
            sum += other.ratio.share_of(other.cost);
        }
        if (!rows_.ordinary->outpatient) return;
        const Yen cap = outpatient_cap(item, *rows_.ordinary->outpatient);
        if (sum <= cap) return;
        result_.refund_a += sum - cap;
        give_back(sum - cap, [&](const HouseholdItem& other) {
            return other.person == item.person && other.setting == item.setting;
        });
        tell({.rule = Rule::household_outpatient,
              .part = static_cast<std::uint8_t>(first + 1),
              .of = sum,
              .amount = cap});
    }

    // Step B: no 21,000 test from 70 on.
    void cap_elderly() {
        if (!any_elderly_) return;
        elderly_ -= result_.refund_a + result_.refund_b;
        const LimitRow& row = any_active_ ? *rows_.active : *rows_.ordinary;
        const Limit limit = monthly_limit(row, {.cost = elderly_cost_, .many = household_.many});
        result_.many_ignored = limit.many_ignored;
        if (limit.many_ignored) tell({.rule = Rule::no_reduced_limit});
        if (elderly_ <= limit.amount) return;
        result_.refund_b += elderly_ - limit.amount;
        give_back(elderly_ - limit.amount, [](const HouseholdItem& item) { return item.band == Band::over70; });
        tell({.rule = Rule::household_elderly, .of = elderly_, .amount = limit.amount});
        elderly_ = limit.amount;
    }

    // Step C: the 1 % is of the cost of what is counted.
    void cap_all() {
        if (!any_young_) return;
        const Limit limit =
            monthly_limit(*rows_.under70, {.cost = elderly_cost_ + young_cost_, .many = household_.many});
        const Yen sum = elderly_ + young_;
        if (sum <= limit.amount) return;
        result_.refund_c += sum - limit.amount;
        give_back(sum - limit.amount, [this](const HouseholdItem& item) { return is_counted(item); });
        tell({.rule = Rule::household_all, .of = sum, .amount = limit.amount});
    }

    const Household& household_;
    const Tables& tables_;
    const Rows& rows_;
    Steps* steps_;
    std::span<Yen> refunds_;
    HouseholdResult result_;
    Yen elderly_;  // copays of 70 and over that are still theirs
    Yen elderly_cost_;
    Yen young_;
    Yen young_cost_;
    bool any_active_ = false;
    bool any_elderly_ = false;
    bool any_young_ = false;
};

}  // namespace

Evaluated<HouseholdResult> evaluate_household(const Household& household, const Tables& tables, Steps* steps,
                                              std::span<Yen> refunds) {
    const auto* table = find_limit_table(tables, household.care_month);
    if (table == nullptr) return tl::unexpected(ErrorCode::payments_care_month);
    if (const auto wrong = impossible(household)) return tl::unexpected(*wrong);
    const Rows rows = rows_of(*table, household);
    if (rows.under70 == nullptr || rows.ordinary == nullptr) return tl::unexpected(ErrorCode::payments_category);
    ENSURE(refunds.empty() || refunds.size() == household.item_count);
    std::ranges::fill(refunds, Yen(0));
    return Aggregation(household, tables, rows, steps, refunds).run();
}

}  // namespace onshi::payments
