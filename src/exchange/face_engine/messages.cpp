#include "exchange/face_engine/messages.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/sha256.h"
#include "platform/pki/private_key.h"
#include "platform/text_formats/json_reader.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::face {

namespace {

constexpr std::string_view protocol = "onshi-face/1";
constexpr std::size_t word_bytes_max = 32;
constexpr std::size_t note_bytes_max = 200;
constexpr std::size_t signature_bytes_max = 64;
constexpr std::int64_t frames_max = 1'000;
constexpr std::int64_t age_ms_max = 600'000;

constexpr std::array<std::string_view, 6> ask_names{"hello", "scan", "aim", "stop", "match", "forget"};
constexpr std::array<std::string_view, 7> hint_names{"no_face", "closer", "farther", "front",
                                                     "single",  "light",  "still"};
constexpr std::array<std::string_view, 3> verdict_names{"matched", "not_matched", "unusable"};

template <class T, std::size_t N>
std::optional<T> named(const std::array<std::string_view, N>& names, std::string_view name) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) return std::nullopt;
    return static_cast<T>(found - names.begin());
}

bool is_number_b(std::string_view text) {
    return text.size() == number_b_digits && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

Hello read_hello(JsonObject& object) {
    Hello hello;
    hello.engine = object.text("engine", engine_name_max);
    if (!is_engine_name(hello.engine)) object.reject("engine", ErrorCode::field_value);
    hello.ready = object.optional_boolean("ready").value_or(false);
    hello.scans = object.optional_boolean("scans").value_or(false);
    hello.note = object.optional_text("note", note_bytes_max).value_or("");
    return hello;
}

Scan read_scan(JsonObject& object) {
    const auto digits = object.optional_text("number_b", number_b_digits);
    if (!digits) return {};
    if (!is_number_b(*digits)) object.reject("number_b", ErrorCode::field_value);
    return {SecretBytes(as_bytes(*digits))};
}

Decision read_decision(JsonObject& object) {
    Decision decision;
    const auto verdict = named<Verdict>(verdict_names, object.text("verdict", word_bytes_max));
    if (!verdict) object.reject("verdict", ErrorCode::field_value);
    decision.verdict = verdict.value_or(Verdict::unusable);
    decision.frames = static_cast<int>(object.integer("frames", 0, frames_max).value_or(0));
    decision.age = std::chrono::milliseconds(object.integer("age_ms", 0, age_ms_max).value_or(age_ms_max));
    decision.signature = object.base64url("signature", signature_bytes_max);
    return decision;
}

Reply read_reply(JsonObject& object) {
    const auto kind = object.text("reply", word_bytes_max);
    if (kind == "hello") return read_hello(object);
    if (kind == "scan") return read_scan(object);
    if (kind == "decision") return read_decision(object);
    if (kind == "aim") return AimEnded{object.optional_boolean("good").value_or(false)};
    if (kind == "fault") return Fault{std::string(object.optional_text("note", note_bytes_max).value_or(""))};
    if (kind == "hint") {
        const auto hint = parse_hint(object.text("hint", word_bytes_max));
        if (!hint) object.reject("hint", ErrorCode::field_value);
        return hint.value_or(Hint::no_face);
    }
    if (kind != "forgotten") object.reject("reply", ErrorCode::field_value);
    return Forgotten{};
}

struct ReplyWriter {
    JsonWriter& writer;
    void operator()(const Hello& hello) const {
        writer.member("reply", "hello");
        writer.member("engine", hello.engine);
        writer.member("ready", hello.ready);
        writer.member("scans", hello.scans);
        if (!hello.note.empty()) writer.member("note", hello.note);
    }
    void operator()(const Scan& scan) const {
        writer.member("reply", "scan");
        if (!scan.number_b.empty()) writer.member("number_b", as_text(scan.number_b.bytes()));
    }
    void operator()(Hint hint) const {
        writer.member("reply", "hint");
        writer.member("hint", to_string(hint));
    }
    void operator()(const AimEnded& aim) const {
        writer.member("reply", "aim");
        writer.member("good", aim.good);
    }
    void operator()(const Decision& decision) const {
        writer.member("reply", "decision");
        writer.member("verdict", to_string(decision.verdict));
        writer.member("frames", std::int64_t{decision.frames});
        writer.member("age_ms", decision.age.count());
        writer.member("signature", to_base64url(as_bytes(decision.signature)));
    }
    void operator()(const Forgotten&) const { writer.member("reply", "forgotten"); }
    void operator()(const Fault& fault) const {
        writer.member("reply", "fault");
        if (!fault.note.empty()) writer.member("note", fault.note);
    }
};

}  // namespace

bool is_engine_name(std::string_view name) {
    return !name.empty() && name.size() <= engine_name_max && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    });
}

std::string_view to_string(Hint hint) {
    return hint_names[static_cast<std::size_t>(hint)];
}

std::optional<Hint> parse_hint(std::string_view name) {
    return named<Hint>(hint_names, name);
}

std::string_view to_string(Verdict verdict) {
    return verdict_names[static_cast<std::size_t>(verdict)];
}

SecretBytes write_request(const Request& request) {
    std::string line;
    // In one piece from the start, so that no half of a photo stays behind where it grew.
    line.reserve(128 + request.photo.size() * 4 / 3);
    JsonWriter writer(line);
    writer.begin_object();
    writer.member("ask", ask_names[static_cast<std::size_t>(request.ask)]);
    if (request.ask == Ask::hello) writer.member("protocol", protocol);
    if (request.ask == Ask::match) {
        writer.member("nonce", to_base64url(as_bytes(request.nonce)));
        std::string photo = to_base64url(request.photo.bytes());
        writer.member("photo", photo);
        const SecretBytes wiped = SecretBytes::take(photo);
    }
    writer.end_object();
    return SecretBytes::take(line);
}

Result<Request> parse_request(std::string_view line) {
    if (line.size() > line_bytes_max) return fail(ErrorCode::request_malformed, "line too long");
    auto document = JsonDocument::parse(line);
    if (!document) return fail(std::move(document));
    Request request;
    auto read = document->read([&](JsonObject& object) {
        const auto ask = named<Ask>(ask_names, object.text("ask", word_bytes_max));
        if (!ask) object.reject("ask", ErrorCode::field_value);
        request.ask = ask.value_or(Ask::forget);
        if (request.ask == Ask::hello && object.text("protocol", word_bytes_max) != protocol) {
            object.reject("protocol", ErrorCode::field_value);
        }
        if (request.ask != Ask::match) return;
        request.nonce = object.base64url("nonce", nonce_bytes);
        if (request.nonce.size() != nonce_bytes) object.reject("nonce", ErrorCode::field_value);
        std::string photo = object.base64url("photo", photo_bytes_max);
        if (photo.empty()) object.reject("photo", ErrorCode::field_value);
        request.photo = SecretBytes::take(photo);
    });
    if (!read) return fail(std::move(read));
    return request;
}

SecretBytes write_reply(const Reply& reply) {
    std::string line;
    line.reserve(512);
    JsonWriter writer(line);
    writer.begin_object();
    std::visit(ReplyWriter{writer}, reply);
    writer.end_object();
    return SecretBytes::take(line);
}

Result<Reply> parse_reply(std::string_view line) {
    if (line.size() > line_bytes_max) return fail(ErrorCode::request_malformed, "line too long");
    auto document = JsonDocument::parse(line);
    if (!document) return fail(std::move(document));
    Reply reply;
    auto read = document->read([&](JsonObject& object) { reply = read_reply(object); });
    if (!read) return fail(std::move(read));
    return reply;
}

std::string decision_text(std::string_view engine, std::string_view nonce, Bytes photo, const Decision& decision) {
    return fmt::format("onshi-face-v1\n{}\n{}\n{}\n{}\n{}\n{}\n", engine, to_base64url(as_bytes(nonce)),
                       to_hex(Bytes(sha256(photo))), to_string(decision.verdict), decision.frames,
                       decision.age.count());
}

Result<void> check_decision(const EngineKey& key, std::string_view nonce, Bytes photo, const Decision& decision) {
    const std::string text = decision_text(key.name, nonce, photo, decision);
    auto verified = pki::verify_es256(as_bytes(key.public_point), as_bytes(text), as_bytes(decision.signature));
    if (!verified) return verified;
    if (decision.frames < frames_min) return fail(ErrorCode::peer_protocol, "fewer frames than must agree");
    if (decision.age > capture_age_max) return fail(ErrorCode::peer_protocol, "the picture is not of now");
    return {};
}

}  // namespace onshi::face
