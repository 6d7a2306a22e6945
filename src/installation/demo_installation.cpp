#include "installation/demo_installation.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>
#include <utility>

#include "base/bytes.h"
#include "base/sha256.h"
#include "domain/audit/service.h"
#include "exchange/face_engine/messages.h"
#include "hub/migrations.h"
#include "hub/secrets.h"
#include "hub/settings.h"
#include "installation/certificates.h"
#include "installation/demo_parts.h"
#include "installation/installation_files.h"
#include "installation/layout.h"
#include "installation/limits.h"
#include "installation/workshop.h"
#include "platform/event_loop/event_loop.h"
#include "platform/sql/stores.h"

namespace onshi::installation {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes clock_tolerance{5};
constexpr std::chrono::hours ca_life{24 * 365 * 10};
constexpr std::chrono::hours server_certificate_life{24 * 365 * 3};
constexpr const char* server_ca_name = "TEST onshi demo servers";
constexpr const char* organisation_ca_name = "TEST onshi demo organisations";
constexpr const char* hub_address = "127.0.0.1";  // a demo is for the machine it was made on
constexpr std::int64_t trust_epoch = 1;
constexpr std::chrono::milliseconds seal_time{10'000};

hub::Settings hub_settings(const DemoOptions& options, const Layout& layout) {
    hub::Settings settings;
    settings.profile = hub::Profile::demo;
    settings.hub_id = "demo-hub";
    settings.listen_address = hub_address;
    settings.port = options.port;
    settings.metrics_port = options.metrics_port;
    settings.store = options.store.empty() ? layout.store().string() : options.store;
    settings.secrets_folder = layout.secrets();
    settings.server_certificate = layout.server_certificate();
    settings.server_key = layout.server_key();
    settings.organisation_ca_certificate = layout.organisation_ca_certificate();
    settings.organisation_ca_key = layout.organisation_ca_key();
    settings.card_roots = layout.card_roots();
    settings.trust_epoch = trust_epoch;
    settings.card_status_lists = layout.status_lists();
    settings.ordinances_file = layout.ordinances();
    settings.intake_folder = layout.intake();
    if (!options.face_engine.empty()) settings.face_engines = {options.face_engine};
    return settings;
}

// Makes everything in the workshop's folder, step by step; `final_layout` is where it will lie afterwards.
class DemoMaker {
  public:
    DemoMaker(const DemoOptions& options, const Clock& clock, Random& random, const Progress& progress,
              CardPartsMaker make_cards, const fs::path& workshop, const fs::path& final_folder)
        : options_(options),
          clock_(clock),
          random_(random),
          progress_(progress),
          make_card_parts_(make_cards),
          now_(clock.now()),
          layout_{workshop},
          final_layout_{final_folder},
          settings_(hub_settings(options, final_layout_)) {}

    [[nodiscard]] Result<DemoInstallation> make(const synth::Nation& nation);

  private:
    [[nodiscard]] Result<void> make_server();
    [[nodiscard]] Result<pki::IssuingCa> make_organisation_ca();
    [[nodiscard]] Result<LoadCounts> fill_stores(const CardFactory& factory);
    [[nodiscard]] Result<void> seal_set_up(OpenStores& stores);
    [[nodiscard]] Result<void> open_for_business(const synth::Nation& nation, const CardFactory& factory,
                                                 const CardParts& parts, DemoInstallation& made);
    [[nodiscard]] pki::Validity valid_for(std::chrono::hours life) const {
        const Instant second{now_.us / 1'000'000 * 1'000'000};
        return {second - clock_tolerance, second + life};
    }
    void begin(std::string_view stage) const {
        if (progress_) progress_(stage, 0, 1);
    }

    const DemoOptions& options_;
    const Clock& clock_;
    Random& random_;
    const Progress& progress_;
    CardPartsMaker make_card_parts_;
    Instant now_;
    Layout layout_;
    Layout final_layout_;
    hub::Settings settings_;
};

Result<void> DemoMaker::make_server() {
    begin("server");
    auto ca = pki::IssuingCa::create(pki::IssuingCa::Kind::server, server_ca_name, valid_for(ca_life), random_);
    if (!ca) return fail(std::move(ca));
    const auto key = pki::EcPrivateKey::generate(pki::EcPrivateKey::Curve::p256);
    const pki::ServerNames names{{"localhost"}, {hub_address}};
    auto certificate = ca->issue_server(names, key, valid_for(server_certificate_life), random_);
    if (!certificate) return fail(std::move(certificate));
    auto done = ca->save(layout_.server_ca_certificate(), layout_.server_ca_key());
    if (done) done = key.save(layout_.server_key());
    if (done) done = write_text_file(layout_.server_certificate(), pki::to_pem(as_bytes(*certificate)));
    return done;
}

Result<pki::IssuingCa> DemoMaker::make_organisation_ca() {
    auto ca =
        pki::IssuingCa::create(pki::IssuingCa::Kind::organisation, organisation_ca_name, valid_for(ca_life), random_);
    if (!ca) return ca;
    auto saved = ca->save(layout_.organisation_ca_certificate(), layout_.organisation_ca_key());
    if (!saved) return fail(std::move(saved));
    return ca;
}

Result<LoadCounts> DemoMaker::fill_stores(const CardFactory& factory) {
    begin("stores");
    auto stores = stores_of(layout_, options_.store);
    if (!stores) return fail(std::move(stores));
    auto migrated = sql::migrate(*stores, hub::all_migrations());
    if (!migrated) return fail(std::move(migrated));
    auto secrets = hub::load_secrets(layout_.secrets());
    if (!secrets) return fail(std::move(secrets));
    auto truth = TruthFile::create(layout_.truth());
    if (!truth) return fail(std::move(truth));
    auto vault = hub::load_number_vault(layout_.secrets());
    if (!vault) return fail(std::move(vault));
    const LoadParts parts{factory, secrets->row_tag, trust_epoch, *vault, random_};
    const std::uint64_t residents = options_.residents == 0
                                        ? std::min(options_.persons + options_.persons / 10, synth::persons_max)
                                        : options_.residents;
    const LoadOptions load{*stores, layout_.root, options_.persons, options_.facilities, now_, residents};
    auto counts =
        load_nation(parts, load, progress_, [&](const synth::SyntheticPerson& person) { return truth->add(person); });
    if (!counts) return counts;
    auto closed = truth->close();
    if (!closed) return fail(std::move(closed));
    return counts;
}

// The lane of the set-up has no hub that would seal it.
Result<void> DemoMaker::seal_set_up(OpenStores& stores) {
    auto secrets = hub::load_secrets(layout_.secrets());
    if (!secrets) return fail(std::move(secrets));
    audit::Sealer sealer(stores.database(), clock_, secrets->seal, hub::command_line_lane);
    auto sealed = run_to_end(sealer.seal_now(Deadline::in(seal_time)));
    if (!sealed) return fail(std::move(sealed));
    return {};
}

Result<void> DemoMaker::open_for_business(const synth::Nation& nation, const CardFactory& factory,
                                          const CardParts& parts, DemoInstallation& made) {
    begin("terminals");
    auto organisation_ca = make_organisation_ca();
    if (!organisation_ca) return fail(std::move(organisation_ca));
    auto options = stores_of(layout_, options_.store);
    if (!options) return fail(std::move(options));
    auto stores = OpenStores::open(*options, settings_.hub_id);
    if (!stores) return fail(std::move(stores));
    const HubPlace hub{settings_.listen_address, settings_.port, settings_.hub_id, final_layout_};
    auto terminals = make_terminals(**stores, layout_, hub, options_, nation, *organisation_ca, parts, clock_, random_);
    if (!terminals) return fail(std::move(terminals));
    made.terminals = std::move(*terminals);
    begin("card images");
    auto cards = make_cards(**stores, layout_, options_.persons, factory, parts.issuer, random_);
    if (!cards) return fail(std::move(cards));
    made.cards = std::move(*cards);
    return seal_set_up(**stores);
}

Result<DemoInstallation> DemoMaker::make(const synth::Nation& nation) {
    begin("secrets");
    auto done = hub::create_secrets(layout_.secrets(), random_);
    if (done) done = hub::mark_demo_secrets(layout_.secrets());
    if (!done) return fail(std::move(done));
    auto parts = make_card_parts_(layout_, options_.card_keys, now_, progress_);
    if (!parts) return fail(std::move(parts));
    const CardFactory factory(nation, parts->jpki, parts->keys);
    done = make_server();
    if (!done) return fail(std::move(done));
    auto counts = fill_stores(factory);
    if (!counts) return fail(std::move(counts));
    DemoInstallation made{now_,
                          nation.settings().as_of,
                          options_.persons,
                          options_.seed,
                          options_.facilities,
                          options_.desks,
                          options_.card_keys,
                          schema_digest(),
                          options_.store,
                          *counts,
                          {},
                          {}};
    done = open_for_business(nation, factory, *parts, made);
    if (done) done = make_folder(layout_.status_lists());
    if (done) done = write_ordinances(nation, layout_.ordinances());
    if (done) done = write_text_file(layout_.hub_settings(), to_toml(settings_));
    if (!done) return fail(std::move(done));
    return made;
}

Result<void> check(const DemoOptions& options) {
    const auto refuse = [](const char* what) { return fail(ErrorCode::synth_settings, what); };
    if (options.folder.empty()) return refuse("folder");
    if (options.persons == 0 || options.persons > synth::persons_max) return refuse("persons");
    if (options.residents > synth::persons_max || (options.residents != 0 && options.residents < options.persons)) {
        return refuse("residents");
    }
    if (options.seed > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return refuse("seed");
    if (options.facilities < demo_facilities_min || options.facilities > synth::facilities_max)
        return refuse("facilities");
    if (!options.face_engine.empty() && !face::is_engine_name(options.face_engine)) return refuse("face_engine");
    if (options.desks == 0 || options.desks > desks_max) return refuse("desks");
    if (options.card_keys == 0 || options.card_keys > synth::key_pool_size) return refuse("card_keys");
    return {};
}

Result<synth::Nation> nation_of(std::uint64_t seed, Date as_of) {
    synth::NationSettings settings;
    settings.seed = seed;
    settings.as_of = as_of;
    return synth::Nation::create(settings);
}

bool is_same(const DemoInstallation& made, const DemoOptions& options) {
    return made.persons == options.persons && made.seed == options.seed && made.facilities == options.facilities &&
           made.desks == options.desks && made.card_keys == options.card_keys && made.store == options.store;
}

// Absolute and without `..` or a `/` at the end, since settings name it and `.part` is put behind it.
Result<fs::path> full_path(const fs::path& folder) {
    std::error_code error;
    fs::path full = fs::weakly_canonical(fs::absolute(folder, error), error);
    if (error) return fail(ErrorCode::installation_folder, folder.string() + ": " + error.message());
    if (!full.has_filename()) full = full.parent_path();
    if (!full.has_filename()) return fail(ErrorCode::installation_not_ours, full.string());
    return full;
}

}  // namespace

Result<sql::StoreOptions> stores_of(const Layout& layout, const std::string& store) {
    return sql::parse_store(store.empty() ? layout.store().string() : store);
}

std::string schema_digest() {
    std::string all;
    for (const auto& step : hub::all_migrations()) all.append(step.sql);
    return to_hex(Bytes(sha256(as_bytes(all))).first(16));
}

Result<DemoResult> make_demo_installation(const DemoOptions& options, const Clock& clock, Random& random,
                                          const Progress& progress) {
    return make_demo_installation(options, clock, random, progress, make_card_parts);
}

Result<DemoResult> make_demo_installation(const DemoOptions& options, const Clock& clock, Random& random,
                                          const Progress& progress, CardPartsMaker make_cards) {
    auto allowed = check(options);
    if (!allowed) return fail(std::move(allowed));
    auto folder = full_path(options.folder);
    if (!folder) return fail(std::move(folder));
    std::error_code error;
    const bool is_taken = fs::exists(*folder, error) && !fs::is_empty(*folder, error);
    if (error) return fail(ErrorCode::installation_folder, folder->string() + ": " + error.message());
    if (is_taken) {
        auto made = read_demo_installation(*folder);
        if (!made) return fail(std::move(made));
        if (!is_same(*made, options)) return fail(ErrorCode::installation_different, folder->string());
        return DemoResult{DemoOutcome::was_there, std::move(*made)};
    }

    const auto nation = nation_of(options.seed, japan_day(clock.now()));
    if (!nation) return fail(ErrorCode::synth_settings, "today: " + nation.error().detail);
    auto workshop = Workshop::claim(*folder);
    if (!workshop) return fail(std::move(workshop));
    auto made = DemoMaker(options, clock, random, progress, make_cards, workshop->folder(), *folder).make(*nation);
    if (!made) return fail(std::move(made));
    auto finished = workshop->finish(*folder, to_json(*made));
    if (!finished) return fail(std::move(finished));
    return DemoResult{DemoOutcome::made, std::move(*made)};
}

Result<synth::Nation> nation_of(const DemoInstallation& installation) {
    return nation_of(installation.seed, installation.as_of);
}

Result<DemoInstallation> read_demo_installation(const fs::path& folder) {
    std::ifstream file(Layout{folder}.description(), std::ios::binary);
    if (!file) return fail(ErrorCode::installation_not_ours, folder.string() + " has no installation.json");
    std::string text(installation_file_bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (file.bad() || text.size() > installation_file_bytes_max) {
        return fail(ErrorCode::installation_not_ours, "installation.json cannot be read");
    }
    auto made = parse_installation(text);
    if (made && made->schema != schema_digest()) {
        return fail(ErrorCode::installation_different,
                    folder.string() + " was made by another version of this program; remove it and make it anew");
    }
    return made;
}

}  // namespace onshi::installation
