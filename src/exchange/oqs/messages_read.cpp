// Trees as messages.
#include <algorithm>

#include "exchange/oqs/limits.h"
#include "exchange/oqs/messages.h"
#include "exchange/oqs/messages_tables.h"

namespace onshi::oqs {

namespace {

constexpr std::string_view root_name = "XmlMsg";
constexpr std::string_view search_name = "QualificationConfirmSearchInfo";
constexpr std::string_view reference_name = "ReferenceNumberRegistrationInfo";

struct Parts {
    const Element* header = nullptr;
    const Element* body = nullptr;
};

Result<Parts> parts_of(const Element& root) {
    if (root.name != root_name) return fail(ErrorCode::message_layout, "the root is not XmlMsg");
    const Parts parts{root.find("MessageHeader"), root.find("MessageBody")};
    if (parts.header == nullptr) return fail(ErrorCode::message_layout, "no MessageHeader");
    return parts;
}

std::string raw_text(const Element& parent, std::string_view child) {
    const Element* found = parent.find(child);
    return found == nullptr ? std::string() : found->text;
}

bool too_long(const Element& element) {
    return element.text.size() > value_bytes_max || std::ranges::any_of(element.children, too_long);
}

template <class Terms, std::size_t N>
Result<std::vector<Asked<Terms>>> read_asked(const Element& body, std::string_view name,
                                             const std::array<tables::Row<Terms>, N>& rows) {
    std::vector<Asked<Terms>> asked;
    for (const auto& child : body.children) {
        if (child.name != name) continue;
        if (too_long(child)) return fail(ErrorCode::message_too_large, "a value");
        if (asked.size() == bulk_persons_max) return fail(ErrorCode::message_too_large, "persons of one request");
        Asked<Terms> one;
        tables::read(child, one.terms, rows);
        one.echo = child;
        asked.push_back(std::move(one));
    }
    return asked;
}

bool asks_for_references(Message message) {
    return message == Message::reference_registration || message == Message::bulk_reference_upload;
}

// Single messages and inquiries without persons ask for one thing.
bool takes_many(Message message) {
    return message == Message::bulk_eligibility_upload || message == Message::bulk_reference_upload;
}

Result<void> read_body(Request& request, const Element& body) {
    if (step_of(request.message) == Step::download) {
        request.reception_number = body.value("ReceptionNumber");
        if (request.reception_number.empty()) return fail(ErrorCode::message_layout, "no ReceptionNumber");
        if (request.reception_number.size() > identifier_bytes_max)
            return fail(ErrorCode::message_too_large, "a value");
        return {};
    }
    std::size_t count = 0;
    if (asks_for_references(request.message)) {
        auto references = read_asked(body, reference_name, tables::reference_terms);
        if (!references) return fail(std::move(references));
        request.references = std::move(*references);
        count = request.references.size();
    } else {
        auto persons = read_asked(body, search_name, tables::search_terms);
        if (!persons) return fail(std::move(persons));
        request.persons = std::move(*persons);
        count = request.persons.size();
    }
    if (count == 0) return fail(ErrorCode::message_layout, "nothing is asked for");
    if (count > 1 && !takes_many(request.message)) return fail(ErrorCode::message_layout, "more than one is asked for");
    return {};
}

ConsentFields read_consent(const Element& from, const tables::ConsentRow& row) {
    const std::string stem(row.stem);
    return {from.value(stem + "ConsFlg"), from.value(stem + "ConsTime"), from.value(stem + "AvailableTime")};
}

template <class T, std::size_t N>
std::vector<T> read_list(const Element& from, std::string_view list, std::string_view item,
                         const std::array<tables::Row<T>, N>& rows) {
    std::vector<T> found;
    const Element* element = from.find(list);
    if (element == nullptr) return found;
    for (const auto& child : element->children) {
        if (child.name != item) continue;
        T& value = found.emplace_back();
        tables::read(child, value, rows);
    }
    return found;
}

template <class T, std::size_t N>
void read_block(const Element& from, std::string_view name, T& value, const std::array<tables::Row<T>, N>& rows) {
    const Element* element = from.find(name);
    if (element != nullptr) tables::read(*element, value, rows);
}

PersonRecord read_record(const Element& from) {
    PersonRecord record;
    tables::read(from, record, tables::person_leaves);
    read_block(from, "ElderlyRecipientCertificateInfo", record.elderly, tables::elderly_certificate);
    record.limit_changed = from.value("LimitApplicationCertificateChanged");
    record.limit_consent = read_consent(from, tables::limit_consent);
    read_block(from, "LimitApplicationCertificateRelatedInfo", record.limit, tables::limit_certificate);
    record.disease_consent = read_consent(from, tables::disease_consent);
    record.diseases = read_list(from, "SpecificDiseasesCertificateList", "SpecificDiseasesCertificateInfo",
                                tables::disease_certificate);
    record.tickets = read_list(from, "PublicExpenseResultList", "MedicalTicketInfo", tables::medical_ticket);
    for (const auto& row : tables::medical_consents) record.*row.field = read_consent(from, row);
    record.reference_number = from.value("ReferenceNumber");
    return record;
}

void read_records(const Element& from, std::vector<PersonRecord>& into) {
    for (const auto& child : from.children) {
        if (child.name == "ResultOfQualificationConfirmation") into.push_back(read_record(child));
    }
}

std::string_view echo_name(Layout layout) {
    return layout == Layout::reference || layout == Layout::bulk_reference ? reference_name : search_name;
}

Unit read_unit(Layout layout, const Element& from) {
    Unit unit;
    const Element* echo = from.find(echo_name(layout));
    if (echo != nullptr) unit.echo = *echo;
    tables::read(from, unit.outcome, tables::outcome);
    if (layout == Layout::eligibility || layout == Layout::bulk_list) {
        const Element* list = from.find("ResultList");
        if (list != nullptr) read_records(*list, unit.records);
    }
    if (layout == Layout::bulk_eligibility) read_records(from, unit.records);
    if (layout == Layout::bulk_eligibility || layout == Layout::bulk_list) {
        unit.reference_number = from.value("ReferenceNumber");
    }
    return unit;
}

void read_result_body(Layout layout, const Element& body, ResultMessage& result) {
    if (layout == Layout::upload) {
        result.reception_number = body.value("ReceptionNumber");
        result.received_at = body.value("ReceptionDateTime");
        return;
    }
    if (layout == Layout::eligibility || layout == Layout::reference) {
        result.prescription_select = body.value("PrescriptionIssueSelect");
        result.units.push_back(read_unit(layout, body));
        return;
    }
    const std::string_view unit = layout == Layout::bulk_reference ? "BulkRegistrationUnit" : "BulkConfirmUnit";
    for (const auto& child : body.children) {
        if (child.name == unit) result.units.push_back(read_unit(layout, child));
    }
}

}  // namespace

Result<Request> read_request(Message message, const Element& root) {
    const auto parts = parts_of(root);
    if (!parts) return fail(parts.error().code, parts.error().detail);
    if (parts->body == nullptr) return fail(ErrorCode::message_layout, "no MessageBody");
    Request request;
    request.message = message;
    request.institution_code = parts->header->value("MedicalInstitutionCode");
    request.confirmation_date = parts->header->value("QualificationConfirmationDate");
    request.file_identifier = raw_text(*parts->header, tables::file_identifier);
    if (request.institution_code.empty()) return fail(ErrorCode::message_layout, "no MedicalInstitutionCode");
    if (request.file_identifier.size() > identifier_bytes_max || !unescape(request.file_identifier) ||
        too_long(*parts->header)) {
        return fail(ErrorCode::message_too_large, "the header");
    }
    auto read = read_body(request, *parts->body);
    if (!read) return fail(std::move(read));
    return request;
}

Layout layout_of(Message message) {
    switch (message) {
        case Message::eligibility: return Layout::eligibility;
        case Message::reference_registration: return Layout::reference;
        case Message::bulk_eligibility_download: return Layout::bulk_eligibility;
        case Message::bulk_reference_download: return Layout::bulk_reference;
        default: return step_of(message) == Step::upload ? Layout::upload : Layout::bulk_list;
    }
}

Result<ResultMessage> read_result(Layout layout, const Element& root) {
    const auto parts = parts_of(root);
    if (!parts) return fail(parts.error().code, parts.error().detail);
    ResultMessage result;
    tables::read(*parts->header, result.header, tables::header);
    result.header.file_identifier = raw_text(*parts->header, tables::file_identifier);
    if (parts->body != nullptr) read_result_body(layout, *parts->body, result);
    return result;
}

}  // namespace onshi::oqs
