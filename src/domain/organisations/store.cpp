#include "domain/organisations/store.h"

namespace onshi::organisations {

using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

const Statement insert_organisation("organisations.insert_organisation", Store::registry, ShardKey::organisation,
                                    "INSERT INTO organisation (organisation_key, kind, code, name, phone, valid_from, "
                                    "valid_to) VALUES ($1, $2, $3, $4, $5, $6, $7)");
const Statement insert_account("organisations.insert_account", Store::registry, ShardKey::organisation,
                               "INSERT INTO account (organisation_key, reference, state, visual_checks_per_day) "
                               "VALUES ($1, $2, $3, $4)");

namespace {

#define ONSHI_TERMINAL_COLUMNS                                                                             \
    "t.terminal_key, t.name, t.roles, t.methods, t.state, t.version, o.organisation_key, o.kind, o.code, " \
    "o.name, o.phone, o.valid_from, o.valid_to"

const Statement select_by_fingerprint("organisations.select_terminal_by_fingerprint", Store::registry, ShardKey::none,
                                      "SELECT " ONSHI_TERMINAL_COLUMNS
                                      ", t.certificate, CASE WHEN t.fingerprint = $1 THEN 1 ELSE 0 END, "
                                      "CASE WHEN t.previous_fingerprint IS NULL THEN 0 ELSE 1 END, t.previous_until "
                                      "FROM terminal t JOIN organisation o ON o.organisation_key = t.organisation_key "
                                      "WHERE t.fingerprint = $1 OR t.previous_fingerprint = $1");
const Statement select_by_key("organisations.select_terminal", Store::registry, ShardKey::none,
                              "SELECT " ONSHI_TERMINAL_COLUMNS
                              " FROM terminal t JOIN organisation o ON o.organisation_key = t.organisation_key "
                              "WHERE t.terminal_key = $1");
const Statement select_by_code(
    "organisations.select_terminal_by_code", Store::registry, ShardKey::none,
    "SELECT " ONSHI_TERMINAL_COLUMNS
    ", t.certificate, t.enrol_until FROM terminal t JOIN organisation o ON o.organisation_key = t.organisation_key "
    "WHERE t.enrol_digest = $1 AND t.state <> 3");
const Statement select_organisation("organisations.select_organisation", Store::registry, ShardKey::none,
                                    "SELECT organisation_key, kind, code, name, phone, valid_from, valid_to "
                                    "FROM organisation WHERE kind = $1 AND code = $2");
const Statement select_insurers("organisations.select_insurers", Store::registry, ShardKey::none,
                                "SELECT organisation_key, kind, code, name, phone, valid_from, valid_to "
                                "FROM organisation WHERE kind = 2 ORDER BY code");
const Statement select_account("organisations.select_account", Store::registry, ShardKey::organisation,
                               "SELECT reference, state, visual_checks_per_day FROM account "
                               "WHERE organisation_key = $1 AND reference = $2");
const Statement upsert_account("organisations.put_account", Store::registry, ShardKey::organisation,
                               "INSERT INTO account (organisation_key, reference, state, visual_checks_per_day) "
                               "VALUES ($1, $2, $3, $4) ON CONFLICT (organisation_key, reference) DO UPDATE SET "
                               "state = excluded.state, visual_checks_per_day = excluded.visual_checks_per_day");
const Statement insert_terminal(
    "organisations.insert_terminal", Store::registry, ShardKey::none,
    "INSERT INTO terminal (terminal_key, organisation_key, name, roles, methods, state, "
    "certificate_until, previous_until, enrol_digest, enrol_until, version) "
    "VALUES ($1, $2, $3, $4, $5, 1, 0, 0, $6, $7, 1) ON CONFLICT (terminal_key) DO NOTHING");
const Statement update_enrolled("organisations.update_enrolled", Store::registry, ShardKey::none,
                                "UPDATE terminal SET fingerprint = $3, certificate_until = $4, certificate = $5, "
                                "state = 2, version = version + 1 "
                                "WHERE terminal_key = $1 AND version = $2 AND state = 1");
const Statement update_renewed("organisations.update_renewed", Store::registry, ShardKey::none,
                               "UPDATE terminal SET fingerprint = $3, certificate_until = $4, certificate = $5, "
                               "previous_fingerprint = $6, previous_until = $7, enrol_digest = NULL, "
                               "version = version + 1 WHERE terminal_key = $1 AND version = $2 AND state = 2");
const Statement update_previous_ended("organisations.update_previous_ended", Store::registry, ShardKey::none,
                                      "UPDATE terminal SET previous_fingerprint = NULL "
                                      "WHERE terminal_key = $1 AND fingerprint = $2");
const Statement update_disabled("organisations.update_disabled", Store::registry, ShardKey::none,
                                "UPDATE terminal SET state = 3, enrol_digest = NULL, version = version + 1 "
                                "WHERE terminal_key = $1 AND state <> 3");

#undef ONSHI_TERMINAL_COLUMNS

Date date_of(const Row& row, int column) {
    const auto date = Date::from_days(row.integer(column));
    if (!date) row.reject();
    return date.value_or(Date::open_end);
}

Organisation decode_organisation_at(const Row& row, int first) {
    Organisation organisation;
    organisation.key = OrganisationKey(row.integer(first));
    organisation.kind = static_cast<Kind>(row.integer(first + 1));
    organisation.code = row.integer(first + 2);
    organisation.name = row.text(first + 3);
    organisation.phone = row.text(first + 4);
    organisation.valid = {date_of(row, first + 5), date_of(row, first + 6)};
    return organisation;
}

Organisation decode_organisation(const Row& row) {
    return decode_organisation_at(row, 0);
}

Terminal decode_terminal(const Row& row) {
    Terminal terminal;
    terminal.key = TerminalKey(row.integer(0));
    terminal.name = row.text(1);
    terminal.roles = static_cast<std::uint32_t>(row.integer(2));
    terminal.methods = static_cast<std::uint32_t>(row.integer(3));
    terminal.state = static_cast<TerminalState>(row.integer(4));
    terminal.version = row.integer(5);
    terminal.organisation = decode_organisation_at(row, 6);
    return terminal;
}

std::string decode_certificate(const Row& row) {
    return row.is_null(13) ? std::string() : std::string(row.blob(13));
}

CertificateOwner decode_owner(const Row& row) {
    CertificateOwner owner;
    owner.terminal = decode_terminal(row);
    owner.certificate_der = decode_certificate(row);
    owner.presented = row.integer(14) == 1 ? Presented::current : Presented::previous;
    owner.has_previous = row.integer(15) == 1;
    owner.previous_until = {row.integer(16)};
    return owner;
}

Enrolment decode_enrolment(const Row& row) {
    return {decode_terminal(row), decode_certificate(row), {row.integer(14)}};
}

Account decode_account(const Row& row) {
    return {std::string(row.text(0)), row.integer(1) == 1, row.integer(2)};
}

}  // namespace

sql::Slot<CertificateOwner> load_certificate_owner(sql::ReadBatch& batch, const Fingerprint& fingerprint) {
    return batch.one(select_by_fingerprint, decode_owner, sql::Blob{as_text(fingerprint)});
}

sql::Slot<Terminal> load_terminal(sql::ReadBatch& batch, TerminalKey key) {
    return batch.one(select_by_key, decode_terminal, key.value());
}

sql::Slot<Organisation> load_organisation(sql::ReadBatch& batch, Kind kind, std::int64_t code) {
    return batch.one(select_organisation, decode_organisation, kind, code);
}

sql::Rows<Organisation> load_insurers(sql::ReadBatch& batch) {
    return batch.many(select_insurers, insurers_max, decode_organisation);
}

sql::Slot<Account> load_account(sql::ReadBatch& batch, OrganisationKey organisation, std::string_view reference) {
    return batch.one(select_account, decode_account, organisation.value(), reference);
}

sql::Slot<Enrolment> load_enrolment(sql::ReadBatch& batch, const Sha256& code_digest) {
    return batch.one(select_by_code, decode_enrolment, sql::Blob{as_text(code_digest)});
}

void add_terminal(sql::WriteSet& set, const NewTerminal& terminal) {
    set.guard(insert_terminal, 1, terminal.key.value(), terminal.organisation.value(), terminal.name, terminal.roles,
              terminal.methods, sql::Blob{as_text(terminal.code_digest)}, terminal.code_until.us);
}

void enrol_terminal(sql::WriteSet& set, const Terminal& terminal, const IssuedCertificate& issued) {
    set.guard(update_enrolled, 1, terminal.key.value(), terminal.version, sql::Blob{as_text(issued.fingerprint)},
              issued.until.us, sql::Blob{issued.der});
}

void renew_terminal(sql::WriteSet& set, const Terminal& terminal, const IssuedCertificate& issued,
                    const Fingerprint& previous, Instant previous_until) {
    set.guard(update_renewed, 1, terminal.key.value(), terminal.version, sql::Blob{as_text(issued.fingerprint)},
              issued.until.us, sql::Blob{issued.der}, sql::Blob{as_text(previous)}, previous_until.us);
}

void end_previous_certificate(sql::WriteSet& set, TerminalKey terminal, const Fingerprint& current) {
    set.change(update_previous_ended, terminal.value(), sql::Blob{as_text(current)});
}

void disable_terminal(sql::WriteSet& set, TerminalKey terminal) {
    set.guard(update_disabled, 1, terminal.value());
}

void put_account(sql::WriteSet& set, OrganisationKey organisation, const Account& account) {
    set.change(upsert_account, organisation.value(), account.reference, account.active ? 1 : 0,
               account.visual_checks_per_day);
}

}  // namespace onshi::organisations
