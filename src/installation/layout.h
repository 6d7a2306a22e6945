#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace onshi::installation {

// Where things lie in an installation's folder. A value; makes nothing.
struct Layout {
    std::filesystem::path root;

    [[nodiscard]] std::filesystem::path description() const { return root / "installation.json"; }
    [[nodiscard]] std::filesystem::path hub_settings() const { return root / "hub.toml"; }
    [[nodiscard]] std::filesystem::path truth() const { return root / "truth.ndjson"; }
    [[nodiscard]] std::filesystem::path secrets() const { return root / "secrets"; }
    [[nodiscard]] std::filesystem::path store() const { return root / "store"; }
    [[nodiscard]] std::filesystem::path intake() const { return root / "intake"; }
    [[nodiscard]] std::filesystem::path jpki() const { return root / "pki" / "jpki"; }
    // Lists of revoked certificates: its hub takes over what is laid here.
    [[nodiscard]] std::filesystem::path status_lists() const { return root / "status_lists"; }
    // Municipalities and their subsidies: setting ordinances_file.
    [[nodiscard]] std::filesystem::path ordinances() const { return root / "ordinances.toml"; }
    [[nodiscard]] std::filesystem::path card_roots() const { return jpki() / "auth_roots.pem"; }
    // RSA keys that cards share; their number stands in the description.
    [[nodiscard]] std::filesystem::path card_keys() const { return root / "pki" / "keys"; }
    // Who signs what is printed on test cards (smartcard::TestCardIssuer).
    [[nodiscard]] std::filesystem::path card_issuer() const { return root / "pki" / "card_issuer"; }
    [[nodiscard]] std::filesystem::path server_ca_certificate() const { return root / "pki" / "server_ca.crt"; }
    [[nodiscard]] std::filesystem::path server_ca_key() const { return root / "pki" / "server_ca.key"; }
    [[nodiscard]] std::filesystem::path organisation_ca_certificate() const {
        return root / "pki" / "organisation_ca.crt";
    }
    [[nodiscard]] std::filesystem::path organisation_ca_key() const { return root / "pki" / "organisation_ca.key"; }
    [[nodiscard]] std::filesystem::path server_certificate() const { return root / "pki" / "server.crt"; }
    [[nodiscard]] std::filesystem::path server_key() const { return root / "pki" / "server.key"; }
    // terminal.crt, terminal.key (0600), terminal.toml
    [[nodiscard]] std::filesystem::path terminal(std::string_view name) const { return root / "terminals" / name; }
    [[nodiscard]] std::filesystem::path cards() const { return root / "cards"; }
};

}  // namespace onshi::installation
