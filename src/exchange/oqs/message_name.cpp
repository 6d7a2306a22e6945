#include "exchange/oqs/message_name.h"

#include <algorithm>

#include "exchange/oqs/limits.h"

namespace onshi::oqs {

namespace {

// In the order of the enumerators; an upload stands right before its download.
constexpr std::array<std::string_view, message_count> prefixes{"OQSsiquc01", "OQSsiimm01", "OQSmuquc01", "OQSmuquc02",
                                                               "OQSmuimm01", "OQSmuimm02", "OQSmutic01", "OQSmutic02",
                                                               "OQSmuhvq01", "OQSmuhvq02", "OQSmuonq01", "OQSmuonq02"};
constexpr std::string_view request_mark = "req_";
constexpr std::string_view extension = ".xml";

bool is_suffix(std::string_view text) {
    const auto fits = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
    };
    return !text.empty() && text.size() <= suffix_bytes_max && std::ranges::all_of(text, fits);
}

std::string make_name(const RequestName& name, std::string_view mark, std::string_view end) {
    std::string text(prefix_of(name.message));
    text.append(mark).append(name.suffix).append(end);
    return text;
}

}  // namespace

Step step_of(Message message) {
    if (message <= Message::reference_registration) return Step::single;
    return prefix_of(message).ends_with("01") ? Step::upload : Step::download;
}

std::string_view prefix_of(Message message) {
    return prefixes[static_cast<std::size_t>(message)];
}

std::optional<Message> message_of_prefix(std::string_view prefix) {
    const auto found = std::ranges::find(prefixes, prefix);
    if (found == prefixes.end()) return std::nullopt;
    return static_cast<Message>(found - prefixes.begin());
}

Message upload_of(Message message) {
    if (step_of(message) != Step::download) return message;
    return static_cast<Message>(static_cast<int>(message) - 1);
}

std::optional<RequestName> parse_request_name(std::string_view file_name) {
    constexpr std::size_t prefix_bytes = prefixes[0].size();
    if (file_name.size() < prefix_bytes + request_mark.size() + extension.size()) return std::nullopt;
    const auto message = message_of_prefix(file_name.substr(0, prefix_bytes));
    if (!message) return std::nullopt;
    auto rest = file_name.substr(prefix_bytes);
    if (!rest.starts_with(request_mark) || !rest.ends_with(extension)) return std::nullopt;
    rest.remove_prefix(request_mark.size());
    rest.remove_suffix(extension.size());
    if (!is_suffix(rest)) return std::nullopt;
    return RequestName{*message, std::string(rest)};
}

std::string request_name(const RequestName& name) {
    return make_name(name, request_mark, extension);
}

std::string result_name(const RequestName& name) {
    return make_name(name, "res_", extension);
}

std::string error_name(const RequestName& name) {
    return make_name(name, request_mark, ".err");
}

std::string face_name(std::string_view institution, std::string_view token, std::string_view local_time) {
    std::string text = "OQSsiquc01res_face_";
    text.append(institution).append(token).append("_").append(local_time).append(extension);
    return text;
}

std::string subsidy_file_name(std::string_view institution, std::string_view token, std::string_view local_time) {
    std::string text = "ONSHIsubsidies_face_";
    text.append(institution).append(token).append("_").append(local_time).append(".json");
    return text;
}

}  // namespace onshi::oqs
