#include "bench/bench_installation.h"

#include <array>
#include <fstream>
#include <iterator>

#include "installation/card_factory.h"
#include "installation/demo_installation.h"
#include "installation/layout.h"
#include "platform/pki/secret_file.h"
#include "synth/nation.h"

namespace onshi::bench {

namespace {

constexpr std::size_t certificate_file_bytes_max = 64 * 1024;
// A demo's terminals are desks and others that may not check.
constexpr std::string_view desk_prefix = "desk";

Result<std::string> read_certificate_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text(certificate_file_bytes_max, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.empty()) return fail(ErrorCode::config_certificate, "cannot read " + path.string());
    return text;
}

Result<http::TlsIdentity> read_identity(const std::filesystem::path& certificate, const std::filesystem::path& key) {
    auto text = read_certificate_file(certificate);
    if (!text) return fail(std::move(text));
    auto secret = pki::read_secret_file(key);
    if (!secret) return fail(std::move(secret));
    return http::TlsIdentity{std::move(*text), std::move(*secret)};
}

synth::NationSettings nation_settings(const installation::DemoInstallation& description) {
    synth::NationSettings settings;
    settings.seed = description.seed;
    settings.as_of = description.as_of;
    return settings;
}

}  // namespace

struct BenchInstallation::Parts {
    Parts(std::filesystem::path root, installation::DemoInstallation described, synth::Nation made,
          pki::TestJpki authorities, pki::KeyPool pool, Date day)
        : layout{std::move(root)},
          description(std::move(described)),
          nation(std::move(made)),
          jpki(std::move(authorities)),
          keys(std::move(pool)),
          factory(nation, jpki, keys),
          today(day) {
        for (int generation = 1; generation <= pki::test_ca_generations; ++generation) {
            authority_key_ids[static_cast<std::size_t>(generation - 1)] =
                jpki.auth_ca(generation).certificate().subject_key_id;
        }
    }

    // How a check names the CA that our number stands for.
    [[nodiscard]] const std::string& authority_key_id(std::int32_t ca_id) const {
        std::size_t at = 0;
        while (at + 1 < authority_key_ids.size() && factory.ca_ids()[at] != ca_id) ++at;
        return authority_key_ids[at];
    }

    installation::Layout layout;
    installation::DemoInstallation description;
    synth::Nation nation;
    pki::TestJpki jpki;
    pki::KeyPool keys;
    installation::CardFactory factory;
    Date today;
    std::array<std::string, pki::test_ca_generations> authority_key_ids;
};

Result<std::unique_ptr<BenchInstallation>> BenchInstallation::open(const std::filesystem::path& folder, Instant now) {
    auto description = installation::read_demo_installation(folder);
    if (!description) return fail(std::move(description));
    const installation::Layout layout{std::filesystem::absolute(folder)};
    auto nation = synth::Nation::create(nation_settings(*description));
    if (!nation) return fail(std::move(nation));
    auto jpki = pki::TestJpki::load(layout.jpki());
    if (!jpki) return fail(std::move(jpki));
    auto keys = pki::KeyPool::open(layout.card_keys(), description->card_keys);
    if (!keys) return fail(std::move(keys));
    return std::unique_ptr<BenchInstallation>(new BenchInstallation(std::make_unique<Parts>(
        layout.root, std::move(*description), std::move(*nation), std::move(*jpki), std::move(*keys), japan_day(now))));
}

BenchInstallation::BenchInstallation(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
BenchInstallation::~BenchInstallation() = default;

// Not CardFactory::make: that signs a certificate, which a check of a known card does not need.
std::optional<BenchCard> BenchInstallation::card(std::uint64_t person) const {
    const auto made = parts_->nation.person(person);
    if (!made.card || !made.card->is_usable(parts_->today)) return std::nullopt;
    const CardKey key = parts_->factory.key_of(made.card->certificate);
    return BenchCard{parts_->authority_key_id(key.ca_id), key.serial, &parts_->keys.key(made.card->key)};
}

Result<CheckBenchOptions> BenchInstallation::options(const hub::Settings& settings,
                                                     const std::filesystem::path& program,
                                                     const std::filesystem::path& work_folder) const {
    const auto& layout = parts_->layout;
    CheckBenchOptions options;
    options.folder = std::filesystem::absolute(work_folder);
    options.ready_file = options.folder / "ready.json";
    options.server_command = {program.string(),
                              "server",
                              "run",
                              "--config",
                              layout.hub_settings().string(),
                              "--port",
                              "0",
                              "--metrics-port",
                              "0",
                              "--requests-per-second",
                              "1000000",
                              "--ready-file",
                              options.ready_file.string()};
    options.hub.id = settings.hub_id;
    options.hub.address = settings.listen_address;
    options.persons = parts_->description.persons;
    options.store_folder = layout.store();
    auto anchor = read_certificate_file(layout.server_ca_certificate());
    if (!anchor) return fail(std::move(anchor));
    options.hub.anchors = {std::move(*anchor)};
    auto server = read_identity(settings.server_certificate, settings.server_key);
    if (!server) return fail(std::move(server));
    options.server = std::move(*server);
    auto clients = read_certificate_file(settings.organisation_ca_certificate);
    if (!clients) return fail(std::move(clients));
    options.client_anchors = {std::move(*clients)};
    for (const auto& terminal : parts_->description.terminals) {
        if (!terminal.name.starts_with(desk_prefix)) continue;
        const auto folder = layout.terminal(terminal.name);
        auto identity = read_identity(folder / "terminal.crt", folder / "terminal.key");
        if (!identity) return fail(std::move(identity));
        options.terminals.push_back({terminal.organisation, terminal.id, std::move(*identity)});
    }
    return options;
}

}  // namespace onshi::bench
