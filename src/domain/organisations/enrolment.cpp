#include "domain/organisations/enrolment.h"

#include "base/bytes.h"
#include "domain/organisations/store.h"

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

}  // namespace

Sha256 enrolment_code_digest(std::string_view code) {
    return sha256({as_bytes("onshi-enrolment-v1\n"), as_bytes(canonical(code))});
}

Task<Result<TerminalAdded>> EnrolmentService::add(const TerminalOrder& order, const audit::Actor& actor,
                                                  Deadline deadline) {
    sql::ReadBatch batch;
    const auto organisation = load_organisation(batch, Kind::facility, order.facility.to_key());
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    if (!organisation) co_return fail(ErrorCode::organisation_unknown, "no facility has this code");
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

Task<Result<TerminalEnrolled>> EnrolmentService::certify(const Terminal& terminal, Bytes request_der,
                                                         const pki::IssuingCa& ca, Deadline deadline) {
    const Instant now{clock_.now().us / 1'000'000 * 1'000'000};
    const pki::Validity validity{now - std::chrono::minutes(5),
                                 now + std::chrono::microseconds(terminal_certificate_life)};
    const pki::TerminalSubject subject{terminal.organisation.code_text(), terminal.id()};
    auto certificate = ca.issue_terminal(request_der, subject, validity, random_);
    if (!certificate) co_return fail(std::move(certificate));
    const Fingerprint fingerprint = sha256(as_bytes(*certificate));
    sql::WriteSet change(sql::Store::registry);
    enrol_terminal(change, terminal, fingerprint, validity.not_after);
    const std::string payload = terminal_payload(terminal.key, terminal.organisation.key);
    const audit::Actor actor{terminal.organisation.key, terminal.key, "-"};
    auto enrolled = co_await changes_.apply(audit::Event::terminal_enrolled, actor, payload, std::move(change), deadline);
    if (!enrolled) co_return fail(std::move(enrolled));
    co_return TerminalEnrolled{terminal, std::move(*certificate), validity.not_after};
}

Task<Result<TerminalEnrolled>> EnrolmentService::enrol(std::string_view code, Bytes request_der,
                                                       const pki::IssuingCa& ca, Deadline deadline) {
    const Sha256 digest = enrolment_code_digest(code);
    sql::ReadBatch batch;
    const auto enrolment = load_enrolment(batch, digest);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    // One answer for wrong, expired and used: a code's state is nobody's business.
    if (!enrolment || clock_.now() >= enrolment->until) co_return fail(ErrorCode::terminal_enrolment_code, "");
    const Terminal terminal = enrolment->terminal;
    auto enrolled = co_await certify(terminal, request_der, ca, deadline);
    const bool lost = !enrolled && enrolled.error().code == ErrorCode::store_conflict;
    if (lost) co_return fail(ErrorCode::terminal_enrolment_code, "");
    co_return enrolled;
}

Task<Result<TerminalEnrolled>> EnrolmentService::renew(const Terminal& terminal, Bytes request_der,
                                                       const pki::IssuingCa& ca, Deadline deadline) {
    auto renewed = co_await certify(terminal, request_der, ca, deadline);
    co_return renewed;
}

}  // namespace onshi::organisations
