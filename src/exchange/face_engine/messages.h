#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

// What a terminal and an engine that compares faces say to each other over a local socket: one JSON object a line
// (docs/face-engine.md). Both directions, because the engine for OpenCV is built here, too. Pure.
namespace onshi::face {

// Frames that must agree before an engine may say that it recognised somebody, and how old the newest may be (ux §13.3
// rules 4 and 6).
inline constexpr int frames_min = 3;
inline constexpr std::chrono::seconds capture_age_max{30};
inline constexpr std::size_t photo_bytes_max = 64 * 1024;
inline constexpr std::size_t nonce_bytes = 32;
// A photo in base64url and what stands round it.
inline constexpr std::size_t line_bytes_max = 96 * 1024;
inline constexpr std::size_t engine_name_max = 32;
inline constexpr std::size_t number_b_digits = 14;

// Letters, digits, `-`, `_` and `.`: the name stands in signed lines and in settings.
[[nodiscard]] bool is_engine_name(std::string_view name);

enum class Ask : std::uint8_t {
    hello,   // who are you
    scan,    // read number B from the card's face
    aim,     // look until somebody stands well; hints meanwhile
    stop,    // no longer: answers the aim
    match,   // compare what was seen with this photo
    forget,  // wipe pictures and photo
};

struct Request {
    Ask ask = Ask::hello;
    std::string nonce;  // match: raw bytes
    SecretBytes photo;  // match: JPEG 2000 as the card holds it
};
// Without the line's end. It holds a face where it asks for a comparison: to be wiped.
[[nodiscard]] SecretBytes write_request(const Request& request);
// request.malformed, request.field.
[[nodiscard]] Result<Request> parse_request(std::string_view line);

struct Hello {
    std::string engine;
    bool ready = false;
    bool scans = false;  // it can read number B from the card's face; else the patient types it
    std::string note;    // why it is not ready, for logs; nothing about a person
};
struct Scan {
    SecretBytes number_b;  // 14 digits; empty: not read
};
// What would make the picture better (ux §2.6).
enum class Hint : std::uint8_t { no_face, closer, farther, front, single, light, still };
[[nodiscard]] std::string_view to_string(Hint hint);
[[nodiscard]] std::optional<Hint> parse_hint(std::string_view name);

struct AimEnded {
    bool good = false;  // somebody stands well; false: stopped, or nobody came
};
enum class Verdict : std::uint8_t { matched, not_matched, unusable };
[[nodiscard]] std::string_view to_string(Verdict verdict);

struct Decision {
    Verdict verdict = Verdict::unusable;
    int frames = 0;                    // that were compared, each of them
    std::chrono::milliseconds age{0};  // of the newest frame; no clock that two programs would have to share
    std::string signature;             // ES256 over decision_text, r ‖ s
};
struct Forgotten {};
struct Fault {
    std::string note;  // for logs
};
using Reply = std::variant<Hello, Scan, Hint, AimEnded, Decision, Forgotten, Fault>;

// Without the line's end.
[[nodiscard]] SecretBytes write_reply(const Reply& reply);
// request.malformed, request.field. What an engine says besides is an error: both sides are on one machine and change
// together by the protocol's name.
[[nodiscard]] Result<Reply> parse_reply(std::string_view line);

// The lines that an engine signs: its name, the terminal's nonce, SHA-256 of the photo, verdict, frames, age. Whoever
// answers for another photo or another question is found out.
[[nodiscard]] std::string decision_text(std::string_view engine, std::string_view nonce, Bytes photo,
                                        const Decision& decision);

// What an engine that is believed must be.
struct EngineKey {
    std::string name;
    std::string public_point;  // P-256, X ‖ Y
};
// Whether the decision may be acted on. signature.invalid; peer.protocol for too few frames and for pictures that
// are too old.
[[nodiscard]] Result<void> check_decision(const EngineKey& key, std::string_view nonce, Bytes photo,
                                          const Decision& decision);

}  // namespace onshi::face
