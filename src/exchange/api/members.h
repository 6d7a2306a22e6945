#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/coverage/model_intake.h"
#include "domain/coverage/store_uploads.h"
#include "domain/identity/rules_match.h"

namespace onshi::api {

// How far a file is that is being taken over right now.
struct FileWork {
    std::string_view stage;
    std::uint64_t done = 0;
    std::uint64_t total = 0;
};

[[nodiscard]] std::string write_member_file(const coverage::Upload& upload, const std::optional<FileWork>& work);
[[nodiscard]] std::string write_member_files(const std::vector<coverage::Upload>& uploads);

// `{"operator": "…"}`: who decides.
[[nodiscard]] Result<std::string> parse_decision(std::string_view body);
struct ConfirmRequest {
    std::string operator_reference;
    identity::ConfirmReason reason = identity::ConfirmReason::other;
    std::string evidence;
};
[[nodiscard]] Result<ConfirmRequest> parse_confirmation(std::string_view body);
// A record's number in a path. request.not_found.
[[nodiscard]] Result<CoverageKey> parse_record(std::string_view text);
[[nodiscard]] std::string write_withheld(const coverage::WithheldCase& withheld);
[[nodiscard]] std::string write_withheld_list(const std::vector<coverage::WithheldCase>& cases);

}  // namespace onshi::api
