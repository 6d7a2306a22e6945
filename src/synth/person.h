#pragma once

#include <cstdint>
#include <optional>

#include <boost/container/static_vector.hpp>

#include "base/date.h"
#include "base/identifiers.h"
#include "synth/limits.h"
#include "synth/names.h"
#include "synth/organisations.h"

namespace onshi::synth {

// ---- Address --------------------------------------------------------------------------------------------------------

struct SyntheticAddress {
    std::uint16_t municipality = 0;  // index
    std::uint8_t town = 0;           // index of town_names()
    std::uint8_t chome = 0;          // 丁目, 0: none
    std::uint8_t block = 1;          // 番
    std::uint8_t house = 1;          // 号
    std::uint8_t building = 0;       // 1 + index of building_names(), 0: none
    std::uint16_t room = 0;
    bool operator==(const SyntheticAddress&) const = default;
};

// ---- Coverage -------------------------------------------------------------------------------------------------------
// Enumerators of coded values carry the code of domain-rules §1.5.

enum class Relation : std::uint8_t { none = 0, insured = 1, family = 2 };  // none: late-elderly have no 本人・家族
enum class LossReason : std::uint8_t { none = 0, death = 1, welfare = 2, other_insurance = 3, other = 99 };
enum class CertificateKind : std::uint8_t {
    general = 1,
    short_term = 3,
    special_benefit = 5,  // 特別療養費: arrears, pays 100 % first
    special_retired = 6,
    self_defence = 7
};
// A01 … A06, B01 … B10.
enum class LimitCategory : std::uint8_t {
    a01 = 1,
    a02,
    a03,
    a04,
    a05,
    a06,
    b01 = 11,
    b02,
    b03,
    b04,
    b05,
    b06,
    b07,
    b08,
    b09,
    b10
};
enum class CoverageState : std::uint8_t { active, withheld, cancelled };  // 登録保留, 取消 (never existed)
enum class SpecificDisease : std::uint8_t { none = 0, renal_failure = 1, haemophilia = 2, hiv = 3 };

// The five data an insurer sends are compared with the resident register (domain-rules §2.5). What it sent, where that
// is not what the register holds.
enum class SentName : std::uint8_t {
    as_registered,
    folded,        // 高橋 for 髙橋: agrees after folding
    geta,          // 〓 or ● for a character the insurer's system lacks
    other_family,  // a maiden name, a typing error: differs
};
enum class SentKana : std::uint8_t { as_registered, large_kana, missing, other_family };
enum class SentAddress : std::uint8_t { as_registered, missing, old_address };

// Bits of Fault::fields.
inline constexpr std::uint8_t field_name = 1;
inline constexpr std::uint8_t field_kana = 2;
inline constexpr std::uint8_t field_birth_date = 4;
inline constexpr std::uint8_t field_sex = 8;
inline constexpr std::uint8_t field_address = 16;

// 記号・番号・枝番 as typed parts; text.h writes the issued form.
struct InsuredIdentity {
    SymbolStyle symbol_style = SymbolStyle::none;
    std::uint8_t symbol_digits = 0;
    std::uint8_t number_digits = 0;
    std::uint32_t symbol = 0;
    std::uint32_t number = 0;
    std::optional<BranchNumber> branch;
    bool operator==(const InsuredIdentity&) const = default;
};

// One record as the insurer reports it in the end. `known_on` and `loss_known_on` say when: before `known_on` nobody
// knew of it, from then on it looked open-ended, from `loss_known_on` on it ends. Days after the nation's `as_of` lie
// in the future: a loader leaves out what is not known yet, or plays it back day by day.
struct SyntheticCoverage {
    std::uint16_t insurer = 0;  // index
    InsuredIdentity identity;
    Relation relation = Relation::none;
    CoverageState state = CoverageState::active;
    CertificateKind certificate = CertificateKind::general;
    LossReason loss_reason = LossReason::none;
    DateRange valid;  // valid.first is the day of acquisition
    Date known_on;
    Date loss_known_on = Date::open_end;
    Date cancelled_on = Date::open_end;  // for CoverageState::cancelled
    Date insurer_file_on;                // the newest file that touched it, not after as_of unless nothing is known
    std::uint8_t copay_percent = 30;     // on as_of, or on the last covered day
    LimitCategory limit = LimitCategory::a04;
    bool preschool = false;
    SentName sent_name = SentName::as_registered;
    SentKana sent_kana = SentKana::as_registered;
    SentAddress sent_address = SentAddress::as_registered;
    Sex sent_sex = Sex::unset;  // unset: as registered
    Date sent_birth_date;       // Date(): as registered
    // Whose individual number the insurer wrote on it; another person's when the link is wrong (domain-rules §2.6).
    std::uint64_t number_owner = 0;

    [[nodiscard]] bool is_known(Date on) const { return known_on <= on; }
};

// ---- Card -----------------------------------------------------------------------------------------------------------

enum class CertificateStatus : std::uint8_t { good, suspended, revoked };
enum class RevocationReason : std::uint8_t { none, superseded, cessation_of_operation };
enum class UseRegistration : std::uint8_t { none, registered, cancelled };
enum class RegistrationChannel : std::uint8_t { reader, portal, atm, counter };

// Which of the three CA keys signed it, and the serial number there. Serials grow with the index within a generation;
// the same serial may occur under two generations, as in real life.
struct SyntheticCertificate {
    std::uint8_t ca_generation = 1;  // 1..3
    std::uint32_t serial = 0;
    Date issued_on;
    Date not_after;  // last valid day in Japan: the 5th birthday after issue (domain-rules §6.9)
    bool operator==(const SyntheticCertificate&) const = default;
};

struct SyntheticCard {
    SyntheticCertificate certificate;
    std::optional<SyntheticCertificate> previous;  // replaced by `certificate` at the last renewal
    Date card_expires_on;                          // 10th birthday after issue, 5th for those under 18
    CertificateStatus status = CertificateStatus::good;
    RevocationReason revocation = RevocationReason::none;
    Date status_since;  // of suspended and revoked
    UseRegistration use = UseRegistration::none;
    RegistrationChannel channel = RegistrationChannel::reader;
    Date registered_on;
    Date cancelled_on = Date::open_end;
    std::uint8_t key = 0;   // 0 .. key_pool_size-1
    bool pin_less = false;  // 顔認証カード
    bool pin_locked = false;

    // Usable as an insurance card on that day, inside the grace period too.
    [[nodiscard]] bool is_usable(Date on) const;
};

// 資格確認書 (domain-rules §1.10).
struct PaperCertificate {
    Date issued_on;
    Date valid_to;
};

// ---- Truth ----------------------------------------------------------------------------------------------------------

enum class FaultKind : std::uint8_t {
    wrong_link,                // record; other: whose number it carries; fields: what gave it away, 0 if nobody noticed
    withheld,                  // record, fields: what differs from the register
    overlap,                   // record: goes on although it ended on `day`
    loss_unreported,           // record: nobody told the insurer that it ended on `day`
    late_acquisition,          // record, days: known later than the 10 days of AC-2 (国保: 17, AC-3)
    retroactive_acquisition,   // record, days: more than 30 days
    late_loss,                 // record, days: loss known more than 10 days after the last covered day
    retroactive_loss,          // record, days: more than 30 days
    not_yet_registered,        // record: covers as_of, and the registry does not know it
    loss_not_yet_registered,   // record: ended before as_of, and the registry does not know it
    never_registered,          // day: since when the person is in no registry at all
    future_record,             // record: known, begins after as_of
    cancelled_record,          // record: never existed
    ratio_wrong,               // record, days: the right percentage
    certificate_renewed,       // day: since when the present certificate counts
    certificate_in_grace,      // day: last day of the grace period
    certificate_beyond_grace,  // day: last day of the grace period
    certificate_suspended,     // day
    certificate_revoked,       // day
    same_birth_siblings,       // other: the sibling born on the same day
    protection_flagged,        // other: the unflagged twin
    protection_plain_twin,     // other: the flagged person
    protection_unregistered_twin,  // other: the flagged person
};

inline constexpr std::uint8_t no_record = 255;

// One planted fault, or a planted pair that a test wants to find.
struct Fault {
    FaultKind kind;
    std::uint8_t record = no_record;  // index into SyntheticPerson::coverages
    std::uint8_t fields = 0;
    std::int32_t days = 0;
    Date day;
    std::uint64_t other = 0;
    bool operator==(const Fault&) const = default;
};

// ---- Person ---------------------------------------------------------------------------------------------------------

enum class Role : std::uint8_t { head, spouse, child, elder };

// Where a person stands in the test of undisclosed persons (design §9.10). The three are equal but for identifiers,
// flags and use registration: by number `flagged` must answer like `plain_twin`, by card like `unregistered_twin`.
enum class ProtectionRole : std::uint8_t { none, flagged, plain_twin, unregistered_twin };

// A value; views point into tables of the program, so it may outlive the nation. No heap memory.
struct SyntheticPerson {
    std::uint64_t index = 0;
    std::uint64_t household_head = 0;
    Role role = Role::head;
    PersonName name;
    PersonName head_name;                    // 被保険者氏名 on records with Relation::family
    std::optional<PersonName> alias;         // 通称 of foreign residents
    std::optional<Nationality> nationality;  // nullopt: Japanese
    std::string_view other_family;           // what records with SentName::other_family carry
    std::string_view other_family_kana;
    Sex sex = Sex::unset;
    Sex printed_sex = Sex::unset;  // 券面表; unset for some who asked for it
    Date birth_date;
    Date deceased_on = Date::open_end;
    SyntheticAddress address;
    SyntheticAddress old_address;  // what records with SentAddress::old_address carry
    SpecificDisease specific_disease = SpecificDisease::none;
    bool self_information_blocked = false;  // 自己情報提供不可
    bool exchange_history_hidden = false;   // 不開示該当
    ProtectionRole protection = ProtectionRole::none;
    boost::container::static_vector<SyntheticCoverage, coverage_records_max>
        coverages;  // by acquisition, a cancelled one last
    std::optional<SyntheticCard> card;
    std::optional<PaperCertificate> paper_certificate;
    boost::container::static_vector<Fault, faults_max> faults;  // the truth about this person

    [[nodiscard]] bool is_deceased() const { return deceased_on != Date::open_end; }
};

}  // namespace onshi::synth
