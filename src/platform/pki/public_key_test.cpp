#include "platform/pki/public_key.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/sha256.h"
#include "platform/pki/private_key.h"
#include "platform/pki/test_fixtures.h"

namespace onshi::pki::public_key_test {

using ByteVector = std::vector<std::uint8_t>;

constexpr std::string_view digest_info_sha256(
    "\x30\x31\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20", 19);

ByteVector bytes_of_text(std::string_view text) {
    return {text.begin(), text.end()};
}

ByteVector joined(std::string_view head, Bytes tail) {
    ByteVector out = bytes_of_text(head);
    out.insert(out.end(), tail.begin(), tail.end());
    return out;
}

CardPublicKey p384_key(const EcPrivateKey& key) {
    const auto point = key.public_point();
    return *CardPublicKey::ec_p384(Bytes(point).first(48), Bytes(point).last(48));
}

ErrorCode code_of(const Result<void>& result) {
    return result ? ErrorCode::internal_unexpected : result.error().code;
}

ByteVector modulus_of_bits(std::size_t bits) {
    ByteVector modulus((bits + 7) / 8, 0xA5);
    const unsigned top = static_cast<unsigned>((bits - 1) % 8);
    modulus[0] = static_cast<std::uint8_t>(1U << top);
    modulus.back() |= 1U;
    return modulus;
}

TEST(CardPublicKey, stores_rsa_in_261_bytes_and_p384_in_97_and_reads_them_back) {
    const auto& rsa = fixture_keys().public_key(7);
    EXPECT_EQ(rsa.stored().size(), 261U);
    EXPECT_EQ(rsa.bits(), 2048U);
    EXPECT_EQ(*CardPublicKey::parse(rsa.stored()), rsa);
    const auto ec = p384_key(EcPrivateKey::generate(EcPrivateKey::Curve::p384));
    EXPECT_EQ(ec.stored().size(), 97U);
    EXPECT_EQ(*CardPublicKey::parse(ec.stored()), ec);
}

TEST(CardPublicKey, accepts_only_the_sizes_and_exponents_of_the_profile) {
    const ByteVector f4{1, 0, 1};
    struct Row {
        const char* what;
        ByteVector modulus;
        ByteVector exponent;
        bool accepted;
    };
    ByteVector even = modulus_of_bits(2048);
    even.back() &= 0xFEU;
    const Row rows[] = {
        {"1024 bits", modulus_of_bits(1024), f4, false},
        {"2047 bits", modulus_of_bits(2047), f4, false},
        {"2048 bits", modulus_of_bits(2048), f4, true},
        {"4096 bits", modulus_of_bits(4096), f4, true},
        {"4097 bits", modulus_of_bits(4097), f4, false},
        {"even modulus", even, f4, false},
        {"empty modulus", {}, f4, false},
        {"leading zeros", joined(std::string_view("\0\0", 2), modulus_of_bits(2048)), {0, 1, 0, 1}, true},
        {"e = 1", modulus_of_bits(2048), {1}, false},
        {"e = 3", modulus_of_bits(2048), {3}, false},
        {"e = 65535", modulus_of_bits(2048), {0xFF, 0xFF}, false},
        {"e = 65536", modulus_of_bits(2048), {1, 0, 0}, false},
        {"e = 65539", modulus_of_bits(2048), {1, 0, 3}, true},
        {"e of 8 bytes", modulus_of_bits(2048), {1, 0, 0, 0, 0, 0, 0, 1}, true},
        {"e of 9 bytes", modulus_of_bits(2048), {1, 0, 0, 0, 0, 0, 0, 0, 1}, false},
        {"no exponent", modulus_of_bits(2048), {}, false},
    };
    for (const auto& row : rows) {
        const auto key = CardPublicKey::rsa(row.modulus, row.exponent);
        EXPECT_EQ(key.has_value(), row.accepted) << row.what;
        if (!key) EXPECT_EQ(key.error().code, ErrorCode::key_malformed) << row.what;
    }
}

TEST(CardPublicKey, whatever_parses_is_in_its_only_stored_form) {
    EXPECT_TRUE(rc::check("one key, one form", [] {
        auto stored =
            bytes_of_text(as_text(fixture_keys().public_key(*rc::gen::inRange<std::uint64_t>(0, 16)).stored()));
        const auto changes = *rc::gen::inRange(0, 4);
        for (int i = 0; i < changes; ++i) {
            const auto at = *rc::gen::inRange<std::size_t>(0, 8);
            stored[at] = *rc::gen::arbitrary<std::uint8_t>();
        }
        stored.resize(
            *rc::gen::element(stored.size(), stored.size() - 1, std::size_t{97}, std::size_t{1}, std::size_t{0}));
        const auto key = CardPublicKey::parse(stored);
        if (!key) return;
        RC_ASSERT(as_text(key->stored()) == as_text(stored));
        const auto again = key->kind() == KeyKind::rsa
                               ? CardPublicKey::rsa(key->modulus(), key->exponent())
                               : CardPublicKey::ec_p384(key->point().first(48), key->point().last(48));
        RC_ASSERT(*again == *key);
    }));
}

TEST(CardPublicKey, leading_zeros_in_the_stored_form_are_refused) {
    const auto& key = fixture_keys().public_key(6);
    ByteVector stored{1, 4, 0, 1, 0, 1};
    stored.insert(stored.end(), key.modulus().begin(), key.modulus().end());
    EXPECT_EQ(CardPublicKey::parse(stored).error().code, ErrorCode::key_malformed);
}

TEST(VerifySignature, the_three_algorithms_hold_over_what_was_signed) {
    const auto message = as_bytes("onshi-check-v1\nhub\n");
    const auto digest = sha256(message);
    const auto& card = fixture_keys().key(6);
    const auto key = card.public_key();
    EXPECT_TRUE(verify_message(key, SignatureAlgorithm::rsa_pkcs1_sha256, message, *card.sign_pkcs1(digest)));
    EXPECT_TRUE(verify_digest(key, SignatureAlgorithm::rsa_pkcs1_sha256, digest, *card.sign_pkcs1(digest)));
    EXPECT_TRUE(verify_message(key, SignatureAlgorithm::rsa_pss_sha256, message, *card.sign_pss(digest)));
    const auto ec = EcPrivateKey::generate(EcPrivateKey::Curve::p384);
    EXPECT_TRUE(verify_message(p384_key(ec), SignatureAlgorithm::ecdsa_p384_sha384, message, ec.sign(message)));
}

TEST(VerifySignature, a_card_that_pads_the_digest_info_it_is_given_signs_as_the_rule_says) {
    const auto digest = sha256(as_bytes("lines"));
    const auto& card = fixture_keys().key(8);
    EXPECT_EQ(*card.raw_sign_pkcs1(joined(digest_info_sha256, digest)), *card.sign_pkcs1(digest));
}

TEST(VerifySignature, the_key_decides_which_algorithms_are_allowed) {
    const auto message = as_bytes("message");
    const auto digest = sha256(message);
    const auto& rsa = fixture_keys().key(6);
    const auto ec = EcPrivateKey::generate(EcPrivateKey::Curve::p384);
    struct Row {
        const char* what;
        CardPublicKey key;
        SignatureAlgorithm algorithm;
        ByteVector signature;
        ErrorCode code;
    };
    const Row rows[] = {
        {"ECDSA named for an RSA key", rsa.public_key(), SignatureAlgorithm::ecdsa_p384_sha384, ec.sign(message),
         ErrorCode::signature_algorithm},
        {"PKCS#1 named for a P-384 key", p384_key(ec), SignatureAlgorithm::rsa_pkcs1_sha256, *rsa.sign_pkcs1(digest),
         ErrorCode::signature_algorithm},
        {"PSS named for a P-384 key", p384_key(ec), SignatureAlgorithm::rsa_pss_sha256, *rsa.sign_pss(digest),
         ErrorCode::signature_algorithm},
        {"a PSS signature called PKCS#1", rsa.public_key(), SignatureAlgorithm::rsa_pkcs1_sha256, *rsa.sign_pss(digest),
         ErrorCode::signature_invalid},
        {"a PKCS#1 signature called PSS", rsa.public_key(), SignatureAlgorithm::rsa_pss_sha256, *rsa.sign_pkcs1(digest),
         ErrorCode::signature_invalid},
        {"another card's signature", rsa.public_key(), SignatureAlgorithm::rsa_pkcs1_sha256,
         *fixture_keys().key(7).sign_pkcs1(digest), ErrorCode::signature_invalid},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(code_of(verify_message(row.key, row.algorithm, message, row.signature)), row.code) << row.what;
    }
}

TEST(VerifySignature, a_digest_of_another_size_is_refused_before_any_arithmetic) {
    const auto& card = fixture_keys().key(6);
    const auto digest = sha256(as_bytes("x"));
    const auto signature = *card.sign_pkcs1(digest);
    EXPECT_EQ(code_of(verify_digest(card.public_key(), SignatureAlgorithm::rsa_pkcs1_sha256, Bytes(digest).first(31),
                                    signature)),
              ErrorCode::signature_algorithm);
    EXPECT_EQ(code_of(verify_digest(card.public_key(), SignatureAlgorithm::rsa_pkcs1_sha256, {}, signature)),
              ErrorCode::signature_algorithm);
}

TEST(VerifySignature, a_padded_payload_that_is_not_exactly_the_sha256_digest_info_is_refused) {
    const auto digest = sha256(as_bytes("x"));
    const auto& card = fixture_keys().key(6);
    ByteVector trailing = joined(digest_info_sha256, digest);
    trailing.resize(245, 0x42);  // room that a lenient parser would skip
    const std::string_view sha1_info("\x30\x21\x30\x09\x06\x05\x2B\x0E\x03\x02\x1A\x05\x00\x04\x14", 15);
    const std::string_view without_null("\x30\x2F\x30\x0B\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20", 17);
    const std::pair<const char*, ByteVector> rows[] = {
        {"the bare digest", ByteVector(digest.begin(), digest.end())},
        {"bytes behind the digest", trailing},
        {"SHA-1 named", joined(sha1_info, Bytes(digest).first(20))},
        {"no NULL behind the algorithm", joined(without_null, digest)},
    };
    for (const auto& [what, payload] : rows) {
        const auto signature = card.raw_sign_pkcs1(payload);
        EXPECT_EQ(code_of(verify_digest(card.public_key(), SignatureAlgorithm::rsa_pkcs1_sha256, digest, *signature)),
                  ErrorCode::signature_invalid)
            << what;
    }
}

TEST(VerifySignature, signatures_of_another_length_are_refused) {
    const auto digest = sha256(as_bytes("x"));
    const auto& card = fixture_keys().key(6);
    for (const auto algorithm : {SignatureAlgorithm::rsa_pkcs1_sha256, SignatureAlgorithm::rsa_pss_sha256}) {
        const auto good =
            algorithm == SignatureAlgorithm::rsa_pkcs1_sha256 ? *card.sign_pkcs1(digest) : *card.sign_pss(digest);
        const ByteVector variants[] = {{},
                                       ByteVector(255, 1),
                                       ByteVector(256, 0),
                                       ByteVector(256, 0xFF),
                                       ByteVector(257, 0),
                                       joined(std::string_view("\0", 1), good),
                                       ByteVector(100'000, 7)};
        for (const auto& signature : variants) {
            EXPECT_EQ(code_of(verify_digest(card.public_key(), algorithm, digest, signature)),
                      ErrorCode::signature_invalid)
                << signature.size();
        }
    }
}

TEST(VerifySignature, one_flipped_bit_anywhere_breaks_it) {
    const auto& card = fixture_keys().key(6);
    const auto ec = EcPrivateKey::generate(EcPrivateKey::Curve::p384);
    const auto message = bytes_of_text("onshi-check-v1\nhub\n1310000001\nterminal\n");
    const auto digest = sha256(message);
    const ByteVector pkcs1 = *card.sign_pkcs1(digest);
    const ByteVector pss = *card.sign_pss(digest);
    const ByteVector ecdsa = ec.sign(message);
    EXPECT_TRUE(rc::check("flip", [&] {
        const auto algorithm =
            *rc::gen::element(SignatureAlgorithm::rsa_pkcs1_sha256, SignatureAlgorithm::rsa_pss_sha256,
                              SignatureAlgorithm::ecdsa_p384_sha384);
        auto signature = algorithm == SignatureAlgorithm::rsa_pkcs1_sha256 ? pkcs1
                         : algorithm == SignatureAlgorithm::rsa_pss_sha256 ? pss
                                                                           : ecdsa;
        auto changed = message;
        auto* const target = *rc::gen::element(&signature, &changed);
        const auto bit = *rc::gen::inRange<std::size_t>(0, target->size() * 8);
        (*target)[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        const auto key = algorithm == SignatureAlgorithm::ecdsa_p384_sha384 ? p384_key(ec) : card.public_key();
        RC_ASSERT(code_of(verify_message(key, algorithm, changed, signature)) == ErrorCode::signature_invalid);
    }));
}

TEST(VerifySignature, one_flipped_bit_of_the_key_breaks_it) {
    const auto digest = sha256(as_bytes("x"));
    const auto& card = fixture_keys().key(6);
    const auto signature = *card.sign_pkcs1(digest);
    const auto stored = bytes_of_text(as_text(card.public_key().stored()));
    EXPECT_TRUE(rc::check("flip", [&] {
        auto changed = stored;
        const auto bit = *rc::gen::inRange<std::size_t>(0, changed.size() * 8);
        changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        const auto key = CardPublicKey::parse(changed);
        if (key) RC_ASSERT(!verify_digest(*key, SignatureAlgorithm::rsa_pkcs1_sha256, digest, signature));
    }));
}

TEST(VerifySignature, a_point_beside_the_curve_is_no_key) {
    const ByteVector ones(48, 1);
    const auto key = CardPublicKey::ec_p384(ones, ones);
    const auto ec = EcPrivateKey::generate(EcPrivateKey::Curve::p384);
    EXPECT_EQ(
        code_of(verify_message(*key, SignatureAlgorithm::ecdsa_p384_sha384, as_bytes("x"), ec.sign(as_bytes("x")))),
        ErrorCode::key_malformed);
}

TEST(SignatureAlgorithm, has_exactly_three_names) {
    for (const auto* name : {"rsa_pkcs1_sha256", "rsa_pss_sha256", "ecdsa_p384_sha384"}) {
        const auto algorithm = parse_signature_algorithm(name);
        ASSERT_TRUE(algorithm) << name;
        EXPECT_EQ(to_string(*algorithm), name);
    }
    for (const auto* name : {"", "RSA_PKCS1_SHA256", "rsa_pkcs1_sha1", "none", "ecdsa_p256_sha256"}) {
        EXPECT_FALSE(parse_signature_algorithm(name)) << name;
    }
}

}  // namespace onshi::pki::public_key_test
