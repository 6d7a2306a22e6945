#include "installation/demo_installation.h"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <set>
#include <sys/resource.h>
#include <sys/stat.h>

#include <gtest/gtest.h>
#include <toml++/toml.h>

#include "domain/audit/service.h"
#include "domain/cards/authorities.h"
#include "domain/cards/store.h"
#include "domain/organisations/store.h"
#include "hub/hub.h"
#include "hub/secrets.h"
#include "installation/demo_parts.h"
#include "installation/installation_files.h"
#include "installation/layout.h"
#include "installation/limits.h"
#include "installation/status_lists.h"
#include "installation/test_fixtures.h"
#include "installation/workshop.h"
#include "platform/event_loop/event_loop.h"

namespace onshi::installation {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t persons = 2'000;

std::string text_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// A clock of today, because a hub looks at the system's.
const SystemClock& clock_of_today() {
    static const SystemClock clock;
    return clock;
}

// One installation for all tests, made over what a killed program left.
class Made {
  public:
    Made() {
        const fs::path part = options().folder.string() + ".part";
        fs::create_directories(part / "store");
        EXPECT_TRUE(write_text_file(part / "making.lock", ""));
        EXPECT_TRUE(write_text_file(part / "store" / "registry.db", "half of it"));
        SystemRandom random;
        result_ = make_demo_installation(
            options(), clock_of_today(), random, [this](std::string_view stage, auto, auto) { stages_.emplace(stage); },
            make_fixture_card_parts);
        EXPECT_TRUE(result_) << (result_ ? "" : result_.error().detail);
    }
    [[nodiscard]] DemoOptions options() const {
        DemoOptions options;
        options.folder = folder_.path() / "demo";
        options.persons = persons;
        options.facilities = 100;
        options.desks = 2;
        options.card_keys = 2;
        options.port = 0;
        options.metrics_port = 0;
        return options;
    }
    [[nodiscard]] const DemoResult& result() const { return *result_; }
    [[nodiscard]] const DemoInstallation& installation() const { return result_->installation; }
    [[nodiscard]] Layout layout() const { return {fs::canonical(folder_.path() / "demo")}; }
    [[nodiscard]] const std::set<std::string>& stages() const { return stages_; }

  private:
    pki::TemporaryFolder folder_;
    std::set<std::string> stages_;
    Result<DemoResult> result_ = fail(ErrorCode::internal_unexpected);
};

const Made& made() {
    static const Made once;
    return once;
}

Result<DemoResult> make_again(const DemoOptions& options) {
    SystemRandom random;
    return make_demo_installation(options, clock_of_today(), random, {}, make_fixture_card_parts);
}

bool is_private(const fs::path& file) {
    struct stat status{};
    return ::stat(file.c_str(), &status) == 0 && (status.st_mode & 0777U) == 0600U;
}

// As long as it lives no file of this process grows beyond the limit: a full disk for all but the smallest.
class FullDisk {
  public:
    explicit FullDisk(rlim_t file_bytes_max) : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit now{file_bytes_max, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &now);
    }
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, signal_);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

  private:
    void (*signal_)(int);
    rlimit before_{};
};

TEST(demo_installation, is_complete_at_its_place_and_leaves_nothing_beside_it) {
    EXPECT_EQ(made().result().outcome, DemoOutcome::made);
    const Layout layout = made().layout();
    for (const auto& file :
         {layout.description(), layout.hub_settings(), layout.truth(), layout.card_roots(),
          layout.server_ca_certificate(), layout.server_certificate(), layout.organisation_ca_certificate(),
          layout.store() / "registry.db", layout.store() / "ledger.db"}) {
        EXPECT_TRUE(fs::is_regular_file(file)) << file;
    }
    for (const auto& key : {layout.server_ca_key(), layout.server_key(), layout.organisation_ca_key(),
                            layout.terminal("desk") / "terminal.key", layout.card_keys() / "card_key_0000.pem"}) {
        EXPECT_TRUE(is_private(key)) << key;
    }
    EXPECT_FALSE(fs::exists(layout.root.string() + ".part"));
    EXPECT_FALSE(fs::exists(layout.root / "making.lock"));
    EXPECT_EQ(made().installation().counts.persons, persons);
    EXPECT_TRUE(made().stages().contains("persons"));
}

TEST(demo_installation, is_found_again_and_not_changed) {
    const std::string before = text_of(made().layout().description());
    DemoOptions options = made().options();
    options.folder += "/";
    options.port = 9999;  // hub.toml is the operator's by now
    const auto again = make_again(options);
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(again->outcome, DemoOutcome::was_there);
    EXPECT_EQ(to_json(again->installation), to_json(made().installation()));
    EXPECT_EQ(text_of(made().layout().description()), before);
}

TEST(demo_installation, of_other_options_is_not_taken_for_this_one) {
    const auto with = [](auto change) {
        DemoOptions options = made().options();
        change(options);
        return make_again(options);
    };
    const Result<DemoResult> others[]{
        with([](DemoOptions& o) { o.persons += 1; }), with([](DemoOptions& o) { o.seed += 1; }),
        with([](DemoOptions& o) { o.facilities += 1; }), with([](DemoOptions& o) { o.desks += 1; }),
        with([](DemoOptions& o) { o.card_keys += 1; })};
    for (const auto& other : others) {
        ASSERT_FALSE(other);
        EXPECT_EQ(other.error().code, ErrorCode::installation_different);
    }
}

TEST(demo_installation, counts_out_of_range_are_refused) {
    const pki::TemporaryFolder folder;
    const auto with = [&folder](auto change) {
        DemoOptions options;
        options.folder = folder.path() / "demo";
        change(options);
        return make_again(options);
    };
    const Result<DemoResult> refused[]{
        with([](DemoOptions& o) { o.persons = 0; }),
        with([](DemoOptions& o) { o.persons = synth::persons_max + 1; }),
        with([](DemoOptions& o) { o.seed = std::uint64_t{1} << 63U; }),
        with([](DemoOptions& o) { o.facilities = demo_facilities_min - 1; }),
        with([](DemoOptions& o) { o.facilities = synth::facilities_max + 1; }),
        with([](DemoOptions& o) { o.desks = 0; }),
        with([](DemoOptions& o) { o.desks = desks_max + 1; }),
        with([](DemoOptions& o) { o.card_keys = 0; }),
        with([](DemoOptions& o) { o.card_keys = synth::key_pool_size + 1; }),
        with([](DemoOptions& o) { o.folder.clear(); }),
    };
    for (const auto& one : refused) {
        ASSERT_FALSE(one);
        EXPECT_EQ(one.error().code, ErrorCode::synth_settings);
    }
    EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(demo_installation, needs_a_day_that_the_nation_knows) {
    const pki::TemporaryFolder folder;
    SystemRandom random;
    DemoOptions options;
    options.folder = folder.path() / "demo";
    for (const Date day : {Date::of(2024, 12, 1), Date::of(2036, 1, 1)}) {
        const ManualClock clock(start_of_japan_day(day));
        const auto result = make_demo_installation(options, clock, random, {});
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, ErrorCode::synth_settings);
    }
    EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(demo_installation, what_is_not_ours_is_left_alone) {
    const pki::TemporaryFolder folder;
    DemoOptions options;
    options.folder = folder.path() / "demo";
    fs::create_directories(options.folder);
    ASSERT_TRUE(write_text_file(options.folder / "diary.txt", "mine"));
    EXPECT_EQ(make_again(options).error().code, ErrorCode::installation_not_ours);
    EXPECT_EQ(text_of(options.folder / "diary.txt"), "mine");

    options.folder = folder.path() / "other";
    fs::create_directories(folder.path() / "other.part");
    ASSERT_TRUE(write_text_file(folder.path() / "other.part" / "diary.txt", "mine"));
    EXPECT_EQ(make_again(options).error().code, ErrorCode::installation_not_ours);
    EXPECT_EQ(text_of(folder.path() / "other.part" / "diary.txt"), "mine");
}

TEST(demo_installation, is_made_by_one_program_at_a_time) {
    const pki::TemporaryFolder folder;
    DemoOptions options;
    options.folder = folder.path() / "demo";
    const auto other_program = Workshop::claim(fs::canonical(folder.path()) / "demo");
    ASSERT_TRUE(other_program);
    EXPECT_EQ(make_again(options).error().code, ErrorCode::installation_busy);
}

TEST(demo_installation, folders_that_cannot_be_written_are_named) {
    const pki::TemporaryFolder folder;
    ASSERT_TRUE(write_text_file(folder.path() / "file", "x"));
    DemoOptions options;
    options.folder = folder.path() / "file" / "demo";
    const auto result = make_again(options);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::installation_folder);
}

TEST(demo_installation, that_a_full_disk_cut_short_is_made_by_the_next_try) {
    const pki::TemporaryFolder folder;
    DemoOptions options = made().options();
    options.folder = folder.path() / "demo";
    options.persons = 100;
    for (const rlim_t room : {rlim_t{1'000}, rlim_t{100'000}, rlim_t{300'000}}) {
        const FullDisk disk(room);
        const auto failed = make_again(options);
        ASSERT_FALSE(failed) << room;
        const ErrorCode code = failed.error().code;
        EXPECT_TRUE(code == ErrorCode::store_full || code == ErrorCode::store_unavailable ||
                    code == ErrorCode::installation_folder || code == ErrorCode::secret_missing)
            << error_name(code);
        EXPECT_FALSE(fs::exists(options.folder));
    }
    const auto recovered = make_again(options);
    ASSERT_TRUE(recovered) << recovered.error().detail;
    EXPECT_EQ(recovered->outcome, DemoOutcome::made);
    EXPECT_EQ(recovered->installation.counts.persons, 100U);
}

TEST(demo_installation, one_with_other_tables_is_named_as_such) {
    const pki::TemporaryFolder folder;
    DemoInstallation old = made().installation();
    old.schema = "0123456789abcdef0123456789abcdef";
    ASSERT_TRUE(write_text_file(Layout{folder.path()}.description(), to_json(old)));
    const auto read = read_demo_installation(folder.path());
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::installation_different);
    EXPECT_NE(read.error().detail.find("another version"), std::string::npos);
}

TEST(demo_installation, its_own_authorities_issue_lists_of_what_the_registry_holds) {
    const Layout layout = made().layout();
    ASSERT_TRUE(issue_status_lists(layout, clock_of_today()));
    auto roots = pki::TrustStore::from_pem(pki::TrustPurpose::card_authentication, text_of(layout.card_roots()));
    ASSERT_TRUE(roots);
    auto stores = OpenStores::open(*stores_of(layout, ""), "test");
    ASSERT_TRUE(stores);
    std::size_t entries = 0;
    for (const char* file : {"auth_ca_1.crl", "auth_ca_2.crl", "auth_ca_3.crl"}) {
        const std::string der = text_of(layout.status_lists() / file);
        const auto list = pki::Crl::read(as_bytes(der), *roots, {}, clock_of_today().now());
        ASSERT_TRUE(list) << list.error().detail;
        entries += list->entries().size();
        for (const auto& entry : list->entries()) {
            sql::ReadBatch batch;
            const CardKey key{cards::ca_number(list->ca()), *CertificateSerial::from_magnitude(as_bytes(entry.serial))};
            const auto listed = cards::load_listed_status(batch, key);
            ASSERT_TRUE(run_to_end((*stores)->database().read(batch, Deadline::in(store_deadline))));
            ASSERT_TRUE(listed);
            EXPECT_EQ(listed->status == cards::CertificateStatus::renewed,
                      entry.reason == pki::RevocationReason::superseded);
        }
    }
    EXPECT_GT(entries, 0U);
}

TEST(demo_installation, each_terminal_may_do_its_work_and_no_more) {
    const Layout layout = made().layout();
    const auto ca = pki::IssuingCa::load(pki::IssuingCa::Kind::organisation, layout.organisation_ca_certificate(),
                                         layout.organisation_ca_key());
    ASSERT_TRUE(ca);
    EXPECT_TRUE(ca->store().contains_test_ca());
    auto stores = OpenStores::open(*stores_of(layout, ""), "test");
    ASSERT_TRUE(stores);
    using organisations::bit;
    using organisations::Method;
    using organisations::Role;
    const std::uint32_t desk = bit(Role::check_card) | bit(Role::check_number);
    const std::uint32_t methods = bit(Method::pin) | bit(Method::visual);
    struct Row {
        const char* name;
        std::uint32_t roles, methods;
    };
    for (const Row& row : {Row{"operator", bit(Role::administer), 0}, Row{"call_center", bit(Role::card_desk), 0},
                           Row{"desk", desk, methods}, Row{"desk-2", desk, methods}}) {
        SCOPED_TRACE(row.name);
        const toml::table settings = toml::parse(text_of(layout.terminal(row.name) / "terminal.toml"));
        const auto pem = pki::parse_certificates_pem(text_of(*settings["certificate"].value<std::string>()));
        ASSERT_TRUE(pem);
        const auto verified =
            pki::verify_organisation_certificate(as_bytes(pem->front().der), ca->store(), clock_of_today().now());
        ASSERT_TRUE(verified);
        sql::ReadBatch batch;
        const auto owner = organisations::load_certificate_owner(batch, verified->fingerprint());
        ASSERT_TRUE(run_to_end((*stores)->database().read(batch, Deadline::in(store_deadline))));
        ASSERT_TRUE(owner);
        const auto* terminal = &owner->terminal;
        EXPECT_EQ(terminal->roles, row.roles);
        EXPECT_EQ(terminal->methods, row.methods);
        EXPECT_EQ(terminal->state, organisations::TerminalState::active);
        EXPECT_EQ(settings["terminal"].value<std::string>(), terminal->id());
        EXPECT_EQ(settings["facility"].value<std::string>(), terminal->organisation.code_text());
        const auto subject = pki::terminal_subject(*verified);
        ASSERT_TRUE(subject);
        EXPECT_EQ(subject->organisation, terminal->organisation.code_text());
        const auto key = pki::EcPrivateKey::load(*settings["key"].value<std::string>());
        ASSERT_TRUE(key);
        EXPECT_EQ(as_text(key->subject_public_key_info()), verified->subject_public_key_info);
        EXPECT_EQ(settings["hub_id"].value<std::string>(), "demo-hub");
        EXPECT_EQ(settings["hub_host"].value<std::string>(), "127.0.0.1");
        EXPECT_EQ(settings["server_ca"].value<std::string>(), layout.server_ca_certificate().string());

        if (row.methods == 0) continue;
        sql::ReadBatch desk_batch;
        const auto staff = organisations::load_account(desk_batch, terminal->organisation.key, staff_reference);
        ASSERT_TRUE(run_to_end((*stores)->database().read(desk_batch, Deadline::in(store_deadline))));
        ASSERT_TRUE(staff);
        EXPECT_TRUE(staff->active);
        EXPECT_EQ(staff->visual_checks_per_day, staff_visual_checks_per_day);
    }
    EXPECT_EQ(made().installation().terminals.size(), 8U);
}

TEST(demo_installation, setting_up_the_terminals_is_on_the_audit_chain) {
    auto stores = OpenStores::open(*stores_of(made().layout(), ""), "test");
    ASSERT_TRUE(stores);
    const auto keys = hub::load_seal_keys(made().layout().secrets());
    ASSERT_TRUE(keys);
    audit::VerifyOptions options;
    options.seal_keys = *keys;
    const auto report = run_to_end(audit::verify((*stores)->database(), options));
    ASSERT_TRUE(report);
    EXPECT_EQ(report->finding, std::nullopt);
    EXPECT_EQ(report->seals, 1U) << "no hub seals this lane";
    EXPECT_EQ(report->records, 32U) << "added and enrolled, intent and outcome, eight times";
}

TEST(demo_installation, every_card_is_one_that_the_hub_knows) {
    const Layout layout = made().layout();
    const auto roots = pki::TrustStore::from_pem(pki::TrustPurpose::card_authentication, text_of(layout.card_roots()));
    ASSERT_TRUE(roots);
    auto stores = OpenStores::open(*stores_of(layout, ""), "test");
    ASSERT_TRUE(stores);
    std::set<std::string> kinds;
    for (const DemoCard& card : made().installation().cards) {
        SCOPED_TRACE(card.kind);
        kinds.insert(card.kind);
        const auto image = smartcard::load_card_image(layout.cards() / card.file);
        ASSERT_TRUE(image);
        const auto certificate = pki::parse_certificate(image->authentication.certificate);
        ASSERT_TRUE(certificate);
        const auto verified =
            pki::verify_card_certificate(image->authentication.certificate, *roots,
                                         std::vector{pki::AcceptedPolicy{std::string(pki::policy_card_authentication),
                                                                         pki::ExpiryGrace::three_months}},
                                         clock_of_today().now());
        ASSERT_TRUE(verified);
        EXPECT_EQ(verified->in_grace, card.kind == "grace");
        const auto serial = CertificateSerial::from_magnitude(as_bytes(certificate->serial));
        ASSERT_TRUE(serial);
        sql::ReadBatch batch;
        const auto row = cards::load_card(batch, {cards::ca_number(verified->ca), *serial});
        const auto use = cards::load_use_registration(batch, person_key(card.person));
        const auto suspension = cards::load_suspension(batch, {cards::ca_number(verified->ca), *serial});
        ASSERT_TRUE(run_to_end((*stores)->database().read(batch, Deadline::in(store_deadline))));
        ASSERT_TRUE(row);
        EXPECT_EQ(row->person, person_key(card.person));
        EXPECT_EQ(static_cast<bool>(use), card.kind != "not_registered");
        const bool no_pin = image->credential(smartcard::CredentialId::auth_pin).value.is_blocked();
        EXPECT_EQ(no_pin, card.kind == "without_pin");
        EXPECT_EQ(suspension && suspension->suspended, card.kind == "suspended");
    }
    for (const char* frequent : {"eligible", "rare_name", "lapsed", "not_registered", "grace"}) {
        EXPECT_TRUE(kinds.contains(frequent)) << frequent;
    }
}

TEST(demo_installation, any_person_s_card_can_be_made_later) {
    const auto read = read_demo_installation(made().layout().root);
    ASSERT_TRUE(read);
    const auto nation = nation_of(*read);
    const auto parts = load_card_parts(made().layout(), read->card_keys);
    ASSERT_TRUE(nation && parts);
    const CardFactory factory(*nation, parts->jpki, parts->keys);
    for (const DemoCard& shown : read->cards) {
        const auto image = smartcard::load_card_image(made().layout().cards() / shown.file);
        const auto card = factory.make(shown.person);
        ASSERT_TRUE(image && card);
        EXPECT_EQ(as_text(image->authentication.certificate), card->certificate_der);
        EXPECT_EQ(as_text(image->authentication.key_pem.bytes()), as_text(card->private_key->to_pem().bytes()));
    }
}

TEST(demo_installation, a_lost_card_key_is_not_replaced_by_another) {
    const pki::TemporaryFolder folder;
    const Layout layout{folder.path()};
    ASSERT_TRUE(make_fixture_card_parts(layout, 2, pki::fixture_now, {}));
    fs::remove(layout.card_keys() / "card_key_0001.pem");
    const auto loaded = load_card_parts(layout, 2);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::secret_missing);
}

TEST(demo_installation, the_truth_has_a_line_for_every_planted_fault) {
    const std::string truth = text_of(made().layout().truth());
    synth::NationSettings settings;
    settings.as_of = made().installation().as_of;
    const auto nation = synth::Nation::create(settings);
    ASSERT_TRUE(nation);
    std::string expected;
    for (std::uint64_t index = 0; index < persons; ++index) {
        for (const auto& fault : nation->truth(index)) expected += truth_line(index, fault);
    }
    EXPECT_EQ(truth, expected);
    EXPECT_FALSE(expected.empty());
}

hub::Settings demo_hub_settings() {
    const toml::table file = toml::parse(text_of(made().layout().hub_settings()));
    const auto text = [&file](const char* name) { return file[name].value<std::string>().value_or(""); };
    hub::Settings settings;
    settings.profile = hub::Profile::demo;
    settings.hub_id = text("hub_id");
    settings.listen_address = text("listen_address");
    settings.port = 0;
    settings.metrics_port = 0;
    settings.store = text("store");
    settings.secrets_folder = text("secrets_folder");
    settings.server_certificate = text("server_certificate");
    settings.server_key = text("server_key");
    settings.organisation_ca_certificate = text("organisation_ca_certificate");
    settings.organisation_ca_key = text("organisation_ca_key");
    settings.card_roots = text("card_roots");
    return settings;
}

TEST(demo_installation, a_hub_opens_with_its_settings) {
    hub::Settings settings = demo_hub_settings();
    const auto opened = hub::Hub::open(settings);
    EXPECT_TRUE(opened) << opened.error().detail;

    settings.profile = hub::Profile::production;
    const auto refused = hub::Hub::open(settings);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::config_test_parts);
}

TEST(demo_installation, a_hub_that_is_stopped_before_it_runs_ends_at_once) {
    auto opened = hub::Hub::open(demo_hub_settings());
    ASSERT_TRUE(opened) << opened.error().detail;
    (*opened)->stop();
    (*opened)->run();
}

}  // namespace

}  // namespace onshi::installation
