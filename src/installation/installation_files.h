#pragma once

// Inside this folder only: the text files of an installation.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "hub/settings.h"
#include "installation/demo_installation.h"
#include "synth/nation.h"

namespace onshi::installation {

// A new file; installation.folder when it cannot be written whole.
[[nodiscard]] Result<void> write_text_file(const std::filesystem::path& file, std::string_view text);
// The folder and those above it, for nobody but us.
[[nodiscard]] Result<void> make_folder(const std::filesystem::path& folder);

// Every field of the settings under its own name, for hub.toml.
[[nodiscard]] std::string to_toml(const hub::Settings& settings);

// Where a terminal finds its hub and who it is there.
struct TerminalFile {
    std::string hub_host;
    std::uint16_t hub_port = 0;
    std::string hub_id;
    std::string server_ca;         // PEM file
    std::string certificate;       // PEM file
    std::string key;               // PEM file, 0600
    std::string card_certificate;  // what a card is shown before it signs without a PIN; empty: none
    std::string card_key;          // PEM file, 0600; empty: none
    std::string photo_roots;       // who signs the photos of cards; empty: nobody is known
    std::string facility;
    std::string terminal;
};
[[nodiscard]] std::string to_toml(const TerminalFile& terminal);

[[nodiscard]] std::string to_json(const DemoInstallation& installation);
// installation.not_ours for another form or version.
[[nodiscard]] Result<DemoInstallation> parse_installation(std::string_view json);

// One JSON object: person, fault, and of record, fields, day, days and other those that the fault has. No personal
// data.
[[nodiscard]] std::string truth_line(std::uint64_t index, const synth::Fault& fault);

// Writes truth.ndjson, a line per planted fault. Owns the file; not thread-safe.
class TruthFile {
  public:
    [[nodiscard]] static Result<TruthFile> create(const std::filesystem::path& file);
    [[nodiscard]] Result<void> add(const synth::SyntheticPerson& person);
    // Nothing may be added afterwards.
    [[nodiscard]] Result<void> close();

  private:
    struct CloseFile {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    explicit TruthFile(std::FILE* file) : file_(file) {}
    std::unique_ptr<std::FILE, CloseFile> file_;
};

}  // namespace onshi::installation
