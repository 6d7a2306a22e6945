#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/date.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "installation/layout.h"
#include "installation/nation_loader.h"
#include "platform/sql/store_options.h"

namespace onshi::installation {

struct DemoOptions {
    std::filesystem::path folder;
    std::uint64_t persons = 10'000;                  // 1 … synth::persons_max
    std::uint64_t seed = 1;                          // below 2^63
    std::uint32_t facilities = 2'000;                // 100 … synth::facilities_max
    std::uint32_t desks = 1;                         // 1 … desks_max: terminals of as many clinics
    std::uint32_t card_keys = synth::key_pool_size;  // 1 … 64: fewer are quicker to make
    // People in the embedded resident register, at least `persons`; 0: a tenth more, whom insurers may register.
    std::uint64_t residents = 0;
    // The engine of face comparison that the hub admits and the desks may use (docs/face-engine.md); empty: none.
    std::string face_engine;
    std::uint16_t port = 8443;
    std::uint16_t metrics_port = 9464;
    // As the setting of that name: an empty PostgreSQL database; empty: SQLite files in the folder. What a killed run
    // left in a database is not removed: it must be made anew too.
    std::string store;
};

struct DemoTerminal {
    std::string name;          // of its folder: desk, desk-2, …, call_center, operator
    std::string id;            // as in signed lines
    std::string organisation;  // ten digits of a facility, or the number of an operator
};

// Why a card is interesting: eligible, rare_name, lapsed, withheld, not_registered, grace, suspended, without_pin.
struct DemoCard {
    std::string file;  // in the folder of cards
    std::string kind;
    std::uint64_t person = 0;
};

// What stands in installation.json.
struct DemoInstallation {
    Instant made_at;
    Date as_of;
    std::uint64_t persons = 0;
    std::uint64_t seed = 0;
    std::uint32_t facilities = 0;
    std::uint32_t desks = 0;
    std::uint32_t card_keys = 0;
    std::string schema;  // of the stores' tables, as schema_digest() told it then
    std::string store;   // as in DemoOptions
    LoadCounts counts;
    std::vector<DemoTerminal> terminals;
    std::vector<DemoCard> cards;
};

enum class DemoOutcome : std::uint8_t { made, was_there };

struct DemoResult {
    DemoOutcome outcome;
    DemoInstallation installation;
};

// The stores of an installation whose files are where `layout` says.
[[nodiscard]] Result<sql::StoreOptions> stores_of(const Layout& layout, const std::string& store);

// Changes with every change of the stores' tables.
[[nodiscard]] std::string schema_digest();

// Makes a complete installation in `folder`, whose layout is that of layout.h, or finds that it is there already.
//
// All or nothing: it is made beside its place, in `<folder>.part`, and renamed when it is complete and on disk. What a
// killed run left in `<folder>.part` is removed and made anew. A finished installation is never changed: with the same
// persons, seed, facilities, desks, card_keys and store the call only reads it (the ports may differ: hub.toml is the
// operator's to edit), with others, or made for other tables
// than this program's, it is installation.different. A folder with anything else in it is
// installation.not_ours.
//
// Other errors: synth.settings (a count out of range, or a clock outside 2024-12-02 … 2035-12-31), installation.busy
// (another program makes it just now), installation.folder, secret.* (keys cannot be written), those of the store.
// Blocks: a second, and up to 20 s for the RSA keys. Kinds of cards that nobody among `persons` has are left out.
[[nodiscard]] Result<DemoResult> make_demo_installation(const DemoOptions& options, const Clock& clock, Random& random,
                                                        const Progress& progress);

// What installation.json says. installation.not_ours: there is none, or it is of another form or version;
// installation.different: its stores have other tables than this program's.
[[nodiscard]] Result<DemoInstallation> read_demo_installation(const std::filesystem::path& folder);
// Its people. With load_card_parts a CardFactory makes their cards.
[[nodiscard]] Result<synth::Nation> nation_of(const DemoInstallation& installation);

}  // namespace onshi::installation
