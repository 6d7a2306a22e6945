#pragma once

// Inside this folder only: what routes and periodic work share.

#include <atomic>
#include <memory>
#include <string>

#include "base/random.h"
#include "base/time.h"
#include "domain/audit/chain.h"
#include "domain/audit/intents.h"
#include "domain/audit/service.h"
#include "domain/cards/authorities.h"
#include "domain/cards/seen_cards.h"
#include "domain/eligibility/challenges.h"
#include "domain/eligibility/service.h"
#include "domain/organisations/directory.h"
#include "exchange/api/checks.h"
#include "hub/member_intake.h"
#include "hub/mode_board.h"
#include "hub/secrets.h"
#include "hub/settings.h"
#include "hub/vital_signs.h"
#include "platform/event_loop/event_loop.h"
#include "platform/http/server.h"
#include "platform/pki/organisation_ca.h"
#include "platform/sql/commit_counter.h"
#include "platform/sql/database.h"
#include "platform/telemetry/metrics.h"

namespace onshi::hub {

// What every handler needs. References live as long as the hub.
struct Context {
    const Settings& settings;
    const SystemClock& clock;
    Random& random;
    const Secrets& secrets;
    sql::Database& database;
    organisations::Directory& directory;
    const eligibility::Challenges& challenges;
    eligibility::StatusSources& status_sources;
    cards::SeenCards& seen_cards;
    eligibility::CheckService& checks;
    audit::AuditedChanges& audited_changes;
    const cards::Authorities& authorities;
    const pki::IssuingCa* organisation_ca;  // nullptr: this hub enrols nobody
    Metrics& metrics;
    VitalSigns& vital_signs;
    ModeBoard& modes;
    const payments::MunicipalTable& municipal;
    MemberIntake* member_intake;  // nullptr: this hub takes no insurers' files
};

// The calling terminal, from its certificate; never from the body.
[[nodiscard]] Task<Result<std::shared_ptr<const organisations::Terminal>>> caller(const Context& context,
                                                                                  const http::Request& request,
                                                                                  Deadline deadline);

void add_check_routes(http::Server& server, const Context& context);
void add_capsule_routes(http::Server& server, const Context& context);
void add_card_routes(http::Server& server, const Context& context);
void add_correction_routes(http::Server& server, const Context& context);
void add_emergency_routes(http::Server& server, const Context& context);
void add_terminal_routes(http::Server& server, const Context& context);
void add_payment_routes(http::Server& server, const Context& context);
void add_subsidy_routes(http::Server& server, const Context& context);
void add_use_routes(http::Server& server, const Context& context);
void add_member_routes(http::Server& server, const Context& context);
void add_contract_routes(http::Server& server);
void add_readiness_route(http::Server& server, const Context& context);

}  // namespace onshi::hub
