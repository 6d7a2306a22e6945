#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/date.h"
#include "base/identifiers.h"
#include "domain/payments/model.h"

namespace onshi::payments {

// What a person holds beside a coverage: 限度額適用認定証, 特定疾病療養受療証, 医療費受給者証. domain-rules §1.5, §3.6,
// §4.6.

using CertificateKey = Key<struct CertificateKeyTag>;

// Whether it counts. A certificate that was cancelled was never issued (取消).
enum class CertificateState : std::uint8_t { active = 1, cancelled = 2 };

// 限度額適用認定証区分, codes of §1.5.
enum class LimitCertificateKind : std::uint8_t { limit = 1, limit_and_meals = 2, meals = 3 };

// 限度額適用認定証 of one insurer. The category is that of the coverage record.
struct LimitCertificate {
    CertificateKey key{0};
    CertificateState state = CertificateState::active;
    InsurerNumber insurer;
    LimitCertificateKind kind = LimitCertificateKind::limit;
    Date issued_on;
    DateRange valid;
    std::optional<Date> long_term_on{};  // 長期入院該当年月日
    bool operator==(const LimitCertificate&) const = default;
};

// 認定疾病区分, codes of §1.5.
enum class SpecificDisease : std::uint8_t { renal_failure = 1, coagulation_factor = 2, hiv_by_blood_product = 3 };

// 特定疾病療養受療証 (マル長) of one insurer.
struct SpecificDiseaseCertificate {
    CertificateKey key{0};
    CertificateState state = CertificateState::active;
    InsurerNumber insurer;
    SpecificDisease disease = SpecificDisease::renal_failure;
    Date issued_on;
    DateRange valid;
    Yen monthly_cap;  // 自己負担限度額 per month and provider
    bool operator==(const SpecificDiseaseCertificate&) const = default;
};

using onshi::MunicipalityCode;

// 医療費受給者証: a national programme of a prefecture (54, 52, 21 …) or a local subsidy (80-99), as its municipality
// registered it.
struct SubsidyCertificate {
    CertificateKey key{0};
    CertificateState state = CertificateState::active;
    PublicPayerNumber payer;
    std::string recipient;  // 受給者番号, seven digits; a wrong check digit is accepted (§1.6)
    std::string name;       // 受給者証名, as the kiosk offers it
    MunicipalityCode municipality;
    DateRange valid;
    std::optional<Yen> monthly_cap{};     // 自己負担上限額
    std::optional<IncomeClass> income{};  // 所得区分
    bool refund_only = false;             // 常に償還払い: the counter collects all, the municipality pays back
    bool operator==(const SubsidyCertificate&) const = default;
};

// Everything one person holds, cancelled ones too: the payments section of `person_now`.
struct Holdings {
    std::vector<LimitCertificate> limits;
    std::vector<SpecificDiseaseCertificate> diseases;
    std::vector<SubsidyCertificate> subsidies;

    [[nodiscard]] std::size_t size() const { return limits.size() + diseases.size() + subsidies.size(); }
    [[nodiscard]] bool empty() const { return size() == 0; }
    bool operator==(const Holdings&) const = default;
};
inline constexpr std::size_t certificates_per_person_max = 64;
inline constexpr std::size_t subsidy_name_bytes_max = 120;

// The compact form of one certificate each, of any kind, and of all of a person; nullopt for bytes of another form.
[[nodiscard]] std::string pack(const LimitCertificate& certificate);
[[nodiscard]] std::string pack(const SpecificDiseaseCertificate& certificate);
[[nodiscard]] std::string pack(const SubsidyCertificate& certificate);
[[nodiscard]] std::string pack_all(const Holdings& holdings);
[[nodiscard]] std::optional<Holdings> unpack_holdings(std::string_view bytes);
// Adds one certificate in its compact form. False for bytes of another form, or one too many.
[[nodiscard]] bool unpack_into(std::string_view bytes, Holdings& holdings);

}  // namespace onshi::payments
