#include <algorithm>
#include <numeric>

#include "domain/payments/rules.h"

namespace onshi::payments {

namespace {

constexpr Percent percent_10 = Percent::of(10);
constexpr Percent percent_20 = Percent::of(20);
constexpr Percent percent_30 = Percent::of(30);

// What all parts of one claim share.
struct Ground {
    const Claim& claim;
    const Tables& tables;
    const LimitTable& table;
    const LimitRow& own;
    Steps* steps;

    void tell(const Step& step) const {
        if (steps != nullptr) steps->add(step);
    }
};

// Whoever has no known category has no limit that a counter may stop at: above every cost, without a reduced limit.
constexpr LimitRow no_limit = [] {
    LimitRow row;
    row.base = Yen(cost_yen_max * static_cast<std::int64_t>(2 * claim_parts_max));
    return row;
}();

// A payer of a part with what the tables say of it.
struct AskedPayer {
    const Payer* payer = nullptr;
    std::optional<Yen> cap;  // what is left of it when the part's turn comes
};
struct AskedPayers {
    std::array<AskedPayer, payers_per_part_max> list{};
    std::size_t count = 0;
    [[nodiscard]] std::span<AskedPayer> span() { return {list.data(), count}; }
    [[nodiscard]] std::span<const AskedPayer> span() const { return {list.data(), count}; }
};

bool asked_before(const AskedPayer& a, const AskedPayer& b) {
    return a.payer->rank != b.payer->rank ? a.payer->rank < b.payer->rank : a.payer->code < b.payer->code;
}

// The payers of a part in the order of §1.6, each with its cap.
Evaluated<AskedPayers> ask_payers(const ClaimPart& part, const Tables& tables, Date day) {
    AskedPayers asked;
    for (const auto& use : part.list()) {
        const auto* payer = find_payer(tables, use.code, day);
        if (payer == nullptr) return tl::unexpected(ErrorCode::payments_payer);
        if (!use.cap && payer->cap == CapNeed::required) return tl::unexpected(ErrorCode::payments_cap_missing);
        if (use.cap && (*use.cap < Yen(0) || *use.cap > Yen(cost_yen_max))) {
            return tl::unexpected(ErrorCode::payments_amount);
        }
        AskedPayer next{payer, use.cap};
        if (!use.cap && payer->cap == CapNeed::zero) next.cap = Yen(0);
        std::size_t place = asked.count++;
        for (; place > 0 && asked_before(next, asked.list[place - 1]); --place)
            asked.list[place] = asked.list[place - 1];
        if (place > 0 && asked.list[place - 1].payer == payer) return tl::unexpected(ErrorCode::payments_parts);
        asked.list[place] = next;
    }
    return asked;
}

bool lawful_elderly(Percent ratio) {
    return ratio == percent_10 || ratio == percent_20 || ratio == percent_30;
}

std::optional<ErrorCode> wrong_ratio(const Claim& claim) {
    const Category category = claim.limit_class.category;
    const Percent ratio = claim.ratio;
    if (claim.blank_category && band_of(category) == Band::over70) {
        return lawful_elderly(ratio) ? std::nullopt : std::optional(ErrorCode::payments_ratio);
    }
    if (band_of(category) == Band::under70) {
        if (ratio == percent_20 || ratio == percent_30) return std::nullopt;
        return ErrorCode::payments_ratio;
    }
    if (!lawful_elderly(ratio)) return ErrorCode::payments_ratio;
    // 現役並み is who pays 30 % (§3.3). The others at 30 % are a suspect record and still have their own limit.
    if (is_active(category) && ratio != percent_30) return ErrorCode::payments_ratio;
    return std::nullopt;
}

std::optional<ErrorCode> wrong_special_disease(const Claim& claim, const Tables& tables) {
    if (!claim.special_disease || *claim.special_disease == tables.special_disease_cap) return std::nullopt;
    const Category category = claim.limit_class.category;
    const bool young = band_of(category) == Band::under70;
    const bool high_income =
        category == Category::u70_a || category == Category::u70_i || (claim.blank_category && young);
    if (high_income && *claim.special_disease == tables.special_disease_dialysis_high_cap) return std::nullopt;
    return ErrorCode::payments_special_disease;
}

std::optional<ErrorCode> wrong_parts(const Claim& claim) {
    if (claim.part_count == 0 || claim.part_count > claim_parts_max) return ErrorCode::payments_parts;
    int insurance_only = 0;
    for (const auto& part : claim.list()) {
        if (part.payer_count > payers_per_part_max) return ErrorCode::payments_parts;
        if (part.cost < Yen(0) || part.cost > Yen(cost_yen_max)) return ErrorCode::payments_amount;
        insurance_only += part.payer_count == 0 ? 1 : 0;
    }
    return insurance_only > 1 ? std::optional(ErrorCode::payments_parts) : std::nullopt;
}

std::optional<ErrorCode> impossible(const Claim& claim, const Tables& tables) {
    if (const auto wrong = wrong_parts(claim)) return wrong;
    if (const auto wrong = wrong_ratio(claim)) return wrong;
    if (const auto wrong = wrong_special_disease(claim, tables)) return wrong;
    if (!claim.relief) return std::nullopt;
    const bool possible = claim.limit_class.category == Category::general && !claim.blank_category &&
                          claim.ratio == percent_20 && claim.setting == Setting::outpatient &&
                          tables.relief.days.contains(claim.care_month);
    return possible ? std::nullopt : std::optional(ErrorCode::payments_relief);
}

Limit special_disease_limit(const Claim& claim) {
    const std::int64_t cap = claim.special_disease->value();
    return {Yen(claim.half_month ? cap / 2 : cap), Rule::special_disease, false};
}

// The insurer's limit for a part that a public payer leads (§3.8 step 1).
Limit payer_limit(const Ground& ground, const Payer& leading, Yen cost) {
    const Claim& claim = ground.claim;
    if (claim.special_disease) return special_disease_limit(claim);
    const bool under70 = band_of(claim.limit_class.category) == Band::under70;
    LimitTerms terms{.cost = cost, .setting = claim.setting, .many = false, .half_month = claim.half_month};
    const LimitRow* row = &ground.own;
    switch (leading.limit) {
        case PayerLimit::own: terms.many = claim.many && claim.setting == Setting::inpatient; break;
        case PayerLimit::general:
            row = find_row(ground.table, under70 ? ground.table.general_under70 : ground.table.general_over70);
            break;
        case PayerLimit::welfare:
            row = find_row(ground.table, under70 ? ground.table.welfare_under70 : ground.table.welfare_over70);
            break;
    }
    return monthly_limit(row == nullptr ? ground.own : *row, terms);
}

struct PublicPart {
    PartResult result;
    std::uint8_t rank = 0;  // of the payer that is asked first
    Yen share;              // k: the copay before any limit; 0 where the payer precedes insurance
    bool limited = false;
};

// What the payers leave to the patient of `left` (§3.8 step 3). Takes it off their caps.
Yen walk_payers(const Ground& ground, AskedPayers& asked, Yen cost, Yen left, std::uint8_t number, bool& limited) {
    for (auto& each : asked.span()) {
        const Payer& payer = *each.payer;
        Yen amount = left;
        if (payer.percent_of_cost > Percent()) {
            const Percent percent =
                payer.at_most_ratio ? std::min(ground.claim.ratio, payer.percent_of_cost) : payer.percent_of_cost;
            amount = smaller(amount, percent.share_of(cost));
        }
        if (each.cap && *each.cap < amount) {
            amount = *each.cap;
            limited = true;
        }
        ground.tell({.rule = payer.local ? Rule::subsidy : Rule::payer_share,
                     .part = number,
                     .payer = payer.code,
                     .percent = payer.percent_of_cost,
                     .of = left,
                     .amount = amount});
        left = amount;
    }
    for (auto& each : asked.span()) {
        if (each.cap) *each.cap -= left;
    }
    return left;
}

PublicPart evaluate_public(const Ground& ground, const ClaimPart& part, AskedPayers& asked, std::uint8_t number) {
    const Payer& leading = *asked.list[0].payer;
    PublicPart made;
    made.rank = leading.rank;
    const Yen copay = ground.claim.ratio.share_of(part.cost);
    // Who pays something beside a payer that precedes insurance still pays no more than with insurance alone.
    Yen left = copay;
    if (leading.before_insurance) {
        made.result.uncovered = part.cost;
        ground.tell({.rule = Rule::payer_before_insurance, .part = number, .payer = leading.code, .of = part.cost});
    } else {
        made.share = copay;
        const Limit limit = payer_limit(ground, leading, part.cost);
        made.limited = made.share > limit.amount;
        made.result.uncovered = smaller(made.share, limit.amount);
        left = made.result.uncovered;
        ground.tell({.rule = Rule::copay,
                     .part = number,
                     .percent = ground.claim.ratio,
                     .of = part.cost,
                     .amount = made.share});
        if (made.limited) {
            ground.tell({.rule = limit.rule == Rule::special_disease ? limit.rule : Rule::payer_limit,
                         .part = number,
                         .payer = leading.code,
                         .of = made.share,
                         .amount = limit.amount});
        }
    }
    made.result.insurer = part.cost - made.result.uncovered;
    made.result.patient = walk_payers(ground, asked, part.cost, left, number, made.limited);
    made.result.payers = made.result.uncovered - made.result.patient;
    return made;
}

// What the parts with public payers put into the limit of the part with insurance alone.
struct Merged {
    Yen cost;
    Yen patient;
};

// REQ-PAY-RELIEF: 配慮措置, before the merge, not with a special disease.
Yen relieved(const Ground& ground, const ClaimPart& part, Yen share, std::uint8_t number, bool& limited) {
    const Relief& relief = ground.tables.relief;
    if (!ground.claim.relief || ground.claim.special_disease) return share;
    const Yen above = larger(part.cost - relief.threshold, Yen(0));
    const Yen most = ground.claim.half_month ? Yen(relief.cap.value() / 2) : relief.cap;
    const Yen cap = smaller(relief.base + relief.percent.share_of(above), most);
    if (share <= cap) return share;
    limited = true;
    ground.tell({.rule = Rule::relief, .part = number, .of = share, .amount = cap});
    return cap;
}

PartResult evaluate_insurance_only(const Ground& ground, const ClaimPart& part, const Merged& merged,
                                   std::uint8_t number, bool& limited) {
    const Claim& claim = ground.claim;
    Yen share = claim.ratio.share_of(part.cost);
    ground.tell({.rule = Rule::copay, .part = number, .percent = claim.ratio, .of = part.cost, .amount = share});
    share = relieved(ground, part, share, number, limited);
    if (claim.blank_category && !claim.special_disease) ground.tell({.rule = Rule::no_category, .part = number});
    const Limit limit = claim.special_disease ? special_disease_limit(claim)
                                              : monthly_limit(ground.own, {.cost = part.cost + merged.cost,
                                                                           .setting = claim.setting,
                                                                           .many = claim.many,
                                                                           .half_month = claim.half_month});
    const Yen room = larger(limit.amount - merged.patient, Yen(0));
    if (share > room) {
        limited = true;
        ground.tell({.rule = limit.rule, .part = number, .of = share, .amount = limit.amount});
        if (merged.patient > Yen(0)) {
            ground.tell({.rule = Rule::combined_limit, .part = number, .of = merged.patient, .amount = room});
        }
        share = room;
    }
    return {.insurer = part.cost - share, .payers = Yen(0), .patient = share, .uncovered = share};
}

bool merges(const Ground& ground, const PublicPart& part, bool before_insurance) {
    if (before_insurance) return false;
    // Tested on the copay before the public payer.
    return band_of(ground.claim.limit_class.category) == Band::over70 || part.share >= ground.tables.household_item_min;
}

// Which public part is the first: by its payer's place in the order, then the dearer one, so that the order in which
// the parts are written changes nothing.
struct FirstPublic {
    std::optional<std::uint8_t> rank;
    Yen cost;
    Yen uncovered;

    void offer(std::uint8_t offered_rank, Yen offered_cost, Yen offered_uncovered) {
        if (rank && (*rank < offered_rank || (*rank == offered_rank && cost >= offered_cost))) return;
        rank = offered_rank;
        cost = offered_cost;
        uncovered = offered_uncovered;
    }
};

void add_up(ClaimResult& result) {
    for (std::size_t i = 0; i < result.part_count; ++i) {
        const PartResult& part = result.parts[i];
        result.patient_total += part.patient;
        result.insurer_total += part.insurer;
        result.insurer_uncovered += part.uncovered;
        result.payers_total += part.payers;
    }
}

// The payers of every part. A payer's cap is of the person's month: parts that name it share it, and name the same.
struct AskedParts {
    std::array<AskedPayers, claim_parts_max> list{};
    bool shared = false;  // some payer is asked in two parts
};

const AskedPayer* find_asked(const AskedParts& parts, std::size_t before, const Payer* payer) {
    for (std::size_t i = 0; i < before; ++i) {
        for (const auto& each : parts.list[i].span()) {
            if (each.payer == payer) return &each;
        }
    }
    return nullptr;
}

// A part is told from the others by its payers; two with the same ones are one part.
bool has_twin(const AskedParts& parts, std::size_t at) {
    for (std::size_t i = 0; i < at; ++i) {
        if (std::ranges::equal(parts.list[i].span(), parts.list[at].span(), {}, &AskedPayer::payer,
                               &AskedPayer::payer)) {
            return true;
        }
    }
    return false;
}

Evaluated<AskedParts> ask_parts(const Ground& ground) {
    const Claim& claim = ground.claim;
    AskedParts parts;
    for (std::size_t i = 0; i < claim.part_count; ++i) {
        if (claim.parts[i].payer_count == 0) continue;
        const auto asked = ask_payers(claim.parts[i], ground.tables, claim.care_month);
        if (!asked) return tl::unexpected(asked.error());
        for (const auto& each : asked->span()) {
            const AskedPayer* known = find_asked(parts, i, each.payer);
            if (known == nullptr) continue;
            if (known->cap != each.cap) return tl::unexpected(ErrorCode::payments_parts);
            parts.shared = true;
        }
        parts.list[i] = *asked;
        if (has_twin(parts, i)) return tl::unexpected(ErrorCode::payments_parts);
    }
    return parts;
}

// Whether part `a` is settled before part `b` where both draw on one cap: by their payers, the shorter list first, so
// that the order in which they are written changes nothing.
bool settled_before(const AskedParts& parts, std::size_t a, std::size_t b) {
    return std::ranges::lexicographical_compare(
        parts.list[a].span(), parts.list[b].span(),
        [](const AskedPayer& x, const AskedPayer& y) { return asked_before(x, y); });
}

// Takes what a part left to the patient off its payers' caps in the parts that come.
void take_off_caps(AskedParts& parts, const AskedPayers& settled) {
    for (auto& part : parts.list) {
        for (auto& each : part.span()) {
            const auto used = std::ranges::find(settled.span(), each.payer, &AskedPayer::payer);
            if (used != settled.span().end()) each.cap = used->cap;
        }
    }
}

Evaluated<ClaimResult> evaluate(const Ground& ground) {
    const Claim& claim = ground.claim;
    auto parts = ask_parts(ground);
    if (!parts) return tl::unexpected(parts.error());
    std::array<std::uint8_t, claim_parts_max> order{};
    std::iota(order.begin(), order.end(), std::uint8_t{0});
    if (parts->shared) {
        std::sort(order.begin(), order.begin() + claim.part_count,
                  [&](std::uint8_t a, std::uint8_t b) { return settled_before(*parts, a, b); });
    }
    ClaimResult result;
    result.part_count = claim.part_count;
    Merged merged;
    FirstPublic first;
    std::optional<std::size_t> insurance_only;
    for (std::size_t at = 0; at < claim.part_count; ++at) {
        const std::size_t i = order[at];
        const ClaimPart& part = claim.parts[i];
        if (part.payer_count == 0) {
            insurance_only = i;
            continue;
        }
        AskedPayers& asked = parts->list[i];
        const PublicPart made = evaluate_public(ground, part, asked, static_cast<std::uint8_t>(i + 1));
        if (parts->shared) take_off_caps(*parts, asked);
        first.offer(made.rank, part.cost, made.result.uncovered);
        if (merges(ground, made, asked.list[0].payer->before_insurance)) {
            merged.cost += part.cost;
            merged.patient += made.result.patient;
        }
        result.limited = result.limited || made.limited;
        result.parts[i] = made.result;
    }
    if (insurance_only) {
        result.parts[*insurance_only] =
            evaluate_insurance_only(ground, claim.parts[*insurance_only], merged,
                                    static_cast<std::uint8_t>(*insurance_only + 1), result.limited);
    }
    if (first.rank) result.share_before_first_public = first.uncovered;
    add_up(result);
    return result;
}

}  // namespace

Evaluated<ClaimResult> evaluate_claim(const Claim& claim, const Tables& tables, Steps* steps) {
    const auto* table = find_limit_table(tables, claim.care_month);
    if (table == nullptr) return tl::unexpected(ErrorCode::payments_care_month);
    const auto* own = claim.blank_category ? &no_limit : find_row(*table, claim.limit_class);
    if (own == nullptr) return tl::unexpected(ErrorCode::payments_category);
    if (const auto wrong = impossible(claim, tables)) return tl::unexpected(*wrong);
    const Ground ground{claim, tables, *table, *own, steps};
    if (claim.half_month && !claim.blank_category) ground.tell({.rule = Rule::half_month});
    auto result = evaluate(ground);
    if (!result) return result;
    const bool outpatient_only = claim.setting == Setting::outpatient && own->outpatient.has_value();
    result->many_ignored = claim.many && !claim.blank_category && (!own->many || outpatient_only);
    if (result->many_ignored) ground.tell({.rule = Rule::no_reduced_limit});
    const Category category = claim.limit_class.category;
    const bool elderly = band_of(category) == Band::over70 && !claim.blank_category;
    result->ratio_suspect = elderly && !is_active(category) && claim.ratio == percent_30;
    if (result->ratio_suspect) ground.tell({.rule = Rule::ratio_suspect, .percent = claim.ratio});
    const Yen counter = counter_amount(result->patient_total, result->limited ? Rounding::exact : Rounding::to_ten_yen);
    if (counter != result->patient_total) {
        ground.tell({.rule = Rule::rounding, .of = result->patient_total, .amount = counter});
    }
    return result;
}

}  // namespace onshi::payments
