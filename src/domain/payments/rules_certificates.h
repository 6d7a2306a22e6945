// What is told of certificates: the blocks of the file interface, and what a kiosk may offer. Pure, thread-safe.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "domain/payments/model_certificates.h"
#include "domain/payments/rules_ratio.h"

namespace onshi::payments {

// ---- Blocks of the file interface (oqs §2.4) -----------------------------------------------------------------------

// LimitApplicationCertificateRelatedInfo (block B). Absent days: the element is left out.
struct LimitBlock {
    LimitCertificateKind kind = LimitCertificateKind::limit;  // …Classification, written with two digits
    std::string category;                                     // …ClassificationFlag: A01 … B10
    std::optional<Date> issued_on;                            // …Date
    std::optional<Date> valid_from;                           // …ValidStartDate
    std::optional<Date> valid_to;                             // …ValidEndDate; absent: without end
    std::optional<Date> long_term_on;                         // …LongTermDate
    bool operator==(const LimitBlock&) const = default;
};

// What an answer knows of a limit. `shown`: consent or law allow it to be told.
struct LimitFacts {
    std::string_view category;  // of the coverage that counts; empty: none on file
    InsurerScheme scheme = InsurerScheme::national_health;
    const LimitCertificate* certificate = nullptr;  // nullptr: none on file for the day
    bool shown = true;
};
// The block, and why there is none: a blank category is told apart from one that does not exist and from one that is
// not shown (§3.11). Where no certificate is on file the kind follows from the category: 低所得 and オ have the lower
// price of meals too.
struct LimitDisclosure {
    Presence presence = Presence::blank;
    std::optional<LimitBlock> block;
};
[[nodiscard]] LimitDisclosure disclose_limit(const LimitFacts& facts);
[[nodiscard]] LimitCertificateKind kind_by_category(Category category);

// SpecificDiseasesCertificateInfo (block C).
struct SpecificDiseaseBlock {
    SpecificDisease disease = SpecificDisease::renal_failure;  // …DiseaseCategory
    Date issued_on;                                            // …CertificateDate
    Date valid_from;                                           // …ValidStartDate
    std::optional<Date> valid_to;                              // …ValidEndDate; absent: without end
    Yen self_pay;                                              // …SelfPay, yen a month
    bool operator==(const SpecificDiseaseBlock&) const = default;
};
// Those given, in their order.
[[nodiscard]] std::vector<SpecificDiseaseBlock> disease_blocks(std::span<const SpecificDiseaseCertificate> shown);

// ---- What counts on a day ------------------------------------------------------------------------------------------

// The certificate of this insurer that counts; the one issued last where several do. nullptr: none.
[[nodiscard]] const LimitCertificate* limit_on(const Holdings& holdings, InsurerNumber insurer, Date day);
// Those of this insurer that count, one of each disease (the one issued last), by disease.
[[nodiscard]] std::vector<SpecificDiseaseCertificate> diseases_on(const Holdings& holdings, InsurerNumber insurer,
                                                                  Date day);
// Those that count, in the order in which payers are asked (§1.6), then by number.
[[nodiscard]] std::vector<SubsidyCertificate> subsidies_on(const Holdings& holdings, const Tables& tables, Date day);

}  // namespace onshi::payments
