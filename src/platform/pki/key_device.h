#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace onshi::pki {

inline constexpr std::size_t device_uri_bytes_max = 2048;
inline constexpr std::size_t device_tokens_max = 256;
inline constexpr std::size_t device_pin_bytes_max = 128;
inline constexpr std::size_t device_sealed_bytes_max = 4096;

// A PKCS#11 token (HSM, smart card, SoftHSM) with one AES-256 key that never leaves it: keys of ours lie on disk sealed
// by it and are opened once, at start, so that what the device can do in a second does not bound what we can. Owns a
// session that is logged in; not thread-safe. Blocks; use at start and in commands.
class KeyDevice {
  public:
    // RFC 7512: `pkcs11:token=NAME;object=KEY?module-path=/…/module.so&pin-source=file:/…`; serial, manufacturer and
    // model may narrow the token. The PIN is a file of its own (secret_file.h), never part of the URI, since settings
    // are no secret. config.value: another form; device.unavailable: no such module or token, or several; device.pin:
    // refused or locked (asked once); device.key: no AES-256 key of that name, or several; secret.*: the PIN's file.
    [[nodiscard]] static Result<std::unique_ptr<KeyDevice>> open(std::string_view uri);
    ~KeyDevice();
    KeyDevice(const KeyDevice&) = delete;
    KeyDevice& operator=(const KeyDevice&) = delete;

    // AES-256-GCM in the device: nonce (12) ‖ ciphertext ‖ tag (16). `associated` says what the value is.
    // secret.malformed for nothing or too much, device.failed.
    [[nodiscard]] Result<std::string> seal(Bytes plaintext, Bytes associated, Random& random) const;
    // secret.not_authentic: of another key, for something else, or changed. device.failed.
    [[nodiscard]] Result<SecretBytes> open_sealed(Bytes sealed, Bytes associated) const;
    // Of the token, for people.
    [[nodiscard]] const std::string& token() const;

  private:
    struct Session;
    explicit KeyDevice(std::unique_ptr<Session> session);
    std::unique_ptr<Session> session_;
};

}  // namespace onshi::pki
