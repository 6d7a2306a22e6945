#pragma once

// Inside this folder only: which element holds which field, in the documented order (oqs §2.2–2.10). One list serves
// reading and writing.

#include <array>
#include <string>
#include <string_view>

#include "exchange/oqs/messages.h"

namespace onshi::oqs::tables {

template <class T>
struct Row {
    std::string_view element;
    std::string T::* field;
};

inline constexpr std::array search_terms{
    Row<SearchTerms>{"InsurerNumber", &SearchTerms::insurer_number},
    Row<SearchTerms>{"InsuredCardSymbol", &SearchTerms::symbol},
    Row<SearchTerms>{"InsuredIdentificationNumber", &SearchTerms::number},
    Row<SearchTerms>{"InsuredBranchNumber", &SearchTerms::branch},
    Row<SearchTerms>{"Birthdate", &SearchTerms::birth_date},
    Row<SearchTerms>{"LimitApplicationCertificateRelatedConsFlg", &SearchTerms::limit_consent},
    Row<SearchTerms>{"ArbitraryIdentifier", &SearchTerms::arbitrary_identifier},
    Row<SearchTerms>{"MedicalTreatmentMonth", &SearchTerms::treatment_month},
    Row<SearchTerms>{"ConsentDateFrom", &SearchTerms::consent_from},
    Row<SearchTerms>{"ConsentDateTo", &SearchTerms::consent_to},
    Row<SearchTerms>{"ExaminationDateFrom", &SearchTerms::examination_from},
    Row<SearchTerms>{"ExaminationDateTo", &SearchTerms::examination_to},
    Row<SearchTerms>{"MedicalTreatmentFlag", &SearchTerms::treatment_flag},
};

inline constexpr std::array reference_terms{
    Row<ReferenceTerms>{"ReferenceNumber", &ReferenceTerms::reference_number},
    Row<ReferenceTerms>{"InsurerNumber", &ReferenceTerms::insurer_number},
    Row<ReferenceTerms>{"InsuredCardSymbol", &ReferenceTerms::symbol},
    Row<ReferenceTerms>{"InsuredIdentificationNumber", &ReferenceTerms::number},
    Row<ReferenceTerms>{"InsuredBranchNumber", &ReferenceTerms::branch},
};

inline constexpr std::array elderly_certificate{
    Row<ElderlyCertificate>{"ElderlyRecipientCertificateDate", &ElderlyCertificate::issued_on},
    Row<ElderlyCertificate>{"ElderlyRecipientValidStartDate", &ElderlyCertificate::valid_from},
    Row<ElderlyCertificate>{"ElderlyRecipientValidEndDate", &ElderlyCertificate::valid_to},
    Row<ElderlyCertificate>{"ElderlyRecipientContributionRatio", &ElderlyCertificate::ratio},
};

inline constexpr std::array limit_certificate{
    Row<LimitCertificate>{"LimitApplicationCertificateClassification", &LimitCertificate::kind},
    Row<LimitCertificate>{"LimitApplicationCertificateClassificationFlag", &LimitCertificate::category},
    Row<LimitCertificate>{"LimitApplicationCertificateDate", &LimitCertificate::issued_on},
    Row<LimitCertificate>{"LimitApplicationCertificateValidStartDate", &LimitCertificate::valid_from},
    Row<LimitCertificate>{"LimitApplicationCertificateValidEndDate", &LimitCertificate::valid_to},
    Row<LimitCertificate>{"LimitApplicationCertificateLongTermDate", &LimitCertificate::long_term_from},
};

inline constexpr std::array disease_certificate{
    Row<DiseaseCertificate>{"SpecificDiseasesDiseaseCategory", &DiseaseCertificate::category},
    Row<DiseaseCertificate>{"SpecificDiseasesCertificateDate", &DiseaseCertificate::issued_on},
    Row<DiseaseCertificate>{"SpecificDiseasesValidStartDate", &DiseaseCertificate::valid_from},
    Row<DiseaseCertificate>{"SpecificDiseasesValidEndDate", &DiseaseCertificate::valid_to},
    Row<DiseaseCertificate>{"SpecificDiseasesSelfPay", &DiseaseCertificate::self_pay},
};

inline constexpr std::array medical_ticket{
    Row<MedicalTicket>{"TicketType", &MedicalTicket::type},
    Row<MedicalTicket>{"MedicalTicketValidDate", &MedicalTicket::valid_from},
    Row<MedicalTicket>{"MedicalTicketExpirationDate", &MedicalTicket::valid_to},
    Row<MedicalTicket>{"IssueNumber", &MedicalTicket::issue_number},
    Row<MedicalTicket>{"MedicalTreatmentMonth", &MedicalTicket::treatment_month},
    Row<MedicalTicket>{"DesignatedMedicalInstitutionCode", &MedicalTicket::institution_code},
    Row<MedicalTicket>{"DesignatedMedicalInstitutionFlag", &MedicalTicket::institution_flag},
    Row<MedicalTicket>{"DesignatedMedicalInstitutionName", &MedicalTicket::institution_name},
    Row<MedicalTicket>{"PrescriptionIssuerMedicalInstitutionCode", &MedicalTicket::issuer_code},
    Row<MedicalTicket>{"PrescriptionIssuerMedicalInstitutionName", &MedicalTicket::issuer_name},
    Row<MedicalTicket>{"InjuryName1", &MedicalTicket::injury_1},
    Row<MedicalTicket>{"InjuryName2", &MedicalTicket::injury_2},
    Row<MedicalTicket>{"InjuryName3", &MedicalTicket::injury_3},
    Row<MedicalTicket>{"MedicalTreatmentType", &MedicalTicket::treatment_type},
    Row<MedicalTicket>{"SelfPayAmount", &MedicalTicket::self_pay},
    Row<MedicalTicket>{"DistrictContactName", &MedicalTicket::district_contact},
    Row<MedicalTicket>{"HandlingContactName", &MedicalTicket::handling_contact},
    Row<MedicalTicket>{"SingleOrCombinedUse", &MedicalTicket::single_or_combined},
    Row<MedicalTicket>{"StatusOfSocialInsurance", &MedicalTicket::social_insurance},
    Row<MedicalTicket>{"ConsistencyFlag", &MedicalTicket::consistency},
    Row<MedicalTicket>{"StatusOfInfecton", &MedicalTicket::infection},  // sic
    Row<MedicalTicket>{"StatusOfElderlyMedicalCare", &MedicalTicket::elderly_care},
    Row<MedicalTicket>{"StatusOfPrefecturalExpenses", &MedicalTicket::prefectural_expenses},
    Row<MedicalTicket>{"Remarks1", &MedicalTicket::remarks_1},
    Row<MedicalTicket>{"Remarks2", &MedicalTicket::remarks_2},
    Row<MedicalTicket>{"Remarks3", &MedicalTicket::remarks_3},
};

// The leaves of a person's record before its blocks.
inline constexpr std::array person_leaves{
    Row<PersonRecord>{"InsuredCardClassification", &PersonRecord::card_classification},
    Row<PersonRecord>{"InsurerNumber", &PersonRecord::insurer_number},
    Row<PersonRecord>{"InsuredCardSymbol", &PersonRecord::symbol},
    Row<PersonRecord>{"InsuredIdentificationNumber", &PersonRecord::number},
    Row<PersonRecord>{"InsuredBranchNumber", &PersonRecord::branch},
    Row<PersonRecord>{"PersonalFamilyClassification", &PersonRecord::relation},
    Row<PersonRecord>{"InsuredName", &PersonRecord::insured_name},
    Row<PersonRecord>{"Name", &PersonRecord::name},
    Row<PersonRecord>{"NameOfOther", &PersonRecord::other_name},
    Row<PersonRecord>{"NameKana", &PersonRecord::kana},
    Row<PersonRecord>{"NameOfOtherKana", &PersonRecord::other_kana},
    Row<PersonRecord>{"Sex1", &PersonRecord::sex_1},
    Row<PersonRecord>{"Sex2", &PersonRecord::sex_2},
    Row<PersonRecord>{"Birthdate", &PersonRecord::birth_date},
    Row<PersonRecord>{"Address", &PersonRecord::address},
    Row<PersonRecord>{"PostNumber", &PersonRecord::post_number},
    Row<PersonRecord>{"QualificationDate", &PersonRecord::acquired_on},
    Row<PersonRecord>{"DisqualificationDate", &PersonRecord::lost_on},
    Row<PersonRecord>{"InsuredCertificateIssuanceDate", &PersonRecord::issued_on},
    Row<PersonRecord>{"InsuredCardValidDate", &PersonRecord::valid_from},
    Row<PersonRecord>{"InsuredCardExpirationDate", &PersonRecord::valid_to},
    Row<PersonRecord>{"InsuredPartialContributionRatio", &PersonRecord::copay_ratio},
    Row<PersonRecord>{"PreschoolClassification", &PersonRecord::preschool},
    Row<PersonRecord>{"ReasonOfLoss", &PersonRecord::loss_reason},
    Row<PersonRecord>{"InsurerName", &PersonRecord::insurer_name},
};

inline constexpr std::array outcome{
    Row<Outcome>{"ProcessingResultStatus", &Outcome::status},
    Row<Outcome>{"ProcessingResultCode", &Outcome::code},
    Row<Outcome>{"ProcessingResultMessage", &Outcome::message},
    Row<Outcome>{"QualificationValidity", &Outcome::validity},
};

// The header, but for the identifier, which is never escaped anew.
inline constexpr std::string_view file_identifier = "ArbitraryFileIdentifier";
inline constexpr std::array header{
    Row<ResultHeader>{"ProcessExecutionTime", &ResultHeader::executed_at},
    Row<ResultHeader>{"QualificationConfirmationDate", &ResultHeader::confirmation_date},
    Row<ResultHeader>{"MedicalInstitutionCode", &ResultHeader::institution_code},
    Row<ResultHeader>{file_identifier, &ResultHeader::file_identifier},
    Row<ResultHeader>{"ReferenceClassification", &ResultHeader::reference_classification},
    Row<ResultHeader>{"ReceptionNumber", &ResultHeader::reception_number},
    Row<ResultHeader>{"SegmentOfResult", &ResultHeader::segment},
    Row<ResultHeader>{"ErrorCode", &ResultHeader::error_code},
    Row<ResultHeader>{"ErrorMessage", &ResultHeader::error_message},
    Row<ResultHeader>{"NumberOfProcessingResult", &ResultHeader::processed},
    Row<ResultHeader>{"NumberOfNormalProcessing", &ResultHeader::succeeded},
    Row<ResultHeader>{"NumberOfError", &ResultHeader::failed},
    Row<ResultHeader>{"CharacterCodeIdentifier", &ResultHeader::character_code},
};

// A consent's three elements share a stem: …ConsFlg, …ConsTime, …AvailableTime.
struct ConsentRow {
    std::string_view stem;
    ConsentFields PersonRecord::* field;
};
inline constexpr ConsentRow limit_consent{"LimitApplicationCertificateRelated", &PersonRecord::limit_consent};
inline constexpr ConsentRow disease_consent{"SpecificDiseasesCertificateRelated", &PersonRecord::disease_consent};
inline constexpr std::array medical_consents{
    ConsentRow{"SpecificHealthCheckupsInfo", &PersonRecord::checkups},
    ConsentRow{"PharmacistsInfo", &PersonRecord::medicines},
    ConsentRow{"DiagnosisInfo", &PersonRecord::visits},
    ConsentRow{"OperationInfo", &PersonRecord::surgery},
};

template <class T, std::size_t N>
void write(Element& into, const T& value, const std::array<Row<T>, N>& rows) {
    for (const auto& row : rows) into.add(row.element, value.*row.field);
}

template <class T, std::size_t N>
void read(const Element& from, T& value, const std::array<Row<T>, N>& rows) {
    for (const auto& row : rows) value.*row.field = from.value(row.element);
}

}  // namespace onshi::oqs::tables
