#pragma once

#include <cstdint>
#include <optional>

#include "base/date.h"
#include "base/identifiers.h"

namespace onshi::coverage {

// What a person shows at a counter (domain-rules §1.9-1.12).
enum class DocumentKind : std::uint8_t {
    insurance_card,  // 健康保険証, no longer issued
    certificate,     // 資格確認書
    notice,          // 資格情報のお知らせ
};

// How far it goes on that day.
enum class DocumentUse : std::uint8_t {
    enough,             // alone
    with_card,          // together with the My Number Card, where the reader cannot work or the facility is exempt
    if_number_checked,  // tolerance: only when the number was checked online (OC-4)
    not_enough,         // proves nothing; its number can still be looked up (OC-6)
};

// Why not, or until when.
enum class DocumentCause : std::uint8_t {
    valid,
    not_begun,      // before its issue, or before the coverage
    never_issued,   // such a paper was not issued on that day any more, or not for so long
    expired,        // what is printed on it, or what the scheme's cards ended on
    coverage_lost,  // the coverage had ended
    changed,        // a change by which it would have been issued anew
    abolished,      // the last day of any card of its kind has passed
    needs_card,     // is none alone
};

struct Document {
    DocumentKind kind = DocumentKind::insurance_card;
    InsurerNumber insurer;
    Date issued_on;
    std::optional<Date> printed_expiry;
    Date covered_from;                 // of the coverage it stands for
    Date covered_to = Date::open_end;  // last covered day
    std::optional<Date> changed_on;    // first day on which it would have to be issued anew
};

// The days that the law and its notices set; data with an interval, because they move (OC-5).
struct DocumentTerms {
    Date last_card_issue = Date::of(2024, 12, 1);          // OC-1
    Date last_card_day = Date::of(2025, 12, 1);            // OC-2
    Date last_municipal_card_day = Date::of(2025, 7, 31);  // OC-3, where no expiry is printed
    Date municipal_tolerance_from = Date::of(2025, 8, 1);  // OC-4
    Date tolerance_from = Date::of(2025, 12, 2);
    Date tolerance_to = Date::of(2026, 3, 31);
    int certificate_years_max = 5;                              // §1.10
    Date late_elderly_certificates_to = Date::of(2026, 7, 31);  // §1.11: everybody gets one until then
};

struct DocumentVerdict {
    DocumentUse use = DocumentUse::not_enough;
    DocumentCause cause = DocumentCause::valid;
    bool operator==(const DocumentVerdict&) const = default;
};

// Which document is good on which day. Says nothing of the person: whoever shows it may still be somebody else.
[[nodiscard]] DocumentVerdict check_document(const Document& document, Date day, const DocumentTerms& terms = {});

// ---- Who needs which paper (§1.10-1.12) -----------------------------------------------------------------------------

enum class Paper : std::uint8_t { none, certificate, notice };
enum class PaperReason : std::uint8_t {
    none,
    no_card,
    not_registered,  // a card, but never registered as an insurance card
    registration_cancelled,
    certificate_expired,   // the card's electronic certificate, beyond its grace
    protected_person,      // 自己情報提供不可 (§2.8)
    withheld,              // the record is not seen (§1.10)
    late_elderly_interim,  // §1.11
    support_needed,        // on application, then renewed by itself
    registered,            // the notice
};

struct MeansFacts {
    InsurerNumber insurer;
    bool has_card = false;
    bool registered = false;
    bool cancelled = false;
    Date card_usable_to;  // last day of the electronic certificate, its grace included
    bool self_information_blocked = false;
    bool record_withheld = false;
    bool support_needed = false;
    std::optional<Date> certificate_from;  // 資格確認書 that is in the post or in hand
    Date certificate_to;
};

struct PaperNeed {
    Paper paper = Paper::none;
    PaperReason reason = PaperReason::none;
    bool operator==(const PaperNeed&) const = default;
};

[[nodiscard]] bool card_is_usable(const MeansFacts& facts, Date day);
// What the insurer has to send so that the person can show something on that day.
[[nodiscard]] PaperNeed paper_needed(const MeansFacts& facts, Date day, const DocumentTerms& terms = {});
// QC-1: an insured person has at least one usable means on every day.
[[nodiscard]] bool has_usable_means(const MeansFacts& facts, Date day);

}  // namespace onshi::coverage
