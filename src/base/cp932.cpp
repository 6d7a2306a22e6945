#include "base/cp932.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/ucnv.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

#include "base/character_tables.h"
#include "base/ensure.h"
#include "base/limits.h"
#include "base/text_folding.h"
#include "base/utf8.h"

namespace onshi {

namespace {

constexpr char32_t private_use_first = 0xE000;
constexpr char32_t private_use_last = 0xF8FF;

bool is_lead_byte(std::uint8_t byte) {
    return (byte >= 0x81 && byte <= 0x9F) || (byte >= 0xE0 && byte <= 0xFC);
}

// Both directions as flat tables, 0 where there is nothing. A character costs one memory access, and no converter with
// a state of its own is shared between threads.
class Tables {
  public:
    Tables() {
        UErrorCode status = U_ZERO_ERROR;
        const std::unique_ptr<UConverter, decltype(&ucnv_close)> converter(ucnv_open("ibm-943_P15A-2003", &status),
                                                                           &ucnv_close);
        ENSURE(U_SUCCESS(status));
        ucnv_setFromUCallBack(converter.get(), UCNV_FROM_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &status);
        ucnv_setToUCallBack(converter.get(), UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &status);
        ucnv_setFallback(converter.get(), 0);
        ENSURE(U_SUCCESS(status));
        for (std::uint32_t code = 0; code < 0x10000; ++code) load(*converter, static_cast<std::uint16_t>(code));
    }

    [[nodiscard]] std::uint16_t code_of(char32_t character) const {
        return character < to_code_.size() ? to_code_[character] : std::uint16_t{0};
    }
    [[nodiscard]] char16_t character_of(std::uint16_t code) const { return to_character_[code]; }

  private:
    // Codes below 256 are the single bytes above ASCII: half-width katakana.
    void load(UConverter& converter, std::uint16_t code) {
        const auto high = static_cast<std::uint8_t>(code >> 8U);
        const auto low = static_cast<std::uint8_t>(code & 0xFFU);
        const bool single = high == 0 && low >= 0xA1 && low <= 0xDF;
        if (!single && !is_lead_byte(high)) return;
        const std::array<char, 2> bytes{static_cast<char>(high), static_cast<char>(low)};
        std::array<UChar, 2> units{};
        UErrorCode status = U_ZERO_ERROR;
        const auto units_size =
            ucnv_toUChars(&converter, units.data(), 2, bytes.data() + (single ? 1 : 0), single ? 1 : 2, &status);
        if (U_FAILURE(status) || units_size != 1) return;
        to_character_[code] = units[0];
        if (units[0] >= private_use_first && units[0] <= private_use_last) return;
        // Of two codes for one character ICU names the one that Windows writes.
        std::array<char, 4> back{};
        status = U_ZERO_ERROR;
        const auto back_size = ucnv_fromUChars(&converter, back.data(), 4, units.data(), 1, &status);
        if (U_FAILURE(status) || back_size != (single ? 1 : 2)) return;
        if (std::equal(back.begin(), back.begin() + back_size, bytes.begin() + (single ? 1 : 0)))
            to_code_[units[0]] = code;
    }

    std::array<std::uint16_t, 0x10000> to_code_{};
    std::array<char16_t, 0x10000> to_character_{};
};

const Tables& tables() {
    // On the heap and never freed: 256 KB, needed by few programs, and by threads that outlive static destructors.
    static const Tables* const instance = new Tables();
    return *instance;
}

bool append_character(std::string& bytes, char32_t character) {
    if (character < 0x80) {
        bytes.push_back(static_cast<char>(character));
        return true;
    }
    const std::uint16_t code = tables().code_of(character);
    if (code == 0) return false;
    if (code > 0xFF) bytes.push_back(static_cast<char>(code >> 8U));
    bytes.push_back(static_cast<char>(code & 0xFFU));
    return true;
}

std::optional<std::string_view> find_pair(char32_t character) {
    const auto table = cp932_substitute_table();
    const auto found = std::ranges::lower_bound(table, character, {}, &Cp932Substitute::from);
    if (found == table.end() || found->from != character) return std::nullopt;
    return found->to;
}

const icu::Normalizer2& normalizer(const icu::Normalizer2* (*get)(UErrorCode&)) {
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* found = get(status);
    ENSURE(U_SUCCESS(status) && found != nullptr);
    return *found;
}

bool is_mark(char32_t c) {
    return u_charType(static_cast<UChar32>(c)) == U_NON_SPACING_MARK;
}

bool is_european_letter(char32_t c) {
    UErrorCode status = U_ZERO_ERROR;
    const UScriptCode script = uscript_getScript(static_cast<UChar32>(c), &status);
    const bool european = script == USCRIPT_LATIN || script == USCRIPT_GREEK || script == USCRIPT_CYRILLIC;
    return U_SUCCESS(status) && european && u_isalpha(static_cast<UChar32>(c)) != 0;
}

// A European letter without its marks; a mark of its own behind such a letter becomes nothing.
std::optional<std::u32string> base_letters(char32_t c, char32_t previous) {
    if (is_mark(c)) return is_european_letter(previous) ? std::optional(std::u32string()) : std::nullopt;
    UErrorCode status = U_ZERO_ERROR;
    const icu::UnicodeString parts =
        normalizer(icu::Normalizer2::getNFKDInstance).normalize(icu::UnicodeString(static_cast<UChar32>(c)), status);
    ENSURE(U_SUCCESS(status));
    std::u32string letters;
    for (std::int32_t i = 0; i < parts.length(); i = parts.moveIndex32(i, 1)) {
        const auto part = static_cast<char32_t>(parts.char32At(i));
        if (is_mark(part)) continue;
        if (!is_european_letter(part)) return std::nullopt;
        letters.push_back(part);
    }
    return letters;
}

// What a rule makes of a character, or nullopt when the rule does not apply.
std::optional<std::u32string> apply_rule(Cp932Rule rule, char32_t c, char32_t previous) {
    switch (rule) {
        case Cp932Rule::invisible: return is_invisible(c) ? std::optional(std::u32string()) : std::nullopt;
        case Cp932Rule::variant: {
            const char32_t first = first_variant(c);
            return first == c ? std::nullopt : std::optional(std::u32string(1, first));
        }
        case Cp932Rule::compatibility: {
            const std::u32string_view one(&c, 1);
            std::u32string parts = nfkc(one);
            return parts == one ? std::nullopt : std::optional(std::move(parts));
        }
        case Cp932Rule::base_letter: return base_letters(c, previous);
    }
    return std::nullopt;
}

// The parts in what CP932 has, each itself or by its declared pair.
std::optional<std::string> write_parts(std::u32string_view parts) {
    std::string written;
    for (const char32_t part : parts) {
        const auto pair = in_cp932(part) ? std::nullopt : find_pair(part);
        if (!in_cp932(part) && !pair) return std::nullopt;
        if (pair) {
            written += *pair;
        } else {
            append_utf8(written, part);
        }
    }
    return written;
}

std::optional<std::string> find_substitute(char32_t c, char32_t previous) {
    if (c >= private_use_first && c <= private_use_last) return std::nullopt;
    if (const auto pair = find_pair(c)) return std::string(*pair);
    for (const Cp932Rule rule : cp932_rules()) {
        const auto parts = apply_rule(rule, c, previous);
        if (!parts) continue;
        if (auto written = write_parts(*parts)) return written;
    }
    return std::nullopt;
}

// Encodes one text. Lives for one call.
class Encoder {
  public:
    explicit Encoder(std::string_view utf8) : utf8_(utf8) { result_.bytes.reserve(utf8.size()); }

    Result<Cp932Text> run() {
        std::size_t at = 0;
        for (;;) {
            copy_ascii(at);
            if (at == utf8_.size()) break;
            const std::size_t position = at;
            const auto character = next_composed(at);
            if (!character) return fail(ErrorCode::text_invalid_encoding, "not UTF-8");
            if (append_character(result_.bytes, *character)) {
                previous_ = *character;
            } else if (!substitute(*character, position)) {
                return fail(ErrorCode::text_not_representable, "no CP932 code and no declared substitute");
            }
        }
        return std::move(result_);
    }

  private:
    // Whole runs at once, but for the last letter of a run: a mark may follow it.
    void copy_ascii(std::size_t& at) {
        const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
        const auto rest = utf8_.substr(at);
        const auto end = static_cast<std::size_t>(std::ranges::find_if_not(rest, is_ascii) - rest.begin());
        const std::size_t size = end == rest.size() || end == 0 ? end : end - 1;
        if (size == 0) return;
        result_.bytes.append(rest.substr(0, size));
        previous_ = static_cast<char32_t>(rest[size - 1]);
        at += size;
    }

    // CP932 has no combining marks, so a letter and its marks are one character where Unicode has one.
    std::optional<char32_t> next_composed(std::size_t& at) {
        constexpr unsigned char first_lead_byte_of_marks = 0xCC;  // U+0300
        auto character = next_character(utf8_, at);
        while (character && at < utf8_.size() && static_cast<unsigned char>(utf8_[at]) >= first_lead_byte_of_marks) {
            std::size_t behind = at;
            const auto mark = next_character(utf8_, behind);
            // Most often the next letter: no mark has a code of its own.
            if (!mark || in_cp932(*mark) || !is_mark(*mark)) break;
            const UChar32 composed = normalizer(icu::Normalizer2::getNFCInstance)
                                         .composePair(static_cast<UChar32>(*character), static_cast<UChar32>(*mark));
            if (composed < 0) break;
            character = static_cast<char32_t>(composed);
            at = behind;
        }
        return character;
    }

    bool substitute(char32_t character, std::size_t position) {
        auto text = find_substitute(character, previous_);
        if (!text) return false;
        for (std::size_t at = 0; at < text->size();) {
            const auto part = next_character(*text, at);
            ENSURE(part && append_character(result_.bytes, *part));
        }
        // What was dropped is no letter that a further mark could belong to.
        if (!text->empty()) previous_ = character;
        ++result_.substitution_count;
        if (result_.substitutions.size() < cp932_substitutions_listed_max) {
            result_.substitutions.push_back({character, std::move(*text), position});
        }
        return true;
    }

    std::string_view utf8_;
    char32_t previous_ = 0;
    Cp932Text result_;
};

}  // namespace

bool in_cp932(char32_t character) {
    return character < 0x80 || tables().code_of(character) != 0;
}

Result<Cp932Text> encode_cp932(std::string_view utf8) {
    if (utf8.size() > cp932_bytes_max) return fail(ErrorCode::text_too_long, "text longer than cp932_bytes_max");
    return Encoder(utf8).run();
}

Result<std::string> decode_cp932(std::string_view bytes) {
    if (bytes.size() > cp932_bytes_max) return fail(ErrorCode::text_too_long, "text longer than cp932_bytes_max");
    std::string text;
    text.reserve(bytes.size() * 3 / 2);
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        const auto lead = static_cast<std::uint8_t>(bytes[at]);
        if (lead < 0x80) {
            text.push_back(bytes[at]);
            continue;
        }
        std::uint32_t code = lead;
        if (is_lead_byte(lead) && at + 1 < bytes.size()) {
            code = code << 8U | static_cast<std::uint8_t>(bytes[++at]);
        }
        const char16_t character = tables().character_of(static_cast<std::uint16_t>(code));
        if (character == 0) {
            return fail(ErrorCode::text_invalid_encoding, "no CP932 character at byte " + std::to_string(at));
        }
        append_utf8(text, character);
    }
    return text;
}

}  // namespace onshi
