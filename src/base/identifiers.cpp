#include "base/identifiers.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/random.h"
#include "base/text_folding.h"
#include "base/utf8.h"

namespace onshi {

namespace {

// The value of exactly `digits` ASCII digits; nullopt for anything else.
std::optional<std::int64_t> fixed_digits(std::string_view text, std::size_t digits) {
    if (text.size() != digits) return std::nullopt;
    std::int64_t value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + (c - '0');
    }
    return value;
}

std::string to_digits(std::int64_t value, std::size_t digits) {
    std::string text(digits, '0');
    for (auto digit = text.rbegin(); digit != text.rend(); ++digit) {
        *digit = static_cast<char>('0' + value % 10);
        value /= 10;
    }
    return text;
}

// Weights 2-1 from the right over a number whose last digit is left out; leading zeros add nothing to the sum, so the
// number of digits does not matter.
constexpr bool check_digit_a_ok_of(std::int64_t value) {
    int sum = static_cast<int>(value % 10);
    int weight = 2;
    for (std::int64_t rest = value / 10; rest > 0; rest /= 10) {
        const int product = static_cast<int>(rest % 10) * weight;
        sum += product > 9 ? product - 9 : product;
        weight = 3 - weight;
    }
    return sum % 10 == 0;
}

struct LawCode {
    int code;
    InsurerScheme scheme;
};

constexpr std::array<LawCode, 17> insurer_law_codes{{
    {1, InsurerScheme::health_association},
    {2, InsurerScheme::seamen},
    {3, InsurerScheme::day_labourers},
    {4, InsurerScheme::day_labourers_special},
    {6, InsurerScheme::health_society},
    {7, InsurerScheme::self_defence},
    {31, InsurerScheme::national_public_servants},
    {32, InsurerScheme::local_public_servants},
    {33, InsurerScheme::police},
    {34, InsurerScheme::schools},
    {39, InsurerScheme::late_elderly},
    {63, InsurerScheme::specified_society},
    {67, InsurerScheme::retired_national_health},
    {72, InsurerScheme::retired_national_public},
    {73, InsurerScheme::retired_local_public},
    {74, InsurerScheme::retired_police},
    {75, InsurerScheme::retired_schools},
}};

const LawCode* find_law_code(int code) {
    const auto found = std::ranges::find(insurer_law_codes, code, &LawCode::code);
    return found == insurer_law_codes.end() ? nullptr : &*found;
}

// National programmes of domain-rules §1.6, sorted.
constexpr auto national_programmes = std::to_array<std::uint8_t>(
    {10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 28, 29, 30, 38, 51, 52, 53, 54, 62, 66, 79});

// Where the canonical form of a UUID has its hyphens.
constexpr bool is_hyphen_place(std::size_t at) {
    return at == 8 || at == 13 || at == 18 || at == 23;
}

constexpr bool is_prefecture(int code) {
    return code >= 1 && code <= 47;
}

// N-1 for ASCII, which most symbols and numbers are: the hot path does without ICU.
std::string fold_ascii(std::string_view text) {
    std::string folded;
    for (const char c : text) {
        if (c != ' ') folded.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
    }
    return folded;
}

// Watches characters go by for a chain of digit groups that reads as an individual number. Only the last twelve digits
// matter, so it needs no memory that grows.
class IndividualNumberSearch {
  public:
    // `begin`..`end` are the character's bytes. Returns the place when the group before this character completes one.
    std::optional<TextPlace> see(std::optional<char32_t> character, std::size_t begin, std::size_t end) {
        const auto digit = character ? digit_value(*character) : std::nullopt;
        if (digit) {
            add_digit(*digit, begin, end);
            return std::nullopt;
        }
        const auto found = group_open_ ? finish_group() : std::nullopt;
        const bool separates =
            character && is_separator(*character) && ++separators_ <= individual_number_separators_max;
        if (!separates) groups_ = 0;
        return found;
    }

    std::optional<TextPlace> finish_group() {
        group_open_ = false;
        separators_ = 0;
        if (group_[groups_ - 1].digits > number_digits) groups_ = 0;
        std::size_t digits = 0;
        for (std::size_t i = groups_; i > 0 && digits < number_digits; --i) {
            digits += group_[i - 1].digits;
            if (digits == number_digits && last_twelve_pass()) {
                return TextPlace{group_[i - 1].begin, group_[groups_ - 1].end - group_[i - 1].begin};
            }
        }
        return std::nullopt;
    }

    [[nodiscard]] bool group_open() const { return group_open_; }

  private:
    static constexpr std::size_t number_digits = 12;
    struct Group {
        std::size_t begin;
        std::size_t end;
        std::size_t digits;
    };

    static std::optional<char> digit_value(char32_t c) {
        if (c >= U'0' && c <= U'9') return static_cast<char>(c);
        if (c >= U'０' && c <= U'９') return static_cast<char>(c - U'０' + U'0');
        return std::nullopt;
    }

    static bool is_separator(char32_t c) {
        constexpr std::u32string_view dots = U"._/／．＿・･·";
        return c == U' ' || dots.find(c) != std::u32string_view::npos || is_dash(c) || is_space(c) || is_invisible(c);
    }

    void add_digit(char digit, std::size_t begin, std::size_t end) {
        if (!group_open_) {
            // A chain of more groups than digits holds nothing new at its front.
            if (groups_ == group_.size()) {
                std::ranges::copy(group_.begin() + 1, group_.end(), group_.begin());
                --groups_;
            }
            group_[groups_++] = {begin, end, 0};
            group_open_ = true;
        }
        Group& group = group_[groups_ - 1];
        group.end = end;
        ++group.digits;
        recent_[next_++ % number_digits] = digit;
    }

    [[nodiscard]] bool last_twelve_pass() const {
        std::array<char, number_digits> digits{};
        for (std::size_t i = 0; i < number_digits; ++i) digits[i] = recent_[(next_ + i) % number_digits];
        return individual_number_check_ok({digits.data(), digits.size()});
    }

    std::array<Group, number_digits> group_{};
    std::size_t groups_ = 0;
    std::array<char, number_digits> recent_{};
    std::size_t next_ = 0;
    std::size_t separators_ = 0;
    bool group_open_ = false;
};

// nullopt when everything fits, else the reason.
std::optional<ErrorCode> insurer_fault(std::int64_t value, int digits) {
    if (!check_digit_a_ok_of(value)) return ErrorCode::number_check_digit;
    const int law_code = static_cast<int>(value / 1'000'000);
    const int prefecture = static_cast<int>(value / 10'000 % 100);
    const bool has_law_code = digits == 8;
    if (has_law_code && find_law_code(law_code) == nullptr) {
        return PublicPayerNumber::from_key(value) ? ErrorCode::number_public_payer : ErrorCode::number_law_code;
    }
    constexpr int retired_national_health = 67;
    const bool issued_by_municipality = !has_law_code || law_code == retired_national_health;
    if (prefecture == 0 || (issued_by_municipality && !is_prefecture(prefecture))) return ErrorCode::number_prefecture;
    return std::nullopt;
}

std::optional<ErrorCode> payer_fault(std::int64_t value) {
    if (!check_digit_a_ok_of(value)) return ErrorCode::number_check_digit;
    const int law_code = static_cast<int>(value / 1'000'000);
    if (law_code < 10 || find_law_code(law_code) != nullptr) return ErrorCode::number_law_code;
    if (value / 10'000 % 100 == 0) return ErrorCode::number_prefecture;
    return std::nullopt;
}

std::optional<ErrorCode> facility_fault(std::int64_t value) {
    if (!check_digit_a_ok_of(value)) return ErrorCode::number_check_digit;
    if (!is_prefecture(static_cast<int>(value / 100'000'000))) return ErrorCode::number_prefecture;
    return std::nullopt;
}

constexpr std::size_t municipality_digits = 6;

std::uint32_t municipality_check_digit(std::uint32_t five_digits) {
    std::uint32_t sum = 0;
    for (std::uint32_t weight = 2; weight <= 6; ++weight) {
        sum += five_digits % 10 * weight;
        five_digits /= 10;
    }
    return (11 - sum % 11) % 10;
}

}  // namespace

std::optional<int> check_digit_a(std::string_view leading_digits) {
    if (leading_digits.empty()) return std::nullopt;
    int sum = 0;
    int weight = 2;
    for (auto digit = leading_digits.rbegin(); digit != leading_digits.rend(); ++digit) {
        if (*digit < '0' || *digit > '9') return std::nullopt;
        const int product = (*digit - '0') * weight;
        sum = (sum + (product > 9 ? product - 9 : product)) % 10;
        weight = 3 - weight;
    }
    return (10 - sum) % 10;
}

bool check_digit_a_ok(std::string_view digits) {
    if (digits.size() < 2) return false;
    const auto expected = check_digit_a(digits.substr(0, digits.size() - 1));
    return expected && digits.back() == '0' + *expected;
}

bool individual_number_check_ok(std::string_view twelve_digits) {
    constexpr std::array<int, 11> weights{6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2};
    if (!fixed_digits(twelve_digits, 12)) return false;
    int sum = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) sum += (twelve_digits[i] - '0') * weights[i];
    const int rest = sum % 11;
    return twelve_digits[11] - '0' == (rest <= 1 ? 0 : 11 - rest);
}

std::optional<TextPlace> find_individual_number(std::string_view free_text, std::size_t from) {
    IndividualNumberSearch search;
    for (std::size_t at = from; at < free_text.size();) {
        const std::size_t begin = at;
        const auto character = next_character(free_text, at);
        if (const auto found = search.see(character, begin, at)) return found;
    }
    return search.group_open() ? search.finish_group() : std::nullopt;
}

std::string mask_individual_numbers(std::string_view free_text) {
    std::string masked;
    std::size_t done = 0;
    while (const auto place = find_individual_number(free_text, done)) {
        masked += free_text.substr(done, place->offset - done);
        for (std::size_t at = place->offset; at < place->offset + place->size;) {
            const std::size_t begin = at;
            const auto character = next_character(free_text, at);
            const bool digit = character && ((*character >= U'0' && *character <= U'9') ||
                                             (*character >= U'０' && *character <= U'９'));
            masked += digit ? std::string_view("*") : free_text.substr(begin, at - begin);
        }
        done = place->offset + place->size;
    }
    return masked.append(free_text.substr(std::min(done, free_text.size())));
}

Result<InsurerNumber> InsurerNumber::parse(std::string_view text) {
    if (text.size() == 8 && (text.starts_with("  ") || text.starts_with("00"))) text.remove_prefix(2);
    const auto value = fixed_digits(text, text.size() == 6 ? 6 : 8);
    if (!value) return fail(ErrorCode::number_format, "insurer number: 6 or 8 digits expected");
    if (const auto fault = insurer_fault(*value, static_cast<int>(text.size()))) {
        return fail(*fault, "insurer number refused");
    }
    return InsurerNumber(static_cast<std::uint32_t>(*value), static_cast<std::uint8_t>(text.size()));
}

std::optional<InsurerNumber> InsurerNumber::from_key(std::int64_t key) {
    const auto digits = key / 100'000'000;
    const auto value = key % 100'000'000;
    if (key < 0 || (digits != 6 && digits != 8) || (digits == 6 && value > 999'999)) return std::nullopt;
    if (insurer_fault(value, static_cast<int>(digits))) return std::nullopt;
    return InsurerNumber(static_cast<std::uint32_t>(value), static_cast<std::uint8_t>(digits));
}

std::string InsurerNumber::issued() const {
    return to_digits(value_, digits_);
}

std::string InsurerNumber::zero8() const {
    return to_digits(value_, 8);
}

std::string InsurerNumber::space8() const {
    std::string text = to_digits(value_, 8);
    if (!has_law_code()) text.replace(0, 2, "  ");
    return text;
}

InsurerScheme InsurerNumber::scheme() const {
    if (!has_law_code()) return InsurerScheme::national_health;
    return find_law_code(static_cast<int>(value_ / 1'000'000))->scheme;
}

Result<PublicPayerNumber> PublicPayerNumber::parse(std::string_view text) {
    const auto value = fixed_digits(text, 8);
    if (!value) return fail(ErrorCode::number_format, "payer number: 8 digits expected");
    if (const auto fault = payer_fault(*value)) return fail(*fault, "payer number refused");
    return PublicPayerNumber(static_cast<std::uint32_t>(*value));
}

std::optional<PublicPayerNumber> PublicPayerNumber::from_key(std::int64_t key) {
    if (key < 0 || key > 99'999'999 || payer_fault(key)) return std::nullopt;
    return PublicPayerNumber(static_cast<std::uint32_t>(key));
}

std::string PublicPayerNumber::text() const {
    return to_digits(value_, 8);
}

bool PublicPayerNumber::is_listed_programme() const {
    return law_code() >= 80 || std::ranges::find(national_programmes, law_code()) != national_programmes.end();
}

Result<RecipientNumber> RecipientNumber::parse(std::string_view text) {
    const auto value = fixed_digits(text, 7);
    if (!value) return fail(ErrorCode::number_format, "recipient number: 7 digits expected");
    return RecipientNumber(static_cast<std::uint32_t>(*value));
}

std::optional<RecipientNumber> RecipientNumber::from_key(std::int64_t key) {
    if (key < 0 || key > 9'999'999) return std::nullopt;
    return RecipientNumber(static_cast<std::uint32_t>(key));
}

std::string RecipientNumber::text() const {
    return to_digits(value_, 7);
}

bool RecipientNumber::check_digit_ok() const {
    return check_digit_a_ok_of(value_);
}

Result<FacilityCode> FacilityCode::parse(std::string_view text) {
    const auto value = fixed_digits(text, 10);
    if (!value) return fail(ErrorCode::number_format, "facility code: 10 digits expected");
    if (const auto fault = facility_fault(*value)) return fail(*fault, "facility code refused");
    return FacilityCode(*value);
}

std::optional<FacilityCode> FacilityCode::from_key(std::int64_t key) {
    if (key < 0 || key > 9'999'999'999 || facility_fault(key)) return std::nullopt;
    return FacilityCode(key);
}

std::string FacilityCode::text() const {
    return to_digits(value_, 10);
}

std::string FacilityCode::claim_code() const {
    return to_digits(value_ % 10'000'000, 7);
}

std::optional<MunicipalityCode> MunicipalityCode::from_key(std::int64_t key) {
    if (key < 0 || key > 999'999) return std::nullopt;
    const auto value = static_cast<std::uint32_t>(key);
    if (!is_prefecture(static_cast<int>(value / 10'000))) return std::nullopt;
    if (municipality_check_digit(value / 10) != value % 10) return std::nullopt;
    return MunicipalityCode(value);
}

Result<MunicipalityCode> MunicipalityCode::parse(std::string_view text) {
    if (text.size() != municipality_digits) return fail(ErrorCode::number_format, "a municipality code has six digits");
    std::uint32_t value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return fail(ErrorCode::number_format, "a municipality code has six digits");
        value = value * 10 + static_cast<std::uint32_t>(c - '0');
    }
    if (!is_prefecture(static_cast<int>(value / 10'000))) {
        return fail(ErrorCode::number_prefecture, "a municipality code");
    }
    const auto code = from_key(value);
    if (!code) return fail(ErrorCode::number_check_digit, "a municipality code");
    return *code;
}

std::string MunicipalityCode::text() const {
    return fmt::format("{:06}", value_);
}

Result<Sex> parse_sex(std::string_view code) {
    if (code.size() != 1 || code[0] < '1' || code[0] > '3')
        return fail(ErrorCode::number_format, "sex: 1, 2 or 3 expected");
    return static_cast<Sex>(code[0] - '0');
}

Result<BranchNumber> BranchNumber::parse(std::string_view text) {
    const auto value = fixed_digits(text, 2);
    if (!value) return fail(ErrorCode::number_format, "branch number: 2 digits expected");
    return BranchNumber(static_cast<std::uint8_t>(*value));
}

std::optional<BranchNumber> BranchNumber::from_value(std::int64_t value) {
    if (value < 0 || value > 99) return std::nullopt;
    return BranchNumber(static_cast<std::uint8_t>(value));
}

std::string BranchNumber::text() const {
    return to_digits(value_, 2);
}

Result<std::string> normalise_insured_text(std::string_view raw) {
    const bool is_ascii = std::ranges::all_of(raw, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (raw.size() > insured_text_characters_max * 4) return fail(ErrorCode::text_too_long, "symbol or number");
    if (!is_ascii && !is_valid_utf8(raw))
        return fail(ErrorCode::text_invalid_encoding, "symbol or number is not UTF-8");
    std::size_t characters = 0;
    for (std::size_t at = 0; at < raw.size(); ++characters) {
        const char32_t c = next_character(raw, at).value_or(0);
        const bool is_control = c < 0x20 || (c >= 0x7F && c < 0xA0);
        if (is_control) return fail(ErrorCode::number_format, "control character in symbol or number");
    }
    if (characters > insured_text_characters_max) return fail(ErrorCode::text_too_long, "symbol or number");
    if (is_ascii) return fold_ascii(raw);
    Folds folds;
    auto folded = fold_characters(raw, FoldStyle::insured_text, folds);
    if (!folded) return fail(std::move(folded));
    return encode_utf8(*folded);
}

Result<InsuredSymbolNumber> InsuredSymbolNumber::parse(std::string_view symbol, std::string_view number) {
    auto parsed_symbol = InsuredSymbol::parse(symbol);
    if (!parsed_symbol) return fail(std::move(parsed_symbol));
    auto parsed_number = InsuredNumber::parse(number);
    if (!parsed_number) return fail(std::move(parsed_number));
    if (parsed_number->empty()) return fail(ErrorCode::number_format, "insured number is empty");
    return InsuredSymbolNumber{std::move(*parsed_symbol), std::move(*parsed_number)};
}

Result<CertificateSerial> CertificateSerial::from_magnitude(Bytes big_endian) {
    while (!big_endian.empty() && big_endian.front() == 0) big_endian = big_endian.subspan(1);
    if (big_endian.empty() || big_endian.size() > bytes_max) {
        return fail(ErrorCode::number_format, "serial: positive integer of at most 20 bytes expected");
    }
    CertificateSerial serial;
    serial.size_ = static_cast<std::uint8_t>(big_endian.size());
    std::ranges::copy(big_endian, serial.bytes_.begin());
    return serial;
}

Result<CertificateSerial> CertificateSerial::from_der_content(Bytes content) {
    const bool negative = !content.empty() && content[0] >= 0x80;
    const bool padded = content.size() > 1 && content[0] == 0 && content[1] < 0x80;
    if (negative || padded) return fail(ErrorCode::number_format, "serial: minimal positive DER integer expected");
    return from_magnitude(content);
}

Result<CertificateSerial> CertificateSerial::parse_hex(std::string_view hex) {
    constexpr std::size_t hex_digits_max = 128;
    const auto bytes = hex.size() > hex_digits_max ? std::nullopt : from_hex(hex);
    if (!bytes) return fail(ErrorCode::number_format, "serial: pairs of hexadecimal digits expected");
    return from_magnitude(as_bytes(*bytes));
}

std::strong_ordering operator<=>(const CertificateSerial& a, const CertificateSerial& b) {
    if (const auto order = a.size_ <=> b.size_; order != 0) return order;
    return a.bytes_ <=> b.bytes_;
}

Result<CheckId> CheckId::parse(std::string_view text) {
    if (text.size() != 36) return fail(ErrorCode::number_format, "UUID expected");
    Octets octets{};
    std::size_t at = 0;
    for (std::size_t i = 0; i < octets.size(); ++i) {
        if (is_hyphen_place(at) && text[at++] != '-') return fail(ErrorCode::number_format, "UUID expected");
        const auto octet = from_hex(text.substr(at, 2));
        if (!octet) return fail(ErrorCode::number_format, "UUID expected");
        octets[i] = static_cast<std::uint8_t>(octet->front());
        at += 2;
    }
    return from_bytes(octets);
}

Result<CheckId> CheckId::from_bytes(Bytes sixteen) {
    Octets octets{};
    if (sixteen.size() != octets.size()) return fail(ErrorCode::number_format, "UUID: 16 bytes expected");
    std::ranges::copy(sixteen, octets.begin());
    if (octets == Octets{}) return fail(ErrorCode::number_format, "the nil UUID names nothing");
    return CheckId(octets);
}

CheckId CheckId::make(Random& random) {
    Octets octets{};
    random.fill(octets);
    octets[6] = static_cast<std::uint8_t>((octets[6] & 0x0FU) | 0x40U);
    octets[8] = static_cast<std::uint8_t>((octets[8] & 0x3FU) | 0x80U);
    return CheckId(octets);
}

std::string CheckId::text() const {
    const std::string hex = to_hex(octets_);
    std::string text;
    text.reserve(36);
    for (const char digit : hex) {
        if (is_hyphen_place(text.size())) text.push_back('-');
        text.push_back(digit);
    }
    return text;
}

}  // namespace onshi
