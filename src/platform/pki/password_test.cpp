#include "platform/pki/password.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace onshi::pki {
namespace {

SecretBytes secret(std::string_view text) {
    return SecretBytes(as_bytes(text));
}

TEST(password, is_known_again_and_nothing_else_is) {
    SystemRandom random;
    const std::string hash = hash_password(secret("correct horse"), random);
    EXPECT_TRUE(is_password(secret("correct horse"), hash));
    EXPECT_FALSE(is_password(secret("correct horsf"), hash));
    EXPECT_FALSE(is_password(secret(""), hash));
}

TEST(password, is_kept_with_a_salt_of_its_own) {
    SystemRandom random;
    EXPECT_NE(hash_password(secret("the same"), random), hash_password(secret("the same"), random));
}

TEST(password, a_hash_of_another_form_belongs_to_no_password) {
    for (const char* hash :
         {"", "scrypt$", "scrypt$AAAA$AAAA", "scrypt$AAAAAAAAAAAAAAAAAAAAAA$", "plain", "scrypt$!$!"})
        EXPECT_FALSE(is_password(secret("password"), hash)) << hash;
}

// RFC 7914 §12 has vectors for other costs only; this one was made with Python's hashlib.scrypt.
TEST(password, agrees_with_another_implementation) {
    EXPECT_TRUE(
        is_password(secret("password"), "scrypt$AAECAwQFBgcICQoLDA0ODw$K_gjePbExfjBPZ6zI0UvnjegYpH8ALL1r66PytIvM-M"));
}

}  // namespace
}  // namespace onshi::pki
