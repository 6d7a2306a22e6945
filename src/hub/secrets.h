#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "domain/audit/service.h"
#include "domain/eligibility/challenges.h"
#include "domain/identity/number_vault.h"
#include "platform/pki/key_device.h"
#include "platform/pki/keys.h"
#include "platform/pki/private_key.h"

namespace onshi::hub {

// The named keys of an installation (design §9.15), shared by its hubs. Files `<name>.<generation>.key` of 32 random
// bytes in the secrets folder, 0600. Of `challenge` the two newest generations live; of the others the newest.
inline constexpr std::size_t seal_keys_max = 64;
// Generations of `capsule` (P-256, PEM) that are believed: each lives as long as what it signed.
inline constexpr std::size_t capsule_keys_max = 4;
inline constexpr const char* capsule_secret = "capsule";

struct Secrets {
    std::vector<eligibility::Challenges::LiveKey> challenge;  // newest first
    pki::HmacKey row_tag;                                     // what stored card keys are marked with
    pki::HmacKey pseudonym;                                   // person_ref
    std::uint64_t receipt;
    pki::SigningKey seal;
    audit::SealKeys seal_keys;  // the public halves of every generation
    SecretBytes tickets;
    std::vector<pki::EcPrivateKey> capsule;  // newest first; the first signs, all are told to terminals. Empty: none
};

inline constexpr const char* secret_names[] = {"challenge", "row_tag", "pseudonym",  "receipt",     "seal",
                                               "tickets",   "number",  "number_tag", "members_file"};

// Errors of pki::read_secret_file; secret.missing names the file.
[[nodiscard]] Result<Secrets> load_secrets(const std::string& folder);
// The newest generation of the key that seals the audit chain, for programs that write beside a hub. secret.*
[[nodiscard]] Result<pki::SigningKey> load_seal_key(const std::string& folder);
// The public halves of every generation of the seal key, newest first, at most seal_keys_max. secret.*
[[nodiscard]] Result<audit::SealKeys> load_seal_keys(const std::string& folder);
// What individual numbers are sealed and found with; for the intake only, a hub that answers checks never loads it.
// With `key_device` (the setting) a key may lie there as `<name>.<generation>.wrapped`, sealed by the device's own key;
// of one generation that one counts. Errors: those of load_secrets and pki::KeyDevice.
[[nodiscard]] Result<identity::NumberVault> load_number_vault(const std::string& folder,
                                                              const std::string& key_device = "");
// What insurers' files lie sealed with between their arrival and their intake; newest generation.
[[nodiscard]] Result<pki::SealingKey> load_members_file_key(const std::string& folder,
                                                            const std::string& key_device = "");
// The keys that a device may seal: those that guard individual numbers and are needed at start only.
inline constexpr const char* wrapped_names[] = {"number", "number_tag", "members_file"};
enum class OpenFile : std::uint8_t { keep, remove };
// Seals every open generation of a key by the device, opens the copy again, and only then, where it is wished, removes
// the open file. What is sealed already stays; gives how many were sealed now. secret.missing: no such key.
[[nodiscard]] Result<std::size_t> wrap_secret(const std::string& folder, const std::string& key_device,
                                              std::string_view name, OpenFile open_file, Random& random);
// Opens the device and every sealed key: gives the token's name and how many there are.
struct DeviceState {
    std::string token;
    std::size_t sealed_keys = 0;
};
[[nodiscard]] Result<DeviceState> check_key_device(const std::string& folder, const std::string& key_device);
// Makes generation 1 of every name that has none yet.
[[nodiscard]] Result<void> create_secrets(const std::string& folder, Random& random);
// Says in the folder itself that its keys lie open in a demo, so that they are known wherever they are copied to as a
// whole.
[[nodiscard]] Result<void> mark_demo_secrets(const std::string& folder);
[[nodiscard]] bool are_demo_secrets(const std::string& folder);

}  // namespace onshi::hub
