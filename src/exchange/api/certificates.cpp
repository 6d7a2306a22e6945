#include "exchange/api/certificates.h"

#include "base/bytes.h"

namespace onshi::api {

void write_limit_certificate(JsonWriter& writer, const payments::LimitBlock& block) {
    writer.begin_object("limit_certificate");
    writer.member("kind", static_cast<int>(block.kind));
    if (block.issued_on) writer.member("issued_on", to_iso(*block.issued_on));
    if (block.valid_from) writer.member("valid_from", to_iso(*block.valid_from));
    if (block.valid_to) writer.member("valid_to", to_iso(*block.valid_to));
    if (block.long_term_on) writer.member("long_term_on", to_iso(*block.long_term_on));
    writer.end_object();
}

void write_diseases(JsonWriter& writer, std::span<const payments::SpecificDiseaseBlock> blocks) {
    writer.begin_array("specific_diseases");
    for (const auto& block : blocks) {
        writer.begin_object();
        writer.member("disease", static_cast<int>(block.disease));
        writer.member("issued_on", to_iso(block.issued_on));
        writer.member("valid_from", to_iso(block.valid_from));
        if (block.valid_to) writer.member("valid_to", to_iso(*block.valid_to));
        writer.member("self_pay", block.self_pay.value());
        writer.end_object();
    }
    writer.end_array();
}

void write_place(JsonWriter& writer, const sql::CommitPosition& position) {
    writer.begin_object("audit");
    writer.member("lane", position.lane);
    writer.member("sequence", position.sequence);
    writer.member("hash", to_hex(position.hash));
    writer.end_object();
}

}  // namespace onshi::api
