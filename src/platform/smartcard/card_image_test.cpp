#include "platform/smartcard/card_image.h"

#include <gtest/gtest.h>

#include "platform/pki/certificate.h"
#include "platform/smartcard/card_fixtures.h"
#include "platform/smartcard/card_program.h"
#include "platform/smartcard/limits.h"

namespace onshi::smartcard::card_image_test {

std::string text_of(const CardImage& image) {
    return std::string(as_text(encode_card_image(image).bytes()));
}

TEST(CardImage, survives_writing_and_reading) {
    for (const auto token : {TokenKind::my_number_card, TokenKind::android_phone, TokenKind::iphone}) {
        for (const auto pins : {CardPins::set, CardPins::set_without_signature, CardPins::face_authentication}) {
            const auto text = text_of(fixture_image(fixture_order(pins, token)));
            const auto parsed = parse_card_image(text);
            ASSERT_TRUE(parsed.has_value()) << parsed.error().detail;
            EXPECT_EQ(text_of(*parsed), text);
        }
    }
}

TEST(CardImage, is_a_file_for_its_owner_only) {
    const pki::TemporaryFolder folder;
    const auto file = folder.path() / "card.json";
    ASSERT_TRUE(save_card_image(fixture_image(), file));
    EXPECT_TRUE(load_card_image(file));
    EXPECT_EQ(save_card_image(fixture_image(), file).error().code, ErrorCode::secret_exists);
    std::filesystem::permissions(file, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
    EXPECT_EQ(load_card_image(file).error().code, ErrorCode::secret_permissions);
    EXPECT_EQ(load_card_image(folder.path() / "none").error().code, ErrorCode::file_unreadable);
}

TEST(CardImage, that_would_not_load_again_is_not_saved) {
    const pki::TemporaryFolder folder;
    auto image = fixture_image();
    image.signature_ca_certificate.resize(card_image_bytes_max);
    EXPECT_EQ(save_card_image(image, folder.path() / "card.json").error().code, ErrorCode::card_image_malformed);
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "card.json"));
    auto largest = fixture_image();
    largest.surface->photo_jp2.resize(card_pictures_bytes_max - 3 * make_blank_png().size());
    largest.holder->name = std::string(card_texts_bytes_max - largest.holder->address.size(), 'x');
    ASSERT_TRUE(save_card_image(largest, folder.path() / "card.json"));
    EXPECT_TRUE(load_card_image(folder.path() / "card.json"));
}

TEST(CardImage, names_the_member_that_is_missing_or_wrong) {
    const auto good = text_of(fixture_image());
    struct Row {
        std::string_view what, by, detail;
    };
    const Row rows[] = {
        {"onshi-card-image-1", "onshi-card-image-9", "image.format"},
        {"\"my_number_card\"", "\"library_card\"", "image.token"},
        {"\"999999999990000\"", "\"99999999999000\"", "image.card_number"},
        {"\"2034-04-12\"", "\"2034-02-30\"", "image.expires_on"},
        {"\"card_number\"", "\"card_no\"", "image.card_number"},
        {"\"holder\":{", "\"holder\":7,\"x\":{", "image.holder is missing or no object"},
        {"\"sex\":\"2\"", "\"sex\":\"3\"", "image.holder.sex"},
        {"\"individual_number\":\"9", "\"individual_number\":\"", "image.holder.individual_number"},
        {"\"tries_max\":3", "\"tries_max\":0", "image.credentials.auth_pin.tries_max"},
        {"\"tries_max\":3", "\"tries_max\":16", "image.credentials.auth_pin.tries_max"},
        {"\"clear_for_tests\":\"1234\"", "\"clear_for_tests\":\"\"", "image.credentials.auth_pin.clear_for_tests"},
        {"\"photo_jp2\":\"AAAA", "\"photo_jp2\":\"AAA*", "image.surface.photo_jp2"},
        {"\"certificate\":\"MII", "\"certificate\":\"AAI", "a certificate is not DER of 256 bytes to 32 KB"},
    };
    for (const Row& row : rows) {
        std::string text = good;
        const auto at = text.find(row.what);
        ASSERT_NE(at, std::string::npos) << row.what;
        text.replace(at, row.what.size(), row.by);
        const auto parsed = parse_card_image(text);
        ASSERT_FALSE(parsed.has_value()) << row.what;
        EXPECT_EQ(parsed.error().code, ErrorCode::card_image_malformed);
        EXPECT_EQ(parsed.error().detail, row.detail);
    }
    EXPECT_FALSE(parse_card_image(""));
    EXPECT_FALSE(parse_card_image(good.substr(1)));
    EXPECT_FALSE(parse_card_image(std::string(card_image_bytes_max + 1, ' ')));
    EXPECT_FALSE(parse_card_image(good + std::string(card_image_bytes_max, ' ')));
}

TEST(CardImage, with_a_key_of_another_kind_does_not_become_a_card) {
    SystemRandom random;
    auto broken = fixture_image();
    broken.authentication.key_pem = secret("no key");
    EXPECT_EQ(VirtualCard::open(std::move(broken), std::make_unique<VolatileCardState>(), random).error().code,
              ErrorCode::card_image_malformed);
    auto elliptic = fixture_image();
    elliptic.surface->surface_key_pem = pki::EcPrivateKey::generate(pki::EcPrivateKey::Curve::p384).to_pem();
    EXPECT_EQ(VirtualCard::open(std::move(elliptic), std::make_unique<VolatileCardState>(), random).error().code,
              ErrorCode::card_image_malformed);
}

TEST(CardImage, takes_pictures_texts_and_signatures_up_to_their_limits) {
    const auto with = [](auto change) {
        auto image = fixture_image();
        change(image);
        return check_card_image(image).has_value();
    };
    const auto pictures = [](const CardImage& image) {
        return image.surface->name_png.size() + image.surface->address_png.size() + image.surface->code_png.size();
    };
    for (const auto& [over, allowed] : {std::pair{-1, true}, {0, true}, {1, false}}) {
        const auto extra = [shift = over](std::size_t limit) {
            return static_cast<std::size_t>(static_cast<std::ptrdiff_t>(limit) + shift);
        };
        EXPECT_EQ(
            with([&](CardImage& i) { i.surface->photo_jp2.resize(extra(card_pictures_bytes_max) - pictures(i)); }),
            allowed);
        EXPECT_EQ(with([&](CardImage& i) { i.surface->text_signature.resize(extra(card_object_bytes_max)); }), allowed);
        EXPECT_EQ(with([&](CardImage& i) {
                      i.holder->name = std::string(extra(card_texts_bytes_max) - i.holder->address.size(), 'x');
                  }),
                  allowed);
        EXPECT_EQ(with([&](CardImage& i) { i.authentication.certificate.resize(extra(file_bytes_max - 1)); }), allowed);
    }
    EXPECT_FALSE(with([](CardImage& i) { i.authentication.certificate.resize(certificate_bytes_min - 1); }));
    EXPECT_TRUE(with([](CardImage& i) { i.authentication.certificate.resize(certificate_bytes_min); }));
    EXPECT_FALSE(with([](CardImage& i) { i.surface.reset(); }));
    EXPECT_FALSE(with([](CardImage& i) { i.holder.reset(); }));
    EXPECT_FALSE(with([](CardImage& i) { i.common_key_pem.reset(); }));
}

TEST(CardImage, at_every_limit_still_becomes_a_card) {
    SystemRandom random;
    auto image = fixture_image();
    image.surface->photo_jp2.resize(card_pictures_bytes_max - 3 * make_blank_png().size());
    image.holder->name = std::string(card_texts_bytes_max - image.holder->address.size(), 'x');
    EXPECT_TRUE(VirtualCard::open(std::move(image), std::make_unique<VolatileCardState>(), random).has_value());
}

TEST(StoredCredential, matches_only_its_value_in_each_form) {
    SystemRandom random;
    const auto pin = as_bytes("1234");
    const auto clear = StoredCredential::clear_for_tests(pin);
    const auto hashed = StoredCredential::hashed(pin, random);
    const auto again = StoredCredential::from_hash(hashed.salt(), hashed.iterations(), hashed.value());
    ASSERT_TRUE(again.has_value());
    for (const auto* credential : {&clear, &hashed, &*again}) {
        EXPECT_TRUE(credential->matches(pin));
        EXPECT_TRUE(credential->clone().matches(pin));
        EXPECT_FALSE(credential->matches(as_bytes("1235")));
        EXPECT_FALSE(credential->matches(as_bytes("12345")));
        EXPECT_FALSE(credential->matches({}));
    }
    EXPECT_FALSE(StoredCredential::blocked().matches(pin));
    EXPECT_FALSE(StoredCredential::blocked().matches({}));
    EXPECT_NE(to_hex(hashed.value()), to_hex(StoredCredential::hashed(pin, random).value()));
}

TEST(StoredCredential, refuses_hashes_of_another_size_or_too_many_rounds) {
    const ByteVector salt(16);
    const ByteVector hash(32);
    EXPECT_TRUE(StoredCredential::from_hash(salt, 1, hash));
    EXPECT_TRUE(StoredCredential::from_hash(salt, pin_hash_iterations_max, hash));
    EXPECT_FALSE(StoredCredential::from_hash(salt, 0, hash));
    EXPECT_FALSE(StoredCredential::from_hash(salt, pin_hash_iterations_max + 1, hash));
    EXPECT_FALSE(StoredCredential::from_hash(Bytes(salt).first(15), 1, hash));
    EXPECT_FALSE(StoredCredential::from_hash(salt, 1, Bytes(hash).first(31)));
}

TEST(TestCards, are_certified_by_the_test_jpki) {
    const auto image = fixture_image();
    const auto certificate = pki::parse_certificate(image.authentication.certificate);
    ASSERT_TRUE(certificate);
    EXPECT_EQ(certificate->subject.common_name(), "TESTCARD000000000000000");
    EXPECT_TRUE(certificate->issuer.text().find("TEST JPKI") != std::string::npos);
    ASSERT_TRUE(certificate->card_key);
    EXPECT_EQ(*certificate->card_key, pki::fixture_keys().public_key(9));
    EXPECT_TRUE(pki::parse_certificate(image.signature->certificate));
}

TEST(TestCards, with_hashed_pins_hold_no_pin_in_clear) {
    auto order = fixture_order();
    order.storage = PinStorage::hashed;
    const auto text = text_of(fixture_image(order));
    EXPECT_EQ(text.find("clear_for_tests"), std::string::npos);
    EXPECT_EQ(text.find(order.signature_password), std::string::npos);
    FixtureCard card(std::move(*parse_card_image(text)));
    card.run("00a4040c0ad392f000260100000001");
    EXPECT_EQ(card.run("0020009804"
                       "30303030"),
              "63c2");
    EXPECT_EQ(card.run("0020009804"
                       "31323334"),
              "9000");
    EXPECT_EQ(card.run("0024018004"
                       "35363738"),
              "9000");
    EXPECT_EQ(card.run("0020009804"
                       "35363738"),
              "9000");
}

TEST(TestCards, are_refused_outside_their_ranges) {
    SystemRandom random;
    const auto refused_order = [&random](const CardOrder& order) {
        return fixture_issuer().issue(order, pki::fixture_jpki(), pki::fixture_keys(), random).error().code;
    };
    auto order = fixture_order();
    order.security_code = "12";
    EXPECT_EQ(refused_order(order), ErrorCode::card_image_malformed);
    order = fixture_order();
    order.photo_jp2.resize(card_pictures_bytes_max + 1);
    EXPECT_EQ(refused_order(order), ErrorCode::card_image_malformed);
    order = fixture_order();
    order.card_number = "1";
    EXPECT_EQ(refused_order(order), ErrorCode::card_image_malformed);
    order = fixture_order();
    order.holder.name = std::string(card_texts_bytes_max + 1, 'x');
    EXPECT_EQ(refused_order(order), ErrorCode::card_image_malformed);
}

TEST(TestCards, come_from_an_issuer_that_can_be_kept) {
    const pki::TemporaryFolder folder;
    EXPECT_EQ(TestCardIssuer::load(folder.path()).error().code, ErrorCode::secret_missing);
    ASSERT_TRUE(fixture_issuer().save(folder.path()));
    const auto loaded = TestCardIssuer::load(folder.path());
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->surface_root().key, fixture_issuer().surface_root().key);
}

TEST(AttachOptions, are_read_in_any_order) {
    using Words = std::vector<std::string_view>;
    const Words plain{"card.json", "--vpcd", "127.0.0.1:35963"};
    const auto options = AttachOptions::parse(plain);
    ASSERT_TRUE(options);
    EXPECT_EQ(options->image, "card.json");
    EXPECT_EQ(options->state, "card.json.state");
    EXPECT_EQ(options->reader.port, 35963);
    const Words turned{"--state", "s", "--vpcd", "127.0.0.1:1", "card.json"};
    EXPECT_EQ(AttachOptions::parse(turned)->state, "s");
    for (const Words& words :
         {Words{}, Words{"card.json"}, Words{"--vpcd", "127.0.0.1:1"}, Words{"a", "b", "--vpcd", "127.0.0.1:1"},
          Words{"a", "--vpcd"}, Words{"a", "--vpcd", "localhost:1"}, Words{"a", "--vpcd", "127.0.0.1:0"},
          Words{"a", "--vpcd", "127.0.0.1:65536"}, Words{"a", "--vpcd", "127.0.0.1:1x"},
          Words{"a", "--vpcd", "127.0.0.1"}, Words{"a", "--what", "x"}}) {
        const auto parsed = AttachOptions::parse(words);
        ASSERT_FALSE(parsed.has_value());
        EXPECT_EQ(parsed.error().code, ErrorCode::request_malformed);
    }
}

}  // namespace onshi::smartcard::card_image_test
