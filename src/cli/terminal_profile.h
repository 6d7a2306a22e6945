#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"
#include "cli/options.h"
#include "cli/session.h"
#include "platform/http/tls.h"
#include "platform/smartcard/pinless_use.h"

namespace onshi::cli {

// Where a hub is: `https://host:port`, the port 8443 when it is left out. No path.
struct HubAddress {
    std::string host;
    std::uint16_t port = 8443;

    // config.value for another form.
    [[nodiscard]] static Result<HubAddress> parse(std::string_view url);
    [[nodiscard]] std::string url() const;
};

// A terminal as its folder describes it in `terminal.toml`. Files are names relative to the folder, or absolute. A port
// of 0 means that the address is told otherwise.
struct TerminalProfile {
    std::filesystem::path folder;
    HubAddress hub;
    std::string hub_id;    // the hub's own name, in signed lines
    std::string facility;  // ten digits of a facility, or the number of another organisation
    std::string terminal;  // as in signed lines
    std::string server_ca = "server_ca.crt";
    std::string certificate = "terminal.crt";
    std::string key = "terminal.key";  // 0600
    // What a card is shown before it lets this terminal use its key without the PIN; empty: this terminal cannot.
    std::string card_certificate;
    std::string card_key;  // 0600
    // Who signs the photos of cards, for engines that compare faces; empty: no photo is believed.
    std::string photo_roots;

    [[nodiscard]] std::filesystem::path file(const std::string& name) const { return folder / name; }
    [[nodiscard]] static std::filesystem::path description(const std::filesystem::path& folder) {
        return folder / "terminal.toml";
    }
    // What terminal.toml is to say.
    [[nodiscard]] std::string to_toml() const;
};

// config.missing without a folder; config.malformed, config.unknown_key, config.value with file and line.
[[nodiscard]] Result<TerminalProfile> load_terminal_profile(const std::filesystem::path& folder);

// Which terminal a command acts as.
struct TerminalChoice {
    std::string hub;  // --hub URL

    void declare(Options& options);
    // config.*; config.value when the profile's port is open and no address is given.
    [[nodiscard]] Result<TerminalProfile> load(const Session& session) const;
};

// Its certificate, key and the CA of its hub. secret.*, file.unreadable.
[[nodiscard]] Result<http::ClientTls> load_terminal_tls(const TerminalProfile& profile);

// Of the accounts that may confirm a person by eye at the kiosk, in the terminal's folder (terminal/visual_accounts.h).
inline constexpr const char* visual_accounts_file = "visual.accounts";

// Where the terminal keeps its own records: as the settings say, else beside its key.
[[nodiscard]] std::filesystem::path terminal_store_folder(const settings::ResolvedSettings& settings,
                                                          const TerminalProfile& profile);

// What opens cards without their PIN for this terminal. config.missing when it cannot; secret.*, file.unreadable.
[[nodiscard]] Result<std::unique_ptr<smartcard::PinlessUse>> load_pinless_use(const TerminalProfile& profile);

}  // namespace onshi::cli
