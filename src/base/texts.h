#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace onshi {

enum class Language : std::uint8_t { ja, en };
// operator_: who typed a command; only where that person does something else next than the clerk at a counter.
enum class Audience : std::uint8_t { patient, clerk, vendor, insurer, label, operator_ };

using TextParameters = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// The sentence of the catalogue (contracts/texts/<lang>.toml) for an error, outcome or label, with `{name}` replaced by
// its parameter. Unknown keys give nullopt. Thread-safe.
[[nodiscard]] std::optional<std::string_view> find_text(Language language, std::string_view key, Audience audience);
[[nodiscard]] std::string fill_text(std::string_view sentence, TextParameters parameters);

// The language of a locale name such as `ja_JP.UTF-8`; English for anything that is not Japanese.
[[nodiscard]] Language language_of_locale(std::string_view locale);

}  // namespace onshi
