#pragma once

#include <chrono>
#include <cstddef>

// The bounds of everything that this folder reads from cards, readers and files.
namespace onshi::smartcard {

inline constexpr std::size_t short_data_bytes_max = 255;       // Lc of a short command (ISO 7816-4)
inline constexpr std::size_t short_answer_bytes_max = 256;     // Le `00`
inline constexpr std::size_t extended_data_bytes_max = 65535;  // Lc of an extended command
inline constexpr std::size_t extended_answer_bytes_max = 65536;
inline constexpr std::size_t answer_bytes_max = extended_answer_bytes_max + 2;  // with the status word
inline constexpr std::size_t get_response_rounds_max = 256;

inline constexpr std::size_t tlv_objects_max = 64;         // siblings in one object
inline constexpr std::size_t tlv_value_bytes_max = 65535;  // length form `82`

inline constexpr std::size_t file_bytes_max = 0x8000;      // an offset of READ BINARY has 15 bits
inline constexpr std::size_t certificate_bytes_min = 256;  // below, the DER would not begin `30 82` (jpki-card §9.1)
inline constexpr std::size_t pin_bytes_max = 16;
inline constexpr std::size_t challenge_bytes_max = 256;
inline constexpr unsigned credential_tries_max = 15;  // `63Cx` has one hexadecimal digit

inline constexpr std::size_t card_image_bytes_max = 64 * 1024;  // a secret file of platform/pki
// What goes into one file of the card together: pictures of the surface record, name with address, any one signature.
inline constexpr std::size_t card_pictures_bytes_max = 24 * 1024;
inline constexpr std::size_t card_texts_bytes_max = 4 * 1024;
inline constexpr std::size_t card_object_bytes_max = 1024;
inline constexpr std::size_t card_state_bytes_max = 16 * 1024;
inline constexpr unsigned pin_hash_iterations_max = 1'000'000;

inline constexpr std::size_t vpcd_message_bytes_max = 65535;
inline constexpr std::size_t readers_max = 16;  // what libpcsclite can hold
inline constexpr unsigned reconnects_max = 3;
inline constexpr unsigned restarts_max = 2;  // of an operation that another program's reset cut short
// How long a wait may last before it looks whether it was told to stop: a cancel that comes between two waits is lost.
inline constexpr std::chrono::milliseconds wait_slice{500};
// A pulled card fails the command first and is seen as gone a little later (0.1 s measured, jpki-card §9).
inline constexpr std::chrono::milliseconds removal_notice{1000};

}  // namespace onshi::smartcard
