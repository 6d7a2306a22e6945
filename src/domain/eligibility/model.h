#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/date.h"
#include "base/identifiers.h"
#include "base/outcome_codes.gen.h"
#include "base/sha256.h"
#include "base/texts.h"
#include "base/time.h"
#include "domain/cards/model.h"
#include "domain/coverage/model.h"
#include "domain/identity/model.h"
#include "domain/organisations/model.h"
#include "domain/payments/rules_municipalities.h"

namespace onshi::eligibility {

// 資格有効性, codes of domain-rules §1.5.
enum class ResultCode : std::uint8_t {
    valid = 1,          // 有効
    invalid = 2,        // 無効
    invalid_newer = 3,  // 無効（新しい資格あり）
    none = 4,           // 該当資格なし
    several = 5,        // 複数該当
};
[[nodiscard]] std::string_view to_string(ResultCode code);

// 照会区分. The third: by name, birth date and sex while a disaster is open (domain-rules §6.6).
enum class Source : std::uint8_t { card = 1, number = 2, disaster = 3 };

// What a card is asked to sign for.
enum class Purpose : std::uint8_t {
    check = 1,
    deferred = 2,  // held by a terminal for signing while the hub is away; coverage only
    // What a card's holder wants of its use as insurance card (domain-rules §8.1-8.3); no check.
    register_use = 3,
    cancel_use = 4,
    cancel_use_now = 5,  // without waiting for the certificate on paper
    ask_use = 6,         // changes nothing
    capsule = 7,         // its holder wants the answer as a signed token (design §9.11)
};
[[nodiscard]] constexpr bool is_check(Purpose purpose) {
    return purpose == Purpose::check || purpose == Purpose::deferred;
}
[[nodiscard]] std::string_view to_string(Purpose purpose);
[[nodiscard]] std::optional<Purpose> parse_purpose(std::string_view name);

// Something else worth knowing; `day` is the one parameter that some codes have.
struct Note {
    OutcomeCode code;
    std::optional<Date> day;
    bool operator==(const Note&) const = default;
};

struct NextStep {
    Audience audience;
    OutcomeCode code;
    bool operator==(const NextStep&) const = default;
};

// Why medical data cannot be offered for consent, whatever the patient says.
enum class MedicalData : std::uint8_t {
    available = 0,
    not_eligible = 1,       // no valid coverage
    certificate_grace = 2,  // §6.9
    card_status_old = 3,    // design §9.7
    scheme_without = 4,     // §5.6: 自衛官, 日雇特例
    by_number = 5,          // a look-up without the card
    deferred = 6,           // design §9.7: signed while the hub was away
    link_unconfirmed = 7,   // §2.5: an insurer has yet to confirm whose the record is
};
[[nodiscard]] std::string_view to_string(MedicalData reason);

// What is decided from facts alone.
struct Verdict {
    ResultCode result = ResultCode::none;
    std::optional<OutcomeCode> cause;
    std::optional<coverage::Coverage> coverage;  // the one that counts, or the last one that ended
    std::vector<coverage::Coverage> overlaps;
    std::vector<Note> notes;
    std::vector<NextStep> next;
    MedicalData medical = MedicalData::not_eligible;
};

// Whether the limit category is told with the answer (domain-rules §3.11). Kept back, it is in the record only where
// the patient may still agree to it.
enum class LimitShown : std::uint8_t { shown = 0, kept_back = 1 };

// What of a person's certificates counts on the care day, as the answer rests on it. Diseases are told after their
// consent only, subsidies in full after they were chosen.
struct Entitlements {
    LimitShown limit_shown = LimitShown::shown;
    std::optional<payments::LimitCertificate> limit;
    std::vector<payments::SpecificDiseaseCertificate> diseases;
    payments::SubsidyKnowledge knowledge = payments::SubsidyKnowledge::not_asked;
    std::vector<payments::SubsidyCertificate> subsidies;  // offered, in the order of their numbers from 1
    bool operator==(const Entitlements&) const = default;
};

// A complete answer, as it is given, stored in its audit record and given again when the same check is repeated.
struct Answer {
    Source source = Source::card;
    std::optional<CheckId> check_id;
    Sha256 request_digest{};                                    // of the signed lines, or of the look-up's terms
    organisations::Method method = organisations::Method::pin;  // card only
    // Why by eye, which engine compared the face, or why without the card in a disaster.
    std::string circumstance;
    Date care_day;
    Instant answered_at;
    std::int64_t known_seq = 0;  // the newest registry commit that this answer rests on
    std::optional<Instant> card_status_as_of;
    std::optional<identity::Person> person;
    Verdict verdict;
    Entitlements entitlements;
};

// The compact form in the audit record. nullopt for bytes of another form.
[[nodiscard]] std::string pack(const Answer& answer);
[[nodiscard]] std::optional<Answer> unpack(std::string_view bytes);

}  // namespace onshi::eligibility
