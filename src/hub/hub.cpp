#include "hub/hub.h"

#include <atomic>
#include <fstream>
#include <optional>
#include <sstream>

#include <fmt/format.h>

#include "exchange/ordinances/ordinance_file.h"
#include "hub/card_upkeep.h"
#include "hub/migrations.h"
#include "hub/ocsp_transport.h"
#include "hub/parts.h"
#include "hub/periodic.h"
#include "hub/production.h"
#include "hub/status_lists.h"
#include "platform/http/health.h"
#include "platform/pki/secret_file.h"
#include "platform/sql/stores.h"
#include "platform/telemetry/log.h"

namespace onshi::hub {

namespace {

constexpr std::chrono::milliseconds drain_time{10'000};
constexpr std::chrono::milliseconds first_seal_time{10'000};
constexpr std::chrono::milliseconds last_seal_time{2'000};
constexpr std::size_t pem_bytes_max = 256 * 1024;

Result<std::string> read_pem(const std::string& path, std::string_view setting) {
    if (path.empty()) return fail(ErrorCode::config_missing, std::string(setting));
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    if (!file || text.str().size() > pem_bytes_max) {
        return fail(ErrorCode::config_certificate, fmt::format("{}: {} cannot be read", setting, path));
    }
    return text.str();
}

std::vector<pki::AcceptedPolicy> accepted_policies(const Settings& settings) {
    std::vector<pki::AcceptedPolicy> policies{
        {std::string(pki::policy_card_authentication), pki::ExpiryGrace::three_months}};
    for (const auto& oid : settings.card_policies) policies.push_back({oid, pki::ExpiryGrace::none});
    return policies;
}

Result<cards::Authorities> load_authorities(const Settings& settings) {
    auto pem = read_pem(settings.card_roots, "card_roots");
    if (!pem) return fail(std::move(pem));
    auto store = pki::TrustStore::from_pem(pki::TrustPurpose::card_authentication, *pem);
    if (!store) return fail(std::move(store));
    auto allowed = refuse_test_roots(settings, "card_roots", *store);
    if (!allowed) return fail(std::move(allowed));
    return cards::Authorities::create(std::move(*store), accepted_policies(settings), settings.trust_epoch);
}

Result<http::ServerTls> load_tls(const Settings& settings, const Secrets& secrets) {
    auto certificate = read_pem(settings.server_certificate, "server_certificate");
    if (!certificate) return fail(std::move(certificate));
    auto key = pki::read_secret_file(settings.server_key);
    if (!key) return fail(std::move(key));
    auto clients = read_pem(settings.organisation_ca_certificate, "organisation_ca_certificate");
    if (!clients) return fail(std::move(clients));
    auto store = pki::TrustStore::from_pem(pki::TrustPurpose::organisation, *clients);
    if (!store) return fail(std::move(store));
    auto allowed = refuse_test_roots(settings, "organisation_ca_certificate", *store);
    if (!allowed) return fail(std::move(allowed));
    auto chain = pki::parse_certificates_pem(*certificate);
    if (!chain) return fail(std::move(chain));
    allowed = refuse_test_server(settings, *chain);
    if (!allowed) return fail(std::move(allowed));
    http::ServerTls tls;
    tls.identity = {std::move(*certificate), std::move(*key)};
    tls.client_anchors = {std::move(*clients)};
    // Enrolment comes without a certificate; every other route insists on one.
    tls.client_certificate = http::ClientCertificate::optional;
    tls.tickets = secrets.tickets.clone();
    return tls;
}

http::ServerOptions server_options(const Settings& settings) {
    http::ServerOptions options;
    options.admission.rate = {settings.requests_per_second, settings.requests_per_second * 2};
    options.admission.connections_per_address_max = static_cast<std::size_t>(settings.connections_per_address);
    if (settings.log_access == "off") options.access_log = http::AccessLog::off;
    if (settings.log_access == "failures") options.access_log = http::AccessLog::failures;
    return options;
}

}  // namespace

// In the order of construction; each part may refer to those above it.
struct Hub::Parts {
    Settings settings;
    SystemClock clock;
    SystemRandom random;
    Metrics metrics;
    Secrets secrets;
    cards::Authorities authorities;
    payments::MunicipalTable municipal;
    std::optional<pki::IssuingCa> organisation_ca;
    sql::CommitCounter commit_counter;
    audit::ChainSequencer chain;
    EventLoops loops;
    std::unique_ptr<sql::Database> database;
    std::optional<organisations::Directory> directory;
    eligibility::Challenges challenges;
    eligibility::StatusSources status_sources;
    cards::SeenCards seen_cards;
    std::optional<cards::OcspResponder> ocsp;
    std::optional<eligibility::CheckService> checks;
    std::optional<audit::AuditedChanges> audited_changes;
    std::optional<StatusLists> status_lists;
    std::optional<audit::Sealer> sealer;
    std::optional<VitalSigns> vital_signs;
    ModeBoard modes;
    std::unique_ptr<MemberIntake> member_intake;
    std::optional<Context> context;
    std::optional<http::Server> server;
    std::optional<http::Server> health_server;
    std::optional<Alarm> alarm;
    std::optional<Alarm> card_alarm;
    std::uint16_t port = 0;
    std::uint16_t metrics_port = 0;
    std::atomic<bool> fenced = false;

    Parts(const Settings& s, Secrets secrets_, cards::Authorities authorities_)
        : settings(s),
          secrets(std::move(secrets_)),
          authorities(std::move(authorities_)),
          chain(s.lane, s.hub_id),
          loops({static_cast<std::size_t>(s.loops), s.pin_cpus ? CpuPinning::one_cpu_per_loop : CpuPinning::off}),
          challenges(std::move(secrets.challenge)) {}

    Result<void> open_stores() {
        auto options = sql::parse_store(settings.store);
        if (!options) return fail(std::move(options));
        auto opened = sql::open_database(*options, all_migrations(), commit_counter, chain);
        if (!opened) return fail(std::move(opened));
        database = std::move(*opened);
        return {};
    }

    // Goes on with the lane only where the last seal and everything behind it hold, and seals that before its own first
    // record.
    Result<void> take_over_lane() {
        auto finding = run_to_end(audit::verify_since_last_seal(*database, settings.lane, secrets.seal_keys));
        if (!finding) return fail(std::move(finding));
        if (*finding) {
            return fail(ErrorCode::audit_broken, fmt::format("lane {}, record {}: {}", (*finding)->lane,
                                                             (*finding)->sequence, to_string((*finding)->flaw)));
        }
        auto sealed = run_to_end(sealer->seal_now(Deadline::in(first_seal_time)));
        if (!sealed) return fail(std::move(sealed));
        vital_signs->sealed(sealed, clock.now());
        vital_signs->publish(clock.now());
        return {};
    }

    Result<void> wire() {
        directory.emplace(*database, clock);
        if (!settings.ocsp_responder.empty()) {
            if (!parse_responder_url(settings.ocsp_responder)) {
                return fail(ErrorCode::config_value, "ocsp_responder: not an http:// address");
            }
            ocsp.emplace(authorities, settings.ocsp_responder, ocsp_transport(), clock, random);
        }
        const eligibility::CheckParts check_parts{*database,      clock,           random,
                                                  authorities,    secrets.row_tag, challenges,
                                                  status_sources, seen_cards,      ocsp ? &*ocsp : nullptr,
                                                  &municipal};
        checks.emplace(check_parts,
                       eligibility::CheckSettings{settings.hub_id, settings.misses_per_hour, settings.face_engines});
        audited_changes.emplace(*database, clock, random);
        sealer.emplace(*database, clock, secrets.seal, settings.lane);
        vital_signs.emplace(metrics, certificate_expiries(settings));
        if (!settings.intake_folder.empty()) {
            auto opened = MemberIntake::open(settings, *database, clock, random);
            if (!opened) return fail(std::move(opened));
            member_intake = std::move(*opened);
        }
        alarm.emplace(loops.executor(0));
        card_alarm.emplace(loops.executor(0));
        context.emplace(Context{settings, clock, random, secrets, *database, *directory, challenges, status_sources,
                                seen_cards, *checks, *audited_changes, authorities,
                                organisation_ca ? &*organisation_ca : nullptr, metrics, *vital_signs, modes, municipal,
                                member_intake.get()});
        auto owned = take_over_lane();
        if (!owned) return owned;
        if (!settings.card_status_lists.empty()) {
            status_lists.emplace(*database, *audited_changes, authorities, clock, settings.card_status_lists,
                                 std::chrono::seconds(settings.card_status_seconds));
            status_lists->look(status_list_bytes_at_start_max, {});
        }
        return run_to_end(refresh(*context));
    }

    Result<void> listen() {
        auto tls = load_tls(settings, secrets);
        if (!tls) return fail(std::move(tls));
        server.emplace(loops, server_options(settings), metrics, clock, random);
        add_check_routes(*server, *context);
        add_capsule_routes(*server, *context);
        add_card_routes(*server, *context);
        add_correction_routes(*server, *context);
        add_emergency_routes(*server, *context);
        add_terminal_routes(*server, *context);
        add_payment_routes(*server, *context);
        add_subsidy_routes(*server, *context);
        add_member_routes(*server, *context);
        add_use_routes(*server, *context);
        add_contract_routes(*server);
        http::ListenerOptions main;
        main.address = settings.listen_address;
        main.port = settings.port;
        main.tls = std::move(*tls);
        auto bound = server->listen(std::move(main));
        if (!bound) return fail(std::move(bound));
        port = *bound;

        http::ServerOptions quiet;
        quiet.access_log = http::AccessLog::off;
        health_server.emplace(loops, quiet, metrics, clock, random);
        http::add_health_routes(*health_server, metrics);
        add_readiness_route(*health_server, *context);
        http::ListenerOptions health;
        health.port = settings.metrics_port;
        health.name = "health";
        bound = health_server->listen(std::move(health));
        if (!bound) return fail(std::move(bound));
        metrics_port = *bound;
        return {};
    }
};

Hub::Hub(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Hub::~Hub() {
    if (parts_->database) parts_->database->close();
}

Result<std::unique_ptr<Hub>> Hub::open(const Settings& settings) {
    auto allowed = refuse_demo_secrets(settings);
    if (allowed) allowed = refuse_simulated_faces(settings);
    if (!allowed) return fail(std::move(allowed));
    auto secrets = load_secrets(settings.secrets_folder);
    if (!secrets) return fail(std::move(secrets));
    auto authorities = load_authorities(settings);
    if (!authorities) return fail(std::move(authorities));
    auto municipal = ordinances::load(settings.ordinances_file);
    if (!municipal) return fail(std::move(municipal));
    auto parts = std::make_unique<Parts>(settings, std::move(*secrets), std::move(*authorities));
    parts->municipal = std::move(*municipal);
    if (!settings.organisation_ca_key.empty()) {
        auto ca = pki::IssuingCa::load(pki::IssuingCa::Kind::organisation, settings.organisation_ca_certificate,
                                       settings.organisation_ca_key);
        if (!ca) return fail(std::move(ca));
        parts->organisation_ca = std::move(*ca);
    }
    auto done = parts->open_stores();
    if (done) done = parts->wire();
    if (done) done = parts->listen();
    if (!done) {
        if (parts->database) parts->database->close();
        return fail(std::move(done));
    }
    return std::unique_ptr<Hub>(new Hub(std::move(parts)));
}

std::uint16_t Hub::port() const {
    return parts_->port;
}
std::uint16_t Hub::metrics_port() const {
    return parts_->metrics_port;
}
bool Hub::fenced() const {
    return parts_->fenced;
}

void Hub::run() {
    Parts& p = *parts_;
    p.loops.spawn(0, keep_seen_cards(*p.context, *p.card_alarm));
    p.loops.spawn(0, run_periodic(*p.context, *p.sealer, *p.alarm, [this] {
                      log_event(Level::error, "hub.fenced", {{"lane", parts_->settings.lane}});
                      parts_->fenced = true;
                      stop();
                  }));
    log_event(Level::info, "hub.started", {{"port", static_cast<std::int64_t>(p.port)}});
    if (p.status_lists) p.status_lists->start();
    if (p.member_intake) p.member_intake->start();
    p.loops.run();
    if (p.status_lists) p.status_lists->stop();
    if (p.member_intake) p.member_intake->stop();
    auto sealed = p.fenced ? Result<audit::SealState>() : run_to_end(p.sealer->seal_now(Deadline::in(last_seal_time)));
    if (!sealed) log_failure(Level::warn, "audit.seal_failed", sealed.error());
    p.database->close();
    log_event(Level::info, "hub.stopped");
}

void Hub::stop() {
    Parts& p = *parts_;
    p.server->stop(drain_time);
    p.health_server->stop(drain_time);
    p.alarm->ring();
    p.card_alarm->ring();
    p.loops.stop();
}

}  // namespace onshi::hub
