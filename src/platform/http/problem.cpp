#include "platform/http/problem.h"

#include <algorithm>
#include <optional>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "platform/http/limits.h"

namespace onshi::http {

namespace json = boost::json;

namespace {

constexpr std::string_view type_prefix = "urn:onshi:error:";
constexpr std::int64_t retry_after_ms_limit = 86'400'000;

json::string_view to_json(std::string_view text) {
    return {text.data(), text.size()};
}

std::string_view sentence(Language language, std::string_view code, Audience audience) {
    return find_text(language, code, audience).value_or("");
}

json::array fields_of(const Error& error) {
    json::array fields;
    for (const FieldError& field : error.fields) {
        if (fields.size() == problem_fields_max) break;
        fields.push_back({{"pointer", to_json(field.pointer)}, {"code", to_json(error_name(field.code))}});
    }
    return fields;
}

// Anything of another type counts as absent, as an unknown member would.
std::string_view text_member(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(to_json(name));
    const json::string* text = value != nullptr ? value->if_string() : nullptr;
    return text != nullptr ? std::string_view(text->data(), text->size()) : std::string_view();
}

void read_advice(const json::object& problem, Error& error) {
    const json::value* retry = problem.if_contains("retry");
    const json::object* advice = retry != nullptr ? retry->if_object() : nullptr;
    const json::value* after = advice != nullptr ? advice->if_contains("after_ms") : nullptr;
    if (after == nullptr || !after->is_int64()) return;
    error.retry_after_ms =
        static_cast<std::uint32_t>(std::clamp<std::int64_t>(after->get_int64(), 0, retry_after_ms_limit));
}

void read_fields(const json::object& problem, Error& error) {
    const json::value* fields = problem.if_contains("fields");
    const json::array* list = fields != nullptr ? fields->if_array() : nullptr;
    if (list == nullptr) return;
    for (const json::value& entry : *list) {
        const json::object* field = entry.if_object();
        if (field == nullptr || error.fields.size() == problem_fields_max) continue;
        const ErrorEntry* known = find_error(text_member(*field, "code"));
        if (known != nullptr) error.fields.push_back({std::string(text_member(*field, "pointer")), known->code});
    }
}

std::optional<json::object> parse_object(std::string_view body) {
    if (body.size() > problem_bytes_max) return std::nullopt;
    json::error_code failed;
    json::value parsed = json::parse(to_json(body), failed);
    if (failed || !parsed.is_object()) return std::nullopt;
    return std::move(parsed.get_object());
}

Error unknown_problem(std::uint16_t status, std::string_view code) {
    const ErrorCode meaning = status >= 500 ? ErrorCode::peer_unavailable : ErrorCode::peer_refused;
    std::string detail = "status " + std::to_string(status);
    if (!code.empty()) detail.append(", code ").append(code.substr(0, 64));
    return Error(meaning, std::move(detail));
}

// The `q` of one language range, 0 … 1; without one 1.
double weight_of(std::string_view range) {
    const std::size_t q = range.find("q=");
    if (q == std::string_view::npos) return 1;
    double weight = 0;
    double place = 1;
    for (const char c : range.substr(q + 2)) {
        if (c == '.') continue;
        if (c < '0' || c > '9') break;
        weight += (c - '0') * place;
        place /= 10;
    }
    return weight;
}

}  // namespace

Response problem_response(const Error& error, Language language, const TraceId& trace_id) {
    const ErrorEntry& entry = catalogue_entry(error.code);
    const auto trace = trace_id.hex();
    json::object problem;
    problem["type"] = std::string(type_prefix).append(entry.name);
    problem["title"] = to_json(sentence(language, entry.name, Audience::vendor));
    problem["status"] = entry.http_status;
    problem["code"] = to_json(entry.name);
    if (!error.detail.empty()) problem["detail"] = to_json(error.detail);
    problem["sentences"] = {{"patient", to_json(sentence(language, entry.name, Audience::patient))},
                            {"clerk", to_json(sentence(language, entry.name, Audience::clerk))}};
    problem["retry"] = {{"advice", to_json(to_string(entry.retry))}, {"after_ms", error.retry_after_ms}};
    problem["trace_id"] = json::string_view(trace.data(), trace.size());
    if (!error.fields.empty()) problem["fields"] = fields_of(error);

    Response response;
    response.status = entry.http_status;
    response.content_type = problem_content_type;
    response.body = json::serialize(problem);
    response.headers.push_back({"content-language", language == Language::en ? "en" : "ja"});
    if (error.retry_after_ms > 0) {
        response.headers.push_back({"retry-after", std::to_string((error.retry_after_ms + 999) / 1000)});
    }
    return response;
}

Error parse_problem(std::uint16_t status, std::string_view content_type, std::string_view body) {
    if (!content_type.starts_with(problem_content_type)) return unknown_problem(status, {});
    const std::optional<json::object> problem = parse_object(body);
    if (!problem) return unknown_problem(status, {});
    const std::string_view code = text_member(*problem, "code");
    const ErrorEntry* known = find_error(code);
    if (known == nullptr) {
        Error error = unknown_problem(status, code);
        read_advice(*problem, error);
        return error;
    }
    Error error(known->code, std::string(text_member(*problem, "detail")));
    read_advice(*problem, error);
    read_fields(*problem, error);
    return error;
}

Language preferred_language(std::string_view accept_language) {
    double best_ja = 0;
    double best_en = 0;
    while (!accept_language.empty()) {
        const std::size_t comma = std::min(accept_language.find(','), accept_language.size());
        std::string_view range = accept_language.substr(0, comma);
        accept_language.remove_prefix(std::min(comma + 1, accept_language.size()));
        while (range.starts_with(' ')) range.remove_prefix(1);
        const double weight = weight_of(range);
        if (range.starts_with("ja")) best_ja = std::max(best_ja, weight);
        if (range.starts_with("en")) best_en = std::max(best_en, weight);
    }
    return best_en > best_ja ? Language::en : Language::ja;
}

}  // namespace onshi::http
