#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/texts.h"
#include "platform/http/message.h"
#include "platform/telemetry/trace_id.h"

namespace onshi::http {

inline constexpr std::string_view problem_content_type = "application/problem+json";

// The one place where an Error becomes an answer (RFC 9457, design §9.12): `type`, `title` (vendor sentence), `status`,
// `code`, `detail`, `sentences{patient, clerk}`, `retry{advice, after_ms}`, `trace_id`, `fields[{pointer, code}]`; a
// Retry-After field in whole seconds, rounded up, when there is an advice on time.
[[nodiscard]] Response problem_response(const Error& error, Language language, const TraceId& trace_id);

// The other way: what a server of ours meant. A code that we do not know, or a body that is no problem+json, gives
// `peer.refused` (status 4xx) or `peer.unavailable` (5xx) with the status in its detail.
[[nodiscard]] Error parse_problem(std::uint16_t status, std::string_view content_type, std::string_view body);

// Japanese unless the field prefers English (RFC 9110 §12.5.4); never fails.
[[nodiscard]] Language preferred_language(std::string_view accept_language);

}  // namespace onshi::http
