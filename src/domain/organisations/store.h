#pragma once

#include <span>
#include <string_view>

#include "domain/organisations/model.h"
#include "platform/sql/migrations.h"
#include "platform/sql/read_batch.h"
#include "platform/sql/write_set.h"

namespace onshi::organisations {

inline constexpr std::size_t insurers_max = 10'000;
inline constexpr std::size_t terminals_per_organisation_max = 1'000;

[[nodiscard]] std::span<const sql::Migration> migrations();

// Which of its terminal's two certificates a caller showed. The previous one works until the current one was used, so
// that an answer that was lost on its way locks nobody out.
enum class Presented : std::uint8_t { current, previous };
struct CertificateOwner {
    Terminal terminal;
    std::string certificate_der;  // the current one
    Presented presented = Presented::current;
    bool has_previous = false;
    Instant previous_until;
};
// The terminal whose current or previous certificate has this fingerprint.
[[nodiscard]] sql::Slot<CertificateOwner> load_certificate_owner(sql::ReadBatch& batch, const Fingerprint& fingerprint);
[[nodiscard]] sql::Slot<Terminal> load_terminal(sql::ReadBatch& batch, TerminalKey key);
[[nodiscard]] sql::Slot<Organisation> load_organisation(sql::ReadBatch& batch, Kind kind, std::int64_t code);
[[nodiscard]] sql::Rows<Organisation> load_insurers(sql::ReadBatch& batch);
[[nodiscard]] sql::Slot<Account> load_account(sql::ReadBatch& batch, OrganisationKey organisation,
                                              std::string_view reference);

void put_account(sql::WriteSet& set, OrganisationKey organisation, const Account& account);

struct Enrolment {
    Terminal terminal;
    std::string certificate_der;  // what this code was already exchanged for; empty while it waits
    Instant until;
};
// The terminal that this one-time code was made for, also after its use and until it renews.
[[nodiscard]] sql::Slot<Enrolment> load_enrolment(sql::ReadBatch& batch, const Sha256& code_digest);

struct NewTerminal {
    TerminalKey key{0};
    OrganisationKey organisation{0};
    std::string_view name;
    std::uint32_t roles = 0;
    std::uint32_t methods = 0;
    Sha256 code_digest{};
    Instant code_until;
};
void add_terminal(sql::WriteSet& set, const NewTerminal& terminal);
struct IssuedCertificate {
    std::string der;
    Fingerprint fingerprint{};
    Instant until;
};
// Both guarded by the version, so that of two at once one is refused.
void enrol_terminal(sql::WriteSet& set, const Terminal& terminal, const IssuedCertificate& issued);
void renew_terminal(sql::WriteSet& set, const Terminal& terminal, const IssuedCertificate& issued,
                    const Fingerprint& previous, Instant previous_until);
void end_previous_certificate(sql::WriteSet& set, TerminalKey terminal, const Fingerprint& current);
// Whatever else changes at the same time: not guarded by the version. Refused when it is disabled already.
void disable_terminal(sql::WriteSet& set, TerminalKey terminal);

// For loaders.
extern const sql::Statement insert_organisation;  // key, kind, code, name, phone, valid_from, valid_to
extern const sql::Statement insert_account;       // organisation_key, reference, state, visual_checks_per_day

}  // namespace onshi::organisations
