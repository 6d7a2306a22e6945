#pragma once

#include <array>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/audit/model.h"
#include "domain/cards/rules_use.h"
#include "domain/coverage/members.h"
#include "domain/coverage/store_paper.h"
#include "domain/identity/store.h"
#include "platform/sql/database.h"

namespace onshi::coverage {

// Whoever will have no insurance card is owed a certificate by those who insure them; whoever has one again is not.
void order_certificates(sql::WriteSet& set, PersonKey person, std::span<const Coverage> owed, cards::UseState after,
                        Instant at);

struct UseCancelled {
    cards::UseState state = cards::UseState::none;
    CoverageKey record{0};
    bool changed = false;
};

// What a paper says of a member; from the registry when it is drawn.
struct PaperContent {
    identity::Person person;
    Coverage coverage;
};

// Certificates on paper: which are owed, that they were issued, and what that ends. Thread-safe; any loop.
class PaperService {
  public:
    PaperService(sql::Database& database, const Clock& clock, Random& random)
        : database_(database), clock_(clock), random_(random) {}

    // Open orders of an insurer behind a record; at most orders_page_max are looked at, so the page may be shorter.
    // `next`: where the next page begins, absent behind the last one.
    struct Page {
        std::vector<PaperOrder> orders;
        std::optional<CoverageKey> next;
    };
    [[nodiscard]] Task<Result<Page>> list(InsurerNumber insurer, CoverageKey after, Deadline deadline);
    // What to print for an order; use.no_order when it is not open, or the record has ended meanwhile.
    [[nodiscard]] Task<Result<PaperContent>> content(const PaperOrder& order, Deadline deadline);
    // The members whose card is an insurance card and who are insured today, behind a place: who gets a notice.
    struct NoticePage {
        std::vector<PaperContent> members;
        std::optional<MemberPlace> next;
    };
    [[nodiscard]] Task<Result<NoticePage>> notices(InsurerNumber insurer, MemberPlace after, Deadline deadline);
    // The certificate is on its way: the order is done, and a cancellation that waited for it counts. Again: no change.
    // use.no_order: no order was ever made for this record; field.range: a validity that is over or above
    // certificate_years_max.
    [[nodiscard]] Task<Result<cards::UseState>> issued(InsurerNumber insurer, CoverageKey record, Date valid_to,
                                                       const audit::Actor& actor, Deadline deadline);
    // A cancellation that reached the insurer on paper (domain-rules §8.3). use.no_record, use.not_registered.
    [[nodiscard]] Task<Result<UseCancelled>> cancel(const MemberName& member, cards::UseWish wish,
                                                    const audit::Actor& actor, Deadline deadline);

  private:
    // nullopt: the record does not cover today, or is not to be seen.
    [[nodiscard]] Result<std::optional<PaperContent>> content_of(PersonKey person, CoverageKey record,
                                                                 const sql::Rows<identity::NowSection>& now) const;
    [[nodiscard]] Task<Result<UseCancelled>> cancel_once(const MemberName& member, cards::UseWish wish,
                                                         const audit::Actor& actor, Deadline deadline);
    [[nodiscard]] Task<Result<cards::UseState>> end_order(const PaperOrder& order, const audit::Actor& actor,
                                                          Deadline deadline);
    sql::Database& database_;
    const Clock& clock_;
    Random& random_;
};

// Use changes that lost a race look again this often.
inline constexpr int use_attempts_max = 3;

}  // namespace onshi::coverage
