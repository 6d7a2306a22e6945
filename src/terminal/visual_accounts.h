#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/secret_bytes.h"

// Who may confirm a person by eye at this terminal's kiosk, each by a password of their own (ux §2.1 F7, design §9.8).
// The hub knows the same accounts and keeps their budgets; the passwords never leave this machine. A file of mode 0600
// with a line per account: the account's reference and its password as scrypt leaves it.
namespace onshi::terminal {

inline constexpr std::size_t visual_accounts_max = 200;
inline constexpr std::size_t visual_password_bytes_min = 8;
inline constexpr std::size_t visual_password_bytes_max = 128;

// Sets or replaces one account's password. field.length for a password outside its bounds, field.value for a reference
// with blanks; secret.*.
[[nodiscard]] Result<void> set_visual_password(const std::filesystem::path& file, std::string_view account,
                                               const SecretBytes& password, Random& random);
// false when there was none.
[[nodiscard]] Result<bool> remove_visual_account(const std::filesystem::path& file, std::string_view account);
// About 60 ms, also for an account that is not there. False for whatever is wrong; a file that cannot be read is
// logged.
[[nodiscard]] bool is_visual_password(const std::filesystem::path& file, std::string_view account,
                                      const SecretBytes& password);

}  // namespace onshi::terminal
