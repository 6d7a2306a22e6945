#include "hub/migrations.h"

#include "domain/audit/store.h"
#include "domain/cards/store.h"
#include "domain/consent/store.h"
#include "domain/coverage/store.h"
#include "domain/eligibility/store.h"
#include "domain/identity/store.h"
#include "domain/organisations/store.h"
#include "domain/payments/store.h"
#include "platform/sql/commit_counter.h"

namespace onshi::hub {

std::vector<sql::Migration> all_migrations() {
    std::vector<sql::Migration> all;
    for (const auto steps : {sql::CommitCounter::migrations(), audit::migrations(), organisations::migrations(),
                             identity::migrations(), cards::migrations(), coverage::migrations(),
                             payments::migrations(), consent::migrations(), eligibility::migrations()}) {
        all.insert(all.end(), steps.begin(), steps.end());
    }
    return all;
}

}  // namespace onshi::hub
