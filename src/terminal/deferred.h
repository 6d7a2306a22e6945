#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/sha256.h"
#include "base/task.h"
#include "base/time.h"
#include "terminal/local_store.h"

namespace onshi::terminal {

// 後追い確認: a check that could not be made while the patient was there (domain-rules §6.5). The request as it was put
// into the folder, so that the answer can be given to whoever asked.
struct DeferredCheck {
    std::string suffix;  // of the request's name
    Sha256 origin{};     // of its check id; also the record's key
    std::string bytes;   // the request file
    Instant asked_at;
};

[[nodiscard]] std::string pack(const DeferredCheck& check);
// nullopt for bytes of another form.
[[nodiscard]] std::optional<DeferredCheck> unpack_deferred(std::string_view bytes, Instant asked_at);

// Who has to look at a check that is still open (§6.5): nobody before the third day, then the staff, from the tenth day
// on the insurer.
enum class Escalation : std::uint8_t { none, staff, insurer };
[[nodiscard]] Escalation escalation_of(Instant asked_at, Instant now);
[[nodiscard]] std::string_view to_string(Escalation escalation);
inline constexpr std::chrono::hours deferred_to_staff{24 * 3};
inline constexpr std::chrono::hours deferred_to_insurer{24 * 10};

// The checks that are open, oldest first.
[[nodiscard]] Task<Result<Readable<DeferredCheck>>> open_deferred(LocalStore& store);

// How long to wait after so many failures in a row: one second, doubled, at most half a minute.
[[nodiscard]] std::chrono::milliseconds deferred_wait(int failures);

}  // namespace onshi::terminal
