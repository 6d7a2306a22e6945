#include "platform/text_formats/json_list.h"

#include <boost/json.hpp>

namespace onshi {

namespace json = boost::json;

namespace {

constexpr std::size_t depth_max = 16;

const json::value* find(const json::value& object, std::string_view name) {
    if (!object.is_object()) return nullptr;
    return object.get_object().if_contains(json::string_view(name.data(), name.size()));
}

}  // namespace

std::vector<std::string> json_list_members(std::string_view text, std::string_view list, std::string_view member) {
    std::vector<std::string> members;
    json::parse_options options;
    options.max_depth = depth_max;
    json::error_code error;
    const json::value root = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
    const json::value* elements = error ? nullptr : find(root, list);
    if (elements == nullptr || !elements->is_array()) return members;
    for (const auto& element : elements->get_array()) {
        const json::value* value = find(element, member);
        members.push_back(value != nullptr && value->is_object() ? json::serialize(*value) : std::string());
    }
    return members;
}

}  // namespace onshi
