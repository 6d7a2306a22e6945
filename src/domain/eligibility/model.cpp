#include "domain/eligibility/model.h"

#include <algorithm>

#include "base/bytes.h"

namespace onshi::eligibility {

namespace {

constexpr std::uint8_t layout = 3;
constexpr std::uint8_t layout_without_entitlements = 2;
constexpr std::int64_t list_max = 64;

void write_optional_date(ByteWriter& writer, const std::optional<Date>& day) {
    writer.u8(day ? 1 : 0);
    if (day) writer.u32(static_cast<std::uint32_t>(day->days()));
}

std::optional<Date> read_date(ByteReader& reader) {
    return Date::from_days(static_cast<std::int32_t>(reader.u32()));
}

void write_verdict(ByteWriter& writer, const Verdict& verdict) {
    writer.u8(static_cast<std::uint8_t>(verdict.result));
    writer.varint(verdict.cause ? static_cast<std::uint64_t>(*verdict.cause) + 1 : 0);
    writer.text(verdict.coverage ? coverage::pack(*verdict.coverage) : std::string());
    writer.text(verdict.overlaps.empty() ? std::string() : coverage::pack_all(verdict.overlaps));
    writer.varint(verdict.notes.size());
    for (const auto& note : verdict.notes) {
        writer.varint(static_cast<std::uint64_t>(note.code));
        write_optional_date(writer, note.day);
    }
    writer.varint(verdict.next.size());
    for (const auto& step : verdict.next) {
        writer.u8(static_cast<std::uint8_t>(step.audience));
        writer.varint(static_cast<std::uint64_t>(step.code));
    }
    writer.u8(static_cast<std::uint8_t>(verdict.medical));
}

std::optional<OutcomeCode> outcome_code(std::uint64_t value) {
    if (value >= outcome_names.size()) return std::nullopt;
    return static_cast<OutcomeCode>(value);
}

bool read_notes(ByteReader& reader, std::vector<Note>& notes) {
    const std::uint64_t count = reader.varint();
    if (count > list_max) return false;
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto code = outcome_code(reader.varint());
        if (!code) return false;
        Note note{*code, std::nullopt};
        if (reader.u8() == 1) note.day = read_date(reader);
        notes.push_back(note);
    }
    return true;
}

bool read_next(ByteReader& reader, std::vector<NextStep>& next) {
    const std::uint64_t count = reader.varint();
    if (count > list_max) return false;
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint8_t audience = reader.u8();
        const auto code = outcome_code(reader.varint());
        if (!code || audience > static_cast<std::uint8_t>(Audience::insurer)) return false;
        next.push_back({static_cast<Audience>(audience), *code});
    }
    return true;
}

bool read_verdict(ByteReader& reader, Verdict& verdict) {
    const std::uint8_t result = reader.u8();
    const std::uint64_t cause = reader.varint();
    const std::string_view counted = reader.text();
    const std::string_view overlaps = reader.text();
    if (result < 1 || result > 5) return false;
    verdict.result = static_cast<ResultCode>(result);
    if (cause > 0) {
        verdict.cause = outcome_code(cause - 1);
        if (!verdict.cause) return false;
    }
    if (!counted.empty()) {
        verdict.coverage = coverage::unpack(counted);
        if (!verdict.coverage) return false;
    }
    if (!overlaps.empty()) {
        auto unpacked = coverage::unpack_all(overlaps);
        if (!unpacked) return false;
        verdict.overlaps = std::move(*unpacked);
    }
    if (!read_notes(reader, verdict.notes) || !read_next(reader, verdict.next)) return false;
    verdict.medical = static_cast<MedicalData>(reader.u8());
    return verdict.medical <= MedicalData::link_unconfirmed;
}

void write_entitlements(ByteWriter& writer, const Entitlements& entitlements) {
    writer.u8(static_cast<std::uint8_t>(entitlements.limit_shown));
    writer.u8(static_cast<std::uint8_t>(entitlements.knowledge));
    payments::Holdings told{{}, entitlements.diseases, entitlements.subsidies};
    if (entitlements.limit) told.limits.push_back(*entitlements.limit);
    writer.text(told.empty() ? std::string() : payments::pack_all(told));
}

bool read_entitlements(ByteReader& reader, Entitlements& entitlements) {
    const std::uint8_t shown = reader.u8();
    const std::uint8_t knowledge = reader.u8();
    const std::string_view told = reader.text();
    if (shown > 1 || knowledge > static_cast<std::uint8_t>(payments::SubsidyKnowledge::unknown)) return false;
    entitlements.limit_shown = static_cast<LimitShown>(shown);
    entitlements.knowledge = static_cast<payments::SubsidyKnowledge>(knowledge);
    if (told.empty()) return true;
    auto holdings = payments::unpack_holdings(told);
    if (!holdings || holdings->limits.size() > 1) return false;
    if (!holdings->limits.empty()) entitlements.limit = holdings->limits.front();
    entitlements.diseases = std::move(holdings->diseases);
    entitlements.subsidies = std::move(holdings->subsidies);
    return true;
}

}  // namespace

std::string_view to_string(ResultCode code) {
    switch (code) {
        case ResultCode::valid: return "valid";
        case ResultCode::invalid: return "invalid";
        case ResultCode::invalid_newer: return "invalid_newer";
        case ResultCode::none: return "none";
        case ResultCode::several: return "several";
    }
    return "none";
}

std::string_view to_string(MedicalData reason) {
    switch (reason) {
        case MedicalData::available: return "available";
        case MedicalData::not_eligible: return "not_eligible";
        case MedicalData::certificate_grace: return "certificate_grace";
        case MedicalData::card_status_old: return "card_status_old";
        case MedicalData::scheme_without: return "scheme_without";
        case MedicalData::by_number: return "by_number";
        case MedicalData::deferred: return "deferred";
        case MedicalData::link_unconfirmed: return "link_unconfirmed";
    }
    return "not_eligible";
}

std::string_view to_string(Purpose purpose) {
    switch (purpose) {
        case Purpose::check: return "check";
        case Purpose::deferred: return "deferred";
        case Purpose::register_use: return "register_use";
        case Purpose::cancel_use: return "cancel_use";
        case Purpose::cancel_use_now: return "cancel_use_now";
        case Purpose::ask_use: return "ask_use";
        case Purpose::capsule: return "capsule";
    }
    return "unknown";
}

std::optional<Purpose> parse_purpose(std::string_view name) {
    for (const Purpose purpose : {Purpose::check, Purpose::deferred, Purpose::register_use, Purpose::cancel_use,
                                  Purpose::cancel_use_now, Purpose::ask_use, Purpose::capsule}) {
        if (to_string(purpose) == name) return purpose;
    }
    return std::nullopt;
}

std::string pack(const Answer& answer) {
    std::string bytes;
    bytes.reserve(512);
    ByteWriter writer(bytes);
    writer.u8(layout);
    writer.u8(static_cast<std::uint8_t>(answer.source));
    writer.u8(answer.check_id ? 1 : 0);
    if (answer.check_id) writer.raw(answer.check_id->bytes());
    writer.raw(answer.request_digest);
    writer.u8(static_cast<std::uint8_t>(answer.method));
    writer.text(answer.circumstance);
    writer.u32(static_cast<std::uint32_t>(answer.care_day.days()));
    writer.i64(answer.answered_at.us);
    writer.varint(static_cast<std::uint64_t>(answer.known_seq));
    writer.u8(answer.card_status_as_of ? 1 : 0);
    if (answer.card_status_as_of) writer.i64(answer.card_status_as_of->us);
    writer.u8(answer.person ? 1 : 0);
    if (answer.person) {
        writer.i64(answer.person->key.value());
        writer.text(identity::pack(*answer.person));
    }
    write_verdict(writer, answer.verdict);
    write_entitlements(writer, answer.entitlements);
    return bytes;
}

std::optional<Answer> unpack(std::string_view bytes) {
    ByteReader reader(as_bytes(bytes));
    const std::uint8_t form = reader.u8();
    if (form != layout && form != layout_without_entitlements) return std::nullopt;
    Answer answer;
    const std::uint8_t source = reader.u8();
    if (reader.u8() == 1) {
        auto id = CheckId::from_bytes(reader.raw(16));
        if (!id) return std::nullopt;
        answer.check_id = *id;
    }
    const Bytes digest = reader.raw(answer.request_digest.size());
    std::ranges::copy(digest, answer.request_digest.begin());
    const std::uint8_t method = reader.u8();
    answer.circumstance = reader.text();
    const auto care_day = read_date(reader);
    answer.answered_at = {reader.i64()};
    answer.known_seq = static_cast<std::int64_t>(reader.varint());
    if (reader.u8() == 1) answer.card_status_as_of = Instant{reader.i64()};
    if (reader.u8() == 1) {
        const PersonKey key(reader.i64());
        answer.person = identity::unpack(key, reader.text());
        if (!answer.person) return std::nullopt;
    }
    if (!read_verdict(reader, answer.verdict)) return std::nullopt;
    if (form == layout && !read_entitlements(reader, answer.entitlements)) return std::nullopt;
    if (!reader.ok() || !reader.at_end() || !care_day) return std::nullopt;
    if (source < 1 || source > 3 || method < 1 || method > 3) return std::nullopt;
    answer.source = static_cast<Source>(source);
    answer.method = static_cast<organisations::Method>(method);
    answer.care_day = *care_day;
    return answer;
}

}  // namespace onshi::eligibility
