#include "installation/card_factory.h"

#include <algorithm>
#include <limits>

#include <gtest/gtest.h>

#include "domain/cards/authorities.h"
#include "installation/test_fixtures.h"
#include "platform/pki/public_key.h"

namespace onshi::installation {

namespace {

const synth::Nation& nation() {
    static const auto made = synth::Nation::create({});
    return *made;
}

const CardFactory& factory() {
    static const CardFactory made(nation(), pki::fixture_jpki(), pki::fixture_keys());
    return made;
}

const cards::Authorities& authorities() {
    static const auto made =
        cards::Authorities::create(pki::fixture_jpki().auth_store(),
                                   {{std::string(pki::policy_card_authentication), pki::ExpiryGrace::three_months}}, 1);
    return *made;
}

const smartcard::TestCardIssuer& issuer() {
    return fixture_card_parts().issuer;
}

// The first person that a test wants.
template <class Fits>
synth::SyntheticPerson find_person(Fits fits) {
    for (std::uint64_t index = 0; index < 20'000; ++index) {
        auto person = nation().person(index);
        if (person.card && fits(person)) return person;
    }
    ADD_FAILURE() << "nobody is like that";
    return nation().person(0);
}

TEST(card_factory, certificate_and_key_follow_from_the_index_alone) {
    const auto person = find_person([](const auto&) { return true; });
    const auto first = factory().make(person.index);
    const auto second = factory().make(person);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->certificate_der, second->certificate_der);
    EXPECT_EQ(first->key, factory().key_of(person.card->certificate));
    EXPECT_EQ(first->key, second->key);
    EXPECT_EQ(first->private_key->public_key(), factory().pool_key(person.card->key));
}

TEST(card_factory, the_authority_is_the_one_that_the_certificate_names) {
    std::array<int, pki::test_ca_generations> seen{};
    for (std::uint64_t index = 0; index < 200; ++index) {
        const auto card = factory().make(index);
        if (!card) continue;
        const auto parsed = pki::parse_certificate(as_bytes(card->certificate_der));
        ASSERT_TRUE(parsed);
        EXPECT_EQ(parsed->authority_key_id, card->authority_key_id);
        EXPECT_EQ(authorities().find(card->authority_key_id), card->key.ca_id);
        EXPECT_EQ(parsed->not_after, card->not_after);
        EXPECT_EQ(to_hex(as_bytes(parsed->serial)), card->key.serial.hex());
        const auto generation = std::ranges::find(factory().ca_ids(), card->key.ca_id) - factory().ca_ids().begin();
        ++seen.at(static_cast<std::size_t>(generation));
    }
    for (const int count : seen) EXPECT_GT(count, 0) << "all three generations occur";
}

TEST(card_factory, nobody_without_a_card_gets_one) {
    std::uint64_t index = 0;
    while (nation().person(index).card) ++index;
    for (const std::uint64_t nobody : {index, synth::persons_max, std::numeric_limits<std::uint64_t>::max()}) {
        const auto card = factory().make(nobody);
        ASSERT_FALSE(card);
        EXPECT_EQ(card.error().code, ErrorCode::synth_no_card);
    }
}

TEST(card_factory, an_image_carries_the_same_certificate_and_opens_with_1234) {
    SeededRandom random(1);
    const auto today = nation().settings().as_of;
    const auto adult = find_person([&](const synth::SyntheticPerson& p) {
        return !p.card->pin_less && p.birth_date.plus_months_clamped(12 * 30) < today;
    });
    const auto child = find_person([&](const synth::SyntheticPerson& p) {
        return p.birth_date.plus_months_clamped(12 * 12) > p.card->certificate.issued_on && !p.card->pin_less;
    });
    const auto faced = find_person([](const synth::SyntheticPerson& p) { return p.card->pin_less; });
    const auto pin = as_bytes("1234");
    for (const auto* person : {&adult, &child, &faced}) {
        const auto card = factory().make(*person);
        const auto image = factory().make_image(*person, issuer(), random);
        ASSERT_TRUE(card && image) << (image ? "" : image.error().detail);
        EXPECT_EQ(as_text(image->authentication.certificate), card->certificate_der);
        EXPECT_EQ(image->signature.has_value(), person == &adult);
        const auto& auth_pin = image->credential(smartcard::CredentialId::auth_pin).value;
        EXPECT_EQ(auth_pin.is_blocked(), person == &faced);
        EXPECT_EQ(auth_pin.matches(pin), person != &faced);
        EXPECT_EQ(image->expires_on, person->card->card_expires_on);
    }
}

TEST(card_factory, images_of_many_kinds_of_people_fit_the_card) {
    SeededRandom random(1);
    int images = 0;
    for (std::uint64_t index = 0; index < 24; ++index) {
        const auto person = nation().person(index);
        if (!person.card) continue;
        const auto image = factory().make_image(person, issuer(), random);
        ASSERT_TRUE(image) << index << ' ' << image.error().detail;
        ++images;
    }
    EXPECT_GT(images, 10);
}

}  // namespace

}  // namespace onshi::installation
