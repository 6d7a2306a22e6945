#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace onshi::smartcard {

using ByteVector = std::vector<std::uint8_t>;

// Instruction bytes that the card knows (jpki-card §3).
namespace ins {
inline constexpr std::uint8_t verify = 0x20;
inline constexpr std::uint8_t change_pin = 0x24;
inline constexpr std::uint8_t perform_security_operation = 0x2A;
inline constexpr std::uint8_t change_key = 0x32;
inline constexpr std::uint8_t external_authenticate = 0x82;
inline constexpr std::uint8_t get_challenge = 0x84;
inline constexpr std::uint8_t internal_authenticate = 0x88;
inline constexpr std::uint8_t set_public_ic_key = 0xA2;
inline constexpr std::uint8_t select = 0xA4;
inline constexpr std::uint8_t read_binary = 0xB0;
inline constexpr std::uint8_t read_record = 0xB2;
inline constexpr std::uint8_t get_response = 0xC0;
inline constexpr std::uint8_t get_data = 0xCA;
inline constexpr std::uint8_t last_command_indicator = 0xFC;
}  // namespace ins

// The two bytes that end every answer (jpki-card §3.2).
class StatusWord {
  public:
    constexpr StatusWord() = default;
    constexpr explicit StatusWord(std::uint16_t value) : value_(value) {}
    [[nodiscard]] constexpr std::uint16_t value() const { return value_; }
    [[nodiscard]] constexpr std::uint8_t high() const { return static_cast<std::uint8_t>(value_ >> 8U); }
    [[nodiscard]] constexpr std::uint8_t low() const { return static_cast<std::uint8_t>(value_ & 0xFFU); }
    [[nodiscard]] constexpr bool is_ok() const { return value_ == 0x9000; }
    // Of `63Cx`: how many tries are left, 0 meaning just locked. nullopt for another status.
    [[nodiscard]] constexpr std::optional<unsigned> tries_left() const {
        if ((value_ & 0xFFF0U) != 0x63C0U) return std::nullopt;
        return value_ & 0x0FU;
    }
    // Four upper-case hexadecimal digits.
    [[nodiscard]] std::string text() const;
    friend constexpr bool operator==(StatusWord, StatusWord) = default;

  private:
    std::uint16_t value_ = 0;
};

namespace sw {
inline constexpr StatusWord ok{0x9000};
inline constexpr StatusWord no_match{0x6300};  // a key without a limit of tries
inline constexpr StatusWord memory_failure{0x6581};
inline constexpr StatusWord wrong_length{0x6700};
inline constexpr StatusWord no_logical_channel{0x6881};
inline constexpr StatusWord wrong_file_kind{0x6981};
inline constexpr StatusWord security_status{0x6982};
inline constexpr StatusWord method_blocked{0x6983};
inline constexpr StatusWord locked{0x6984};
inline constexpr StatusWord conditions_of_use{0x6985};
inline constexpr StatusWord no_current_file{0x6986};
inline constexpr StatusWord secure_messaging_refused{0x69FC};
inline constexpr StatusWord bad_data{0x6A80};
inline constexpr StatusWord file_not_found{0x6A82};
inline constexpr StatusWord record_not_found{0x6A83};
inline constexpr StatusWord bad_parameters{0x6A86};
inline constexpr StatusWord object_not_found{0x6A88};
inline constexpr StatusWord offset_outside{0x6B00};
inline constexpr StatusWord ins_unknown{0x6D00};
inline constexpr StatusWord cla_unknown{0x6E00};
// `63Cx`; at most 15.
[[nodiscard]] constexpr StatusWord tries_left(unsigned tries) {
    return StatusWord(static_cast<std::uint16_t>(0x63C0U | (tries & 0x0FU)));
}
}  // namespace sw

// One command. Its data are held like a secret, because a PIN is among what may stand there: move-only, wiped.
// A value without owner; not thread-safe while it is moved.
struct CommandApdu {
    std::uint8_t cla = 0;
    std::uint8_t ins = 0;
    std::uint8_t p1 = 0;
    std::uint8_t p2 = 0;
    SecretBytes data;                 // 0…65535 bytes
    std::optional<std::uint32_t> le;  // 1…65536 bytes wanted; nullopt: none

    // Short when data ≤ 255 and le ≤ 256, otherwise extended (ISO 7816-4 §5.1). `request.too_large` above the limits.
    [[nodiscard]] Result<SecretBytes> encode() const;
    // Any of the seven ISO cases. `request.malformed` for fewer than four bytes or lengths that do not add up.
    [[nodiscard]] static Result<CommandApdu> parse(Bytes bytes);
    // Whether its data, and the length of these, must never be told: VERIFY, CHANGE PIN, CHANGE KEY.
    [[nodiscard]] bool carries_credential() const;
    [[nodiscard]] CommandApdu clone() const;
};

// Commands as they are written in jpki-card §3.
[[nodiscard]] CommandApdu make_command(std::uint8_t cla, std::uint8_t ins, std::uint8_t p1, std::uint8_t p2,
                                       Bytes data = {}, std::optional<std::uint32_t> le = std::nullopt);

// One answer: data and status word. A value.
struct ResponseApdu {
    ByteVector data;
    StatusWord status;

    [[nodiscard]] bool is_ok() const { return status.is_ok(); }
    // `card.unreadable` for fewer than two bytes or more than 65538.
    [[nodiscard]] static Result<ResponseApdu> parse(Bytes bytes);
    [[nodiscard]] ByteVector encode() const;
};

// One line for a trace: header, lengths and, for commands that carry no credential, the data in hexadecimal. Answers
// are told by length and status only, because they hold names and photos.
[[nodiscard]] std::string describe(const CommandApdu& command);
[[nodiscard]] std::string describe(const ResponseApdu& response);

}  // namespace onshi::smartcard
