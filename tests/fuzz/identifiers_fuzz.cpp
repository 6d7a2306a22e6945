// Any text into every parser of identifiers.h: what is accepted prints as what was meant, and keys come back.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/ensure.h"
#include "base/identifiers.h"
#include "base/limits.h"

namespace {

using namespace onshi;

std::string_view without_padding(std::string_view text) {
    const bool padded = text.size() == 8 && (text.starts_with("00") || text.starts_with("  "));
    return padded ? text.substr(2) : text;
}

void check_numbers(std::string_view text) {
    if (const auto number = InsurerNumber::parse(text)) {
        ENSURE(number->issued() == without_padding(text));
        ENSURE(check_digit_a_ok(number->issued()));
        ENSURE(InsurerNumber::parse(number->zero8()).value() == *number);
        ENSURE(InsurerNumber::parse(number->space8()).value() == *number);
        ENSURE(InsurerNumber::from_key(number->to_key()) == *number);
        ENSURE(!PublicPayerNumber::parse(text));
    }
    if (const auto number = PublicPayerNumber::parse(text)) {
        ENSURE(number->text() == text && check_digit_a_ok(text));
        ENSURE(PublicPayerNumber::from_key(number->to_key()) == *number);
    }
    if (const auto number = RecipientNumber::parse(text)) {
        ENSURE(number->text() == text && number->check_digit_ok() == check_digit_a_ok(text));
    }
    if (const auto code = FacilityCode::parse(text)) {
        ENSURE(code->text() == text && check_digit_a_ok(text));
        ENSURE(code->text().ends_with(code->claim_code()));
        ENSURE(FacilityCode::from_key(code->to_key()) == *code);
    }
    if (const auto branch = BranchNumber::parse(text)) ENSURE(branch->text() == text);
    if (const auto sex = parse_sex(text)) ENSURE(text == std::string(1, sex_code(*sex)));
}

void check_keys(std::string_view text) {
    ByteReader reader(as_bytes(text));
    const std::int64_t key = reader.i64();
    if (const auto number = InsurerNumber::from_key(key)) {
        ENSURE(number->to_key() == key && InsurerNumber::parse(number->issued()).value() == *number);
    }
    if (const auto number = PublicPayerNumber::from_key(key))
        ENSURE(PublicPayerNumber::parse(number->text()).has_value());
    if (const auto code = FacilityCode::from_key(key)) ENSURE(FacilityCode::parse(code->text()).has_value());
}

void check_cards(std::string_view text) {
    if (const auto id = CheckId::parse(text)) ENSURE(CheckId::parse(id->text()).value() == *id);
    if (const auto id = CheckId::from_bytes(as_bytes(text))) ENSURE(as_text(id->bytes()) == text);
    for (const auto& serial : {CertificateSerial::parse_hex(text), CertificateSerial::from_magnitude(as_bytes(text)),
                               CertificateSerial::from_der_content(as_bytes(text))}) {
        if (!serial) continue;
        ENSURE(!serial->bytes().empty() && serial->bytes().front() != 0);
        ENSURE(CertificateSerial::parse_hex(serial->hex()).value() == *serial);
    }
}

void check_insured_text(std::string_view text) {
    const auto comparison = normalise_insured_text(text);
    if (!comparison) return;
    // One character can become 18 at most (Unicode stability policy of NFKC), each of at most four bytes.
    ENSURE(comparison->size() <= insured_text_characters_max * 18 * 4);
    const auto again = normalise_insured_text(*comparison);
    ENSURE(again ? *again == *comparison : again.error().code == ErrorCode::text_too_long);
    ENSURE(InsuredSymbol::parse(text).value().raw() == text);
}

void check_masking(std::string_view text) {
    const std::string masked = mask_individual_numbers(text);
    ENSURE(masked.size() <= text.size());
    ENSURE(!contains_individual_number(masked));
    ENSURE((masked == text) == !contains_individual_number(text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_numbers(text);
    check_keys(text);
    check_cards(text);
    check_insured_text(text);
    check_masking(text);
    return 0;
}
