#include "face_sface/engine_key.h"

#include <fstream>
#include <string_view>

#include <fmt/format.h>

namespace onshi::sface {

namespace {

// RFC 4648 §4, with padding.
std::string base64(Bytes bytes) {
    std::string text = to_base64url(bytes);
    for (char& c : text) {
        if (c == '-') c = '+';
        if (c == '_') c = '/';
    }
    while (text.size() % 4 != 0) text.push_back('=');
    return text;
}

Result<void> write_public_half(const pki::EcPrivateKey& key, std::filesystem::path file) {
    file += ".pub";
    std::ofstream out(file, std::ios::trunc);
    out << public_pem(key) << std::flush;
    if (!out) return fail(ErrorCode::file_unwritable, fmt::format("{} cannot be written", file.string()));
    return {};
}

}  // namespace

std::string public_pem(const pki::EcPrivateKey& key) {
    const std::string text = base64(key.subject_public_key_info());
    std::string pem = "-----BEGIN PUBLIC KEY-----\n";
    constexpr std::size_t width = 64;
    for (std::size_t at = 0; at < text.size(); at += width) pem += text.substr(at, width) + "\n";
    return pem + "-----END PUBLIC KEY-----\n";
}

Result<pki::EcPrivateKey> load_or_make_key(const std::filesystem::path& file) {
    std::error_code error;
    const bool there = std::filesystem::exists(std::filesystem::symlink_status(file, error));
    auto key = there ? pki::EcPrivateKey::load(file)
                     : Result<pki::EcPrivateKey>(pki::EcPrivateKey::generate(pki::EcPrivateKey::Curve::p256));
    if (!key) return key;
    if (key->curve() != pki::EcPrivateKey::Curve::p256)
        return fail(ErrorCode::key_malformed, "the key is not on P-256");
    if (!there) {
        if (auto saved = key->save(file); !saved) return fail(std::move(saved));
    }
    if (auto written = write_public_half(*key, file); !written) return fail(std::move(written));
    return key;
}

}  // namespace onshi::sface
