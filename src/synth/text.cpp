#include "synth/text.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace onshi::synth {

namespace {

constexpr std::string_view wide_space = "　";
constexpr std::string_view geta = "〓";

void append_wide_digits(std::uint32_t value, std::string& out) {
    static constexpr std::array<std::string_view, 10> digits{"０", "１", "２", "３", "４",
                                                             "５", "６", "７", "８", "９"};
    std::array<char, 10> narrow{};
    const auto end = fmt::format_to(narrow.begin(), "{}", value);
    for (auto at = narrow.begin(); at != end; ++at) out += digits[static_cast<std::size_t>(*at - '0')];
}

void append_parts(std::string_view family, std::string_view given, NameScript script, std::string& out) {
    out += family;
    out += script == NameScript::latin ? std::string_view(" ") : wide_space;
    out += given;
}

bool begins_character(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
}

// U+E0100 .. U+E01EF begin with these bytes.
bool is_selector(std::string_view rest) {
    return rest.starts_with("\xF3\xA0\x84") || rest.starts_with("\xF3\xA0\x85");
}

// What lies between the common beginning and end of both forms becomes one 〓 per character, a selector with its
// character.
void append_with_geta(std::string_view registered, std::string_view plain, std::string& out) {
    if (registered == plain) {
        out += registered;
        return;
    }
    const std::size_t shorter = std::min(registered.size(), plain.size());
    std::size_t head = 0;
    while (head < shorter && registered[head] == plain[head]) ++head;
    while (head > 0 && (is_selector(registered.substr(head)) || head == shorter || !begins_character(registered[head])))
        --head;
    std::size_t tail = 0;
    while (tail < shorter - head && registered[registered.size() - 1 - tail] == plain[plain.size() - 1 - tail]) ++tail;
    while (tail > 0 && !begins_character(plain[plain.size() - tail])) --tail;
    out += registered.substr(0, head);
    for (std::size_t at = head; at < registered.size() - tail; ++at) {
        if (begins_character(registered[at]) && !is_selector(registered.substr(at))) out += geta;
    }
    out += registered.substr(registered.size() - tail);
}

void append_large_kana(std::string_view kana, std::string& out) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 10> sizes{{{"ャ", "ヤ"},
                                                                                          {"ュ", "ユ"},
                                                                                          {"ョ", "ヨ"},
                                                                                          {"ッ", "ツ"},
                                                                                          {"ァ", "ア"},
                                                                                          {"ィ", "イ"},
                                                                                          {"ゥ", "ウ"},
                                                                                          {"ェ", "エ"},
                                                                                          {"ォ", "オ"},
                                                                                          {"ヮ", "ワ"}}};
    constexpr std::size_t width = 3;  // every katakana has three bytes
    for (std::size_t at = 0; at < kana.size(); at += width) {
        std::string_view letter = kana.substr(at, width);
        for (const auto& [small, large] : sizes) {
            if (letter == small) letter = large;
        }
        out += letter;
    }
}

}  // namespace

void append_name(const PersonName& name, std::string& out) {
    append_parts(name.family, name.given, name.script, out);
}

void append_kana(const PersonName& name, std::string& out) {
    if (!name.has_reading()) return;
    append_parts(name.family_kana, name.given_kana, NameScript::japanese, out);
}

void append_sent_name(const SyntheticPerson& person, const SyntheticCoverage& record, std::string& out) {
    const PersonName& name = person.name;
    switch (record.sent_name) {
        case SentName::as_registered: append_name(name, out); return;
        case SentName::folded: append_parts(name.family_plain, name.given_plain, name.script, out); return;
        case SentName::other_family: append_parts(person.other_family, name.given, NameScript::japanese, out); return;
        case SentName::geta: break;
    }
    append_with_geta(name.family, name.family_plain, out);
    out += wide_space;
    append_with_geta(name.given, name.given_plain, out);
}

void append_sent_kana(const SyntheticPerson& person, const SyntheticCoverage& record, std::string& out) {
    const PersonName& name = person.name;
    switch (record.sent_kana) {
        case SentKana::as_registered: append_kana(name, out); return;
        case SentKana::missing: return;
        case SentKana::other_family:
            append_parts(person.other_family_kana, name.given_kana, NameScript::japanese, out);
            return;
        case SentKana::large_kana: break;
    }
    append_large_kana(name.family_kana, out);
    out += wide_space;
    append_large_kana(name.given_kana, out);
}

void append_address(const Organisations& organisations, const SyntheticAddress& address, std::string& out) {
    const Municipality& municipality = organisations.municipalities()[address.municipality];
    out += prefectures()[municipality.prefecture - 1U].name;
    out += municipality.name;
    out += town_names()[address.town];
    if (address.chome > 0) {
        append_wide_digits(address.chome, out);
        out += "丁目";
    }
    append_wide_digits(address.block, out);
    out += "番";
    append_wide_digits(address.house, out);
    out += "号";
    if (address.building == 0) return;
    out += wide_space;
    out += building_names()[address.building - 1U];
    append_wide_digits(address.room, out);
}

void append_sent_address(const Organisations& organisations, const SyntheticPerson& person,
                         const SyntheticCoverage& record, std::string& out) {
    if (record.sent_address == SentAddress::missing) return;
    const bool old = record.sent_address == SentAddress::old_address;
    append_address(organisations, old ? person.old_address : person.address, out);
}

void append_postal_code(const Organisations& organisations, const SyntheticAddress& address, std::string& out) {
    const std::uint32_t code = organisations.municipalities()[address.municipality].postal_code;
    fmt::format_to(std::back_inserter(out), "{:03}-{:04}", code / 10'000, code % 10'000);
}

void append_symbol(const InsuredIdentity& identity, std::string& out) {
    switch (identity.symbol_style) {
        case SymbolStyle::none: return;
        case SymbolStyle::digits:
            fmt::format_to(std::back_inserter(out), "{:0{}}", identity.symbol, identity.symbol_digits);
            return;
        case SymbolStyle::full_width_digits: append_wide_digits(identity.symbol, out); return;
        case SymbolStyle::prefixed:
            out += "架空－";
            append_wide_digits(identity.symbol, out);
            return;
        case SymbolStyle::kana: fmt::format_to(std::back_inserter(out), "ア{}", identity.symbol); return;
        case SymbolStyle::fixed_text: out += "架国"; return;
    }
}

void append_number(const InsuredIdentity& identity, std::string& out) {
    fmt::format_to(std::back_inserter(out), "{:0{}}", identity.number, identity.number_digits);
}

void append_insurer_telephone(const SyntheticInsurer& insurer, std::string& out) {
    fmt::format_to(std::back_inserter(out), "03-0000-{:04}", insurer.telephone);
}

void append_facility_telephone(const SyntheticFacility& facility, std::string& out) {
    fmt::format_to(std::back_inserter(out), "06-0{:03}-{:04}", facility.telephone / 10'000,
                   facility.telephone % 10'000);
}

void append_terminal_name(std::uint32_t ordinal, std::string& out) {
    out += "受付";
    append_wide_digits(ordinal + 1, out);
}

std::string_view fault_name(FaultKind kind) {
    switch (kind) {
        case FaultKind::wrong_link: return "wrong_link";
        case FaultKind::withheld: return "withheld";
        case FaultKind::overlap: return "overlap";
        case FaultKind::loss_unreported: return "loss_unreported";
        case FaultKind::late_acquisition: return "late_acquisition";
        case FaultKind::retroactive_acquisition: return "retroactive_acquisition";
        case FaultKind::late_loss: return "late_loss";
        case FaultKind::retroactive_loss: return "retroactive_loss";
        case FaultKind::not_yet_registered: return "not_yet_registered";
        case FaultKind::loss_not_yet_registered: return "loss_not_yet_registered";
        case FaultKind::never_registered: return "never_registered";
        case FaultKind::future_record: return "future_record";
        case FaultKind::cancelled_record: return "cancelled_record";
        case FaultKind::ratio_wrong: return "ratio_wrong";
        case FaultKind::certificate_renewed: return "certificate_renewed";
        case FaultKind::certificate_in_grace: return "certificate_in_grace";
        case FaultKind::certificate_beyond_grace: return "certificate_beyond_grace";
        case FaultKind::certificate_suspended: return "certificate_suspended";
        case FaultKind::certificate_revoked: return "certificate_revoked";
        case FaultKind::same_birth_siblings: return "same_birth_siblings";
        case FaultKind::protection_flagged: return "protection_flagged";
        case FaultKind::protection_plain_twin: return "protection_plain_twin";
        case FaultKind::protection_unregistered_twin: return "protection_unregistered_twin";
    }
    return "unknown";
}

namespace {

bool names_other_person(FaultKind kind) {
    switch (kind) {
        case FaultKind::wrong_link:
        case FaultKind::same_birth_siblings:
        case FaultKind::protection_flagged:
        case FaultKind::protection_plain_twin:
        case FaultKind::protection_unregistered_twin: return true;
        default: return false;
    }
}

}  // namespace

void append_truth_line(std::uint64_t index, const Fault& fault, std::string& out) {
    const auto column = [&out](const auto& value) {
        if (value) {
            fmt::format_to(std::back_inserter(out), "\t{}", *value);
        } else {
            out += "\t-";
        }
    };
    const auto unless = [](std::int64_t value, std::int64_t nothing) {
        return value == nothing ? std::nullopt : std::optional(value);
    };
    fmt::format_to(std::back_inserter(out), "{}\t{}", index, fault_name(fault.kind));
    column(unless(fault.record, no_record));
    column(unless(fault.fields, 0));
    column(fault.day == Date() ? std::nullopt : std::optional(to_iso(fault.day)));
    column(unless(fault.days, 0));
    column(names_other_person(fault.kind) ? std::optional(fault.other) : std::nullopt);
}

}  // namespace onshi::synth
