#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "domain/audit/intents.h"
#include "domain/organisations/enrolment.h"
#include "domain/organisations/store.h"
#include "hub/migrations.h"
#include "hub/settings.h"
#include "installation/demo_parts.h"
#include "installation/installation_files.h"
#include "installation/limits.h"
#include "platform/event_loop/event_loop.h"
#include "platform/pki/private_key.h"
#include "platform/sql/stores.h"

namespace onshi::installation {

namespace {

namespace org = organisations;

// Organisations that are no facilities: between the insurers' keys and the facilities'.
constexpr OrganisationKey operator_key{500'001};
constexpr OrganisationKey call_center_key{500'002};
constexpr OrganisationKey portal_key{500'003};
constexpr OrganisationKey bank_machine_key{500'004};
constexpr OrganisationKey municipality_key{500'005};
constexpr std::string_view nobody_reference = "demo-init";

struct Service {
    OrganisationKey key;
    std::int64_t code;
    std::string_view folder;
    std::string_view organisation_name;
    std::string_view phone;
    std::string_view terminal_name;
    org::Role role;
    org::Kind kind = org::Kind::operator_;
};
constexpr Service services[]{
    {operator_key, 1, "operator", "架空資格確認運用センター", "03-0000-0001", "運用端末", org::Role::administer},
    {call_center_key, 2, "call_center", "架空マイナンバー総合窓口", "03-0000-0002", "一時停止受付端末",
     org::Role::card_desk},
    {portal_key, 3, "portal", "架空マイナポータル", "03-0000-0003", "ポータル", org::Role::portal},
    {bank_machine_key, 4, "bank_machine", "架空銀行", "03-0000-0004", "ATM", org::Role::bank_machine},
    {municipality_key, 131'016, "municipality", "架空区役所", "03-0000-0005", "住民窓口", org::Role::municipal_desk,
     org::Kind::municipality}};

// Whom the demo's insurer terminal belongs to: the branch of 協会けんぽ with the most members.
constexpr std::string_view demo_insurer = "01139997";
// Two people each of the insurer and of those who run the centre: what one decides the other confirms.
constexpr const char* operators[]{"sato", "suzuki"};
static_assert(std::size(services) + 1 <= demo_services_max);

struct Parts {
    sql::Database& database;
    const pki::IssuingCa& ca;
    const CardParts& cards;
    const Clock& clock;
    Random& random;
};

// Whether cards let a terminal use their key without their PIN: desks, which check by eye too.
enum class CardAccess : std::uint8_t { by_pin_only, without_pin };
constexpr const char* card_access_certificate = "card_access.cvc";
constexpr const char* card_access_key = "card_access.key";
constexpr const char* photo_roots = "photo.roots";

audit::Actor installer() {
    return {operator_key, TerminalKey(0), nobody_reference};
}

// The first terminals of an installation have no operator's terminal that could add them, and these organisations no
// facility code; otherwise this is EnrolmentService::add.
Task<Result<std::string>> add_service_terminal(Parts parts, const Service& service) {
    std::array<std::uint8_t, 24> drawn{};
    parts.random.fill(drawn);
    ByteReader bits(drawn);
    const TerminalKey key(static_cast<std::int64_t>(bits.u64() >> 2U) | 1);
    const std::string code = to_hex(bits.raw(16));
    org::NewTerminal terminal;
    terminal.key = key;
    terminal.organisation = service.key;
    terminal.name = service.terminal_name;
    terminal.roles = org::bit(service.role);
    // Where cards come, they sign with their PIN.
    const bool sees_cards = service.role == org::Role::portal || service.role == org::Role::bank_machine ||
                            service.role == org::Role::municipal_desk;
    if (sees_cards) terminal.methods = org::bit(org::Method::pin);
    terminal.code_digest = org::enrolment_code_digest(code);
    terminal.code_until = parts.clock.now() + std::chrono::microseconds(org::enrolment_code_life);
    sql::WriteSet change(sql::Store::registry);
    change.change(org::insert_organisation, service.key.value(), service.kind, service.code, service.organisation_name,
                  service.phone, Date::first_day.days(), Date::open_end.days());
    org::add_terminal(change, terminal);
    if (service.role == org::Role::administer) {
        for (const char* reference : operators) {
            change.change(org::insert_account, service.key.value(), reference, 1, 0);
        }
    }
    std::string payload;
    ByteWriter writer(payload);
    writer.i64(key.value());
    writer.i64(service.key.value());
    audit::AuditedChanges changes(parts.database, parts.clock, parts.random);
    const audit::Actor actor = installer();
    const Deadline deadline = Deadline::in(store_deadline);
    auto added = co_await changes.apply(audit::Event::terminal_added, actor, payload, std::move(change), deadline);
    if (!added) co_return fail(std::move(added));
    co_return code;
}

Task<Result<std::string>> add_desk(Parts parts, FacilityCode facility, std::uint32_t ordinal, bool faces) {
    audit::AuditedChanges changes(parts.database, parts.clock, parts.random);
    org::EnrolmentService service(parts.database, changes, parts.clock, parts.random);
    const org::TerminalOrder order{
        org::Kind::facility, facility.to_key(), fmt::format("受付{}", ordinal + 1),
        org::bit(org::Role::check_card) | org::bit(org::Role::check_number),
        org::bit(org::Method::pin) | org::bit(org::Method::visual) | (faces ? org::bit(org::Method::face) : 0U)};
    const audit::Actor actor = installer();
    const Deadline deadline = Deadline::in(store_deadline);
    auto added = co_await service.add(order, actor, deadline);
    if (!added) co_return fail(std::move(added));
    co_return added->code;
}

// The insurer's terminal, and two of its people, so that one can release what the other sent.
Task<Result<std::string>> add_insurer(Parts parts) {
    const auto insurer = InsurerNumber::parse(demo_insurer);
    if (!insurer) co_return fail(ErrorCode::internal_unexpected, "the demo's insurer");
    const Deadline deadline = Deadline::in(store_deadline);
    sql::ReadBatch batch;
    const auto organisation = org::load_organisation(batch, org::Kind::insurer, insurer->to_key());
    auto read = co_await parts.database.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    if (!organisation) co_return fail(ErrorCode::organisation_unknown, "the demo's insurer");
    sql::WriteSet accounts(sql::Store::registry);
    for (const char* reference : operators) {
        accounts.change(org::insert_account, organisation->key.value(), reference, 1, 0);
    }
    auto committed = co_await parts.database.commit(std::move(accounts), deadline);
    if (!committed) co_return fail(std::move(committed));
    audit::AuditedChanges changes(parts.database, parts.clock, parts.random);
    org::EnrolmentService service(parts.database, changes, parts.clock, parts.random);
    const org::TerminalOrder order{org::Kind::insurer, insurer->to_key(), "加入者送信端末",
                                   org::bit(org::Role::send_members), 0};
    const audit::Actor actor = installer();
    auto added = co_await service.add(order, actor, deadline);
    if (!added) co_return fail(std::move(added));
    co_return added->code;
}

Task<Result<org::TerminalEnrolled>> enrol(Parts parts, std::string code, std::string request) {
    audit::AuditedChanges changes(parts.database, parts.clock, parts.random);
    org::EnrolmentService service(parts.database, changes, parts.clock, parts.random);
    const Deadline deadline = Deadline::in(store_deadline);
    const Bytes request_der = as_bytes(request);
    auto enrolled = co_await service.enrol(code, request_der, parts.ca, deadline);
    co_return enrolled;
}

std::string desk_name(std::uint32_t ordinal) {
    return ordinal == 0 ? "desk" : fmt::format("desk-{}", ordinal + 1);
}

// What a virtual card is shown before it signs without a PIN. Its key is one of those that the demo's cards share: a
// demo has no secrets to keep, and each key more costs its start a tenth of a second.
Result<void> write_card_access(const CardParts& cards, const std::filesystem::path& folder) {
    auto certificate = cards.issuer.issue_terminal_certificate(cards.keys.public_key(0));
    if (!certificate) return fail(std::move(certificate));
    auto written = write_text_file(folder / card_access_certificate, as_text(*certificate));
    const smartcard::CvRoot& root = cards.issuer.surface_root();
    if (written) written = write_text_file(folder / photo_roots, smartcard::to_text({&root, 1}));
    if (!written) return written;
    return cards.keys.key(0).save(folder / card_access_key);
}

// The terminal's own part: a key that stays in its folder, a certificate for the code, and where the hub is.
Result<DemoTerminal> set_up_terminal(Parts parts, const std::string& code, const std::string& name,
                                     const Layout& layout, const HubPlace& hub, CardAccess access) {
    const auto folder = layout.terminal(name);
    auto made = make_folder(folder);
    if (!made) return fail(std::move(made));
    const auto key = pki::EcPrivateKey::generate(pki::EcPrivateKey::Curve::p256);
    auto request = pki::make_terminal_request(key);
    if (!request) return fail(std::move(request));
    auto enrolled = run_to_end(enrol(parts, code, std::move(*request)));
    if (!enrolled) return fail(std::move(enrolled));
    DemoTerminal terminal{name, enrolled->terminal.id(), enrolled->terminal.organisation.code_text()};
    const auto final_folder = hub.final_layout.terminal(name);
    TerminalFile file;
    file.hub_host = hub.host;
    file.hub_port = hub.port;
    file.hub_id = hub.hub_id;
    file.server_ca = hub.final_layout.server_ca_certificate();
    file.certificate = final_folder / "terminal.crt";
    file.key = final_folder / "terminal.key";
    file.facility = terminal.organisation;
    file.terminal = terminal.id;
    if (access == CardAccess::without_pin) {
        file.card_certificate = final_folder / card_access_certificate;
        file.card_key = final_folder / card_access_key;
        file.photo_roots = final_folder / photo_roots;
        auto given = write_card_access(parts.cards, folder);
        if (!given) return fail(std::move(given));
    }
    auto written = key.save(folder / "terminal.key");
    if (written) written = write_text_file(folder / "terminal.crt", pki::to_pem(as_bytes(enrolled->certificate_der)));
    if (written) written = write_text_file(folder / "terminal.toml", to_toml(file));
    if (!written) return fail(std::move(written));
    return terminal;
}

// The first clinics that are connected, one for each desk.
std::vector<FacilityCode> clinics(const synth::Nation& nation, const DemoOptions& options) {
    std::vector<FacilityCode> found;
    for (std::uint32_t index = 0; index < options.facilities && found.size() < options.desks; ++index) {
        const synth::SyntheticFacility facility = nation.organisations().facility(index);
        if (facility.kind == synth::FacilityKind::clinic && facility.terminals > 0) found.push_back(facility.code);
    }
    return found;
}

}  // namespace

OpenStores::OpenStores(const std::string& hub_id) : chain_(hub::command_line_lane, hub_id) {}

OpenStores::~OpenStores() {
    if (database_) database_->close();
}

Result<std::unique_ptr<OpenStores>> OpenStores::open(const sql::StoreOptions& options, const std::string& hub_id) {
    std::unique_ptr<OpenStores> stores(new OpenStores(hub_id));
    auto database = sql::open_database(options, hub::all_migrations(), stores->commits_, stores->chain_);
    if (!database) return fail(std::move(database));
    stores->database_ = std::move(*database);
    return stores;
}

Result<std::vector<DemoTerminal>> make_terminals(OpenStores& stores, const Layout& layout, const HubPlace& hub,
                                                 const DemoOptions& options, const synth::Nation& nation,
                                                 const pki::IssuingCa& organisation_ca, const CardParts& cards,
                                                 const Clock& clock, Random& random) {
    const Parts parts{stores.database(), organisation_ca, cards, clock, random};
    std::vector<DemoTerminal> terminals;
    const auto set_up = [&](Result<std::string> code, const std::string& name, CardAccess access) -> Result<void> {
        if (!code) return fail(std::move(code));
        auto terminal = set_up_terminal(parts, *code, name, layout, hub, access);
        if (!terminal) return fail(std::move(terminal));
        terminals.push_back(std::move(*terminal));
        return {};
    };
    for (const Service& service : services) {
        auto done = set_up(run_to_end(add_service_terminal(parts, service)), std::string(service.folder),
                           CardAccess::by_pin_only);
        if (!done) return fail(std::move(done));
    }
    auto insurer = set_up(run_to_end(add_insurer(parts)), "insurer", CardAccess::by_pin_only);
    if (!insurer) return fail(std::move(insurer));
    const auto codes = clinics(nation, options);
    if (codes.size() < options.desks) return fail(ErrorCode::synth_settings, "fewer connected clinics than desks");
    for (std::uint32_t ordinal = 0; ordinal < options.desks; ++ordinal) {
        auto done = set_up(run_to_end(add_desk(parts, codes[ordinal], ordinal, !options.face_engine.empty())),
                           desk_name(ordinal), CardAccess::without_pin);
        if (!done) return fail(std::move(done));
    }
    return terminals;
}

}  // namespace onshi::installation
