#include "domain/organisations/enrolment.h"

#include "base/bytes.h"
#include "base/date.h"
#include "domain/organisations/store.h"
#include "platform/pki/certificate.h"

namespace onshi::organisations {

namespace {

constexpr std::string_view code_characters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

// Keys are made here and not counted: 62 random bits, so that no two hubs need to agree.
TerminalKey new_terminal_key(Random& random) {
    std::array<std::uint8_t, 8> bytes;
    random.fill(bytes);
    ByteReader reader(bytes);
    return TerminalKey(static_cast<std::int64_t>(reader.u64() >> 2U) | 1);
}

std::string new_code(Random& random) {
    std::array<std::uint8_t, enrolment_code_characters> bytes;
    random.fill(bytes);
    std::string code;
    for (const std::uint8_t b : bytes) code.push_back(code_characters[b % code_characters.size()]);
    return code;
}

// What is read aloud or typed: hyphens, spaces and lower case do not matter.
std::string canonical(std::string_view code) {
    std::string text;
    for (const char c : code.substr(0, 64)) {
        if (c == '-' || c == ' ') continue;
        text.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    }
    return text;
}

std::string terminal_payload(TerminalKey key, OrganisationKey organisation) {
    std::string payload;
    ByteWriter writer(payload);
    writer.i64(key.value());
    writer.i64(organisation.value());
    return payload;
}

Error wrong_field(std::string pointer, std::string detail) {
    Error error(ErrorCode::request_field, std::move(detail));
    error.fields.push_back({std::move(pointer), ErrorCode::field_value});
    return error;
}

Result<IssuedCertificate> issue(const Terminal& terminal, Bytes request_der, const pki::IssuingCa& ca, Instant at,
                                Random& random) {
    const Instant now{at.us / 1'000'000 * 1'000'000};
    const pki::Validity validity{now - std::chrono::minutes(5),
                                 now + std::chrono::microseconds(terminal_certificate_life)};
    const pki::TerminalSubject subject{terminal.organisation.code_text(), terminal.id()};
    auto certificate = ca.issue_terminal(request_der, subject, validity, random);
    if (!certificate) return fail(std::move(certificate));
    const Fingerprint fingerprint = sha256(as_bytes(*certificate));
    return IssuedCertificate{std::move(*certificate), fingerprint, validity.not_after};
}

// The certificate that this terminal holds already, when it is for the key that `issued` was asked for: a request whose
// answer was lost comes again. `issued` is then forgotten; its making proved that the asker has the key.
std::optional<TerminalEnrolled> same_key_again(const Terminal& terminal, const std::string& held_der,
                                               const IssuedCertificate& issued) {
    if (held_der.empty()) return std::nullopt;
    auto held = pki::parse_certificate(as_bytes(held_der));
    const auto asked = pki::parse_certificate(as_bytes(issued.der));
    if (!held || !asked || held->subject_public_key_info != asked->subject_public_key_info) return std::nullopt;
    return TerminalEnrolled{terminal, std::move(held->der), held->not_after};
}

}  // namespace

Sha256 enrolment_code_digest(std::string_view code) {
    return sha256({as_bytes("onshi-enrolment-v1\n"), as_bytes(canonical(code))});
}

Task<Result<TerminalAdded>> EnrolmentService::add(const TerminalOrder& order, const audit::Actor& actor,
                                                  Deadline deadline) {
    sql::ReadBatch batch;
    const auto organisation = load_organisation(batch, order.kind, order.code);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    const bool open = organisation && organisation->open_on(japan_day(clock_.now()));
    if (!open) co_return fail(ErrorCode::organisation_unknown, "no facility or insurer of today has this code");
    const std::uint32_t too_much = order.roles & ~roles_of(organisation->kind);
    if (too_much != 0) co_return tl::unexpected(wrong_field("/roles", "a terminal of such an organisation may not"));
    const std::string code = new_code(random_);
    NewTerminal terminal;
    terminal.key = new_terminal_key(random_);
    terminal.organisation = organisation->key;
    terminal.name = order.name;
    terminal.roles = order.roles;
    terminal.methods = order.methods;
    terminal.code_digest = enrolment_code_digest(code);
    terminal.code_until = clock_.now() + std::chrono::microseconds(enrolment_code_life);
    sql::WriteSet change(sql::Store::registry);
    add_terminal(change, terminal);
    const std::string payload = terminal_payload(terminal.key, terminal.organisation);
    auto added = co_await changes_.apply(audit::Event::terminal_added, actor, payload, std::move(change), deadline);
    if (!added) co_return fail(std::move(added));
    Terminal made;
    made.key = terminal.key;
    co_return TerminalAdded{made.id(), code, terminal.code_until};
}

Task<Result<std::optional<TerminalEnrolled>>> EnrolmentService::try_enrol(const Sha256& code_digest, Bytes request_der,
                                                                          const pki::IssuingCa& ca, Deadline deadline) {
    sql::ReadBatch batch;
    const auto enrolment = load_enrolment(batch, code_digest);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    // One answer for wrong, expired and used: a code's state is nobody's business.
    if (!enrolment || clock_.now() >= enrolment->until) co_return fail(ErrorCode::terminal_enrolment_code, "");
    const Terminal& terminal = enrolment->terminal;
    const bool open = terminal.organisation.open_on(japan_day(clock_.now()));
    if (!open) co_return fail(ErrorCode::terminal_enrolment_code, "");
    auto issued = issue(terminal, request_der, ca, clock_.now(), random_);
    if (!issued) co_return fail(std::move(issued));
    if (terminal.state == TerminalState::active) {
        auto again = same_key_again(terminal, enrolment->certificate_der, *issued);
        if (!again) co_return fail(ErrorCode::terminal_enrolment_code, "");
        co_return std::move(again);
    }
    sql::WriteSet change(sql::Store::registry);
    enrol_terminal(change, terminal, *issued);
    const std::string payload = terminal_payload(terminal.key, terminal.organisation.key);
    const audit::Actor actor{terminal.organisation.key, terminal.key, "-"};
    auto enrolled =
        co_await changes_.apply(audit::Event::terminal_enrolled, actor, payload, std::move(change), deadline);
    const bool lost = !enrolled && enrolled.error().code == ErrorCode::store_conflict;
    if (lost) co_return std::optional<TerminalEnrolled>();
    if (!enrolled) co_return fail(std::move(enrolled));
    TerminalEnrolled made{terminal, std::move(issued->der), issued->until};
    co_return std::optional(std::move(made));
}

Task<Result<TerminalEnrolled>> EnrolmentService::enrol(std::string_view code, Bytes request_der,
                                                       const pki::IssuingCa& ca, Deadline deadline) {
    const Sha256 digest = enrolment_code_digest(code);
    // Twice: whoever loses against its own first request finds that one's certificate.
    for (int round = 0; round < 2; ++round) {
        auto enrolled = co_await try_enrol(digest, request_der, ca, deadline);
        if (!enrolled) co_return fail(std::move(enrolled));
        if (*enrolled) co_return std::move(**enrolled);
    }
    co_return fail(ErrorCode::terminal_enrolment_code, "");
}

Task<Result<TerminalEnrolled>> EnrolmentService::renew(const Fingerprint& presented, Bytes request_der,
                                                       const pki::IssuingCa& ca, Deadline deadline) {
    sql::ReadBatch batch;
    const auto owner = load_certificate_owner(batch, presented);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    if (!owner) co_return fail(ErrorCode::terminal_unknown, "no terminal has this certificate");
    const Terminal& terminal = owner->terminal;
    auto issued = issue(terminal, request_der, ca, clock_.now(), random_);
    if (!issued) co_return fail(std::move(issued));
    auto again = same_key_again(terminal, owner->certificate_der, *issued);
    const bool repeated = again && owner->presented == Presented::previous;
    if (repeated) co_return std::move(*again);
    sql::WriteSet change(sql::Store::registry);
    const Instant previous_until = clock_.now() + std::chrono::microseconds(previous_certificate_life);
    renew_terminal(change, terminal, *issued, presented, previous_until);
    const std::string payload = terminal_payload(terminal.key, terminal.organisation.key);
    const audit::Actor actor{terminal.organisation.key, terminal.key, "-"};
    auto renewed =
        co_await changes_.apply(audit::Event::terminal_enrolled, actor, payload, std::move(change), deadline);
    if (!renewed) co_return fail(std::move(renewed));
    co_return TerminalEnrolled{terminal, std::move(issued->der), issued->until};
}

Task<Result<TerminalDisabled>> EnrolmentService::disable(TerminalKey key, const audit::Actor& actor,
                                                         Deadline deadline) {
    sql::ReadBatch batch;
    const auto terminal = load_terminal(batch, key);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    if (!terminal) co_return fail(ErrorCode::request_not_found, "no such terminal");
    // The last terminal that administers would be gone, and nobody left to add one.
    if (key == actor.terminal) co_return tl::unexpected(wrong_field("/terminal", "a terminal does not disable itself"));
    TerminalDisabled disabled{terminal->id(), false};
    if (terminal->state == TerminalState::disabled) co_return disabled;
    sql::WriteSet change(sql::Store::registry);
    disable_terminal(change, key);
    const std::string payload = terminal_payload(key, terminal->organisation.key);
    auto done = co_await changes_.apply(audit::Event::terminal_disabled, actor, payload, std::move(change), deadline);
    const bool by_another = !done && done.error().code == ErrorCode::store_conflict;
    if (by_another) co_return disabled;
    if (!done) co_return fail(std::move(done));
    disabled.changed = true;
    co_return disabled;
}

}  // namespace onshi::organisations
