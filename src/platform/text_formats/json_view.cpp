#include "platform/text_formats/json_view.h"

#include <boost/json.hpp>

namespace onshi {

namespace json = boost::json;

namespace {

constexpr std::size_t depth_max = 16;

const json::value* member(const json::object* object, std::string_view name) {
    if (object == nullptr) return nullptr;
    return object->if_contains(json::string_view(name.data(), name.size()));
}

std::string_view view_of(const json::string& text) {
    return {text.data(), text.size()};
}

}  // namespace

std::string_view JsonItem::text(std::string_view name) const {
    const auto* value = member(object_, name);
    return value != nullptr && value->is_string() ? view_of(value->get_string()) : std::string_view();
}

std::optional<std::int64_t> JsonItem::integer(std::string_view name) const {
    const auto* value = member(object_, name);
    return value != nullptr && value->is_int64() ? std::optional(value->get_int64()) : std::nullopt;
}

std::optional<bool> JsonItem::boolean(std::string_view name) const {
    const auto* value = member(object_, name);
    return value != nullptr && value->is_bool() ? std::optional(value->get_bool()) : std::nullopt;
}

JsonItem JsonItem::object(std::string_view name) const {
    const auto* value = member(object_, name);
    return value != nullptr && value->is_object() ? JsonItem(&value->get_object()) : JsonItem();
}

std::vector<JsonItem> JsonItem::objects(std::string_view name) const {
    std::vector<JsonItem> items;
    const auto* value = member(object_, name);
    if (value == nullptr || !value->is_array()) return items;
    for (const auto& element : value->get_array()) {
        if (element.is_object()) items.push_back(JsonItem(&element.get_object()));
    }
    return items;
}

std::vector<std::pair<std::string_view, std::string_view>> JsonItem::texts() const {
    std::vector<std::pair<std::string_view, std::string_view>> found;
    if (object_ == nullptr) return found;
    for (const auto& entry : *object_) {
        if (!entry.value().is_string()) continue;
        found.emplace_back(std::string_view(entry.key().data(), entry.key().size()),
                           view_of(entry.value().get_string()));
    }
    return found;
}

struct JsonView::Document {
    json::value value;
};

JsonView::JsonView(std::unique_ptr<Document> document) : document_(std::move(document)) {}
JsonView::JsonView(JsonView&&) noexcept = default;
JsonView& JsonView::operator=(JsonView&&) noexcept = default;
JsonView::~JsonView() = default;

Result<JsonView> JsonView::parse(std::string_view text) {
    json::parse_options options;
    options.max_depth = depth_max;
    boost::system::error_code error;
    auto document = std::make_unique<Document>();
    document->value = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
    if (error || !document->value.is_object()) return fail(ErrorCode::peer_protocol, "not a JSON object");
    return JsonView(std::move(document));
}

JsonItem JsonView::root() const {
    return JsonItem(&document_->value.get_object());
}

}  // namespace onshi
