// Messages as trees, in the documented order.
#include "exchange/oqs/messages.h"
#include "exchange/oqs/messages_tables.h"

namespace onshi::oqs {

namespace {

void add_raw(Element& into, std::string_view name, const std::string& escaped) {
    if (escaped.empty()) return;
    Element& leaf = into.add(Element(name));
    leaf.text = escaped;
}

template <class T, std::size_t N>
void add_block(Element& into, std::string_view name, const T& value, const std::array<tables::Row<T>, N>& rows) {
    tables::write(into.add(Element(name)), value, rows);
}

template <class T, std::size_t N>
void add_list(Element& into, std::string_view list, std::string_view item, const std::vector<T>& values,
              const std::array<tables::Row<T>, N>& rows) {
    if (values.empty()) return;
    Element& element = into.add(Element(list));
    for (const auto& value : values) add_block(element, item, value, rows);
}

void add_consent(Element& into, const tables::ConsentRow& row, const ConsentFields& consent) {
    const std::string stem(row.stem);
    into.add(stem + "ConsFlg", consent.flag);
    into.add(stem + "ConsTime", consent.given_at);
    into.add(stem + "AvailableTime", consent.available_until);
}

Element record_element(const PersonRecord& record) {
    Element element("ResultOfQualificationConfirmation");
    tables::write(element, record, tables::person_leaves);
    add_block(element, "ElderlyRecipientCertificateInfo", record.elderly, tables::elderly_certificate);
    element.add("LimitApplicationCertificateChanged", record.limit_changed);
    add_consent(element, tables::limit_consent, record.limit_consent);
    add_block(element, "LimitApplicationCertificateRelatedInfo", record.limit, tables::limit_certificate);
    add_consent(element, tables::disease_consent, record.disease_consent);
    add_list(element, "SpecificDiseasesCertificateList", "SpecificDiseasesCertificateInfo", record.diseases,
             tables::disease_certificate);
    add_list(element, "PublicExpenseResultList", "MedicalTicketInfo", record.tickets, tables::medical_ticket);
    for (const auto& row : tables::medical_consents) add_consent(element, row, record.*row.field);
    element.add("ReferenceNumber", record.reference_number);
    return element;
}

// Without a person there is no list (oqs §4.2).
void write_unit(Layout layout, Element& into, const Unit& unit) {
    if (unit.echo) into.add(*unit.echo);
    tables::write(into, unit.outcome, tables::outcome);
    if (!unit.records.empty()) {
        Element& records = layout == Layout::bulk_eligibility ? into : into.add(Element("ResultList"));
        for (const auto& record : unit.records) records.add(record_element(record));
    }
    into.add("ReferenceNumber", unit.reference_number);
}

template <class Terms, std::size_t N>
void add_asked(Element& body, std::string_view name, const std::vector<Asked<Terms>>& asked,
               const std::array<tables::Row<Terms>, N>& rows) {
    for (const auto& one : asked) {
        if (one.echo.name.empty()) {
            add_block(body, name, one.terms, rows);
        } else {
            body.add(one.echo);
        }
    }
}

}  // namespace

Element request_element(const Request& request) {
    Element root("XmlMsg");
    Element header("MessageHeader");
    header.add("QualificationConfirmationDate", request.confirmation_date);
    header.add("MedicalInstitutionCode", request.institution_code);
    add_raw(header, tables::file_identifier, request.file_identifier);
    root.add(std::move(header));
    Element body("MessageBody");
    body.add("ReceptionNumber", request.reception_number);
    add_asked(body, "QualificationConfirmSearchInfo", request.persons, tables::search_terms);
    add_asked(body, "ReferenceNumberRegistrationInfo", request.references, tables::reference_terms);
    root.add(std::move(body));
    return root;
}

Element result_element(Layout layout, const ResultMessage& result) {
    Element root("XmlMsg");
    Element& header = root.add(Element("MessageHeader"));
    for (const auto& row : tables::header) {
        const auto& value = result.header.*row.field;
        if (row.element == tables::file_identifier) {
            add_raw(header, row.element, value);
        } else {
            header.add(row.element, value);
        }
    }
    Element body("MessageBody");
    body.add("ReceptionNumber", result.reception_number);
    body.add("ReceptionDateTime", result.received_at);
    const bool single = layout == Layout::eligibility || layout == Layout::reference;
    const std::string_view unit_name = layout == Layout::bulk_reference ? "BulkRegistrationUnit" : "BulkConfirmUnit";
    for (const auto& unit : result.units) {
        Element& into = single ? body : body.add(Element(unit_name));
        write_unit(layout, into, unit);
    }
    body.add("PrescriptionIssueSelect", result.prescription_select);
    root.add(std::move(body));
    return root;
}

}  // namespace onshi::oqs
