#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/japanese_text.h"
#include "exchange/oqs/element.h"
#include "exchange/oqs/message_name.h"

namespace onshi::oqs {

// What differs between sites, or is not known for certain (oqs §4.2, §5). A value; thread-safe while nobody changes it.
struct Profile {
    // Of results, by message; that of `eligibility` holds for face files too.
    std::array<Encoding, message_count> encodings{};
    ElementOrder order = ElementOrder::documented;
    // Readings: real files often have large kana only (ﾕ for ｭ).
    KanaSize kana = KanaSize::as_written;
    // OQSCD005: sources disagree between 0/1 and 1/2.
    std::string utf8_identifier = "0";
    std::string cp932_identifier = "1";
    // Whether the subsidies that a patient chose at the kiosk lie in `face` as a file of our own form; that of real
    // terminals (PMHsimsm…) is not public (oqs §2.13).
    bool subsidy_files = false;
    // 別紙6-1 is not public: codes of ours by the names of the error catalogue, each replaceable.
    std::map<std::string, std::string, std::less<>> result_codes;

    [[nodiscard]] Encoding encoding_of(Message message) const { return encodings[static_cast<std::size_t>(message)]; }
    [[nodiscard]] const std::string& identifier_of(Encoding encoding) const {
        return encoding == Encoding::cp932 ? cp932_identifier : utf8_identifier;
    }
    // What ErrorCode and ProcessingResultCode say for a failure or an outcome's cause: `result_codes`, else `ONSHI` and
    // four digits that stay with the class of the failure.
    [[nodiscard]] std::string result_code(std::string_view catalogue_name) const;

    // From `OQSmuquc02=cp932` (utf8, utf8_bom, cp932). config.value.
    [[nodiscard]] Result<void> set_encoding(std::string_view assignment);
    // From `peer.unavailable=DEMO9001`: at most 20 letters and digits. config.value.
    [[nodiscard]] Result<void> set_result_code(std::string_view assignment);
};

// The first `message_characters_max` characters, cut behind a sentence where one ends within them.
[[nodiscard]] std::string fit_message(std::string_view text);

}  // namespace onshi::oqs
