#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/audit/model.h"
#include "domain/eligibility/model.h"
#include "domain/organisations/model.h"
#include "domain/payments/rules.h"
#include "domain/payments/rules_book.h"
#include "domain/payments/rules_municipalities.h"
#include "platform/sql/database.h"

namespace onshi::eligibility {

// Choices come after the answer: same terminal, once, within this time, like consents.
inline constexpr std::chrono::minutes choice_window{10};
// A payment is posted by the end of the month after its care day.
inline constexpr int posting_months_after = 1;
inline constexpr int posting_attempts_max = 16;

// How a month's cap stands.
struct CapState {
    Date month;
    payments::Yen cap;
    payments::Yen paid;
    payments::Yen remaining;
};

// A subsidy that the patient chose, in full, with what its ordinance says of this visit.
struct ChosenSubsidy {
    int offer = 0;  // its number in the answer
    payments::SubsidyCertificate certificate;
    const payments::LocalOrdinance* ordinance = nullptr;  // of the table; nullptr: none is on file
    payments::SubsidyAnswer answer = payments::SubsidyAnswer::applies;
    std::optional<CapState> book;
};

struct SubsidiesChosen {
    std::vector<ChosenSubsidy> chosen;
    sql::CommitPosition position;
    bool repeated = false;
};

// A payment that a counter collects, or has been told by the hub to collect.
struct PaymentToPost {
    CheckId id;
    std::optional<int> offer;  // under the monthly cap of this subsidy; without: it only counts for the year
    payments::Setting setting = payments::Setting::outpatient;
    payments::Yen share;  // what the rules leave to the patient before the monthly cap
};

struct PaymentPosted {
    payments::Yen collect;         // of the share; less where the cap is reached
    std::optional<CapState> book;  // behind it
    bool reversed = false;         // taken back since
    payments::Year year;           // what was posted since its beginning, everywhere
    sql::CommitPosition position;
    bool repeated = false;
};

// Subsidies after an answer by card: the patient's choice at the kiosk, and the book of monthly caps that every
// facility shares (自己負担上限額管理票, domain-rules §4.4, §4.6). Everything is durable and in the audit chain before
// it is told. Thread-safe. `municipal` may be nullptr.
class Subsidies {
  public:
    Subsidies(sql::Database& database, const Clock& clock, Random& random, const payments::MunicipalTable* municipal)
        : database_(database), clock_(clock), random_(random), municipal_(municipal) {}

    // `offers`: numbers of the answer's offers, none twice; empty: the patient uses none. check.receipt,
    // subsidy.not_offered, subsidy.window, subsidy.chosen.
    [[nodiscard]] Task<Result<SubsidiesChosen>> choose(const organisations::Terminal& terminal, audit::Place answer,
                                                       std::vector<int> offers, Deadline deadline);
    // Any terminal of the facility that was answered. The same id with the same contents gives the same amount again.
    // check.receipt, subsidy.not_offered, subsidy.not_chosen, payments.cap_missing (a subsidy without a monthly cap),
    // payments.posting_window, payments.posting_used.
    [[nodiscard]] Task<Result<PaymentPosted>> post(const organisations::Terminal& terminal, audit::Place answer,
                                                   const PaymentToPost& payment, Deadline deadline);
    // Takes a posting back; a second time changes nothing. check.receipt, payments.posting_unknown.
    [[nodiscard]] Task<Result<PaymentPosted>> reverse(const organisations::Terminal& terminal, audit::Place answer,
                                                      const CheckId& id, Deadline deadline);

  private:
    struct Visit;
    [[nodiscard]] Task<Result<Visit>> load_visit(const organisations::Terminal& terminal, audit::Place place,
                                                 Deadline deadline);
    [[nodiscard]] Task<Result<SubsidiesChosen>> describe(const Visit& visit, std::uint64_t chosen, Deadline deadline);
    [[nodiscard]] Task<Result<PaymentPosted>> state_of(const Visit& visit, const payments::BookPlace& place,
                                                       std::optional<payments::Yen> cap, Deadline deadline);
    [[nodiscard]] Task<Result<sql::CommitPosition>> place_of(audit::Place record, Deadline deadline);

    sql::Database& database_;
    const Clock& clock_;
    Random& random_;
    const payments::MunicipalTable* municipal_;
};

}  // namespace onshi::eligibility
