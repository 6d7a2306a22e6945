#pragma once

#include <cstddef>

// The bounds of everything that this folder reads from outside.
namespace onshi::pki {

inline constexpr std::size_t rsa_bits_min = 2048;
inline constexpr std::size_t rsa_bits_max = 4096;
inline constexpr std::size_t rsa_exponent_bytes_max = 8;
inline constexpr std::size_t raw_sign_payload_bytes_max = 245;  // RSA-2048 less 11 bytes of padding (jpki-card §3.1)

inline constexpr std::size_t certificate_bytes_max = 16 * 1024;
inline constexpr std::size_t certificate_request_bytes_max = 8 * 1024;
inline constexpr std::size_t server_names_max = 32;
inline constexpr std::size_t serial_bytes_max = 20;  // RFC 5280 §4.1.2.2
inline constexpr std::size_t der_depth_max = 24;
inline constexpr std::size_t trust_roots_max = 16;
inline constexpr std::size_t trust_file_bytes_max = 2 * trust_roots_max * certificate_bytes_max;  // PEM

inline constexpr std::size_t crl_bytes_max =
    64 * 1024 * 1024;  // bounds the entries too: an entry takes 20 bytes or more
inline constexpr std::size_t ocsp_response_bytes_max = 64 * 1024;
inline constexpr std::size_t ocsp_nonce_bytes = 32;
inline constexpr std::size_t renewal_rows_max = 100'000;  // of one map in memory
inline constexpr std::size_t renewal_chain_max = 64;      // certificates of one person, renewed every few years

inline constexpr std::size_t secret_file_bytes_max = 64 * 1024;
inline constexpr std::size_t sealed_plaintext_bytes_max = 16 * 1024 * 1024;
inline constexpr std::size_t key_pool_size_max = 1024;

}  // namespace onshi::pki
