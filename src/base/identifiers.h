#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace onshi {

class Random;

// Everything here is a small value without heap memory unless it says so, is thread-safe, and can only be made by a
// parser that accepts the documented forms. Texts made by these types are ASCII and at most 36 characters.

// ---- Keys of ours (design §9.2) -----------------------------------------------------------------------------------

// A number that names a row of ours. Keys of different things do not mix. Never leaves the hub.
template <class Tag>
class Key {
  public:
    constexpr explicit Key(std::int64_t value) : value_(value) {}
    [[nodiscard]] constexpr std::int64_t value() const { return value_; }
    friend constexpr auto operator<=>(Key, Key) = default;

  private:
    std::int64_t value_;
};

using PersonKey = Key<struct PersonKeyTag>;
using CoverageKey = Key<struct CoverageKeyTag>;
using OrganisationKey = Key<struct OrganisationKeyTag>;
using TerminalKey = Key<struct TerminalKeyTag>;

// ---- Check digits (domain-rules §1.3, §1.8) ------------------------------------------------------------------------

// Modulus 10, weights 2-1 from the right, of the digits before the check digit. nullopt unless all are ASCII digits.
// The rule cannot see an adjacent 0/9 swap, so a number that passes still has to be looked up in its master.
[[nodiscard]] std::optional<int> check_digit_a(std::string_view leading_digits);
// Whether the last digit is the check digit of those before it; false for fewer than two digits or other characters.
[[nodiscard]] bool check_digit_a_ok(std::string_view digits);

// Whether twelve ASCII digits pass the check of the individual number (個人番号). Not proof that it was issued.
[[nodiscard]] bool individual_number_check_ok(std::string_view twelve_digits);

// MN-2: a place in free text that can be read as an individual number: whole groups of ASCII or full-width digits that
// have twelve digits together and pass the check, at most three separators (spaces, hyphens and dashes of every kind,
// dots, slashes, invisible characters) between two groups. A longer unbroken run of digits is something else.
struct TextPlace {
    std::size_t offset;  // bytes
    std::size_t size;
    bool operator==(const TextPlace&) const = default;
};
[[nodiscard]] std::optional<TextPlace> find_individual_number(std::string_view free_text, std::size_t from = 0);
[[nodiscard]] inline bool contains_individual_number(std::string_view free_text) {
    return find_individual_number(free_text).has_value();
}
// The text with each such digit replaced by `*`, for storing and logging.
[[nodiscard]] std::string mask_individual_numbers(std::string_view free_text);

// ---- Insurers and payers (domain-rules §1.1, §1.2, §1.6) -----------------------------------------------------------

// The table of law codes (法別番号) §1.2.
enum class InsurerScheme : std::uint8_t {
    national_health,           // no law code, 6 digits
    health_association,        // 01 協会けんぽ
    seamen,                    // 02
    day_labourers,             // 03
    day_labourers_special,     // 04
    health_society,            // 06 健保組合
    self_defence,              // 07
    national_public_servants,  // 31
    local_public_servants,     // 32
    police,                    // 33
    schools,                   // 34
    late_elderly,              // 39
    specified_society,         // 63
    retired_national_health,   // 67, history only
    retired_national_public,   // 72
    retired_local_public,      // 73
    retired_police,            // 74
    retired_schools,           // 75
};

// 保険者番号 as issued: 8 digits, or 6 for National Health Insurance. The two padded forms of a 6-digit number are one
// value here, so they can never be compared with each other unnormalised.
class InsurerNumber {
  public:
    // Accepts `138057`, `00138057`, `  138057`, `06010391`. Errors: number.format, number.check_digit,
    // number.prefecture (01-47 where a municipality or prefecture issues the number: 6 digits and law code 67; never
    // 00), number.law_code, number.public_payer for a number that PublicPayerNumber accepts.
    [[nodiscard]] static Result<InsurerNumber> parse(std::string_view text);
    // Digits and length in one integer: 600138057, 806010391.
    [[nodiscard]] constexpr std::int64_t to_key() const { return std::int64_t{digits_} * 100'000'000 + value_; }
    // nullopt for a key that `to_key` of a valid number does not give.
    [[nodiscard]] static std::optional<InsurerNumber> from_key(std::int64_t key);

    [[nodiscard]] std::string issued() const;
    [[nodiscard]] std::string zero8() const;   // left-padded with 0: eligibility queries of some clients
    [[nodiscard]] std::string space8() const;  // left-padded with spaces: our result files and claim files
    [[nodiscard]] constexpr bool has_law_code() const { return digits_ == 8; }
    // 1..99; nullopt for 6-digit numbers.
    [[nodiscard]] constexpr std::optional<int> law_code() const {
        if (!has_law_code()) return std::nullopt;
        return static_cast<int>(value_ / 1'000'000);
    }
    [[nodiscard]] InsurerScheme scheme() const;
    // The two digits after the law code: JIS X 0401 01..47, above that special bodies.
    [[nodiscard]] constexpr int prefecture() const { return static_cast<int>(value_ / 10'000 % 100); }
    // 国保組合: the digit after the prefecture is 3.
    [[nodiscard]] constexpr bool is_trade_society() const { return !has_law_code() && value_ / 1'000 % 10 == 3; }

    friend constexpr auto operator<=>(InsurerNumber, InsurerNumber) = default;

  private:
    constexpr InsurerNumber(std::uint32_t value, std::uint8_t digits) : digits_(digits), value_(value) {}
    std::uint8_t digits_;
    std::uint32_t value_;
};

// 公費負担者番号, 8 digits. Law codes are open (local subsidies use codes of their own), but an insurer's law code, 00
// and a wrong check digit are refused. Prefectures above 47 are special bodies and accepted.
class PublicPayerNumber {
  public:
    // Errors: number.format, number.check_digit, number.law_code, number.prefecture (00).
    [[nodiscard]] static Result<PublicPayerNumber> parse(std::string_view text);
    [[nodiscard]] constexpr std::int64_t to_key() const { return value_; }
    [[nodiscard]] static std::optional<PublicPayerNumber> from_key(std::int64_t key);
    [[nodiscard]] std::string text() const;
    [[nodiscard]] constexpr int law_code() const { return static_cast<int>(value_ / 1'000'000); }
    [[nodiscard]] constexpr int prefecture() const { return static_cast<int>(value_ / 10'000 % 100); }
    // Whether the law code is a national programme of §1.6 or in 80-99.
    [[nodiscard]] bool is_listed_programme() const;
    friend constexpr auto operator<=>(PublicPayerNumber, PublicPayerNumber) = default;

  private:
    constexpr explicit PublicPayerNumber(std::uint32_t value) : value_(value) {}
    std::uint32_t value_;
};

// 受給者番号, 7 digits. A wrong check digit only warns, because some programmes issue numbers outside the rule (§1.6).
class RecipientNumber {
  public:
    // Errors: number.format.
    [[nodiscard]] static Result<RecipientNumber> parse(std::string_view text);
    [[nodiscard]] constexpr std::int64_t to_key() const { return value_; }
    [[nodiscard]] static std::optional<RecipientNumber> from_key(std::int64_t key);
    [[nodiscard]] std::string text() const;
    [[nodiscard]] bool check_digit_ok() const;
    friend constexpr auto operator<=>(RecipientNumber, RecipientNumber) = default;

  private:
    constexpr explicit RecipientNumber(std::uint32_t value) : value_(value) {}
    std::uint32_t value_;
};

// ---- Facilities (domain-rules §1.7) --------------------------------------------------------------------------------

// The point table digit of a facility code.
enum class PointTable : std::uint8_t { medical = 1, dental = 3, pharmacy = 4, visiting_nurses = 6 };

// 医療機関コード, 10 digits: prefecture 01-47, point table, area, facility, and a check digit over all nine before it.
// The digit of the point table is not judged here: whether a facility exists is a question to its master.
class FacilityCode {
  public:
    // Errors: number.format, number.check_digit, number.prefecture.
    [[nodiscard]] static Result<FacilityCode> parse(std::string_view text);
    [[nodiscard]] constexpr std::int64_t to_key() const { return value_; }
    [[nodiscard]] static std::optional<FacilityCode> from_key(std::int64_t key);
    [[nodiscard]] std::string text() const;
    // The familiar 7-digit code of claim files; its last digit is not a check digit of these seven.
    [[nodiscard]] std::string claim_code() const;
    [[nodiscard]] constexpr int prefecture() const { return static_cast<int>(value_ / 100'000'000); }
    // nullopt for a digit that names none of the four.
    [[nodiscard]] constexpr std::optional<PointTable> point_table() const {
        const auto digit = value_ / 10'000'000 % 10;
        if (digit != 1 && digit != 3 && digit != 4 && digit != 6) return std::nullopt;
        return static_cast<PointTable>(digit);
    }
    friend constexpr auto operator<=>(FacilityCode, FacilityCode) = default;

  private:
    constexpr explicit FacilityCode(std::int64_t value) : value_(value) {}
    std::int64_t value_;
};

// ---- Municipalities ------------------------------------------------------------------------------------------------

// 全国地方公共団体コード: prefecture, three digits, check digit (weights 6 5 4 3 2, modulus 11). A value; thread-safe.
class MunicipalityCode {
  public:
    // Six ASCII digits. Errors: number.format, number.check_digit, number.prefecture (01-47).
    [[nodiscard]] static Result<MunicipalityCode> parse(std::string_view text);
    [[nodiscard]] static std::optional<MunicipalityCode> from_key(std::int64_t key);
    [[nodiscard]] constexpr std::int64_t to_key() const { return value_; }
    [[nodiscard]] std::string text() const;
    [[nodiscard]] constexpr int prefecture() const { return static_cast<int>(value_ / 10'000); }
    friend constexpr auto operator<=>(MunicipalityCode, MunicipalityCode) = default;

  private:
    constexpr explicit MunicipalityCode(std::uint32_t value) : value_(value) {}
    std::uint32_t value_;
};

// ---- The insured (domain-rules §1.4, §1.5) -------------------------------------------------------------------------

// 性別 as coded in answers: 1, 2, 3.
enum class Sex : std::uint8_t { male = 1, female = 2, unset = 3 };
[[nodiscard]] Result<Sex> parse_sex(std::string_view code);
[[nodiscard]] constexpr char sex_code(Sex sex) {
    return static_cast<char>('0' + static_cast<int>(sex));
}

// 枝番, two digits. The numbering is the insurer's own: nothing follows from 00.
class BranchNumber {
  public:
    // Errors: number.format.
    [[nodiscard]] static Result<BranchNumber> parse(std::string_view text);
    [[nodiscard]] static std::optional<BranchNumber> from_value(std::int64_t value);
    [[nodiscard]] constexpr int value() const { return value_; }  // 0..99
    [[nodiscard]] std::string text() const;
    friend constexpr auto operator<=>(BranchNumber, BranchNumber) = default;

  private:
    constexpr explicit BranchNumber(std::uint8_t value) : value_(value) {}
    std::uint8_t value_;
};

// The comparison form N-1 of a symbol or number (§1.4): NFKC, no spaces or invisible characters, the characters
// `-‐‑–—―ー−・` and their relatives as `-`, case folded. Idempotent. Errors: text.invalid_encoding, text.too_long (more
// than 20 characters, oqs §2.3), number.format (control characters).
[[nodiscard]] Result<std::string> normalise_insured_text(std::string_view raw);

// A 記号 or 番号: the text as received (for display and claims) and its comparison form. Equality and order are those
// of the comparison form. Owns heap memory when either is longer than 15 bytes.
template <class Tag>
class InsuredText {
  public:
    // Empty text is a value (late-elderly and much of National Health Insurance have no symbol).
    [[nodiscard]] static Result<InsuredText> parse(std::string_view raw) {
        auto comparison = normalise_insured_text(raw);
        if (!comparison) return fail(std::move(comparison));
        return InsuredText(std::string(raw), std::move(*comparison));
    }
    [[nodiscard]] const std::string& raw() const { return raw_; }
    [[nodiscard]] const std::string& comparison() const { return comparison_; }
    [[nodiscard]] bool empty() const { return comparison_.empty(); }
    friend bool operator==(const InsuredText& a, const InsuredText& b) { return a.comparison_ == b.comparison_; }
    friend std::strong_ordering operator<=>(const InsuredText& a, const InsuredText& b) {
        return a.comparison_ <=> b.comparison_;
    }

  private:
    InsuredText(std::string raw, std::string comparison) : raw_(std::move(raw)), comparison_(std::move(comparison)) {}
    std::string raw_;
    std::string comparison_;
};
using InsuredSymbol = InsuredText<struct InsuredSymbolTag>;
using InsuredNumber = InsuredText<struct InsuredNumberTag>;

// Symbol and number, which identify the insured at an insurer; the number is never empty.
struct InsuredSymbolNumber {
    InsuredSymbol symbol;
    InsuredNumber number;
    // Errors: those of normalise_insured_text, number.format for an empty number.
    [[nodiscard]] static Result<InsuredSymbolNumber> parse(std::string_view symbol, std::string_view number);
    friend auto operator<=>(const InsuredSymbolNumber&, const InsuredSymbolNumber&) = default;
};

// ---- Cards and checks ----------------------------------------------------------------------------------------------

// A certificate's serial number: a positive integer of at most 20 bytes, big-endian without leading zero bytes.
class CertificateSerial {
  public:
    static constexpr std::size_t bytes_max = 20;
    // Leading zero bytes are dropped. Errors: number.format for zero and for more than 20 bytes.
    [[nodiscard]] static Result<CertificateSerial> from_magnitude(Bytes big_endian);
    // Content octets of a DER INTEGER; negative numbers and superfluous leading octets are refused (number.format).
    [[nodiscard]] static Result<CertificateSerial> from_der_content(Bytes content);
    // Hexadecimal in either case, an even number of digits; leading zeros are dropped. Errors as above.
    [[nodiscard]] static Result<CertificateSerial> parse_hex(std::string_view hex);
    // Lower-case hexadecimal, an even number of digits.
    [[nodiscard]] std::string hex() const { return to_hex(bytes()); }
    [[nodiscard]] Bytes bytes() const { return Bytes(bytes_).first(size_); }
    // Numeric order.
    friend std::strong_ordering operator<=>(const CertificateSerial& a, const CertificateSerial& b);
    friend bool operator==(const CertificateSerial&, const CertificateSerial&) = default;

  private:
    CertificateSerial() = default;
    std::uint8_t size_ = 0;
    std::array<std::uint8_t, bytes_max> bytes_{};  // zero behind `size_`
};

// Names a card: our number for a CA's public key, and the serial number that CA gave.
struct CardKey {
    std::int32_t ca_id;
    CertificateSerial serial;
    friend auto operator<=>(const CardKey&, const CardKey&) = default;
};

// The client's UUID for one check; the same id names the same check (design §9.7).
class CheckId {
  public:
    using Octets = std::array<std::uint8_t, 16>;
    // Canonical 8-4-4-4-12 form in either case. The nil UUID is what a forgotten assignment sends and is refused.
    // Errors: number.format.
    [[nodiscard]] static Result<CheckId> parse(std::string_view text);
    [[nodiscard]] static Result<CheckId> from_bytes(Bytes sixteen);
    // Version 4.
    [[nodiscard]] static CheckId make(Random& random);
    [[nodiscard]] std::string text() const;  // lower case
    [[nodiscard]] Bytes bytes() const { return octets_; }
    friend auto operator<=>(const CheckId&, const CheckId&) = default;

  private:
    explicit CheckId(const Octets& octets) : octets_(octets) {}
    Octets octets_;
};

}  // namespace onshi

template <class Tag>
struct std::hash<onshi::Key<Tag>> {
    std::size_t operator()(onshi::Key<Tag> key) const noexcept { return std::hash<std::int64_t>()(key.value()); }
};
template <>
struct std::hash<onshi::InsurerNumber> {
    std::size_t operator()(onshi::InsurerNumber n) const noexcept { return std::hash<std::int64_t>()(n.to_key()); }
};
template <>
struct std::hash<onshi::PublicPayerNumber> {
    std::size_t operator()(onshi::PublicPayerNumber n) const noexcept { return std::hash<std::int64_t>()(n.to_key()); }
};
template <>
struct std::hash<onshi::FacilityCode> {
    std::size_t operator()(onshi::FacilityCode code) const noexcept { return std::hash<std::int64_t>()(code.to_key()); }
};
template <>
struct std::hash<onshi::CertificateSerial> {
    std::size_t operator()(const onshi::CertificateSerial& serial) const noexcept {
        return std::hash<std::string_view>()(onshi::as_text(serial.bytes()));
    }
};
template <>
struct std::hash<onshi::CardKey> {
    std::size_t operator()(const onshi::CardKey& key) const noexcept {
        return std::hash<onshi::CertificateSerial>()(key.serial) * 31 + static_cast<std::size_t>(key.ca_id);
    }
};
template <>
struct std::hash<onshi::CheckId> {
    std::size_t operator()(const onshi::CheckId& id) const noexcept {
        return std::hash<std::string_view>()(onshi::as_text(id.bytes()));
    }
};
