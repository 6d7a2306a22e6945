#include "platform/pki/private_key.h"

#include <filesystem>
#include <fstream>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "base/sha256.h"
#include "platform/pki/limits.h"
#include "platform/pki/test_fixtures.h"

namespace onshi::pki::private_key_test {

TEST(RsaPrivateKey, is_saved_for_its_owner_only_and_loads_again) {
    const TemporaryFolder folder;
    const auto file = folder.path() / "card.pem";
    const auto& key = fixture_keys().key(9);
    ASSERT_TRUE(key.save(file));
    struct stat status{};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    const auto loaded = RsaPrivateKey::load(file);
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->public_key(), key.public_key());
    EXPECT_EQ(key.save(file).error().code, ErrorCode::secret_exists);
}

TEST(RsaPrivateKey, is_not_loaded_from_a_file_that_others_can_read) {
    const TemporaryFolder folder;
    const auto file = folder.path() / "card.pem";
    ASSERT_TRUE(fixture_keys().key(9).save(file));
    std::filesystem::permissions(file, std::filesystem::perms::group_read, std::filesystem::perm_options::add);
    EXPECT_EQ(RsaPrivateKey::load(file).error().code, ErrorCode::secret_permissions);
}

TEST(RsaPrivateKey, refuses_sizes_outside_the_profile) {
    EXPECT_EQ(RsaPrivateKey::generate(1024).error().code, ErrorCode::key_malformed);
    EXPECT_EQ(RsaPrivateKey::generate(2047).error().code, ErrorCode::key_malformed);
    EXPECT_EQ(RsaPrivateKey::generate(4097).error().code, ErrorCode::key_malformed);
}

TEST(RsaPrivateKey, generates_a_working_key) {
    const auto key = RsaPrivateKey::generate(2048);
    ASSERT_TRUE(key);
    const auto digest = sha256(as_bytes("x"));
    EXPECT_TRUE(
        verify_digest(key->public_key(), SignatureAlgorithm::rsa_pkcs1_sha256, digest, *key->sign_pkcs1(digest)));
}

TEST(RsaPrivateKey, reads_no_other_text) {
    const auto ec = EcPrivateKey::generate(EcPrivateKey::Curve::p256).to_pem();
    const std::string huge(secret_file_bytes_max + 1, 'x');
    const std::string_view rows[] = {"", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                                     as_text(ec.bytes()), huge};
    for (const auto text : rows) EXPECT_EQ(RsaPrivateKey::from_pem(text).error().code, ErrorCode::key_malformed);
}

TEST(RsaPrivateKey, raw_signing_takes_1_to_245_bytes) {
    const auto& key = fixture_keys().key(9);
    const std::vector<std::uint8_t> payload(246, 0xFF);
    const std::pair<std::size_t, bool> rows[] = {{0, false},  {1, true},   {51, true},
                                                 {244, true}, {245, true}, {246, false}};
    for (const auto& [size, accepted] : rows) {
        const auto signature = key.raw_sign_pkcs1(Bytes(payload).first(size));
        EXPECT_EQ(signature.has_value(), accepted) << size;
        if (signature) EXPECT_EQ(signature->size(), 256U);
    }
}

TEST(RsaPrivateKey, signs_digests_of_32_bytes_only) {
    const std::vector<std::uint8_t> bytes(33);
    EXPECT_FALSE(fixture_keys().key(9).sign_pkcs1(Bytes(bytes).first(31)));
    EXPECT_FALSE(fixture_keys().key(9).sign_pss(bytes));
}

TEST(RsaPrivateKey, a_clone_signs_after_the_original_is_gone) {
    auto original = std::make_unique<RsaPrivateKey>(fixture_keys().key(9).clone());
    const auto copy = original->clone();
    original.reset();
    const auto digest = sha256(as_bytes("x"));
    EXPECT_TRUE(verify_digest(copy.public_key(), SignatureAlgorithm::rsa_pss_sha256, digest, *copy.sign_pss(digest)));
}

TEST(EcPrivateKey, keeps_curve_and_point_through_pem) {
    for (const auto curve : {EcPrivateKey::Curve::p256, EcPrivateKey::Curve::p384}) {
        const auto key = EcPrivateKey::generate(curve);
        const auto again = EcPrivateKey::from_pem(as_text(key.to_pem().bytes()));
        ASSERT_TRUE(again);
        EXPECT_EQ(again->curve(), curve);
        EXPECT_EQ(again->public_point(), key.public_point());
        EXPECT_EQ(again->subject_public_key_info(), key.subject_public_key_info());
    }
    EXPECT_EQ(EcPrivateKey::from_pem(as_text(fixture_keys().key(9).to_pem().bytes())).error().code,
              ErrorCode::key_malformed);
}

TEST(EcPrivateKey, es256_holds_over_the_message_and_over_nothing_else) {
    const auto key = EcPrivateKey::generate(EcPrivateKey::Curve::p256);
    const auto point = key.public_point();
    auto signature = key.sign_fixed(as_bytes("capsule"));
    ASSERT_EQ(signature.size(), 64U);
    EXPECT_TRUE(verify_es256(point, as_bytes("capsule"), signature));
    EXPECT_EQ(verify_es256(point, as_bytes("capsulf"), signature).error().code, ErrorCode::signature_invalid);
    EXPECT_EQ(verify_es256(point, as_bytes("capsule"), Bytes(signature).first(63)).error().code,
              ErrorCode::signature_invalid);
    EXPECT_EQ(verify_es256(Bytes(point).first(63), as_bytes("capsule"), signature).error().code,
              ErrorCode::key_malformed);
    const std::vector<std::uint8_t> zeros(64);
    EXPECT_EQ(verify_es256(point, as_bytes("capsule"), zeros).error().code, ErrorCode::signature_invalid);
    EXPECT_EQ(verify_es256(zeros, as_bytes("capsule"), signature).error().code, ErrorCode::key_malformed);
    signature[63] ^= 1U;
    EXPECT_EQ(verify_es256(point, as_bytes("capsule"), signature).error().code, ErrorCode::signature_invalid);
}

}  // namespace onshi::pki::private_key_test
