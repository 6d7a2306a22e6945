// A step of a calculation for people: its name, its legal basis, one sentence. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/texts.h"
#include "domain/payments/model.h"

namespace onshi::payments {

// What a step is called in answers; never changes meaning.
[[nodiscard]] std::string_view to_string(Rule rule);
[[nodiscard]] std::string_view to_string(Setting setting);
// The law that a step applies; for a step with a public payer the payer's own.
[[nodiscard]] std::string_view legal_basis(const Tables& tables, const Step& step);

// やさしい日本語 is Japanese in short words with spaces between them; in English both are the same.
enum class Wording : std::uint8_t { ordinary, easy };
[[nodiscard]] std::string sentence(const Step& step, Language language, Wording wording);
// 1234567 → `1,234,567`.
[[nodiscard]] std::string grouped(Yen amount);

}  // namespace onshi::payments
