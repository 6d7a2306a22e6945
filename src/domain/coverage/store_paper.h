#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/date.h"
#include "base/identifiers.h"
#include "base/time.h"
#include "domain/coverage/model.h"
#include "domain/coverage/rules_paper.h"
#include "platform/sql/read_batch.h"
#include "platform/sql/write_set.h"

namespace onshi::coverage {

// Papers that an insurer sends to its members.
enum class PaperKind : std::uint8_t {
    certificate = 1,  // 資格確認書: enough alone at the counter (domain-rules §1.10)
    notice = 2,       // 資格情報のお知らせ: only together with the card (§1.12)
};

struct PaperDocument {
    PersonKey person{0};
    CoverageKey coverage{0};
    InsurerNumber insurer;
    PaperKind kind = PaperKind::certificate;
    Date issued_on;
    Date valid_to;  // last day
    [[nodiscard]] bool valid_on(Date day) const { return issued_on <= day && day <= valid_to; }
};
inline constexpr std::size_t papers_per_person_max = 256;
// A certificate is valid for five years at most (§1.10).
inline constexpr int certificate_years_max = 5;

// Of those behind `after`, up to and with `upto`, in the order of persons; for a walk over everybody.
[[nodiscard]] sql::Rows<PaperDocument> load_papers_between(sql::ReadBatch& batch, PersonKey after, PersonKey upto,
                                                           std::size_t count_max);
[[nodiscard]] sql::Rows<PaperDocument> load_papers(sql::ReadBatch& batch, PersonKey person);
// The same paper of the same day again changes nothing.
void add_paper(sql::WriteSet& set, const PaperDocument& paper);

enum class OrderState : std::uint8_t { open = 1, done = 2, fallen = 3 };  // fallen: not needed any more

// A certificate that an insurer is to issue. In the ledger: some follow from what happens at a counter.
struct PaperOrder {
    InsurerNumber insurer;
    CoverageKey coverage{0};
    PersonKey person{0};
    PaperReason reason = PaperReason::no_card;
    OrderState state = OrderState::open;
    Instant since;
    std::int64_t version = 0;
};
inline constexpr std::size_t orders_page_max = 500;

// Where a walk over an insurer's members stands.
struct MemberPlace {
    std::string number;
    std::string symbol;
    std::int64_t branch = -2;  // before every branch and before none
    PersonKey person{0};
    CoverageKey coverage{0};
};
inline constexpr std::size_t members_page_max = 500;
// An insurer's members by their numbers, behind a place.
[[nodiscard]] sql::Rows<MemberPlace> load_member_places(sql::ReadBatch& batch, InsurerNumber insurer,
                                                        const MemberPlace& after);

// Opens the order, or again; one that is open keeps its age.
void open_order(sql::WriteSet& set, const PaperOrder& order);
// Ends an open one; nothing happens when it is not open.
void close_order(sql::WriteSet& set, InsurerNumber insurer, CoverageKey coverage, OrderState state);
[[nodiscard]] sql::Slot<PaperOrder> load_order(sql::ReadBatch& batch, InsurerNumber insurer, CoverageKey coverage);
// Of an insurer, behind a record, at most orders_page_max; ended ones too.
[[nodiscard]] sql::Rows<PaperOrder> load_orders(sql::ReadBatch& batch, InsurerNumber insurer, CoverageKey after);

}  // namespace onshi::coverage
