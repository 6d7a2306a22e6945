#include "platform/pki/ec_public_key.h"

#include <array>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>

#include "platform/pki/limits.h"
#include "platform/pki/openssl_handles.h"

namespace onshi::pki {

Result<std::string> read_p256_public_pem(std::string_view pem) {
    const ErrorQueueGuard guard;
    const auto refused = [] { return fail(ErrorCode::key_malformed, "no P-256 public key in PEM"); };
    if (pem.size() > secret_file_bytes_max) return refused();
    const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    ENSURE(bio);
    const PkeyHandle key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
    if (!key || EVP_PKEY_is_a(key.get(), "EC") != 1) return refused();
    std::array<char, 32> group{};
    if (EVP_PKEY_get_group_name(key.get(), group.data(), group.size(), nullptr) != 1) return refused();
    if (std::string_view(group.data()) != SN_X9_62_prime256v1) return refused();
    // 04 ‖ X ‖ Y; a point that PEM holds compressed is written out by asking for its coordinates.
    BIGNUM* x = nullptr;
    BIGNUM* y = nullptr;
    const bool both = EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1 &&
                      EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1;
    std::array<unsigned char, 64> point{};
    const bool written =
        both && BN_bn2binpad(x, point.data(), 32) == 32 && BN_bn2binpad(y, point.data() + 32, 32) == 32;
    BN_free(x);
    BN_free(y);
    if (!written) return refused();
    return std::string(reinterpret_cast<const char*>(point.data()), point.size());
}

}  // namespace onshi::pki
