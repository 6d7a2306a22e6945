#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/eligibility/model.h"

namespace onshi::eligibility {

// What a check by card knows besides the coverage records.
struct CardFacts {
    bool known = true;      // somebody is on file for the certificate
    bool deferred = false;  // the hub hears of the visit later: coverage only
    cards::Validity validity = cards::Validity::valid;
    Instant not_after;
    bool registered = false;  // usable as insurance card, or registered with this check
    bool registered_now = false;
    bool may_register = false;  // whether the answer may offer registration
    bool status_old = false;    // the CA's list is older than 24 hours
    std::optional<Date> status_day;
};

// Answers for care day `day` (domain-rules §2.4, column "by card"). An unregistered card discloses nothing.
[[nodiscard]] Verdict decide_by_card(const CardFacts& card, const std::vector<coverage::Coverage>& coverages, Date day);

// A record that carries the asked number.
struct AskedRecord {
    CoverageKey key{0};
    bool branch_matches = true;  // false: found only without the branch that was given
};

// One person found under the asked number, with all their records.
struct NumberCandidate {
    identity::Person person;
    std::vector<coverage::Coverage> coverages;
    std::vector<AskedRecord> asked;
    payments::Holdings holdings{};
};

struct NumberVerdict {
    Verdict verdict;
    std::optional<identity::Person> person;  // without an address, for anyone
};

// Answers for care day `day` (domain-rules §2.4, column "by number"; N-3, N-4). `candidates` have the asked birth date.
[[nodiscard]] NumberVerdict decide_by_number(const std::vector<NumberCandidate>& candidates, Date day);

// Answers for care day `day` to whoever told reading, birth date and sex while a disaster is open (§6.6): the coverage
// that counts, whichever it is, and medical data on the ground that was told. `candidates` agree with what was told.
[[nodiscard]] NumberVerdict decide_in_disaster(const std::vector<NumberCandidate>& candidates, Date day);

// What of the holdings counts for a verdict: certificates of the insurer that covers the day; subsidies by card only,
// of municipalities that are connected on it. Nothing where there is no valid coverage.
struct EntitlementTerms {
    Source source = Source::card;
    bool deferred = false;  // coverage only: no subsidies, and no diseases
    Date day;
    std::string_view address;  // of the person, for the municipality of residence
    // By number: staff recorded that the patient agrees to tell the limit.
    bool limit_consent = false;
};
[[nodiscard]] Entitlements entitlements_of(const Verdict& verdict, const payments::Holdings& holdings,
                                           const EntitlementTerms& terms, const payments::MunicipalTable& municipal);
// Takes the limit category out of what is told where it is kept back and no later consent can bring it: by number.
void keep_back_limit(Verdict& verdict, const Entitlements& entitlements, Source source);

// §4.1: the stored ratio stays the answer; one that the law does not know for the person's age on the day is noted.
// Only for the day of asking: what is on file is the present ratio, which says nothing of an earlier age.
void note_suspect_ratio(Verdict& verdict, Date birth, Date day);

// §3.11: a ratio or limit category that is missing where there should be one is noted, as far as it is told at all.
void note_blanks(Verdict& verdict, LimitShown shown);

// The lines whose SHA-256 the card signs; both sides build them from their own view (design §9.7).
struct SignedLines {
    std::string_view hub_id;
    std::string_view facility;
    std::string_view terminal;
    std::string_view challenge;
    std::string_view purpose;
    std::string_view method;
    std::string_view face_engine;  // beside the method `face` in its line; else empty
    Date care_day;
    std::string_view operator_reference;  // empty: none
    std::string_view check_id;
};
[[nodiscard]] std::string to_text(const SignedLines& lines);

// Whether a check by card may be for this day: today in Japan, or yesterday while a card signed before midnight may
// still be on its way.
[[nodiscard]] bool is_care_day_by_card(Date day, Instant now);
// A deferred check is for a day on which its terminal held the challenge: the visit was then, the hub hears of it
// later.
[[nodiscard]] bool is_care_day_deferred(Date day, Instant challenge_issued_at, Instant now);
// By number: five years back to one month ahead (design §9.3).
[[nodiscard]] bool is_care_day_by_number(Date day, Date today);

inline constexpr std::chrono::minutes midnight_tolerance{15};
inline constexpr int years_back_by_number = 5;
inline constexpr int months_ahead_by_number = 1;

}  // namespace onshi::eligibility
