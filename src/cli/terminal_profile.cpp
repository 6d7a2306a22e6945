#include "cli/terminal_profile.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/bytes.h"
#include "cli/files.h"
#include "platform/pki/private_key.h"
#include "platform/pki/secret_file.h"
#include "platform/settings/nearest.h"

namespace onshi::cli {

namespace {

constexpr std::string_view scheme = "https://";
constexpr std::size_t text_bytes_max = 512;

using NamedField = std::pair<std::string_view, std::string& (*)(TerminalProfile&)>;
constexpr std::array fields{
    NamedField{"hub_host", [](TerminalProfile& p) -> std::string& { return p.hub.host; }},
    NamedField{"hub_id", [](TerminalProfile& p) -> std::string& { return p.hub_id; }},
    NamedField{"facility", [](TerminalProfile& p) -> std::string& { return p.facility; }},
    NamedField{"terminal", [](TerminalProfile& p) -> std::string& { return p.terminal; }},
    NamedField{"server_ca", [](TerminalProfile& p) -> std::string& { return p.server_ca; }},
    NamedField{"certificate", [](TerminalProfile& p) -> std::string& { return p.certificate; }},
    NamedField{"key", [](TerminalProfile& p) -> std::string& { return p.key; }},
    NamedField{"card_certificate", [](TerminalProfile& p) -> std::string& { return p.card_certificate; }},
    NamedField{"card_key", [](TerminalProfile& p) -> std::string& { return p.card_key; }},
    NamedField{"photo_roots", [](TerminalProfile& p) -> std::string& { return p.photo_roots; }},
};

std::string place(const std::filesystem::path& file, const toml::node& node) {
    return fmt::format("{}:{}", file.string(), node.source().begin.line);
}

Error unknown_key(std::string_view key, const std::string& where) {
    std::vector<std::string_view> names{"hub_port"};
    for (const auto& [name, field] : fields) names.push_back(name);
    std::string detail = fmt::format("{}: there is no {}", where, key.substr(0, 64));
    const auto nearest = settings::nearest_name(key, names);
    if (nearest) detail += fmt::format("; did you mean {}?", *nearest);
    return {ErrorCode::config_unknown_key, std::move(detail)};
}

Result<void> take_port(TerminalProfile& profile, const toml::node& node, const std::string& where) {
    const auto port = node.value_exact<std::int64_t>();
    if (!port || *port < 0 || *port > 65535) {
        return fail(ErrorCode::config_value, fmt::format("{}: hub_port is to be an integer of 0 to 65535", where));
    }
    profile.hub.port = static_cast<std::uint16_t>(*port);
    return {};
}

Result<void> take(TerminalProfile& profile, std::string_view key, const toml::node& node, const std::string& where) {
    if (key == "hub_port") return take_port(profile, node, where);
    const auto field = std::ranges::find(fields, key, &NamedField::first);
    if (field == fields.end()) return tl::unexpected(unknown_key(key, where));
    const auto text = node.value_exact<std::string>();
    if (!text || text->empty() || text->size() > text_bytes_max) {
        return fail(ErrorCode::config_value, fmt::format("{}: {} is to be a text", where, key));
    }
    field->second(profile) = *text;
    return {};
}

}  // namespace

Result<HubAddress> HubAddress::parse(std::string_view url) {
    const auto wrong = [] { return fail(ErrorCode::config_value, "a hub's address is https://host:port"); };
    if (!url.starts_with(scheme)) return wrong();
    auto rest = url.substr(scheme.size());
    if (rest.ends_with('/')) rest.remove_suffix(1);
    HubAddress address;
    const auto colon = rest.rfind(':');
    // `[::1]:8443`: a colon inside brackets belongs to the address.
    const auto bracket = rest.rfind(']');
    const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
    auto host = rest.substr(0, has_port ? colon : rest.size());
    if (has_port) {
        const auto digits = rest.substr(colon + 1);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
        if (error != std::errc() || end != digits.data() + digits.size() || address.port == 0) return wrong();
    }
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host.empty() || host.find_first_of("/?#@ []") != std::string_view::npos) return wrong();
    address.host = host;
    return address;
}

std::string HubAddress::url() const {
    const bool six = host.find(':') != std::string::npos;
    return fmt::format("{}{}{}{}:{}", scheme, six ? "[" : "", host, six ? "]" : "", port);
}

std::string TerminalProfile::to_toml() const {
    toml::table table;
    TerminalProfile copy = *this;
    for (const auto& [name, field] : fields) {
        if (!field(copy).empty()) table.insert(name, field(copy));
    }
    table.insert("hub_port", std::int64_t{hub.port});
    std::ostringstream text;
    text << "# A terminal: its hub, its name in signed lines, and its files in this folder.\n" << table << '\n';
    return text.str();
}

Result<TerminalProfile> load_terminal_profile(const std::filesystem::path& folder) {
    if (folder.empty()) return fail(ErrorCode::config_missing, "terminal_folder, or --terminal DIR");
    const auto file = TerminalProfile::description(folder);
    auto text = read_text_file(file);
    if (!text) return fail(ErrorCode::config_missing, file.string() + " cannot be read");
    TerminalProfile profile;
    profile.folder = folder;
    try {
        const toml::table document = toml::parse(*text);
        for (const auto& [key, node] : document) {
            auto taken = take(profile, key.str(), node, place(file, node));
            if (!taken) return fail(std::move(taken));
        }
    } catch (const toml::parse_error& error) {
        return fail(ErrorCode::config_malformed,
                    fmt::format("{}:{}: {}", file.string(), error.source().begin.line, error.description()));
    }
    if (profile.hub.host.empty() || profile.hub_id.empty() || profile.facility.empty() || profile.terminal.empty()) {
        return fail(ErrorCode::config_missing, file.string() + ": hub_host, hub_id, facility and terminal");
    }
    return profile;
}

void TerminalChoice::declare(Options& options) {
    options.setting("terminal_folder", "--terminal");
    options.text(hub, "--hub", "URL", "another address of the hub than the terminal's own, https://host:port");
}

Result<TerminalProfile> TerminalChoice::load(const Session& session) const {
    auto settings = session.settings();
    if (!settings) return fail(std::move(settings));
    auto profile = load_terminal_profile(settings->text("terminal_folder"));
    if (!profile) return profile;
    if (!hub.empty()) {
        auto address = HubAddress::parse(hub);
        if (!address) return fail(std::move(address));
        profile->hub = *address;
    }
    // A demo made with port 0 does not know where its hub will listen.
    if (profile->hub.port == 0) return fail(ErrorCode::config_value, "hub_port is 0: give --hub https://host:port");
    return profile;
}

Result<http::ClientTls> load_terminal_tls(const TerminalProfile& profile) {
    auto anchors = read_text_file(profile.file(profile.server_ca));
    if (!anchors) return fail(std::move(anchors));
    auto certificate = read_text_file(profile.file(profile.certificate));
    if (!certificate) return fail(std::move(certificate));
    auto key = pki::read_secret_file(profile.file(profile.key));
    if (!key) return fail(std::move(key));
    http::ClientTls tls;
    tls.server_anchors = {std::move(*anchors)};
    tls.identity = http::TlsIdentity{std::move(*certificate), std::move(*key)};
    return tls;
}

std::filesystem::path terminal_store_folder(const settings::ResolvedSettings& settings,
                                            const TerminalProfile& profile) {
    const std::string& own = settings.text("terminal_store_folder");
    return own.empty() ? profile.folder / "store" : std::filesystem::path(own);
}

Result<std::unique_ptr<smartcard::PinlessUse>> load_pinless_use(const TerminalProfile& profile) {
    if (profile.card_certificate.empty() || profile.card_key.empty()) {
        return fail(ErrorCode::config_missing,
                    fmt::format("{}: card_certificate and card_key, without which a card signs by its PIN only",
                                TerminalProfile::description(profile.folder).string()));
    }
    auto certificate = read_text_file(profile.file(profile.card_certificate));
    if (!certificate) return fail(std::move(certificate));
    auto key = pki::RsaPrivateKey::load(profile.file(profile.card_key));
    if (!key) return fail(std::move(key));
    const auto bytes = as_bytes(*certificate);
    return std::make_unique<smartcard::StandInTerminalAuthentication>(smartcard::ByteVector(bytes.begin(), bytes.end()),
                                                                      std::move(*key));
}

}  // namespace onshi::cli
