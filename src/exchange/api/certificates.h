#pragma once

#include <span>

#include "domain/payments/rules_certificates.h"
#include "platform/sql/sequencer.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::api {

// Parts of answers that several of them have.

// `limit_certificate`: block B of the file interface, without the category.
void write_limit_certificate(JsonWriter& writer, const payments::LimitBlock& block);
// `specific_diseases`: block C, one object each.
void write_diseases(JsonWriter& writer, std::span<const payments::SpecificDiseaseBlock> blocks);
// `audit`: the place in the chain.
void write_place(JsonWriter& writer, const sql::CommitPosition& position);

}  // namespace onshi::api
