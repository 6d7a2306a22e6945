#include "cli/witness_file.h"

#include <algorithm>

#include "base/bytes.h"
#include "domain/audit/service.h"
#include "hub/secrets.h"
#include "platform/text_formats/json_view.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

template <std::size_t N>
bool read_hex(std::string_view hex, std::array<std::uint8_t, N>& out) {
    const auto bytes = from_hex(hex);
    if (!bytes || bytes->size() != N) return false;
    std::ranges::copy(as_bytes(*bytes), out.begin());
    return true;
}

}  // namespace

std::string to_json(const WitnessFile& file) {
    std::string text;
    JsonWriter writer(text);
    writer.begin_object();
    writer.member("schema", "onshi.witness/1");
    writer.begin_array("heads");
    for (const auto& head : file.heads) {
        writer.begin_object();
        writer.member("lane", head.lane);
        writer.member("sequence", head.sequence);
        writer.member("hash", to_hex(head.hash));
        writer.end_object();
    }
    writer.end_array();
    writer.begin_array("seal_keys");
    for (const auto& [id, key] : file.seal_keys) {
        writer.begin_object();
        writer.member("key_id", id);
        writer.member("public_key", to_hex(key));
        writer.end_object();
    }
    writer.end_array();
    writer.end_object();
    return text;
}

Result<WitnessFile> parse_witness_file(std::string_view json) {
    auto document = JsonView::parse(json);
    if (!document || document->root().text("schema") != "onshi.witness/1") {
        return fail(ErrorCode::file_malformed, "not a witness file");
    }
    WitnessFile file;
    for (const auto& head : document->root().objects("heads")) {
        audit::Witness witness;
        const auto lane = head.integer("lane");
        const auto sequence = head.integer("sequence");
        const bool good = lane && *lane >= 0 && *lane < audit::lanes_max && sequence && *sequence >= 1 &&
                          *sequence <= audit::sequence_max && read_hex(head.text("hash"), witness.hash);
        if (!good || file.heads.size() == static_cast<std::size_t>(audit::lanes_max)) {
            return fail(ErrorCode::file_malformed, "heads: lane, sequence and hash");
        }
        witness.lane = *lane;
        witness.sequence = *sequence;
        file.heads.push_back(witness);
    }
    for (const auto& entry : document->root().objects("seal_keys")) {
        SealKey key{std::string(entry.text("key_id")), {}};
        const bool good = read_hex(entry.text("public_key"), key.second) && audit::seal_key_id(key.second) == key.first;
        if (!good || file.seal_keys.size() == hub::seal_keys_max) {
            return fail(ErrorCode::file_malformed, "seal_keys: key_id and the public_key that it names");
        }
        file.seal_keys.push_back(std::move(key));
    }
    return file;
}

}  // namespace onshi::cli
