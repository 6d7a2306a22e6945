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

[[nodiscard]] sql::Slot<Terminal> load_terminal(sql::ReadBatch& batch, const Fingerprint& fingerprint);
[[nodiscard]] sql::Slot<Terminal> load_terminal(sql::ReadBatch& batch, TerminalKey key);
[[nodiscard]] sql::Slot<Organisation> load_organisation(sql::ReadBatch& batch, Kind kind, std::int64_t code);
[[nodiscard]] sql::Rows<Organisation> load_insurers(sql::ReadBatch& batch);
[[nodiscard]] sql::Slot<Account> load_account(sql::ReadBatch& batch, OrganisationKey organisation,
                                              std::string_view reference);

struct Enrolment {
    Terminal terminal;
    Instant until;
};
// The terminal that waits for this one-time code.
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
// Guarded by the version, so that a code enrols once.
void enrol_terminal(sql::WriteSet& set, const Terminal& terminal, const Fingerprint& fingerprint, Instant until);
void set_terminal_state(sql::WriteSet& set, const Terminal& terminal, TerminalState state);

// For loaders.
extern const sql::Statement insert_organisation;  // key, kind, code, name, phone, valid_from, valid_to
extern const sql::Statement insert_account;       // organisation_key, reference, state, visual_checks_per_day

}  // namespace onshi::organisations
