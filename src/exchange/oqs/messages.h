#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exchange/oqs/element.h"
#include "exchange/oqs/message_name.h"

// Messages as values. Every text is plain and as the layout has it (dates `YYYYMMDD`, codes of 別紙5-1); empty: absent.
// Field names are those of the elements, of which each struct's table in messages_tables.h is the one list.
namespace onshi::oqs {

// QualificationConfirmSearchInfo 資格確認照会用情報. The lower half belongs to bulk inquiries without persons.
struct SearchTerms {
    std::string insurer_number;
    std::string symbol;
    std::string number;
    std::string branch;
    std::string birth_date;
    std::string limit_consent;  // OQSCD001
    std::string arbitrary_identifier;
    std::string treatment_month;
    std::string consent_from;
    std::string consent_to;
    std::string examination_from;
    std::string examination_to;
    std::string treatment_flag;  // OQSCD028
    bool operator==(const SearchTerms&) const = default;
};

// ReferenceNumberRegistrationInfo 照会番号登録.
struct ReferenceTerms {
    std::string reference_number;
    std::string insurer_number;
    std::string symbol;
    std::string number;
    std::string branch;
    bool operator==(const ReferenceTerms&) const = default;
};

// One person of a request, with the element to be repeated in the result.
template <class Terms>
struct Asked {
    Terms terms;
    Element echo;
    bool operator==(const Asked&) const = default;
};

struct Request {
    Message message = Message::eligibility;
    std::string institution_code;
    std::string confirmation_date;
    std::string file_identifier;   // as it stood between its tags: escaped
    std::string reception_number;  // downloads
    std::vector<Asked<SearchTerms>> persons;
    std::vector<Asked<ReferenceTerms>> references;
    bool operator==(const Request&) const = default;
};
// message.layout: another root, no institution code, or nothing that the message asks for; too many persons are
// message.too_large. Values are not judged here: a wrong one is answered, not rejected.
[[nodiscard]] Result<Request> read_request(Message message, const Element& root);
// What a client writes; echoes are used where they are given.
[[nodiscard]] Element request_element(const Request& request);

// ElderlyRecipientCertificateInfo 高齢受給者証情報.
struct ElderlyCertificate {
    std::string issued_on;
    std::string valid_from;
    std::string valid_to;
    std::string ratio;  // 010 020 030
    bool operator==(const ElderlyCertificate&) const = default;
};

// LimitApplicationCertificateRelatedInfo 限度額適用認定証関連情報.
struct LimitCertificate {
    std::string kind;      // OQSCD011
    std::string category;  // OQSCD012
    std::string issued_on;
    std::string valid_from;
    std::string valid_to;
    std::string long_term_from;
    bool operator==(const LimitCertificate&) const = default;
};

// SpecificDiseasesCertificateInfo 特定疾病療養受療証情報.
struct DiseaseCertificate {
    std::string category;  // OQSCD013
    std::string issued_on;
    std::string valid_from;
    std::string valid_to;
    std::string self_pay;  // yen per month
    bool operator==(const DiseaseCertificate&) const = default;
};

// MedicalTicketInfo 医療券・調剤券情報.
struct MedicalTicket {
    std::string type;
    std::string valid_from;
    std::string valid_to;
    std::string issue_number;
    std::string treatment_month;
    std::string institution_code;
    std::string institution_flag;
    std::string institution_name;
    std::string issuer_code;
    std::string issuer_name;
    std::string injury_1;
    std::string injury_2;
    std::string injury_3;
    std::string treatment_type;
    std::string self_pay;
    std::string district_contact;
    std::string handling_contact;
    std::string single_or_combined;
    std::string social_insurance;
    std::string consistency;
    std::string infection;
    std::string elderly_care;
    std::string prefectural_expenses;
    std::string remarks_1;
    std::string remarks_2;
    std::string remarks_3;
    bool operator==(const MedicalTicket&) const = default;
};

// A consent with its times (14 digits); the times are absent when it was not given.
struct ConsentFields {
    std::string flag;  // OQSCD016
    std::string given_at;
    std::string available_until;
    bool operator==(const ConsentFields&) const = default;
};

// ResultOfQualificationConfirmation 資格確認結果.
struct PersonRecord {
    std::string card_classification;  // OQSCD010
    std::string insurer_number;       // 8 characters, padded with spaces
    std::string symbol;
    std::string number;
    std::string branch;
    std::string relation;  // OQSCD009; absent for 後期高齢者
    std::string insured_name;
    std::string name;
    std::string other_name;
    std::string kana;
    std::string other_kana;
    std::string sex_1;
    std::string sex_2;
    std::string birth_date;
    std::string address;
    std::string post_number;
    std::string acquired_on;
    std::string lost_on;
    std::string issued_on;
    std::string valid_from;
    std::string valid_to;
    std::string copay_ratio;  // 010 020 030
    std::string preschool;    // OQSCD015
    std::string loss_reason;  // OQSCD008
    std::string insurer_name;
    ElderlyCertificate elderly;
    ConsentFields limit_consent;  // no end
    LimitCertificate limit;
    std::string limit_changed;  // OQSCD014, bulk only
    ConsentFields disease_consent;
    std::vector<DiseaseCertificate> diseases;
    std::vector<MedicalTicket> tickets;
    ConsentFields checkups;
    ConsentFields medicines;
    ConsentFields visits;
    ConsentFields surgery;
    std::string reference_number;
    bool operator==(const PersonRecord&) const = default;
};

// How one person's inquiry went.
struct Outcome {
    std::string status;  // OQSCD004
    std::string code;
    std::string message;   // shown as it is
    std::string validity;  // OQSCD006
    bool operator==(const Outcome&) const = default;
};

struct Unit {
    std::optional<Element> echo;
    Outcome outcome;
    std::vector<PersonRecord> records;  // two only where insurance and 医療扶助 meet
    std::string reference_number;       // bulk only
    bool operator==(const Unit&) const = default;
};

struct ResultHeader {
    std::string executed_at;  // 14 digits
    std::string confirmation_date;
    std::string institution_code;
    std::string file_identifier;           // escaped, as in the request
    std::string reference_classification;  // OQSCD002
    std::string reception_number;
    std::string segment;  // OQSCD003
    std::string error_code;
    std::string error_message;
    std::string processed;
    std::string succeeded;
    std::string failed;
    std::string character_code;
    bool operator==(const ResultHeader&) const = default;
};

// Which layout a result has; face files are `eligibility` without an echo.
enum class Layout : std::uint8_t {
    eligibility,
    reference,
    upload,
    bulk_eligibility,  // the record stands in its unit
    bulk_reference,
    bulk_list,  // entrusted and consented persons: the record stands in a list of its unit
};
[[nodiscard]] Layout layout_of(Message message);

struct ResultMessage {
    ResultHeader header;
    std::string prescription_select;  // OQSCD017, in the body
    std::string reception_number;     // uploads: in the body
    std::string received_at;
    std::vector<Unit> units;  // one in single messages
    bool operator==(const ResultMessage&) const = default;
};
[[nodiscard]] Element result_element(Layout layout, const ResultMessage& result);
// message.layout for another root.
[[nodiscard]] Result<ResultMessage> read_result(Layout layout, const Element& root);

}  // namespace onshi::oqs
