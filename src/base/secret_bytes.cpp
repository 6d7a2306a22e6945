#include "base/secret_bytes.h"

#include <openssl/crypto.h>

namespace onshi {

SecretBytes SecretBytes::take(std::string& text) {
    SecretBytes secret(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
    OPENSSL_cleanse(text.data(), text.size());
    text.clear();
    return secret;
}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
        wipe();
        bytes_ = std::move(other.bytes_);
        other.bytes_.clear();
    }
    return *this;
}

bool SecretBytes::equals(std::span<const std::uint8_t> other) const {
    return bytes_.size() == other.size() && CRYPTO_memcmp(bytes_.data(), other.data(), other.size()) == 0;
}

void SecretBytes::wipe() noexcept {
    if (!bytes_.empty()) OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

}  // namespace onshi
