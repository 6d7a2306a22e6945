#include "exchange/face_engine/messages.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "platform/pki/private_key.h"

namespace onshi::face {
namespace {

using std::chrono::milliseconds;

std::string text_of(const SecretBytes& line) {
    return std::string(as_text(line.bytes()));
}

Reply reread(const Reply& reply) {
    auto read = parse_reply(text_of(write_reply(reply)));
    EXPECT_TRUE(read);
    return read ? std::move(*read) : Reply(Fault{"unread"});
}

TEST(FaceMessages, questions_are_read_as_they_were_written) {
    for (const auto ask : {Ask::hello, Ask::scan, Ask::aim, Ask::stop, Ask::forget}) {
        Request request;
        request.ask = ask;
        const auto read = parse_request(text_of(write_request(request)));
        ASSERT_TRUE(read) << text_of(write_request(request));
        EXPECT_EQ(read->ask, ask);
    }
    Request match;
    match.ask = Ask::match;
    match.nonce = std::string(nonce_bytes, '\x01');
    match.photo = SecretBytes(as_bytes(std::string(photo_bytes_max, '\xFF')));
    const std::string line = text_of(write_request(match));
    EXPECT_LT(line.size(), line_bytes_max);
    const auto read = parse_request(line);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->nonce, match.nonce);
    EXPECT_TRUE(read->photo.equals(match.photo.bytes()));
}

TEST(FaceMessages, answers_are_read_as_they_were_written) {
    const auto hello = std::get<Hello>(reread(Hello{"acme-9", true, true, "fine"}));
    EXPECT_EQ(hello.engine, "acme-9");
    EXPECT_TRUE(hello.ready && hello.scans);
    EXPECT_EQ(hello.note, "fine");
    const std::string digits = "05010120341234";
    Scan scan{SecretBytes(as_bytes(digits))};
    EXPECT_TRUE(std::get<Scan>(reread(std::move(scan))).number_b.equals(as_bytes(digits)));
    EXPECT_TRUE(std::get<Scan>(reread(Scan{})).number_b.empty());
    for (const auto hint :
         {Hint::no_face, Hint::closer, Hint::farther, Hint::front, Hint::single, Hint::light, Hint::still}) {
        EXPECT_EQ(std::get<Hint>(reread(hint)), hint);
        EXPECT_EQ(parse_hint(to_string(hint)), hint);
    }
    EXPECT_TRUE(std::get<AimEnded>(reread(AimEnded{true})).good);
    const auto decision =
        std::get<Decision>(reread(Decision{Verdict::not_matched, 4, milliseconds(120), std::string(64, 's')}));
    EXPECT_EQ(decision.verdict, Verdict::not_matched);
    EXPECT_EQ(decision.frames, 4);
    EXPECT_EQ(decision.age, milliseconds(120));
    EXPECT_EQ(decision.signature, std::string(64, 's'));
    EXPECT_TRUE(std::holds_alternative<Forgotten>(reread(Forgotten{})));
    EXPECT_EQ(std::get<Fault>(reread(Fault{"camera gone"})).note, "camera gone");
}

TEST(FaceMessages, refuse_what_no_engine_and_no_terminal_says) {
    for (const char* line :
         {"", "{}", "[]", R"({"reply":"hello"})", R"({"reply":"hello","engine":"a b"})", R"({"reply":"maybe"})",
          R"({"reply":"scan","number_b":"0501012034123"})", R"({"reply":"scan","number_b":"0501012034123x"})",
          R"({"reply":"hint","hint":"smile"})", R"({"reply":"forgotten","score":0.7})",
          R"({"reply":"decision","verdict":"matched","frames":3,"age_ms":-1,"signature":""})",
          R"({"reply":"decision","verdict":"yes","frames":3,"age_ms":1,"signature":""})"}) {
        EXPECT_FALSE(parse_reply(line)) << line;
    }
    for (const char* line : {"", "{}", R"({"ask":"look"})", R"({"ask":"hello"})", R"({"ask":"hello","protocol":"x"})",
                             R"({"ask":"match"})", R"({"ask":"match","nonce":"AAAA","photo":"AAAA"})",
                             R"({"ask":"scan","nonce":"AAAA"})"}) {
        EXPECT_FALSE(parse_request(line)) << line;
    }
    EXPECT_FALSE(parse_reply(std::string(line_bytes_max + 1, ' ')));
}

struct Signed {
    pki::EcPrivateKey key = pki::EcPrivateKey::generate(pki::EcPrivateKey::Curve::p256);
    EngineKey trusted{"acme-9", std::string(as_text(key.public_point()))};
    std::string nonce = std::string(nonce_bytes, 'n');
    std::string photo = "a photo";
    Decision decision{Verdict::matched, frames_min, milliseconds(100), {}};

    void sign() {
        const std::string lines = decision_text("acme-9", nonce, as_bytes(photo), decision);
        decision.signature = std::string(as_text(key.sign_fixed(as_bytes(lines))));
    }
    [[nodiscard]] Result<void> check() const { return check_decision(trusted, nonce, as_bytes(photo), decision); }
};

TEST(FaceDecision, signs_these_lines) {
    Signed made;
    EXPECT_EQ(decision_text("acme-9", made.nonce, as_bytes(made.photo), made.decision),
              "onshi-face-v1\nacme-9\nbm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4\n"
              "d4e24d749a4fe2f161af2de913c0402b04e3ae287dafd0f9dbfa4a5c56c69285\nmatched\n3\n100\n");
}

TEST(FaceDecision, counts_only_for_this_question_this_photo_this_engine_and_these_words) {
    Signed made;
    made.sign();
    EXPECT_TRUE(made.check());
    const auto refused = [&made](auto change) {
        Signed other;
        other.trusted = made.trusted;
        other.decision = made.decision;
        change(other);
        const auto checked = other.check();
        return !checked && checked.error().code == ErrorCode::signature_invalid;
    };
    EXPECT_TRUE(refused([](Signed& one) { one.nonce[0] = 'm'; }));
    EXPECT_TRUE(refused([](Signed& one) { one.photo = "another"; }));
    EXPECT_TRUE(refused([](Signed& one) { one.trusted.name = "acme-8"; }));
    EXPECT_TRUE(refused([](Signed& one) {
        one.trusted.public_point = as_text(pki::EcPrivateKey::generate(pki::EcPrivateKey::Curve::p256).public_point());
    }));
    EXPECT_TRUE(refused([](Signed& one) { one.decision.verdict = Verdict::not_matched; }));
    EXPECT_TRUE(refused([](Signed& one) { one.decision.frames = 9; }));
    EXPECT_TRUE(refused([](Signed& one) { one.decision.age = milliseconds(1); }));
    EXPECT_TRUE(refused([](Signed& one) { one.decision.signature.clear(); }));
}

TEST(FaceDecision, needs_enough_frames_that_are_not_old) {
    Signed made;
    made.decision.frames = frames_min - 1;
    made.sign();
    EXPECT_EQ(made.check().error().code, ErrorCode::peer_protocol);
    made.decision.frames = frames_min;
    made.decision.age = capture_age_max;
    made.sign();
    EXPECT_TRUE(made.check());
    made.decision.age += milliseconds(1);
    made.sign();
    EXPECT_EQ(made.check().error().code, ErrorCode::peer_protocol);
}

TEST(FaceMessages, any_bytes_are_read_or_refused_and_what_is_read_is_written_the_same) {
    EXPECT_TRUE(rc::check([](const std::string& bytes) {
        const auto reply = parse_reply(bytes);
        if (reply) RC_ASSERT(parse_reply(text_of(write_reply(*reply))).has_value());
        const auto request = parse_request(bytes);
        if (request) RC_ASSERT(parse_request(text_of(write_request(*request))).has_value());
    }));
}

}  // namespace
}  // namespace onshi::face
