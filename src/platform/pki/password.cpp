#include "platform/pki/password.h"

#include <array>
#include <optional>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "base/ensure.h"
#include "platform/pki/keys.h"

namespace onshi::pki {

namespace {

constexpr std::string_view mark = "scrypt$";
constexpr std::size_t salt_bytes = 16;
constexpr std::size_t hash_bytes = 32;
constexpr std::uint64_t cost = 1U << 15U;
constexpr std::uint64_t block = 8;
constexpr std::uint64_t lanes = 1;
constexpr std::uint64_t memory_max = 64U << 20U;

using Hash = std::array<std::uint8_t, hash_bytes>;

Hash derive(const SecretBytes& password, Bytes salt) {
    Hash hash{};
    const auto text = as_text(password.bytes());
    ENSURE(EVP_PBE_scrypt(text.data(), text.size(), salt.data(), salt.size(), cost, block, lanes, memory_max,
                          hash.data(), hash.size()) == 1);
    return hash;
}

}  // namespace

std::string hash_password(const SecretBytes& password, Random& random) {
    std::array<std::uint8_t, salt_bytes> salt{};
    random.fill(salt);
    const Hash hash = derive(password, salt);
    return std::string(mark) + to_base64url(salt) + "$" + to_base64url(hash);
}

bool is_password(const SecretBytes& password, std::string_view hash) {
    std::array<std::uint8_t, salt_bytes> none{};
    Bytes salt = none;
    std::optional<std::string> known_salt;
    std::optional<std::string> known_hash;
    if (hash.starts_with(mark)) {
        const auto rest = hash.substr(mark.size());
        const auto between = rest.find('$');
        if (between != std::string_view::npos) {
            known_salt = from_base64url(rest.substr(0, between));
            known_hash = from_base64url(rest.substr(between + 1));
        }
    }
    const bool formed =
        known_salt && known_hash && known_salt->size() == salt_bytes && known_hash->size() == hash_bytes;
    if (formed) salt = as_bytes(*known_salt);
    const Hash derived = derive(password, salt);
    return formed && constant_time_equal(derived, as_bytes(*known_hash));
}

}  // namespace onshi::pki
