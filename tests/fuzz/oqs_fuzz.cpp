// Any bytes as a file of the exchange folder: every message is read or refused with a code, what was read is written in
// every encoding and comes back the same, and identifiers are never changed.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ensure.h"
#include "exchange/oqs/messages.h"
#include "exchange/oqs/profile.h"

namespace {

using namespace onshi;
using namespace onshi::oqs;

void check_round(Layout layout, const ResultMessage& result) {
    const Element element = result_element(layout, result);
    for (const auto order : {ElementOrder::documented, ElementOrder::hash_map}) {
        const auto written = write_document(element, Encoding::utf8, order);
        ENSURE(written);
        const auto document = read_document(written->bytes);
        ENSURE(document);
        const auto again = read_result(layout, document->root);
        // A header with nothing in it is left out, and with it the form of a message.
        if (result.header.institution_code.empty()) continue;
        ENSURE(again);
        ENSURE(again->header.file_identifier == result.header.file_identifier);
        ENSURE(again->units.size() <= result.units.size());
    }
    const auto cp932 = write_document(element, Encoding::cp932, ElementOrder::documented);
    if (cp932) ENSURE(read_document(cp932->bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    static_cast<void>(parse_request_name(bytes.substr(0, 200)));
    static_cast<void>(fit_message(bytes));
    Profile profile;
    static_cast<void>(profile.set_encoding(bytes));
    static_cast<void>(profile.set_result_code(bytes));
    const auto document = read_document(bytes);
    if (!document) return 0;
    for (std::size_t i = 0; i < message_count; ++i) {
        const auto message = static_cast<Message>(i);
        const auto request = read_request(message, document->root);
        if (request) {
            const auto written = write_document(request_element(*request), Encoding::utf8, ElementOrder::documented);
            ENSURE(written);
        }
        const auto result = read_result(layout_of(message), document->root);
        if (result) check_round(layout_of(message), *result);
    }
    return 0;
}
