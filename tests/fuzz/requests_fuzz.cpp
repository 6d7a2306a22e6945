// Bodies of the HTTP API. Oracles: no crash; what is accepted is written and read again as the same request; a refusal
// names its fields; an individual number in a guarded field is never accepted.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "exchange/api/checks.h"
#include "exchange/api/terminals.h"

using namespace onshi;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void check_card(std::string_view body) {
    const auto message = api::parse_card_check(body);
    if (!message) {
        if (message.error().code == ErrorCode::request_field) require(!message.error().fields.empty());
        return;
    }
    require(!contains_individual_number((*message)->visual_reason));
    const std::string written = api::write_card_check((*message)->check);
    const auto again = api::parse_card_check(written);
    require(again.has_value());
    require(api::write_card_check((*again)->check) == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1 || size > api::check_body_bytes_max) return 0;
    const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);
    switch (data[0] % 7) {
        case 0: check_card(body); break;
        case 1: {
            const auto check = api::parse_number_check(body, Date::of(2026, 11, 23));
            if (check) require(!contains_individual_number(check->insured.number.raw()));
            break;
        }
        case 2: {
            const auto choices = api::parse_consents(body);
            if (choices) require(!choices->empty() && choices->size() <= consent::item_names.size());
            break;
        }
        case 3: {
            const auto wanted = api::parse_challenge_request(body);
            if (wanted) require(wanted->count >= 1 && wanted->count <= eligibility::challenges_per_request_max);
            break;
        }
        case 5: {
            const auto checks = api::parse_bulk_checks(body, Date::of(2026, 11, 23));
            if (!checks) break;
            require(!checks->empty() && checks->size() <= api::bulk_checks_max);
            for (const auto& one : *checks) {
                if (one.check) require(!contains_individual_number(one.check->insured.number.raw()));
            }
            break;
        }
        case 4: static_cast<void>(api::parse_terminal_order(body)); break;
        default: static_cast<void>(api::parse_card_name(body)); break;
    }
    return 0;
}
