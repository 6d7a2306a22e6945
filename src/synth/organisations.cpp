#include "synth/organisations.h"

#include <fmt/format.h>

#include "base/ensure.h"
#include "synth/draws.h"

namespace onshi::synth {

namespace {

constexpr std::uint32_t highest_body = 999;        // bodies are numbered downwards: few real ones lie there
constexpr std::uint32_t highest_trade_body = 399;  // 国保組合: the digit after the prefecture is 3
constexpr int tokyo = 13;
constexpr int hokkaido = 1;
constexpr int tokyo_wards = 23;
// Small towns of Hokkaido insure jointly; with them 1,741 municipalities have 1,716 insurers.
constexpr std::uint32_t hokkaido_joint_municipalities = 26;
constexpr std::uint32_t society_count = 1'380;
constexpr std::uint32_t retired_society_count = 56;
constexpr std::uint64_t facility_number_space = 1'000'000;

std::string place_name(int prefecture, std::uint32_t ordinal) {
    const std::uint32_t mixed = (ordinal * 37 + static_cast<std::uint32_t>(prefecture) * 11) % 256;
    return fmt::format("架空{}{}", place_name_beginnings()[mixed % 16], place_name_endings()[mixed / 16]);
}

std::string_view municipality_suffix(int prefecture, std::uint32_t ordinal, std::uint32_t count) {
    if (prefecture == tokyo && ordinal < tokyo_wards) return "区";
    if (ordinal * 100 < count * 45) return "市";
    return ordinal * 100 < count * 90 ? "町" : "村";
}

std::uint32_t check_digit(std::string_view leading) {
    const auto digit = check_digit_a(leading);
    ENSURE(digit.has_value());
    return static_cast<std::uint32_t>(*digit);
}

// Law code 0: National Health Insurance, six digits.
InsurerNumber make_number(int law_code, int prefecture, std::uint32_t body) {
    const std::string leading = law_code == 0 ? fmt::format("{:02}{:03}", prefecture, body)
                                              : fmt::format("{:02}{:02}{:03}", law_code, prefecture, body);
    const auto number = InsurerNumber::parse(leading + static_cast<char>('0' + check_digit(leading)));
    ENSURE(number.has_value());
    return *number;
}

SymbolStyle symbol_style(int law_code, std::uint64_t word) {
    const std::uint32_t share = Draws::scaled(word, 100);
    if (law_code == 39) return SymbolStyle::none;
    if (law_code == 1) return SymbolStyle::digits;
    if (law_code == 0) return share < 60 ? SymbolStyle::none : SymbolStyle::fixed_text;
    if (share < 60) return SymbolStyle::digits;
    if (share < 80) return SymbolStyle::full_width_digits;
    return share < 90 ? SymbolStyle::prefixed : SymbolStyle::kana;
}

Date scheme_start(int law_code) {
    if (law_code == 0) return Date::of(1961, 4, 1);
    if (law_code == 39) return Date::of(2008, 4, 1);
    return Date::of(1927, 1, 1);
}

FacilityKind facility_kind(std::uint64_t word) {
    // domain-facts §1 (hospitals 8,192, clinics 89,695, dental 70,335, pharmacies 61,495), with 2.7 % visiting nurses
    // (chosen).
    const std::uint32_t share = Draws::scaled(word, 1'000);
    if (share < 35) return FacilityKind::hospital;
    if (share < 415) return FacilityKind::clinic;
    if (share < 713) return FacilityKind::dental;
    return share < 973 ? FacilityKind::pharmacy : FacilityKind::visiting_nurses;
}

PointTable point_table(FacilityKind kind) {
    switch (kind) {
        case FacilityKind::hospital:
        case FacilityKind::clinic: return PointTable::medical;
        case FacilityKind::dental: return PointTable::dental;
        case FacilityKind::pharmacy: return PointTable::pharmacy;
        case FacilityKind::visiting_nurses: return PointTable::visiting_nurses;
    }
    return PointTable::medical;
}

std::string facility_name(FacilityKind kind, const Municipality& place, std::uint64_t word) {
    static constexpr std::array<std::string_view, 8> departments{"内科", "小児科",     "整形外科", "皮膚科",
                                                                 "眼科", "耳鼻咽喉科", "産婦人科", "心療内科"};
    const std::string_view town = town_names()[Draws::scaled(word, static_cast<std::uint32_t>(town_names().size()))];
    const std::string_view department = departments[(word >> 8U) % departments.size()];
    switch (kind) {
        case FacilityKind::hospital: return fmt::format("{}{}病院", place.name, town);
        case FacilityKind::clinic: return fmt::format("{}{}{}クリニック", place.name, town, department);
        case FacilityKind::dental: return fmt::format("{}{}歯科医院", place.name, town);
        case FacilityKind::pharmacy: return fmt::format("{}{}薬局", place.name, town);
        case FacilityKind::visiting_nurses: return fmt::format("{}{}訪問看護ステーション", place.name, town);
    }
    return {};
}

std::uint8_t terminal_count(FacilityKind kind, std::uint64_t word) {
    switch (kind) {
        case FacilityKind::hospital: return static_cast<std::uint8_t>(2 + Draws::scaled(word, 11));
        case FacilityKind::clinic:
        case FacilityKind::pharmacy: return static_cast<std::uint8_t>(1 + Draws::scaled(word, 3));
        case FacilityKind::dental: return static_cast<std::uint8_t>(1 + Draws::scaled(word, 2));
        case FacilityKind::visiting_nurses: return 1;
    }
    return 1;
}

}  // namespace

std::uint32_t local_government_check(std::uint32_t five_digits) {
    std::uint32_t sum = 0;
    for (std::uint32_t weight = 2; weight <= 6; ++weight, five_digits /= 10) sum += five_digits % 10 * weight;
    return (11 - sum % 11) % 10;
}

Date newest_file_on(const SyntheticInsurer& insurer, Date as_of) {
    if (insurer.file_interval_days == 1) return as_of.plus_days(-1);
    const std::int32_t since = (as_of.days() - insurer.file_weekday) % 7;
    return as_of.plus_days(-(since == 0 ? 7 : since));
}

Organisations::Organisations(std::uint64_t seed) : seed_(seed) {
    make_municipalities();
    make_employees_insurers();
    make_national_insurers();
}

void Organisations::make_municipalities() {
    for (int prefecture = 1; prefecture <= prefecture_count; ++prefecture) {
        const std::uint32_t count = prefectures()[static_cast<std::size_t>(prefecture - 1)].municipalities;
        municipality_runs_[static_cast<std::size_t>(prefecture - 1)] = {
            static_cast<std::uint16_t>(municipalities_.size()), static_cast<std::uint16_t>(count)};
        for (std::uint32_t ordinal = 0; ordinal < count; ++ordinal) {
            const std::uint32_t five_digits = static_cast<std::uint32_t>(prefecture) * 1'000 + highest_body - ordinal;
            Municipality made;
            made.name = place_name(prefecture, ordinal);
            made.name += municipality_suffix(prefecture, ordinal, count);
            made.code = five_digits * 10 + local_government_check(five_digits);
            made.postal_code = static_cast<std::uint32_t>(municipalities_.size()) + 1;
            made.national_insurer = 0;
            made.prefecture = static_cast<std::uint8_t>(prefecture);
            municipalities_.push_back(std::move(made));
        }
    }
}

std::uint16_t Organisations::add(int law_code, int prefecture, std::uint32_t body, std::string name, Date since) {
    const auto index = static_cast<std::uint16_t>(insurers_.size());
    const Draws draws(seed_, index);
    const std::uint64_t word = draws.bits(Field::insurer_master);
    insurers_.push_back({make_number(law_code, prefecture, body),
                         std::move(name),
                         {since, Date::open_end},
                         static_cast<std::uint8_t>(prefecture),
                         symbol_style(law_code, word),
                         static_cast<std::uint8_t>(word % 4 == 0 ? 1 : 0),
                         index,
                         static_cast<std::uint8_t>(word / 4 % 3 == 0 ? 7 : 1),
                         static_cast<std::uint8_t>(word / 16 % 7)});
    return index;
}

IndexRun Organisations::add_run(int law_code, int prefecture, std::uint32_t highest, std::uint32_t count,
                                std::string_view suffix) {
    IndexRun run{static_cast<std::uint16_t>(insurers_.size()), static_cast<std::uint16_t>(count)};
    for (std::uint32_t ordinal = 0; ordinal < count; ++ordinal) {
        const std::string place = place_name(prefecture, ordinal + static_cast<std::uint32_t>(law_code) * 3);
        static_cast<void>(
            add(law_code, prefecture, highest - ordinal, place + std::string(suffix), scheme_start(law_code)));
    }
    return run;
}

void Organisations::add_societies() {
    static constexpr std::array<std::string_view, 12> trades{"",     "電機", "機械", "化学", "食品", "運輸",
                                                             "印刷", "建設", "金融", "通信", "繊維", "薬業"};
    runs_.societies.first = static_cast<std::uint16_t>(insurers_.size());
    runs_.societies.count = static_cast<std::uint16_t>(society_count);
    // Seats of firms: Tokyo and Osaka far beyond their population (chosen).
    std::vector<std::uint32_t> seats(prefecture_count);
    std::uint32_t placed = 0;
    for (int prefecture = 1; prefecture <= prefecture_count; ++prefecture) {
        std::uint32_t& count = seats[static_cast<std::size_t>(prefecture - 1)];
        count = prefectures()[static_cast<std::size_t>(prefecture - 1)].population / 150;
        placed += count;
    }
    seats[tokyo - 1] += society_count - placed;
    // The first, which insure most people, are spread over the country rather than sorted by prefecture.
    std::vector<std::uint32_t> used(prefecture_count, 0);
    for (std::uint32_t made = 0, turn = 0; made < society_count; ++turn) {
        const std::size_t at = turn * 29U % prefecture_count;
        const std::uint32_t quota = at == tokyo - 1 ? 24 : 1;
        for (std::uint32_t k = 0; k < quota && used[at] < seats[at]; ++k, ++made) {
            const std::uint32_t ordinal = used[at]++;
            std::string name = place_name(static_cast<int>(at) + 1, ordinal % 256);
            name += trades[ordinal / 256 + (turn + k) % 4 * 3];
            name += "健康保険組合";
            static_cast<void>(
                add(6, static_cast<int>(at) + 1, highest_body - ordinal, std::move(name), scheme_start(6)));
        }
    }
    for (std::uint32_t k = 0; k < dissolved_societies; ++k) {
        insurers_[insurers_.size() - 1 - k].validity.last = Date::of(2019, 3, 31);
    }
}

void Organisations::make_employees_insurers() {
    const auto by_prefecture = [this](int law_code, std::string_view before, std::string_view after) {
        const IndexRun run{static_cast<std::uint16_t>(insurers_.size()), prefecture_count};
        for (int prefecture = 1; prefecture <= prefecture_count; ++prefecture) {
            const std::string_view where = prefectures()[static_cast<std::size_t>(prefecture - 1)].short_name;
            static_cast<void>(add(law_code, prefecture, highest_body, fmt::format("{}{}{}", before, where, after),
                                  scheme_start(law_code)));
        }
        return run;
    };
    runs_.association = by_prefecture(1, "架空健康保険協会　", "支部");
    runs_.seamen = add_run(2, tokyo, highest_body, 1, "船員保険");
    add_societies();
    runs_.self_defence = add_run(7, tokyo, highest_body, 1, "自衛官診療");
    runs_.national_servants = add_run(31, tokyo, highest_body, 20, "省共済組合");
    runs_.local_servants = by_prefecture(32, "架空", "職員共済組合");
    runs_.local_servants.count = static_cast<std::uint16_t>(
        runs_.local_servants.count + add_run(32, 27, highest_body - 1, 14, "職員共済組合").count);
    runs_.police = add_run(33, tokyo, highest_body, 1, "警察共済組合");
    runs_.schools = add_run(34, tokyo, highest_body, 2, "学校共済組合");
    runs_.late_elderly = by_prefecture(39, "架空", "後期高齢者医療広域連合");
    runs_.retired_societies = add_run(63, tokyo, highest_body, retired_society_count, "健康保険組合（特例退職）");
    runs_.retired_servants.first = static_cast<std::uint16_t>(insurers_.size());
    for (int law_code = 72; law_code <= 75; ++law_code) {
        runs_.retired_servants.count = static_cast<std::uint16_t>(
            runs_.retired_servants.count + add_run(law_code, tokyo, highest_body, 1, "共済組合（特例退職）").count);
    }
}

void Organisations::make_national_insurers() {
    runs_.national_health.first = static_cast<std::uint16_t>(insurers_.size());
    std::array<std::uint32_t, prefecture_count> used{};
    for (std::size_t i = 0; i < municipalities_.size(); ++i) {
        Municipality& municipality = municipalities_[i];
        const IndexRun run = municipalities_of(municipality.prefecture);
        const auto ordinal = static_cast<std::uint32_t>(i - run.first);
        const std::uint32_t own = run.count - hokkaido_joint_municipalities;
        if (municipality.prefecture == hokkaido && ordinal > own) {
            municipality.national_insurer = municipalities_[run.at(own)].national_insurer;
            continue;
        }
        std::string name =
            municipality.prefecture == hokkaido && ordinal == own ? "架空国民健康保険広域連合" : municipality.name;
        // A municipality's body must not begin with 3, which is kept for trade societies.
        const std::uint32_t body = highest_body - used[static_cast<std::size_t>(municipality.prefecture - 1)]++;
        municipality.national_insurer = add(0, municipality.prefecture, body, std::move(name), scheme_start(0));
    }
    runs_.national_health.count = static_cast<std::uint16_t>(insurers_.size() - runs_.national_health.first);
    for (int prefecture = 1; prefecture <= prefecture_count; ++prefecture) {
        const std::uint32_t count = prefectures()[static_cast<std::size_t>(prefecture - 1)].trade_societies;
        IndexRun& run = runs_.trade_societies[static_cast<std::size_t>(prefecture - 1)];
        run = {static_cast<std::uint16_t>(insurers_.size()), static_cast<std::uint16_t>(count)};
        for (std::uint32_t ordinal = 0; ordinal < count; ++ordinal) {
            static_cast<void>(add(0, prefecture, highest_trade_body - ordinal,
                                  place_name(prefecture, 200 + ordinal) + "国民健康保険組合", scheme_start(0)));
        }
    }
    // A trade society has workplaces like an employees' insurer, so its symbols tell them apart.
    for (std::size_t i = runs_.trade_societies.front().first; i < insurers_.size(); ++i) {
        insurers_[i].symbol_style = SymbolStyle::digits;
    }
}

SyntheticFacility Organisations::facility(std::uint32_t index) const {
    ENSURE(index < facilities_max);
    const Draws draws(seed_ ^ 0xFAC117U, index);
    const std::uint32_t place = draws.below(national_population(), Field::facility_place);
    std::uint32_t upto = 0;
    int prefecture = prefecture_count;
    for (int p = 1; p <= prefecture_count; ++p) {
        upto += prefectures()[static_cast<std::size_t>(p - 1)].population;
        if (place < upto) {
            prefecture = p;
            break;
        }
    }
    const IndexRun run = municipalities_of(prefecture);
    const std::uint16_t municipality = run.at(draws.skewed(run.count, Field::facility_place, Field::facility_skew, 1));
    const FacilityKind kind = facility_kind(draws.bits(Field::facility));
    // Area and facility digits together are a permutation of the index, so no two facilities share a code.
    const std::uint64_t number = (std::uint64_t{index} * 387'421 + 77'777) % facility_number_space;
    const std::string leading = fmt::format("{:02}{}{:06}", prefecture, static_cast<int>(point_table(kind)), number);
    const auto code = FacilityCode::parse(leading + static_cast<char>('0' + check_digit(leading)));
    ENSURE(code.has_value());
    const std::uint64_t flags = draws.bits(Field::facility_flags);
    const bool obliged = Draws::scaled(flags, 1'000) < 930;
    const std::uint8_t terminals =
        obliged ? terminal_count(kind, draws.bits(Field::facility_terminals)) : std::uint8_t{0};
    return {*code,
            kind,
            facility_name(kind, municipalities_[municipality], draws.bits(Field::facility, 1)),
            municipality,
            terminals,
            obliged,
            obliged && Draws::scaled(flags << 32U, 1'000) < 360,
            static_cast<std::uint32_t>(number)};
}

}  // namespace onshi::synth
