#include "exchange/oqs/profile.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/utf8.h"
#include "exchange/oqs/limits.h"

namespace onshi::oqs {

namespace {

constexpr std::size_t result_code_bytes_max = 20;

struct CodeClass {
    std::string_view area;  // the catalogue name, or its part before the point
    int number;
};
// More exact names first.
constexpr std::array code_classes{
    CodeClass{"cause.lapsed", 1001},
    CodeClass{"cause.newer_coverage", 1002},
    CodeClass{"cause.no_match", 1003},
    CodeClass{"cause.ambiguous", 1004},
    CodeClass{"cause.withheld", 1005},
    CodeClass{"cause", 1000},
    CodeClass{"note.copay_blank", 2001},
    CodeClass{"note.limit_blank", 2002},
    CodeClass{"note.ratio_suspect", 2003},
    CodeClass{"note.answers_late", 2004},
    CodeClass{"note.last_visit", 2005},
    CodeClass{"note", 2000},
    CodeClass{"number", 4001},
    CodeClass{"date", 4002},
    CodeClass{"field", 4003},
    CodeClass{"text", 4004},
    CodeClass{"message", 4005},
    CodeClass{"reception", 4006},
    CodeClass{"check.care_day", 4010},
    CodeClass{"check.misses", 4011},
    CodeClass{"request.my_number", 4012},
    CodeClass{"request", 4000},
    CodeClass{"role", 4030},
    CodeClass{"terminal", 4031},
    CodeClass{"peer.untrusted", 9002},
    CodeClass{"peer.unavailable", 9001},
    CodeClass{"peer", 9003},
    CodeClass{"overload", 9004},
    CodeClass{"deadline", 9005},
    CodeClass{"store", 9006},
    CodeClass{"outage", 9007},
};

struct Assignment {
    std::string_view name;
    std::string_view value;
};
Assignment split(std::string_view text) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) return {};
    return {text.substr(0, equals), text.substr(equals + 1)};
}

}  // namespace

std::string Profile::result_code(std::string_view catalogue_name) const {
    const auto own = result_codes.find(catalogue_name);
    if (own != result_codes.end()) return own->second;
    const auto area = catalogue_name.substr(0, catalogue_name.find('.'));
    for (const auto& known : code_classes) {
        if (known.area == catalogue_name || known.area == area) return fmt::format("ONSHI{:04}", known.number);
    }
    return "ONSHI9000";
}

Result<void> Profile::set_encoding(std::string_view assignment) {
    const auto [name, value] = split(assignment);
    const auto message = message_of_prefix(name);
    if (!message) return fail(ErrorCode::config_value, "an encoding is given as OQSmuquc02=cp932");
    Encoding& encoding = encodings[static_cast<std::size_t>(*message)];
    if (value == "utf8") {
        encoding = Encoding::utf8;
    } else if (value == "utf8_bom") {
        encoding = Encoding::utf8_bom;
    } else if (value == "cp932") {
        encoding = Encoding::cp932;
    } else {
        return fail(ErrorCode::config_value, "an encoding is utf8, utf8_bom or cp932");
    }
    return {};
}

Result<void> Profile::set_result_code(std::string_view assignment) {
    const auto [name, value] = split(assignment);
    const auto fits = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
    };
    if (name.find('.') == std::string_view::npos || value.empty() || value.size() > result_code_bytes_max ||
        !std::ranges::all_of(value, fits)) {
        return fail(ErrorCode::config_value, "a result code is given as peer.unavailable=DEMO9001");
    }
    result_codes.insert_or_assign(std::string(name), std::string(value));
    return {};
}

std::string fit_message(std::string_view text) {
    std::size_t at = 0;
    std::size_t sentence_end = 0;
    for (std::size_t characters = 0; at < text.size(); ++characters) {
        if (characters == message_characters_max) {
            return std::string(text.substr(0, sentence_end > 0 ? sentence_end : at));
        }
        const auto character = next_character(text, at);
        if (character == U'。') sentence_end = at;
    }
    return std::string(text);
}

}  // namespace onshi::oqs
