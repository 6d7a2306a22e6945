#include "platform/text_formats/json_reader.h"

#include <algorithm>

#include <boost/json.hpp>

#include "base/bytes.h"
#include "base/identifiers.h"

namespace onshi {

namespace json = boost::json;

struct JsonObject::State {
    const json::object* object;
    std::string pointer;
    std::vector<FieldError>* errors;
    std::array<std::string_view, 32> seen{};
    std::size_t seen_count = 0;

    const json::value* find(std::string_view name) {
        if (seen_count < seen.size()) seen[seen_count++] = name;
        return object->if_contains(json::string_view(name.data(), name.size()));
    }
    void note(std::string_view name, ErrorCode code) {
        std::string place = pointer + "/" + std::string(name);
        const bool full = errors->size() >= json_errors_max && code != ErrorCode::request_my_number;
        if (full || std::ranges::find(*errors, place, &FieldError::pointer) != errors->end()) return;
        errors->push_back({std::move(place), code});
    }
    // Whatever is no plain name could be anything, a person's number too, and is not sent back.
    static std::string_view shown_name(std::string_view name) {
        const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
        const auto is_plain_or_digit = [&](char c) { return is_plain(c) || (c >= '0' && c <= '9'); };
        const bool is_name = !name.empty() && name.size() <= json_field_name_max && is_plain(name.front()) &&
                             std::ranges::all_of(name, is_plain_or_digit) && !contains_individual_number(name);
        return is_name ? name : "?";
    }
    // Requests are strict: a field that nobody asked for is a client's mistake.
    void note_unknown() {
        for (const auto& member : *object) {
            const std::string_view name(member.key().data(), member.key().size());
            const auto end = seen.begin() + static_cast<std::ptrdiff_t>(seen_count);
            if (std::find(seen.begin(), end, name) == end) note(shown_name(name), ErrorCode::field_unknown);
        }
    }
};

namespace {

std::optional<std::string_view> text_of(const json::value& value) {
    const auto* string = value.if_string();
    if (string == nullptr) return std::nullopt;
    return std::string_view(string->data(), string->size());
}

}  // namespace

std::optional<std::string_view> JsonObject::optional_text(std::string_view name, std::size_t bytes_max) {
    const json::value* value = state_.find(name);
    if (value == nullptr) return std::nullopt;
    const auto text = text_of(*value);
    if (!text) {
        state_.note(name, ErrorCode::field_type);
        return std::nullopt;
    }
    if (text->size() > bytes_max) {
        state_.note(name, ErrorCode::field_length);
        return std::nullopt;
    }
    return text;
}

std::optional<std::string_view> JsonObject::required(std::string_view name, std::size_t bytes_max) {
    if (state_.object->if_contains(json::string_view(name.data(), name.size())) == nullptr) {
        state_.note(name, ErrorCode::field_missing);
        return std::nullopt;
    }
    return optional_text(name, bytes_max);
}

std::string_view JsonObject::text(std::string_view name, std::size_t bytes_max) {
    return required(name, bytes_max).value_or(std::string_view());
}

std::optional<std::int64_t> JsonObject::optional_integer(std::string_view name, std::int64_t min, std::int64_t max) {
    const json::value* value = state_.find(name);
    if (value == nullptr) return std::nullopt;
    std::int64_t number = 0;
    if (value->is_int64()) {
        number = value->get_int64();
    } else {
        state_.note(name, ErrorCode::field_type);
        return std::nullopt;
    }
    if (number < min || number > max) {
        state_.note(name, ErrorCode::field_range);
        return std::nullopt;
    }
    return number;
}

std::optional<std::int64_t> JsonObject::integer(std::string_view name, std::int64_t min, std::int64_t max) {
    if (state_.object->if_contains(json::string_view(name.data(), name.size())) == nullptr) {
        state_.note(name, ErrorCode::field_missing);
        return std::nullopt;
    }
    return optional_integer(name, min, max);
}

std::optional<bool> JsonObject::optional_boolean(std::string_view name) {
    const json::value* value = state_.find(name);
    if (value == nullptr) return std::nullopt;
    if (value->is_bool()) return value->get_bool();
    state_.note(name, ErrorCode::field_type);
    return std::nullopt;
}

std::optional<std::string> JsonObject::optional_base64url(std::string_view name, std::size_t bytes_max) {
    const auto raw = optional_text(name, (bytes_max * 4 + 2) / 3);
    if (!raw) return std::nullopt;
    auto bytes = from_base64url(*raw);
    if (!bytes) state_.note(name, ErrorCode::field_encoding);
    return bytes;
}

std::string JsonObject::base64url(std::string_view name, std::size_t bytes_max) {
    const auto raw = required(name, (bytes_max * 4 + 2) / 3);
    if (!raw) return {};
    auto bytes = from_base64url(*raw);
    if (!bytes) state_.note(name, ErrorCode::field_encoding);
    return bytes ? std::move(*bytes) : std::string();
}

void JsonObject::object(std::string_view name, const std::function<void(JsonObject&)>& read) {
    const json::value* value = state_.find(name);
    if (value == nullptr) return state_.note(name, ErrorCode::field_missing);
    const auto* object = value->if_object();
    if (object == nullptr) return state_.note(name, ErrorCode::field_type);
    State inner{object, state_.pointer + "/" + std::string(name), state_.errors};
    JsonObject member(inner);
    read(member);
    inner.note_unknown();
}

void JsonObject::optional_object(std::string_view name, const std::function<void(JsonObject&)>& read) {
    if (state_.object->if_contains(json::string_view(name.data(), name.size())) != nullptr) object(name, read);
}

void JsonObject::objects(std::string_view name, std::size_t count_max, const std::function<void(JsonObject&)>& read) {
    const json::value* value = state_.find(name);
    if (value == nullptr) return state_.note(name, ErrorCode::field_missing);
    const auto* array = value->if_array();
    if (array == nullptr) return state_.note(name, ErrorCode::field_type);
    if (array->empty() || array->size() > count_max) return state_.note(name, ErrorCode::field_range);
    for (std::size_t i = 0; i < array->size(); ++i) {
        const std::string index = std::string(name) + "/" + std::to_string(i);
        const auto* object = (*array)[i].if_object();
        if (object == nullptr) {
            state_.note(index, ErrorCode::field_type);
            continue;
        }
        State inner{object, state_.pointer + "/" + index, state_.errors};
        JsonObject member(inner);
        read(member);
        inner.note_unknown();
    }
}

void JsonObject::optional_objects(std::string_view name, std::size_t count_max,
                                  const std::function<void(JsonObject&)>& read) {
    if (state_.object->if_contains(json::string_view(name.data(), name.size())) != nullptr)
        objects(name, count_max, read);
}

void JsonObject::reject(std::string_view name, ErrorCode code) {
    state_.note(name, code);
}

struct JsonDocument::Impl {
    std::array<unsigned char, 4096> buffer;
    json::monotonic_resource memory{buffer.data(), buffer.size()};
    json::value value;
};

JsonDocument::JsonDocument(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

Result<JsonDocument> JsonDocument::parse(std::string_view body) {
    auto impl = std::make_unique<Impl>();
    json::parse_options options;
    options.max_depth = json_depth_max;
    json::error_code error;
    impl->value = json::parse(json::string_view(body.data(), body.size()), error, &impl->memory, options);
    if (error) return fail(ErrorCode::request_malformed, "not JSON: " + error.message());
    if (!impl->value.is_object()) return fail(ErrorCode::request_malformed, "not a JSON object");
    return JsonDocument(std::move(impl));
}

Result<void> JsonDocument::read(const std::function<void(JsonObject&)>& read) {
    std::vector<FieldError> errors;
    JsonObject::State state{&impl_->value.get_object(), "", &errors};
    JsonObject object(state);
    read(object);
    state.note_unknown();
    if (errors.empty()) return {};
    // One kind of wrong field outweighs all others: a client must learn at once never to send it.
    const bool my_number =
        std::ranges::any_of(errors, [](const FieldError& f) { return f.code == ErrorCode::request_my_number; });
    Error error(my_number ? ErrorCode::request_my_number : ErrorCode::request_field, "see fields");
    error.fields = std::move(errors);
    return tl::unexpected(std::move(error));
}

}  // namespace onshi
