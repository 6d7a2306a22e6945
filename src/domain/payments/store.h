#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/sha256.h"
#include "base/time.h"
#include "domain/audit/model.h"
#include "domain/identity/store.h"
#include "domain/identity/store_numbers.h"
#include "domain/payments/model_certificates.h"
#include "domain/payments/rules_book.h"
#include "domain/payments/rules_ratio.h"
#include "platform/sql/migrations.h"
#include "platform/sql/read_batch.h"
#include "platform/sql/write_set.h"

namespace onshi::payments {

[[nodiscard]] std::span<const sql::Migration> migrations();

// ---- Certificates (registry) ---------------------------------------------------------------------------------------

// What the person holds as known now; nullopt when the section's bytes are of another form, empty when there is none.
[[nodiscard]] std::optional<Holdings> holdings_of(const sql::Rows<identity::NowSection>& now);
// What was known at a registry commit, cancelled ones included; one certificate in its compact form each.
[[nodiscard]] sql::Rows<std::string> load_certificates_at(sql::ReadBatch& batch, PersonKey person,
                                                          std::int64_t known_seq);
// A version of a certificate from this commit on; the present one of that key, if any, is closed.
void put_certificate(sql::WriteSet& set, PersonKey person, CertificateKey key, std::string_view packed);
// The section with all of them; refused when it is not at that version any more, or was made meanwhile.
void put_holdings(sql::WriteSet& set, PersonKey person, const Holdings& holdings, std::optional<std::int64_t> version);

// For loaders: person_key, certificate_key, known_from, known_to, packed.
extern const sql::Statement insert_certificate;

// ---- How insurers send ratios (registry) ---------------------------------------------------------------------------

[[nodiscard]] sql::Slot<RatioHistory> load_ratio_history(sql::ReadBatch& batch, InsurerNumber insurer);
void put_ratio_history(sql::WriteSet& set, InsurerNumber insurer, const RatioHistory& history);

// ---- What was chosen at a kiosk (ledger) ---------------------------------------------------------------------------

struct SubsidyChoice {
    Sha256 digest{};           // of what was asked
    std::uint64_t chosen = 0;  // bit n-1: offer n of the answer
    audit::Place record{};
};
static_assert(certificates_per_person_max <= 64);
[[nodiscard]] sql::Slot<SubsidyChoice> load_choice(sql::ReadBatch& batch, const audit::Place& answer);
// Refused when there is a choice for that answer; its record is that of the write set.
void claim_choice(sql::WriteSet& set, const audit::Place& answer, const SubsidyChoice& choice, Instant now);
// How many choices are older than `before`, counted up to `rows`; removes the `rows` oldest of them.
[[nodiscard]] sql::Slot<std::int64_t> count_old_choices(sql::ReadBatch& batch, Instant before, std::size_t rows);
void remove_old_choices(sql::WriteSet& set, Instant before, std::size_t rows);

// ---- The book of payments (ledger) ---------------------------------------------------------------------------------

struct BookPage {
    Yen paid;
    std::int64_t version = 0;  // 0: the page does not exist yet
};
[[nodiscard]] sql::Slot<BookPage> load_page(sql::ReadBatch& batch, PersonKey person, const BookPlace& place);
// Writes version + 1; refused when the page is not at that version any more.
void write_page(sql::WriteSet& set, PersonKey person, const BookPlace& place, const BookPage& page);
// What was paid in each month from `first` to `last` that has a page, in order; year_months_max at most.
struct MonthPage {
    Date month;
    Yen paid;
};
[[nodiscard]] sql::Rows<MonthPage> load_months(sql::ReadBatch& batch, PersonKey person, int programme, Date first,
                                               Date last);

// One payment as a facility posted it.
struct Posting {
    OrganisationKey organisation{0};
    BookPlace place;
    Sha256 digest{};  // of what was asked, so that a repeat is told from another one with a reused id
    Yen amount;
    bool outpatient = false;
    bool reversed = false;
    audit::Place record{};
};
[[nodiscard]] sql::Slot<Posting> load_posting(sql::ReadBatch& batch, PersonKey person, const CheckId& id);
// Refused when the id was used for this person; its record is that of the write set.
void add_posting(sql::WriteSet& set, PersonKey person, const CheckId& id, const Posting& posting);
// Refused when it was reversed before.
void reverse_posting(sql::WriteSet& set, PersonKey person, const CheckId& id);

}  // namespace onshi::payments
