#include "platform/http/message.h"

#include <algorithm>

namespace onshi::http {

namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace

std::optional<std::string_view> Request::header(std::string_view name) const {
    for (const HeaderView& field : headers) {
        if (equal_ignoring_case(field.name, name)) return field.value;
    }
    return std::nullopt;
}

Response json_response(std::string body, std::uint16_t status) {
    Response response;
    response.status = status;
    response.body = std::move(body);
    return response;
}

Response empty_response(std::uint16_t status) {
    Response response;
    response.status = status;
    return response;
}

}  // namespace onshi::http
