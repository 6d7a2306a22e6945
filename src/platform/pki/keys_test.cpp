#include "platform/pki/keys.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <rapidcheck.h>

#include "platform/pki/limits.h"

namespace onshi::pki::keys_test {

using ByteVector = std::vector<std::uint8_t>;

std::string hex(std::string_view text) {
    return *from_hex(text);
}

// Gives the bytes it was told, for known-answer tests.
class FixedRandom final : public Random {
  public:
    explicit FixedRandom(std::string bytes) : bytes_(std::move(bytes)) {}
    void fill(std::span<std::uint8_t> out) override {
        for (auto& byte : out) byte = static_cast<std::uint8_t>(bytes_[next_++ % bytes_.size()]);
    }

  private:
    std::string bytes_;
    std::size_t next_ = 0;
};

TEST(HmacKey, gives_the_values_of_rfc_4231) {
    struct Row {
        std::string key;
        std::string message;
        const char* mac;
    };
    const Row rows[] = {
        {std::string(20, '\x0b'), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {std::string(20, '\xaa'), std::string(50, '\xdd'),
         "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {hex("0102030405060708090a0b0c0d0e0f10111213141516171819"), std::string(50, '\xcd'),
         "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
        {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    };
    for (const auto& row : rows) {
        const auto key = HmacKey::create(as_bytes(row.key));
        ASSERT_TRUE(key);
        EXPECT_EQ(to_hex(key->mac(as_bytes(row.message))), row.mac);
    }
}

TEST(HmacKey, agrees_with_openssl_for_any_key_message_and_split) {
    EXPECT_TRUE(rc::check("same as HMAC()", [] {
        const auto key_bytes = *rc::gen::container<ByteVector>(*rc::gen::inRange<std::size_t>(16, 140),
                                                               rc::gen::arbitrary<std::uint8_t>());
        const auto message = *rc::gen::arbitrary<ByteVector>();
        const auto cut = *rc::gen::inRange<std::size_t>(0, message.size() + 1);
        Sha256 expected;
        unsigned size = 0;
        HMAC(EVP_sha256(), key_bytes.data(), static_cast<int>(key_bytes.size()), message.data(), message.size(),
             expected.data(), &size);
        const auto key = *HmacKey::create(key_bytes);
        RC_ASSERT(key.mac(message) == expected);
        RC_ASSERT(key.mac({Bytes(message).first(cut), Bytes(message).subspan(cut)}) == expected);
        RC_ASSERT(key.verify({message}, Bytes(expected).first(16)));
        expected[3] ^= 1U;
        RC_ASSERT(!key.verify({message}, expected));
    }));
}

TEST(HmacKey, takes_keys_of_16_bytes_and_more) {
    EXPECT_EQ(HmacKey::create(as_bytes(std::string(15, 'k'))).error().code, ErrorCode::key_malformed);
    EXPECT_TRUE(HmacKey::create(as_bytes(std::string(16, 'k'))));
    EXPECT_TRUE(HmacKey::create(as_bytes(std::string(17, 'k'))));
}

TEST(HmacKey, accepts_tags_of_16_to_32_bytes_only) {
    const auto key = *HmacKey::create(as_bytes(std::string(32, 'k')));
    auto tag = key.mac(as_bytes("m"));
    std::string longer(as_text(tag));
    longer.push_back('\0');
    const std::pair<std::string, bool> rows[] = {{"", false},
                                                 {std::string(as_text(tag)).substr(0, 15), false},
                                                 {std::string(as_text(tag)).substr(0, 16), true},
                                                 {std::string(as_text(tag)), true},
                                                 {longer, false}};
    for (const auto& [given, accepted] : rows)
        EXPECT_EQ(key.verify({as_bytes("m")}, as_bytes(given)), accepted) << given.size();
}

TEST(HmacKey, moves_with_its_key) {
    auto first = *HmacKey::create(as_bytes(std::string(32, 'a')));
    const auto second = *HmacKey::create(as_bytes(std::string(32, 'b')));
    const auto expected = first.mac(as_bytes("m"));
    auto moved = std::move(first);
    EXPECT_EQ(moved.mac(as_bytes("m")), expected);
    EXPECT_NE(second.mac(as_bytes("m")), expected);
}

TEST(Hkdf, gives_the_values_of_rfc_5869) {
    const auto first = hkdf_sha256(as_bytes(std::string(22, '\x0b')), as_bytes(hex("000102030405060708090a0b0c")),
                                   hex("f0f1f2f3f4f5f6f7f8f9"), 42);
    ASSERT_TRUE(first);
    EXPECT_EQ(to_hex(first->bytes()),
              "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    const auto third = hkdf_sha256(as_bytes(std::string(22, '\x0b')), {}, "", 42);
    ASSERT_TRUE(third);
    EXPECT_EQ(to_hex(third->bytes()),
              "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(Hkdf, gives_1_to_8160_bytes) {
    const auto key = as_bytes("0123456789abcdef");
    const std::pair<std::size_t, bool> rows[] = {{0, false}, {1, true}, {8159, true}, {8160, true}, {8161, false}};
    for (const auto& [size, accepted] : rows) EXPECT_EQ(hkdf_sha256(key, {}, "x", size).has_value(), accepted) << size;
    EXPECT_FALSE(hkdf_sha256({}, {}, "x", 32));
}

TEST(SealingKey, gives_the_value_of_the_gcm_specification) {
    // Test case 16 of "The Galois/Counter Mode of Operation" (McGrew, Viega): AES-256 with associated data.
    const auto key =
        *SealingKey::create(as_bytes(hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")));
    const auto plaintext =
        hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa"
            "0de657ba637b39");
    const auto associated = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    FixedRandom nonce(hex("cafebabefacedbaddecaf888"));
    const auto sealed = key.seal(as_bytes(plaintext), as_bytes(associated), nonce);
    ASSERT_TRUE(sealed);
    EXPECT_EQ(to_hex(as_bytes(*sealed)),
              "cafebabefacedbaddecaf888"
              "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e63"
              "93ba7a0abcc9f662"
              "76fc6ece0f4e1768cddf8853bb2d551b");
    EXPECT_EQ(as_text(key.open(as_bytes(*sealed), as_bytes(associated))->bytes()), plaintext);
}

TEST(SealingKey, opens_what_it_sealed_and_nothing_that_was_changed) {
    const auto key = *SealingKey::create(as_bytes(std::string(32, 'k')));
    const auto other = *SealingKey::create(as_bytes(std::string(32, 'l')));
    SystemRandom random;
    EXPECT_TRUE(rc::check("seal and open", [&] {
        const auto plaintext = *rc::gen::arbitrary<ByteVector>();
        const auto associated = *rc::gen::arbitrary<ByteVector>();
        auto sealed = *key.seal(plaintext, associated, random);
        RC_ASSERT(sealed.size() == plaintext.size() + SealingKey::overhead_bytes);
        const auto opened = key.open(as_bytes(sealed), associated);
        RC_ASSERT(opened && as_text(opened->bytes()) == as_text(plaintext));
        RC_ASSERT(!other.open(as_bytes(sealed), associated));
        auto elsewhere = associated;
        elsewhere.push_back(0);
        RC_ASSERT(!key.open(as_bytes(sealed), elsewhere));
        const auto bit = *rc::gen::inRange<std::size_t>(0, sealed.size() * 8);
        sealed[bit / 8] = static_cast<char>(sealed[bit / 8] ^ (1 << (bit % 8)));
        const auto changed = key.open(as_bytes(sealed), associated);
        RC_ASSERT(!changed && changed.error().code == ErrorCode::secret_not_authentic);
    }));
}

TEST(SealingKey, never_uses_a_nonce_twice) {
    const auto key = *SealingKey::create(as_bytes(std::string(32, 'k')));
    SystemRandom random;
    EXPECT_NE(*key.seal(as_bytes("x"), {}, random), *key.seal(as_bytes("x"), {}, random));
}

TEST(SealingKey, takes_keys_of_32_bytes_and_texts_within_the_limit) {
    EXPECT_FALSE(SealingKey::create(as_bytes(std::string(31, 'k'))));
    EXPECT_FALSE(SealingKey::create(as_bytes(std::string(33, 'k'))));
    const auto key = *SealingKey::create(as_bytes(std::string(32, 'k')));
    SystemRandom random;
    std::string large(sealed_plaintext_bytes_max, 'x');
    const auto sealed = key.seal(as_bytes(large), {}, random);
    ASSERT_TRUE(sealed);
    EXPECT_EQ(key.open(as_bytes(*sealed), {})->size(), large.size());
    large.push_back('x');
    EXPECT_EQ(key.seal(as_bytes(large), {}, random).error().code, ErrorCode::request_too_large);
    for (const std::size_t size : {std::size_t{0}, SealingKey::overhead_bytes - 1, SealingKey::overhead_bytes}) {
        EXPECT_EQ(key.open(as_bytes(std::string(size, 'x')), {}).error().code, ErrorCode::secret_not_authentic) << size;
    }
}

TEST(SigningKey, gives_the_values_of_rfc_8032) {
    struct Row {
        const char* seed;
        const char* public_key;
        const char* message;
        const char* signature;
    };
    const Row rows[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bb"
         "e24655141438e7a100b"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
         "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed"
         "28dc027beceea1ec40a"},
    };
    for (const auto& row : rows) {
        const auto key = SigningKey::from_seed(as_bytes(hex(row.seed)));
        ASSERT_TRUE(key);
        EXPECT_EQ(to_hex(key->public_key()), row.public_key);
        EXPECT_EQ(to_hex(key->sign(as_bytes(hex(row.message)))), row.signature);
        EXPECT_TRUE(verify_ed25519(key->public_key(), as_bytes(hex(row.message)), as_bytes(hex(row.signature))));
    }
}

TEST(SigningKey, refuses_what_was_changed) {
    const auto key = *SigningKey::from_seed(as_bytes(std::string(32, 's')));
    auto signature = key.sign(as_bytes("seal"));
    EXPECT_EQ(verify_ed25519(key.public_key(), as_bytes("seam"), signature).error().code, ErrorCode::signature_invalid);
    EXPECT_EQ(verify_ed25519(key.public_key(), as_bytes("seal"), Bytes(signature).first(63)).error().code,
              ErrorCode::signature_invalid);
    EXPECT_EQ(verify_ed25519(Bytes(key.public_key()).first(31), as_bytes("seal"), signature).error().code,
              ErrorCode::key_malformed);
    signature[0] ^= 1U;
    EXPECT_EQ(verify_ed25519(key.public_key(), as_bytes("seal"), signature).error().code, ErrorCode::signature_invalid);
    EXPECT_EQ(SigningKey::from_seed(as_bytes("short")).error().code, ErrorCode::key_malformed);
}

TEST(ConstantTimeEqual, compares_contents_and_lengths) {
    EXPECT_TRUE(constant_time_equal({}, {}));
    EXPECT_TRUE(constant_time_equal(as_bytes("abc"), as_bytes("abc")));
    EXPECT_FALSE(constant_time_equal(as_bytes("abc"), as_bytes("abd")));
    EXPECT_FALSE(constant_time_equal(as_bytes("abc"), as_bytes("ab")));
}

}  // namespace onshi::pki::keys_test
