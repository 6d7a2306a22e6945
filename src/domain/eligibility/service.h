#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/audit/intents.h"
#include "domain/cards/authorities.h"
#include "domain/cards/ocsp.h"
#include "domain/cards/seen_cards.h"
#include "domain/cards/store.h"
#include "domain/consent/model.h"
#include "domain/eligibility/challenges.h"
#include "domain/eligibility/model.h"
#include "domain/eligibility/rules.h"
#include "domain/organisations/directory.h"
#include "platform/pki/public_key.h"
#include "platform/sql/database.h"

namespace onshi::eligibility {

// Bytes of an engine's name.
inline constexpr std::size_t face_engine_max = 32;

enum class Registration : std::uint8_t { not_asked, agreed, declined };

// A check by card as a terminal sends it, already parsed. The views live as long as the call.
struct CardCheck {
    CheckId id;
    std::string_view challenge;
    Purpose purpose = Purpose::check;
    organisations::Method method = organisations::Method::pin;
    Date care_day;
    std::string_view operator_reference;  // needed by a visual check; else empty or a known account
    std::string_view visual_reason;       // visual only
    std::string_view face_engine;         // face only: who compared
    std::string_view authority_key_id;    // raw bytes
    CertificateSerial serial;
    pki::SignatureAlgorithm algorithm = pki::SignatureAlgorithm::rsa_pkcs1_sha256;
    std::string_view signature;    // raw bytes
    std::string_view certificate;  // DER; empty unless the hub asked for it
    Registration registration = Registration::not_asked;
};

struct NumberCheck {
    CheckId id;
    Date care_day;
    InsurerNumber insurer;
    InsuredSymbolNumber insured;
    std::optional<BranchNumber> branch;
    Date birth;
    // Staff recorded that the patient agrees to tell the limit category; stored as a consent with the answer.
    bool limit_consent = false;
};

// Why somebody is looked up without their card while a disaster is open (domain-rules §6.6).
enum class DisasterGround : std::uint8_t {
    agreed = 1,      // the patient said yes
    impossible = 2,  // unconscious, and life or body at risk
};
[[nodiscard]] std::string_view to_string(DisasterGround ground);
[[nodiscard]] std::optional<DisasterGround> parse_disaster_ground(std::string_view name);

// Who is there, as they or others tell it. Views live as long as the call.
struct DisasterCheck {
    CheckId id;
    std::string_view kana;  // or the name, of who has no reading on file
    Date birth;
    Sex sex = Sex::unset;
    std::string_view address;  // how it begins; empty: not told
    DisasterGround ground = DisasterGround::agreed;
    std::string_view operator_reference;
};

// An answer with its place in the audit chain.
struct GivenAnswer {
    Answer answer;
    sql::CommitPosition position;
    bool repeated = false;
};

struct CapsuleAnswer {
    GivenAnswer given;
    Sha256 card;       // of the card's SubjectPublicKeyInfo
    Sha256 card_name;  // what a revocation names it by, see capsule_card_name
};

struct ConsentsRecorded {
    std::vector<consent::Consent> consents;
    // What the patient has agreed to see told, and the answer kept back.
    std::vector<payments::SpecificDiseaseCertificate> diseases;
    std::optional<coverage::Coverage> limit_of;
    std::optional<payments::LimitCertificate> limit;
    sql::CommitPosition position;
    bool repeated = false;
};

// What capsules and their revocations name a certificate by; says nothing to whoever does not hold it.
[[nodiscard]] Sha256 capsule_card_name(const CardKey& card);

// How the use of a card as insurance card stands after what was wanted.
struct UseChange {
    cards::UseState state = cards::UseState::none;
    bool changed = false;
    sql::CommitPosition position;  // sequence 0: nothing was written
};

// The newest moment at which each CA's list of revoked certificates was taken over; at most directory_age_max old.
class StatusSources {
  public:
    [[nodiscard]] std::optional<Instant> as_of(std::int32_t ca_id) const;
    // At most card_status_fresh_for old.
    [[nodiscard]] bool is_fresh(std::int32_t ca_id, Instant now) const;
    // Whether an answer may rest on it: fresh, and nobody has declared that the status of cards is away.
    [[nodiscard]] bool may_rely(std::int32_t ca_id, Instant now) const { return !is_away() && is_fresh(ca_id, now); }
    [[nodiscard]] bool is_away() const { return away_.load(std::memory_order_relaxed); }
    void declare_away(bool away) { away_.store(away, std::memory_order_relaxed); }
    void replace(std::vector<cards::StatusSource> sources);

  private:
    std::shared_ptr<const std::vector<cards::StatusSource>> sources_ =
        std::make_shared<const std::vector<cards::StatusSource>>();
    std::atomic<bool> away_ = false;
};

// Look-ups by number that found nothing, per facility and hour: by number is an oracle (design §9.10). Who finds many
// has their numbers from documents, so every `finds_per_extra_miss` finds of the hour allow one miss more: a clinic's
// list of five thousand patients has some who have moved on. Counted in memory by each hub. Thread-safe, bounded.
class MissBudget {
  public:
    explicit MissBudget(int misses_per_hour) : misses_per_hour_(misses_per_hour) {}
    [[nodiscard]] bool is_spent(OrganisationKey facility, Instant now);
    void count(OrganisationKey facility, Instant now);
    // A look-up that found somebody.
    void count_find(OrganisationKey facility, Instant now);
    // Takes back one count of the same moment: nothing was disclosed.
    void give_back(OrganisationKey facility, Instant now);

  private:
    struct Hour {
        std::int64_t hour = 0;
        int misses = 0;
        int finds = 0;
    };
    // The facility's present hour; nullptr when there is no room for another facility. With the lock held.
    [[nodiscard]] Hour* hour_of_facility(OrganisationKey facility, Instant now);
    int misses_per_hour_;
    std::mutex mutex_;
    std::unordered_map<OrganisationKey, Hour> facilities_;
};

inline constexpr int misses_per_hour_default = 60;
inline constexpr int finds_per_extra_miss = 10;
inline constexpr std::size_t miss_facilities_max = 65'536;
// A check that lost a race (two first registrations, two visual uses) decides anew this often.
inline constexpr int check_attempts_max = 16;

struct CheckSettings {
    std::string hub_id;
    int misses_per_hour = misses_per_hour_default;
    // A face counts only when one of these engines compared it (design §9.8).
    std::vector<std::string> face_engines;
};

// Everything a check needs from the hub. References outlive the service.
struct CheckParts {
    sql::Database& database;
    const Clock& clock;
    Random& random;
    const cards::Authorities& authorities;
    const pki::HmacKey& row_key;
    const Challenges& challenges;
    const StatusSources& status_sources;
    cards::SeenCards& seen_cards;
    const cards::OcspResponder* ocsp = nullptr;           // nullptr: none is configured
    const payments::MunicipalTable* municipal = nullptr;  // nullptr: no municipality is connected
};

// The use cases of a check. Each loads, decides, commits; no answer leaves before its audit record is durable, and none
// leaves if that fails. Thread-safe: every event loop calls it.
class CheckService {
  public:
    CheckService(const CheckParts& parts, CheckSettings settings)
        : parts_(parts), settings_(std::move(settings)), misses_(settings_.misses_per_hour) {}

    // Errors beside those of the database: role.missing, method.not_allowed, check.care_day, challenge.*,
    // certificate.*, signature.*, card.authority_unknown, card.suspended, card.revoked, card.renewed, card.expired,
    // card.not_issued, account.*.
    [[nodiscard]] Task<Result<GivenAnswer>> check_by_card(const organisations::Terminal& terminal,
                                                          const CardCheck& check, Deadline deadline);
    // The same answer for the holder, who wants to carry it as a signed token and has had the card sign for that
    // (`check.purpose` capsule); through whatever channel. With what the token names the card by. Errors of
    // check_by_card.
    [[nodiscard]] Task<Result<CapsuleAnswer>> answer_for_capsule(const organisations::Terminal& terminal,
                                                                 const CardCheck& check, Deadline deadline);
    // role.missing, check.care_day, check.misses.
    [[nodiscard]] Task<Result<GivenAnswer>> check_by_number(const organisations::Terminal& terminal,
                                                            const NumberCheck& check, Deadline deadline);
    // By reading, birth date and sex, for today, while a disaster is open where the facility is; the answer is recorded
    // as such and has no address. role.missing, account.*, disaster.not_open, check.misses.
    [[nodiscard]] Task<Result<GivenAnswer>> check_in_disaster(const organisations::Terminal& terminal,
                                                              const DisasterCheck& check, Deadline deadline);
    // What the card's holder wants of its use as insurance card, signed by the card as `check.purpose` says; by a
    // kiosk, the portal, a bank's machine or a municipality's desk. The same again changes nothing. Errors of
    // check_by_card, card.unknown, use.not_registered.
    [[nodiscard]] Task<Result<UseChange>> change_use(const organisations::Terminal& terminal, const CardCheck& check,
                                                     Deadline deadline);
    // Stores the patient's choices after an answer by card: same terminal, once, within ten minutes.
    // check.receipt, consent.window, consent.given, consent.not_available.
    [[nodiscard]] Task<Result<ConsentsRecorded>> record_consents(const organisations::Terminal& terminal,
                                                                 audit::Place answer,
                                                                 const std::vector<consent::ItemChoice>& choices,
                                                                 Deadline deadline);

    // How often a number led to a person of whom nothing is held: a look-up that left somebody out. Thread-safe.
    [[nodiscard]] std::uint64_t lost_holders() const { return lost_holders_.load(std::memory_order_relaxed); }

  private:
    struct Attempt;
    struct Holder;
    [[nodiscard]] Result<Attempt> open_attempt(const organisations::Terminal& terminal, const CardCheck& check) const;
    [[nodiscard]] Task<Result<void>> load_card(Attempt& attempt, const CardCheck& check, Deadline deadline);
    [[nodiscard]] Result<void> find_key(Attempt& attempt, const CardCheck& check) const;
    [[nodiscard]] Task<Result<void>> find_renewed(Attempt& attempt, Deadline deadline);
    void keep_key(const Attempt& attempt) const;
    [[nodiscard]] Result<void> check_signature(const Attempt& attempt, const CardCheck& check) const;
    [[nodiscard]] Task<Result<void>> prove_card(Attempt& attempt, const CardCheck& check, Deadline deadline);
    [[nodiscard]] Task<Result<UseChange>> change_use_once(Attempt& attempt, const CardCheck& check, Deadline deadline);
    [[nodiscard]] Task<Result<void>> check_status(Attempt& attempt, Deadline deadline) const;
    [[nodiscard]] Task<Result<std::optional<PersonKey>>> find_current(PersonKey merged, Deadline deadline);
    [[nodiscard]] static sql::WriteSet write_set_of(const Attempt& attempt, const CardCheck& check);
    [[nodiscard]] Task<Result<GivenAnswer>> answer_card(Attempt& attempt, const CardCheck& check, Deadline deadline);
    [[nodiscard]] Task<Result<Answer>> decide(Attempt& attempt, const CardCheck& check, Deadline deadline);
    [[nodiscard]] Task<Result<GivenAnswer>> commit_answer(sql::WriteSet set, Answer answer,
                                                          const organisations::Terminal& terminal,
                                                          std::string_view actor, Deadline deadline);
    [[nodiscard]] Task<Result<std::optional<GivenAnswer>>> repeat(const std::optional<audit::Place>& used,
                                                                  const CheckId& id, const Sha256& digest,
                                                                  Deadline deadline);
    [[nodiscard]] Task<Result<void>> admit_in_disaster(const organisations::Terminal& terminal,
                                                       std::string_view operator_reference, Deadline deadline);
    [[nodiscard]] Task<Result<std::vector<NumberCandidate>>> find_by_reading(const DisasterCheck& check,
                                                                             Deadline deadline,
                                                                             std::int64_t& known_seq);
    [[nodiscard]] Task<Result<std::optional<GivenAnswer>>> repeat_by_id(const organisations::Terminal& terminal,
                                                                        const CheckId& id, const Sha256& digest,
                                                                        Deadline deadline);
    [[nodiscard]] Task<Result<std::optional<GivenAnswer>>> repeat_by_number(const organisations::Terminal& terminal,
                                                                            const NumberCheck& check,
                                                                            Deadline deadline);
    [[nodiscard]] Task<Result<std::vector<Holder>>> find_holders(const NumberCheck& check, Deadline deadline);
    [[nodiscard]] Task<Result<void>> follow_merges(std::vector<Holder>& holders, Deadline deadline);
    [[nodiscard]] Task<Result<std::vector<NumberCandidate>>> find_candidates(const NumberCheck& check,
                                                                             Deadline deadline,
                                                                             std::int64_t& known_seq);

    [[nodiscard]] const payments::MunicipalTable& municipal() const;

    CheckParts parts_;
    CheckSettings settings_;
    MissBudget misses_;
    std::atomic<std::uint64_t> lost_holders_ = 0;
};

}  // namespace onshi::eligibility
