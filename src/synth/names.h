#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/date.h"
#include "base/identifiers.h"

namespace onshi::synth {

// What a name needs of the systems it passes through.
enum class Glyphs : std::uint8_t {
    plain,               // JIS X 0208
    cp932_extension,     // vendor characters of CP932: 髙 﨑 德
    outside_cp932,       // 𠮷, 圡: a file in CP932 cannot carry it
    variation_selector,  // the registered glyph needs a variation selector: 葛󠄀 辻󠄀
    compatibility,       // changed by Unicode normalisation (NFC): U+FA19 becomes 神
};

enum class NameScript : std::uint8_t { japanese, latin };

// Views into tables that live as long as the program.
struct PersonName {
    std::string_view family;  // as registered
    std::string_view given;
    std::string_view family_plain;  // what a system without the glyph writes: 高 for 髙
    std::string_view given_plain;
    std::string_view family_kana;  // full-width katakana; both empty when no reading is registered
    std::string_view given_kana;
    NameScript script = NameScript::japanese;
    Glyphs glyphs = Glyphs::plain;

    [[nodiscard]] bool has_reading() const { return !family_kana.empty(); }
    [[nodiscard]] bool has_rare_glyph() const { return glyphs != Glyphs::plain; }
    bool operator==(const PersonName&) const = default;
};

struct Surname {
    std::string_view text;
    std::string_view kana;
    std::uint32_t weight;
};

struct RareSurname {
    std::string_view text;
    std::string_view plain;
    std::string_view kana;
    std::uint32_t weight;
    Glyphs glyphs;
};

struct GivenName {
    std::string_view text;
    std::string_view kana;
};

struct RareGivenName {
    std::string_view text;
    std::string_view plain;
    std::string_view kana;
    Sex sex;
    Glyphs glyphs;
};

// The largest groups of foreign residents. Registered in Latin letters, with a reading or without one.
enum class Nationality : std::uint8_t { china, viet_nam, korea, philippines, brazil, nepal };
inline constexpr std::uint32_t nationality_count = 6;

struct NationalityNames {
    std::uint32_t weight;
    std::span<const GivenName> families;
    std::span<const GivenName> male;
    std::span<const GivenName> female;
};

[[nodiscard]] std::span<const Surname> surnames();
[[nodiscard]] std::span<const RareSurname> rare_surnames();
[[nodiscard]] std::span<const RareGivenName> rare_given_names();
// Names in fashion among those born in that year.
[[nodiscard]] std::span<const GivenName> given_names(Sex sex, int birth_year);
[[nodiscard]] const NationalityNames& names_of(Nationality nationality);

}  // namespace onshi::synth
