#include "exchange/api/emergencies.h"

#include <charconv>

#include <fmt/format.h>

#include "domain/organisations/model.h"
#include "exchange/api/values.h"
#include "platform/text_formats/json_reader.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::api {

namespace {

constexpr std::size_t word_max = 32;
constexpr std::size_t name_max = 200;
constexpr std::size_t address_max = 400;

// MN-2: free text.
std::string guarded(JsonObject& object, std::string_view name, std::optional<std::string_view> text) {
    if (!text) return {};
    if (contains_individual_number(*text)) object.reject(name, ErrorCode::request_my_number);
    return std::string(*text);
}

void write_members(JsonWriter& writer, const organisations::Disaster& disaster, Instant now) {
    writer.member("disaster", fmt::format("{}", disaster.id));
    writer.member("municipality", disaster.municipality.text());
    writer.member("first_day", to_iso(disaster.days.first));
    writer.member("last_day", to_iso(disaster.days.last));
    writer.member("state", to_string(state_at(disaster, now)));
    writer.member("declared_at", to_rfc3339(disaster.declared_at));
    writer.member("declared_by", disaster.declared_by);
    if (disaster.confirmed_at) {
        writer.member("confirmed_at", to_rfc3339(*disaster.confirmed_at));
        writer.member("confirmed_by", disaster.confirmed_by);
    }
    if (disaster.ended_at) {
        writer.member("ended_at", to_rfc3339(*disaster.ended_at));
        writer.member("ended_by", disaster.ended_by);
    }
}

}  // namespace

Result<OutageOrder> parse_outage(std::string_view body) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    OutageOrder order;
    auto read = document->read([&](JsonObject& object) {
        const auto name = object.text("dependency", word_max);
        const auto dependency = organisations::parse_dependency(name);
        if (!dependency && !name.empty()) object.reject("dependency", ErrorCode::field_value);
        if (dependency) order.dependency = *dependency;
        order.operator_reference = object.text("operator", organisations::account_reference_max);
    });
    if (!read) return fail(std::move(read));
    return order;
}

std::string write_modes(std::span<const organisations::Outage> outages,
                        const std::optional<organisations::Disaster>& open, Instant now) {
    std::string json;
    JsonWriter writer(json);
    writer.begin_object();
    writer.member("schema", "onshi.modes/1");
    writer.member("as_of", to_rfc3339(now));
    writer.begin_array("outages");
    for (const auto& outage : outages) {
        writer.begin_object();
        writer.member("dependency", to_string(outage.dependency));
        writer.member("since", to_rfc3339(outage.since));
        writer.member("mode", to_string(mode_under(outage.dependency)));
        writer.member("declared", !outage.declared_by.empty());
        writer.end_object();
    }
    writer.end_array();
    if (open) {
        writer.begin_object("disaster");
        writer.member("municipality", open->municipality.text());
        writer.member("last_day", to_iso(open->days.last));
        writer.end_object();
    }
    writer.end_object();
    return json;
}

Result<DisasterRequest> parse_disaster(std::string_view body) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    std::optional<MunicipalityCode> municipality;
    std::optional<Date> first;
    std::optional<Date> last;
    std::string person;
    auto read = document->read([&](JsonObject& object) {
        municipality = object.parsed("municipality", 6, &MunicipalityCode::parse);
        first = object.parsed("first_day", 10, &parse_iso_date);
        last = object.parsed("last_day", 10, &parse_iso_date);
        person = object.text("operator", organisations::account_reference_max);
    });
    if (!read) return fail(std::move(read));
    return DisasterRequest{{*municipality, {*first, *last}}, std::move(person)};
}

Result<std::string> parse_disaster_decision(std::string_view body) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    std::string person;
    auto read = document->read(
        [&](JsonObject& object) { person = object.text("operator", organisations::account_reference_max); });
    if (!read) return fail(std::move(read));
    return person;
}

Result<std::int64_t> parse_disaster_id(std::string_view text) {
    std::int64_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    const bool whole = error == std::errc() && end == text.data() + text.size() && id >= 0;
    if (!whole) return fail(ErrorCode::disaster_unknown, "");
    return id;
}

std::string write_disaster(const organisations::Disaster& disaster, Instant now) {
    std::string json;
    JsonWriter writer(json);
    writer.begin_object();
    write_members(writer, disaster, now);
    writer.end_object();
    return json;
}

std::string write_disasters(std::span<const organisations::Disaster> disasters, Instant now) {
    std::string json;
    JsonWriter writer(json);
    writer.begin_object();
    writer.begin_array("disasters");
    for (const auto& disaster : disasters) {
        writer.begin_object();
        write_members(writer, disaster, now);
        writer.end_object();
    }
    writer.end_array();
    writer.end_object();
    return json;
}

Result<std::unique_ptr<const DisasterCheckMessage>> parse_disaster_check(std::string_view body, Date today) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    auto message = std::make_unique<DisasterCheckMessage>();
    std::optional<CheckId> id;
    std::optional<Date> birth;
    std::optional<Sex> sex;
    std::optional<eligibility::DisasterGround> ground;
    auto read = document->read([&](JsonObject& object) {
        id = object.parsed("check_id", 36, &CheckId::parse);
        message->kana = guarded(object, "kana", object.text("kana", name_max));
        birth = object.parsed("birth_date", 10, &parse_iso_date);
        if (birth && *birth > today) object.reject("birth_date", ErrorCode::date_out_of_range);
        const auto code = object.integer("sex", 1, 3);
        if (code) sex = static_cast<Sex>(*code);
        message->address = guarded(object, "address", object.optional_text("address", address_max));
        const auto word = object.text("ground", word_max);
        ground = eligibility::parse_disaster_ground(word);
        if (!ground && !word.empty()) object.reject("ground", ErrorCode::field_value);
        message->operator_reference =
            guarded(object, "operator", object.text("operator", organisations::account_reference_max));
    });
    if (!read) return fail(std::move(read));
    message->check.emplace(eligibility::DisasterCheck{*id, message->kana, *birth, *sex, message->address, *ground,
                                                      message->operator_reference});
    return std::unique_ptr<const DisasterCheckMessage>(std::move(message));
}

}  // namespace onshi::api
