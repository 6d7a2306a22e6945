#include "installation/card_factory.h"

#include <utility>

#include <fmt/format.h>

#include "base/ensure.h"
#include "domain/cards/authorities.h"
#include "synth/text.h"

namespace onshi::installation {

namespace {

constexpr std::chrono::microseconds one_second{1'000'000};
constexpr int child_age_max = 14;  // below 15 a card comes without a signature certificate (jpki-card §2.4)
constexpr std::uint64_t decimals_of_card_number = 1'000'000'000'000ULL;

CertificateSerial serial_of(std::uint32_t serial) {
    const std::array<std::uint8_t, 4> bytes{static_cast<std::uint8_t>(serial >> 24U),
                                            static_cast<std::uint8_t>(serial >> 16U),
                                            static_cast<std::uint8_t>(serial >> 8U), static_cast<std::uint8_t>(serial)};
    auto made = CertificateSerial::from_magnitude(bytes);
    ENSURE(made.has_value());
    return *made;
}

// The places inside prefectures are invented, so distribution points name codes instead of romanised names.
std::string prefecture_name(const synth::Municipality& place) {
    return fmt::format("Prefecture {:02}", place.prefecture);
}
std::string municipality_name(const synth::Municipality& place) {
    return fmt::format("Municipality {:06}", place.code);
}

std::string subject_name(const synth::SyntheticCertificate& certificate) {
    return fmt::format("TESTCARD{:015}", certificate.serial);
}

smartcard::CardSex printed_sex(Sex sex) {
    switch (sex) {
        case Sex::male: return smartcard::CardSex::male;
        case Sex::female: return smartcard::CardSex::female;
        case Sex::unset: break;
    }
    return smartcard::CardSex::not_applicable;
}

const synth::Municipality& home_of(const synth::Nation& nation, const synth::SyntheticPerson& person) {
    return nation.organisations().municipalities()[person.address.municipality];
}

smartcard::ByteVector to_bytes(std::string_view text) {
    const Bytes bytes = as_bytes(text);
    return {bytes.begin(), bytes.end()};
}

}  // namespace

CardFactory::CardFactory(const synth::Nation& nation, const pki::TestJpki& jpki, const pki::KeyPool& keys)
    : nation_(nation), jpki_(jpki), keys_(keys) {
    for (int generation = 1; generation <= pki::test_ca_generations; ++generation) {
        ca_ids_[static_cast<std::size_t>(generation - 1)] = cards::ca_number(jpki.auth_ca(generation).id());
    }
}

// The roots' years follow from the day the test JPKI was made, so the day of issue decides and not the nation's own
// generation: a certificate then lies within the life of the root that signed it, wherever a root is old enough.
const pki::TestCa& CardFactory::ca_of(const synth::SyntheticCertificate& certificate) const {
    return jpki_.auth_ca(jpki_.generation_at(start_of_japan_day(certificate.issued_on)));
}

CardKey CardFactory::key_of(const synth::SyntheticCertificate& certificate) const {
    const int generation = jpki_.generation_at(start_of_japan_day(certificate.issued_on));
    return {ca_ids_[static_cast<std::size_t>(generation - 1)], serial_of(certificate.serial)};
}

Instant CardFactory::not_after(const synth::SyntheticCertificate& certificate) {
    return start_of_japan_day(certificate.not_after.plus_days(1)) - one_second;
}

Result<TestCard> CardFactory::make(std::uint64_t person) const {
    if (person >= synth::persons_max) return fail(ErrorCode::synth_no_card, "no such index");
    return make(nation_.person(person));
}

Result<TestCard> CardFactory::make(const synth::SyntheticPerson& person) const {
    if (!person.card) return fail(ErrorCode::synth_no_card, "this person holds none");
    const synth::SyntheticCertificate& certificate = person.card->certificate;
    const pki::TestCa& ca = ca_of(certificate);
    const synth::Municipality& home = home_of(nation_, person);
    const pki::CardCertificateOrder order{certificate.serial,
                                          subject_name(certificate),
                                          start_of_japan_day(certificate.issued_on),
                                          not_after(certificate),
                                          prefecture_name(home),
                                          municipality_name(home),
                                          std::nullopt};
    auto der = ca.issue(order, pool_key(person.card->key));
    if (!der) return fail(std::move(der));
    return TestCard{key_of(certificate), ca.certificate().subject_key_id, std::move(*der), not_after(certificate),
                    &keys_.key(person.card->key)};
}

smartcard::CardOrder CardFactory::order_of(const synth::SyntheticPerson& person) const {
    const synth::SyntheticCard& card = *person.card;
    const synth::Municipality& home = home_of(nation_, person);
    smartcard::CardOrder order;
    const int age = age_on(person.birth_date, card.certificate.issued_on).value_or(0);
    if (age <= child_age_max) order.pins = smartcard::CardPins::set_without_signature;
    if (card.pin_less) order.pins = smartcard::CardPins::face_authentication;
    synth::append_name(person.name, order.holder.name);
    synth::append_address(nation_.organisations(), person.address, order.holder.address);
    order.holder.born_on = person.birth_date;
    order.holder.sex = printed_sex(person.printed_sex);
    order.holder.individual_number = fmt::format("{:012}", nation_.individual_number(person.index));
    order.card_number = fmt::format("999{:012}", person.index % decimals_of_card_number);
    order.municipality = fmt::format("{:05}", home.code / 10);
    order.issued_on = card.certificate.issued_on;
    order.expires_on = card.card_expires_on;
    order.auth_serial = card.certificate.serial;
    order.signature_serial = card.certificate.serial;
    order.subject_name = subject_name(card.certificate);
    order.prefecture_name = prefecture_name(home);
    order.municipality_name = municipality_name(home);
    order.key_index = card.key;
    return order;
}

Result<smartcard::CardImage> CardFactory::make_image(const synth::SyntheticPerson& person,
                                                     const smartcard::TestCardIssuer& issuer, Random& random) const {
    auto card = make(person);
    if (!card) return fail(std::move(card));
    auto image = issuer.issue(order_of(person), jpki_, keys_, random);
    if (!image) return image;
    // The issuer derives the last day from birth and issue alone; the nation knows of cards that end earlier.
    image->authentication.certificate = to_bytes(card->certificate_der);
    auto checked = smartcard::check_card_image(*image);
    if (!checked) return fail(std::move(checked));
    return image;
}

}  // namespace onshi::installation
