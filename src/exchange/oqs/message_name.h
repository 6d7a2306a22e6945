#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace onshi::oqs {

// The messages that are known with their layout (oqs §2.1). `upload` messages start a bulk inquiry, `download` messages
// ask for its result.
enum class Message : std::uint8_t {
    eligibility,                    // OQSsiquc01 資格確認
    reference_registration,         // OQSsiimm01 照会番号登録
    bulk_eligibility_upload,        // OQSmuquc01 資格確認一括照会
    bulk_eligibility_download,      // OQSmuquc02
    bulk_reference_upload,          // OQSmuimm01 照会番号一括登録
    bulk_reference_download,        // OQSmuimm02
    entrusted_upload,               // OQSmutic01 委託先資格情報（医療扶助）
    entrusted_download,             // OQSmutic02
    home_visit_consents_upload,     // OQSmuhvq01 同意済資格情報（訪問診療等）
    home_visit_consents_download,   // OQSmuhvq02
    online_care_consents_upload,    // OQSmuonq01 同意済資格情報（オンライン診療等）
    online_care_consents_download,  // OQSmuonq02
};
inline constexpr std::size_t message_count = 12;

// What a message does, apart from what it is about.
enum class Step : std::uint8_t { single, upload, download };
[[nodiscard]] Step step_of(Message message);
// `OQSsiquc01`: also the key of per-message settings.
[[nodiscard]] std::string_view prefix_of(Message message);
[[nodiscard]] std::optional<Message> message_of_prefix(std::string_view prefix);
// The upload that a download belongs to; uploads and single messages are their own.
[[nodiscard]] Message upload_of(Message message);

struct RequestName {
    Message message;
    std::string suffix;  // the client's own part, `[0-9A-Za-z_-]+`
};
// nullopt for what is no request for us: temporary names, results, other messages. Letters as they stand: the share may
// not care about case, but clients write it one way.
[[nodiscard]] std::optional<RequestName> parse_request_name(std::string_view file_name);
// `OQSsiquc01req_1.xml`, and the names that answer it.
[[nodiscard]] std::string request_name(const RequestName& name);
[[nodiscard]] std::string result_name(const RequestName& name);
[[nodiscard]] std::string error_name(const RequestName& name);

// `OQSsiquc01res_face_<10 digits><20 characters>_<14 digits>.xml` (oqs §1.6). `token` are 20 lower-case hexadecimal
// digits.
[[nodiscard]] std::string face_name(std::string_view institution, std::string_view token, std::string_view local_time);
// The same of a file of our own: the subsidies that were chosen at the kiosk, as JSON.
[[nodiscard]] std::string subsidy_file_name(std::string_view institution, std::string_view token,
                                            std::string_view local_time);

}  // namespace onshi::oqs
