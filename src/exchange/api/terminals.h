#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/cards/service.h"
#include "domain/organisations/enrolment.h"

namespace onshi::api {

[[nodiscard]] Result<organisations::TerminalOrder> parse_terminal_order(std::string_view body);
[[nodiscard]] std::string write_terminal_added(const organisations::TerminalAdded& added);

// `{"terminal": "T…"}`
[[nodiscard]] Result<TerminalKey> parse_terminal_name(std::string_view body);
[[nodiscard]] std::string write_terminal_disabled(const organisations::TerminalDisabled& disabled);

struct EnrolRequest {
    std::string code;         // empty when a terminal renews
    std::string request_der;  // PKCS#10
};
enum class EnrolKind : std::uint8_t { enrol, renew };
[[nodiscard]] Result<EnrolRequest> parse_enrol_request(std::string_view body, EnrolKind kind);
[[nodiscard]] std::string write_terminal_enrolled(const organisations::TerminalEnrolled& enrolled,
                                                  std::string_view hub_id);

struct CardName {
    std::string authority_key_id;  // raw bytes
    CertificateSerial serial;
};
[[nodiscard]] Result<CardName> parse_card_name(std::string_view body);
[[nodiscard]] std::string write_suspension(const cards::SuspensionResult& result, std::uint64_t receipt_key);

}  // namespace onshi::api
