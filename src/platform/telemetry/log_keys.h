#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace onshi {

// Every key that a log line may have, besides `ts`, `level` and `event`. Add a key only if no value of it can be a
// personal one: identifiers of organisations, terminals, records of our own machinery, durations, counts, codes. Never
// a name, a symbol or number of insurance, a card serial, a person key, a receipt, an address of a person, a raw path
// or a body.
inline constexpr std::array log_keys = std::to_array<std::string_view>({
    "address",     "age_ms",    "attempt",     "bytes",          "certificate", "code",     "component", "count",
    "deadline_ms", "detail",    "duration_us", "error",          "exception",   "facility", "file",      "host",
    "job",         "key_id",    "kind",        "lag_us",         "lane",        "limit",    "line",      "loop",
    "method",      "migration", "operation",   "organisation",   "outcome",     "phase",    "pid",       "port",
    "profile",     "reader",    "reason",      "retry_after_ms", "role",        "route",    "rows",      "seq",
    "setting",     "shed",      "signal",      "slice",          "state",       "status",   "step_us",   "store",
    "table",       "terminal",  "thread",      "trace_id",       "value",       "version",
});

[[nodiscard]] consteval bool is_log_key(std::string_view name) {
    return std::ranges::find(log_keys, name) != log_keys.end();
}

}  // namespace onshi
