#pragma once

// Inside this folder only: the parts of an installation while it is being made.
#include <memory>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "domain/audit/chain.h"
#include "installation/card_factory.h"
#include "installation/card_parts.h"
#include "installation/demo_installation.h"
#include "installation/layout.h"
#include "platform/pki/organisation_ca.h"
#include "platform/sql/commit_counter.h"
#include "platform/sql/database.h"
#include "platform/sql/store_options.h"
#include "synth/nation.h"

namespace onshi::installation {

// Both stores, open as the command line opens them. Owns sequencers and database, which is closed on destruction.
// Coroutines that use it run by run_to_end. Not thread-safe.
class OpenStores {
  public:
    [[nodiscard]] static Result<std::unique_ptr<OpenStores>> open(const sql::StoreOptions& options,
                                                                  const std::string& hub_id);
    ~OpenStores();
    OpenStores(const OpenStores&) = delete;
    OpenStores& operator=(const OpenStores&) = delete;
    [[nodiscard]] sql::Database& database() { return *database_; }

  private:
    explicit OpenStores(const std::string& hub_id);
    sql::CommitCounter commits_;
    audit::ChainSequencer chain_;
    std::unique_ptr<sql::Database> database_;
};

// Tests bring keys of their own.
using CardPartsMaker = Result<CardParts> (*)(const Layout& layout, std::uint32_t card_keys, Instant now,
                                             const Progress& progress);
[[nodiscard]] Result<DemoResult> make_demo_installation(const DemoOptions& options, const Clock& clock, Random& random,
                                                        const Progress& progress, CardPartsMaker make_cards);

// Where the hub listens, as terminals are told; and where the files will lie when everything is done.
struct HubPlace {
    std::string host;
    std::uint16_t port = 0;
    std::string hub_id;
    Layout final_layout;
};

// Adds and enrols the terminals of the demo, the way an operator and the terminals do it, and writes their folders:
// desks of clinics (cards and numbers; PIN and visual check, face with `DemoOptions::face_engine`), the call centre
// (suspends cards) and an operator's.
[[nodiscard]] Result<std::vector<DemoTerminal>> make_terminals(OpenStores& stores, const Layout& layout,
                                                               const HubPlace& hub, const DemoOptions& options,
                                                               const synth::Nation& nation,
                                                               const pki::IssuingCa& organisation_ca,
                                                               const CardParts& cards, const Clock& clock,
                                                               Random& random);

// Looks for one person of each kind whose card a demo wants to show, asks the rules what a check would answer, and
// writes the card's image. Kinds that nobody is of are left out.
[[nodiscard]] Result<std::vector<DemoCard>> make_cards(OpenStores& stores, const Layout& layout, std::uint64_t persons,
                                                       const CardFactory& factory,
                                                       const smartcard::TestCardIssuer& issuer, Random& random);

}  // namespace onshi::installation
