#include "platform/smartcard/my_number_card.h"

#include <algorithm>
#include <deque>
#include <map>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "platform/pki/certificate.h"
#include "platform/smartcard/card_fixtures.h"
#include "platform/smartcard/limits.h"
#include "platform/smartcard/tlv.h"

namespace onshi::smartcard::my_number_card_test {

const std::string message = "onshi-check-v1\nhub\nfacility\n";

SignRequest request() {
    return {as_bytes(message), std::nullopt};
}
std::span<const CvRoot> roots() {
    return std::span(&fixture_issuer().surface_root(), 1);
}

bool holds(const CardSignature& signature) {
    const auto certificate = pki::parse_certificate(signature.certificate);
    return certificate && certificate->card_key &&
           pki::verify_message(*certificate->card_key, signature.algorithm, as_bytes(message), signature.signature);
}

// Changes what the card answers to commands that begin with certain bytes.
class AlteringChannel final : public CardChannel {
  public:
    using Alter = std::function<std::optional<ByteVector>(Bytes command, Bytes answer)>;
    AlteringChannel(CardChannel& inner, Alter alter) : inner_(inner), alter_(std::move(alter)) {}
    Result<void> begin_transaction() override {
        if (resets_at_begin > 0) {
            --resets_at_begin;
            return fail(ErrorCode::card_reset, "scripted");
        }
        return inner_.begin_transaction();
    }
    void end_transaction() noexcept override { inner_.end_transaction(); }
    Result<ByteVector> exchange(Bytes command) override {
        sent.emplace_back(to_hex(command));
        auto failed = fail_next.find(command[1]);
        if (failed != fail_next.end() && command.size() > 5) {
            const ErrorCode code = failed->second;
            fail_next.erase(failed);
            return fail(code, "scripted");
        }
        auto answer = inner_.exchange(command);
        if (!answer) return answer;
        auto altered = alter_(command, *answer);
        return altered ? std::move(*altered) : std::move(*answer);
    }
    int resets_at_begin = 0;
    std::map<std::uint8_t, ErrorCode> fail_next;  // by instruction, commands with data only
    std::vector<std::string> sent;

  private:
    CardChannel& inner_;
    Alter alter_;
};

AlteringChannel::Alter nothing() {
    return [](Bytes, Bytes) { return std::optional<ByteVector>(); };
}

AlteringChannel::Alter answer_to(std::uint8_t ins, ByteVector answer) {
    return [ins, answer = std::move(answer)](Bytes command, Bytes) -> std::optional<ByteVector> {
        if (command[1] == ins) return answer;
        return std::nullopt;
    };
}

TEST(Recognise, tells_token_certificates_and_tries) {
    FixtureCard card;
    const auto overview = MyNumberCard(card.channel()).recognise(soon());
    ASSERT_TRUE(overview) << overview.error().detail;
    EXPECT_EQ(overview->token, TokenKind::my_number_card);
    EXPECT_EQ(overview->pin, PinState::usable);
    EXPECT_EQ(overview->pin_tries_left, 3U);
    EXPECT_TRUE(overview->has_signature_certificate);
}

TEST(Recognise, warns_of_the_last_try_and_tells_a_lock_from_a_card_without_pin) {
    FixtureCard card;
    MyNumberCard client(card.channel());
    const auto wrong = secret("0000");
    for (const auto expected : {PinState::usable, PinState::last_try, PinState::locked}) {
        ASSERT_TRUE(client.check_pin(wrong, request(), LastTry::spend, soon()));
        EXPECT_EQ(client.recognise(soon())->pin, expected);
    }
    FixtureCard face(fixture_order(CardPins::face_authentication));
    EXPECT_EQ(MyNumberCard(face.channel()).recognise(soon())->pin, PinState::missing);
    FixtureCard child(fixture_order(CardPins::set_without_signature));
    const auto overview = MyNumberCard(child.channel()).recognise(soon());
    EXPECT_EQ(overview->pin, PinState::usable);
    EXPECT_FALSE(overview->has_signature_certificate);
}

TEST(Recognise, refuses_old_resident_cards_and_other_cards) {
    FixtureCard card;
    const auto labelled = [&card](std::string_view label) {
        std::string padded(label);
        padded.resize(32, ' ');
        padded += std::string_view("\x90\x00", 2);
        const Bytes bytes = as_bytes(padded);
        AlteringChannel channel(card.channel(), answer_to(ins::read_binary, {bytes.begin(), bytes.end()}));
        return MyNumberCard(channel).recognise(soon()).error().code;
    };
    EXPECT_EQ(labelled("JPKIAPICCTOKEN"), ErrorCode::card_old_resident);
    EXPECT_EQ(labelled("JPKIAPICCTOKEN3"), ErrorCode::card_other);
    EXPECT_EQ(labelled(""), ErrorCode::card_other);
    AlteringChannel bank_card(card.channel(), answer_to(ins::select, {0x6A, 0x82}));
    EXPECT_EQ(MyNumberCard(bank_card).recognise(soon()).error().code, ErrorCode::card_other);
    AlteringChannel strange(card.channel(), answer_to(ins::select, {0x6F, 0x00}));
    const auto refusal = MyNumberCard(strange).recognise(soon());
    EXPECT_EQ(refusal.error().code, ErrorCode::card_refused);
    EXPECT_EQ(refusal.error().detail, "SELECT of an application answered 6F00");
}

TEST(Recognise, knows_phones_by_their_label) {
    for (const auto token : {TokenKind::android_phone, TokenKind::iphone}) {
        FixtureCard phone(fixture_order(CardPins::set, token));
        EXPECT_EQ(MyNumberCard(phone.channel()).recognise(soon())->token, token);
    }
}

TEST(Certificates, are_read_whole_and_without_filler) {
    const auto image = fixture_image();
    FixtureCard card;
    MyNumberCard client(card.channel());
    EXPECT_EQ(*client.read_auth_certificate(soon()), image.authentication.certificate);
    EXPECT_EQ(*client.read_auth_ca_certificate(soon()), image.authentication.ca_certificate);
}

TEST(Certificates, of_a_card_that_has_none_are_an_error_of_their_own) {
    FixtureCard card;
    AlteringChannel channel(card.channel(), [](Bytes command, Bytes) -> std::optional<ByteVector> {
        if (to_hex(command) == "00a4020c02000a") return ByteVector{0x6A, 0x82};
        return std::nullopt;
    });
    EXPECT_EQ(MyNumberCard(channel).read_auth_certificate(soon()).error().code, ErrorCode::card_certificate_missing);
}

TEST(CheckPin, signs_what_verifies_with_the_cards_certificate) {
    FixtureCard card;
    const auto pin = secret("1234");
    const auto check = MyNumberCard(card.channel()).check_pin(pin, request(), LastTry::keep, soon());
    ASSERT_TRUE(check) << check.error().detail;
    ASSERT_TRUE(std::holds_alternative<CardSignature>(*check));
    EXPECT_EQ(std::get<CardSignature>(*check).algorithm, pki::SignatureAlgorithm::rsa_pkcs1_sha256);
    EXPECT_TRUE(holds(std::get<CardSignature>(*check)));
    EXPECT_EQ(error_code_of(*check), std::nullopt);
}

TEST(CheckPin, is_the_published_sequence_in_one_transaction) {
    FixtureCard card;
    std::vector<std::string> lines;
    TracingChannel channel(card.channel(), [&lines](std::string_view line) {
        if (line.starts_with('>') && line.find("B0 ") == std::string_view::npos) lines.emplace_back(line.substr(2, 24));
    });
    ASSERT_TRUE(MyNumberCard(channel).check_pin(secret("1234"), request(), LastTry::keep, soon()));
    // jpki-card §5.2 without its reads.
    EXPECT_EQ(lines, (std::vector<std::string>{"00 A4 04 0C Lc=10 d392f0", "00 A4 02 0C Lc=2 0006",
                                               "00 A4 02 0C Lc=2 000a", "00 A4 02 0C Lc=2 0018", "00 20 00 80",
                                               "00 20 00 80 [masked]", "00 A4 02 0C Lc=2 0017",
                                               "80 2A 00 80 Lc=51 303130", "00 A4 04 0C Lc=10 d392f0"}));
}

TEST(CheckPin, can_use_a_certificate_that_was_read_before) {
    FixtureCard card;
    const auto known = *MyNumberCard(card.channel()).read_auth_certificate(soon());
    AlteringChannel channel(card.channel(), nothing());
    const SignRequest with_known{as_bytes(message), Bytes(known)};
    const auto check = MyNumberCard(channel).check_pin(secret("1234"), with_known, LastTry::keep, soon());
    ASSERT_TRUE(check && std::holds_alternative<CardSignature>(*check));
    EXPECT_TRUE(holds(std::get<CardSignature>(*check)));
    EXPECT_EQ(std::ranges::count(channel.sent, "00a4020c02000a"), 0);
}

TEST(CheckPin, counts_down_keeps_the_last_try_and_locks) {
    FixtureCard card;
    MyNumberCard client(card.channel());
    const auto wrong = secret("0000");
    const auto tries = [&card] { return card.card().tries_left(CredentialId::auth_pin); };
    auto check = *client.check_pin(wrong, request(), LastTry::keep, soon());
    ASSERT_TRUE(std::holds_alternative<CredentialWrong>(check));
    EXPECT_EQ(std::get<CredentialWrong>(check).tries_left, 2U);
    EXPECT_EQ(error_code_of(check), ErrorCode::card_pin_wrong);
    check = *client.check_pin(wrong, request(), LastTry::keep, soon());
    EXPECT_EQ(std::get<CredentialWrong>(check).tries_left, 1U);

    check = *client.check_pin(wrong, request(), LastTry::keep, soon());
    EXPECT_TRUE(std::holds_alternative<LastTryKept>(check));
    EXPECT_EQ(error_code_of(check), ErrorCode::card_pin_last_try);
    EXPECT_EQ(tries(), 1U);
    check = *client.check_pin(secret("1234"), request(), LastTry::keep, soon());
    EXPECT_TRUE(std::holds_alternative<LastTryKept>(check));

    check = *client.check_pin(wrong, request(), LastTry::spend, soon());
    EXPECT_TRUE(std::holds_alternative<CredentialLocked>(check));
    EXPECT_EQ(error_code_of(check), ErrorCode::card_pin_locked);
    check = *client.check_pin(secret("1234"), request(), LastTry::spend, soon());
    EXPECT_TRUE(std::holds_alternative<CredentialLocked>(check));
}

TEST(CheckPin, with_the_last_try_and_the_right_pin_restores_all) {
    FixtureCard card;
    MyNumberCard client(card.channel());
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(client.check_pin(secret("0000"), request(), LastTry::keep, soon()));
    const auto check = client.check_pin(secret("1234"), request(), LastTry::spend, soon());
    EXPECT_TRUE(std::holds_alternative<CardSignature>(*check));
    EXPECT_EQ(card.card().tries_left(CredentialId::auth_pin), 3U);
}

TEST(CheckPin, of_a_face_authentication_card_says_that_there_is_no_pin) {
    FixtureCard card(fixture_order(CardPins::face_authentication));
    const auto check = MyNumberCard(card.channel()).check_pin(secret("1234"), request(), LastTry::keep, soon());
    ASSERT_TRUE(check);
    EXPECT_TRUE(std::holds_alternative<PinMissing>(*check));
    EXPECT_EQ(error_code_of(*check), ErrorCode::card_pin_missing);
}

TEST(CheckPin, sends_nothing_for_a_pin_of_another_form) {
    FixtureCard card;
    AlteringChannel channel(card.channel(), nothing());
    for (const std::string_view pin : {"", "123", "12345", "12a4", "１２３４"}) {
        const auto check = MyNumberCard(channel).check_pin(secret(pin), request(), LastTry::spend, soon());
        EXPECT_EQ(check.error().code, ErrorCode::card_pin_format) << pin;
    }
    EXPECT_TRUE(channel.sent.empty());
}

TEST(CheckPin, reads_an_android_phones_certificate_after_the_pin) {
    FixtureCard phone(fixture_order(CardPins::set, TokenKind::android_phone));
    MyNumberCard client(phone.channel());
    EXPECT_EQ(client.read_auth_certificate(soon()).error().code, ErrorCode::card_refused);
    const auto check = client.check_pin(secret("1234"), request(), LastTry::keep, soon());
    ASSERT_TRUE(check && std::holds_alternative<CardSignature>(*check));
    EXPECT_TRUE(holds(std::get<CardSignature>(*check)));
}

TEST(CheckPin, takes_ecdsa_for_a_p384_certificate) {
    auto order = fixture_order();
    order.generation = CardGeneration::p384_stand_in;
    FixtureCard card(order);
    const auto check = MyNumberCard(card.channel()).check_pin(secret("1234"), request(), LastTry::keep, soon());
    ASSERT_TRUE(check && std::holds_alternative<CardSignature>(*check));
    EXPECT_EQ(std::get<CardSignature>(*check).algorithm, pki::SignatureAlgorithm::ecdsa_p384_sha384);
    EXPECT_TRUE(holds(std::get<CardSignature>(*check)));
}

TEST(CheckPin, works_through_a_reader_that_answers_with_61xx_and_6cxx) {
    // As T=0 does: an answer is announced first and fetched, and a wrong Le is corrected.
    class OldReader final : public CardChannel {
      public:
        explicit OldReader(CardChannel& inner) : inner_(inner) {}
        Result<void> begin_transaction() override { return inner_.begin_transaction(); }
        void end_transaction() noexcept override { inner_.end_transaction(); }
        Result<ByteVector> exchange(Bytes command) override {
            if (command[1] == ins::get_response) return take(command[4]);
            auto answer = inner_.exchange(command);
            if (!answer || answer->size() <= 2) return answer;
            if (command[1] == ins::read_binary && command[4] != (answer->size() - 2) % 256) {
                return ByteVector{0x6C, static_cast<std::uint8_t>(answer->size() - 2)};
            }
            held_ = std::move(*answer);
            return announce();
        }

      private:
        Result<ByteVector> take(std::uint8_t le) {
            const std::size_t wanted = std::min<std::size_t>(le == 0 ? 256 : le, held_.size() - 2);
            ByteVector part(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(wanted));
            held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(wanted));
            const auto status = held_.size() > 2 ? *announce() : held_;
            part.insert(part.end(), status.begin(), status.end());
            return part;
        }
        Result<ByteVector> announce() {
            return ByteVector{0x61, static_cast<std::uint8_t>(std::min<std::size_t>(held_.size() - 2, 100))};
        }
        CardChannel& inner_;
        ByteVector held_;
    };
    FixtureCard card;
    OldReader reader(card.channel());
    const auto check = MyNumberCard(reader).check_pin(secret("1234"), request(), LastTry::keep, soon());
    ASSERT_TRUE(check) << check.error().detail;
    EXPECT_TRUE(holds(std::get<CardSignature>(*check)));
}

TEST(CheckPin, leaves_no_pin_verified_behind) {
    FixtureCard card;
    ASSERT_TRUE(MyNumberCard(card.channel()).check_pin(secret("1234"), request(), LastTry::keep, soon()));
    card.run("00a4040c0ad392f000260100000001");
    EXPECT_EQ(card.run("802a029720" + std::string(64, '0') + "00"), "6982");
}

TEST(CheckPin, of_a_card_taken_out_at_any_moment_says_removed) {
    FixtureCard whole;
    AlteringChannel counter(whole.channel(), nothing());
    ASSERT_TRUE(MyNumberCard(counter).check_pin(secret("1234"), request(), LastTry::keep, soon()));
    for (std::size_t commands = 0; commands < counter.sent.size(); ++commands) {
        FixtureCard card;
        card.channel().remove_after(commands);
        const auto check = MyNumberCard(card.channel()).check_pin(secret("1234"), request(), LastTry::keep, soon());
        ASSERT_FALSE(check.has_value()) << commands;
        EXPECT_EQ(check.error().code, ErrorCode::card_removed) << commands;
    }
}

TEST(CheckPin, starts_over_after_another_programs_reset_but_never_repeats_a_verify) {
    FixtureCard card;
    AlteringChannel channel(card.channel(), nothing());
    channel.resets_at_begin = static_cast<int>(restarts_max);
    EXPECT_TRUE(MyNumberCard(channel).check_pin(secret("1234"), request(), LastTry::keep, soon()));
    channel.resets_at_begin = static_cast<int>(restarts_max) + 1;
    EXPECT_EQ(MyNumberCard(channel).check_pin(secret("1234"), request(), LastTry::keep, soon()).error().code,
              ErrorCode::card_reset);
    channel.resets_at_begin = 0;
    channel.fail_next[ins::select] = ErrorCode::card_reset;
    EXPECT_TRUE(MyNumberCard(channel).check_pin(secret("1234"), request(), LastTry::keep, soon()));

    channel.sent.clear();
    channel.fail_next[ins::verify] = ErrorCode::card_reset;
    const auto check = MyNumberCard(channel).check_pin(secret("0000"), request(), LastTry::keep, soon());
    EXPECT_EQ(check.error().code, ErrorCode::card_unreadable);
    EXPECT_EQ(
        std::ranges::count_if(channel.sent, [](const std::string& sent) { return sent.starts_with("0020008004"); }), 1);
}

TEST(CheckPin, after_its_deadline_sends_nothing) {
    FixtureCard card;
    AlteringChannel channel(card.channel(), nothing());
    const Deadline passed(std::chrono::steady_clock::now() - std::chrono::seconds(1));
    EXPECT_EQ(MyNumberCard(channel).check_pin(secret("1234"), request(), LastTry::keep, passed).error().code,
              ErrorCode::deadline_passed);
    EXPECT_TRUE(channel.sent.empty());
}

TEST(CheckPin, refuses_what_a_broken_or_hostile_card_answers) {
    FixtureCard card;
    const auto code_with = [&card](AlteringChannel::Alter alter) {
        AlteringChannel channel(card.channel(), std::move(alter));
        const auto check = MyNumberCard(channel).check_pin(secret("1234"), request(), LastTry::keep, soon());
        return check ? ErrorCode::internal_unexpected : check.error().code;
    };
    const auto on = [](std::string_view prefix, ByteVector answer) -> AlteringChannel::Alter {
        return [prefix = std::string(prefix), answer](Bytes command, Bytes) -> std::optional<ByteVector> {
            if (to_hex(command).starts_with(prefix)) return answer;
            return std::nullopt;
        };
    };
    EXPECT_EQ(code_with(on("00b0000004", {0x90, 0x00})), ErrorCode::card_unreadable);
    EXPECT_EQ(code_with(on("00b0000004", {0x30, 0x81, 0xFF, 0x00, 0x90, 0x00})), ErrorCode::card_unreadable);
    EXPECT_EQ(code_with(on("00b0000004", {0x30, 0x82, 0xFF, 0xFF, 0x90, 0x00})), ErrorCode::card_unreadable);
    EXPECT_EQ(code_with(on("00b0000004", {0x30, 0x82, 0x00, 0x10, 0x90, 0x00})), ErrorCode::card_unreadable);
    EXPECT_EQ(code_with(on("00b0000004", {0x30, 0x82, 0x01, 0x10, 0x00, 0x90, 0x00})), ErrorCode::card_unreadable);
    EXPECT_EQ(code_with(on("00b00004", {0x90, 0x00})), ErrorCode::card_unreadable);  // a file that never goes on
    EXPECT_EQ(code_with(on("00b00004", {0x6B, 0x00})), ErrorCode::card_refused);
    EXPECT_EQ(code_with(on("00200080", {0x90, 0x00})), ErrorCode::card_refused);
    EXPECT_EQ(code_with(on("00200080", {})), ErrorCode::card_unreadable);
    EXPECT_EQ(code_with(on("802a", {0x01, 0x02, 0x90, 0x00})), ErrorCode::card_unreadable);
    EXPECT_EQ(code_with(on("802a", {0x69, 0x82})), ErrorCode::card_refused);
    EXPECT_EQ(code_with(on("802a", {0x6F, 0x00})), ErrorCode::card_refused);
}

TEST(CheckPinless, signs_with_our_stand_in_for_terminal_authentication) {
    for (const auto pins : {CardPins::set, CardPins::face_authentication}) {
        FixtureCard card(fixture_order(pins));
        auto certificate = fixture_issuer().issue_terminal_certificate(pki::fixture_keys().public_key(15));
        auto key = pki::RsaPrivateKey::from_pem(as_text(pki::fixture_keys().key(15).to_pem().bytes()));
        StandInTerminalAuthentication terminal(std::move(*certificate), std::move(*key));
        const auto signature = MyNumberCard(card.channel()).check_pinless(terminal, request(), soon());
        ASSERT_TRUE(signature) << signature.error().detail;
        EXPECT_TRUE(holds(*signature));
    }
}

TEST(CheckPinless, is_refused_to_a_terminal_without_certificate_or_key) {
    FixtureCard card;
    const auto copy = [](std::uint64_t index) {
        return std::move(*pki::RsaPrivateKey::from_pem(as_text(pki::fixture_keys().key(index).to_pem().bytes())));
    };
    auto certificate = fixture_issuer().issue_terminal_certificate(pki::fixture_keys().public_key(15));
    StandInTerminalAuthentication wrong_key(*certificate, copy(14));
    EXPECT_EQ(MyNumberCard(card.channel()).check_pinless(wrong_key, request(), soon()).error().code,
              ErrorCode::card_pinless_refused);
    StandInTerminalAuthentication no_certificate(ByteVector(cv_terminal_certificate_bytes), copy(15));
    EXPECT_EQ(MyNumberCard(card.channel()).check_pinless(no_certificate, request(), soon()).error().code,
              ErrorCode::card_pinless_refused);
    OpenedByHolder nobody;
    EXPECT_EQ(MyNumberCard(card.channel()).check_pinless(nobody, request(), soon()).error().code,
              ErrorCode::card_pinless_refused);
}

TEST(CheckPinless, signs_with_an_iphone_that_its_holder_opened) {
    FixtureCard phone(fixture_order(CardPins::set, TokenKind::iphone));
    OpenedByHolder holder;
    const auto signature = MyNumberCard(phone.channel()).check_pinless(holder, request(), soon());
    ASSERT_TRUE(signature) << signature.error().detail;
    EXPECT_TRUE(holds(*signature));
}

TEST(ReadText, gives_the_four_data_with_pin_or_number_b) {
    FixtureCard card;
    MyNumberCard client(card.channel());
    for (const auto& [kind, credential] : {std::pair{TextCredential::pin, std::string_view("1234")},
                                           std::pair{TextCredential::number_b, fixture_number_b}}) {
        const auto reading = client.read_text(kind, secret(credential), roots(), LastTry::keep, soon());
        ASSERT_TRUE(reading) << reading.error().detail;
        const auto& record = std::get<TextRecord>(*reading);
        EXPECT_EQ(record.name, "髙橋\u3000美咲");
        EXPECT_EQ(record.address, "東京都千代田区架空町一丁目２番３号");
        EXPECT_EQ(record.born_on, Date::of(1985, 4, 12));
        EXPECT_EQ(record.sex, CardSex::female);
        EXPECT_EQ(record.proof, TextProof::proven);
    }
}

TEST(ReadText, without_a_trusted_issuer_is_unproven_but_read) {
    FixtureCard card;
    const auto reading =
        MyNumberCard(card.channel()).read_text(TextCredential::pin, secret("1234"), {}, LastTry::keep, soon());
    ASSERT_TRUE(reading);
    EXPECT_EQ(std::get<TextRecord>(*reading).proof, TextProof::unproven);
}

TEST(ReadText, counts_each_credential_for_itself) {
    FixtureCard card;
    MyNumberCard client(card.channel());
    const auto wrong = client.read_text(TextCredential::pin, secret("0000"), roots(), LastTry::keep, soon());
    EXPECT_EQ(std::get<CredentialWrong>(*wrong).tries_left, 2U);
    const auto wrong_b =
        client.read_text(TextCredential::number_b, secret("00000000000000"), roots(), LastTry::keep, soon());
    EXPECT_EQ(std::get<CredentialWrong>(*wrong_b).tries_left, 9U);
    EXPECT_EQ(
        client.read_text(TextCredential::pin, secret(fixture_number_b), roots(), LastTry::keep, soon()).error().code,
        ErrorCode::card_pin_format);
}

TEST(ReadSurface, gives_the_photo_and_what_is_printed) {
    FixtureCard card;
    SystemRandom random;
    const auto reading =
        MyNumberCard(card.channel()).read_surface(secret(fixture_number_b), roots(), random, LastTry::keep, soon());
    ASSERT_TRUE(reading) << reading.error().detail;
    const auto& record = std::get<SurfaceRecord>(*reading);
    EXPECT_EQ(record.born_on, Date::of(1985, 4, 12));
    EXPECT_EQ(record.expires_on, Date::of(2034, 4, 12));
    EXPECT_EQ(record.sex, CardSex::female);
    EXPECT_TRUE(record.photo_jp2.equals(make_grey_jp2(240, 300)));
    EXPECT_EQ(error_code_of(*reading), std::nullopt);
}

TEST(ReadSurface, reads_a_photo_as_large_as_a_file_can_hold) {
    auto order = fixture_order();
    order.photo_jp2 = make_grey_jp2(240, 300);
    order.photo_jp2.resize(card_pictures_bytes_max - 3 * make_blank_png().size());
    FixtureCard card(order);
    SystemRandom random;
    const auto reading =
        MyNumberCard(card.channel()).read_surface(secret(fixture_number_b), roots(), random, LastTry::keep, soon());
    ASSERT_TRUE(reading) << reading.error().detail;
    EXPECT_TRUE(std::get<SurfaceRecord>(*reading).photo_jp2.equals(order.photo_jp2));
}

TEST(ReadSurface, locks_number_b_after_ten_wrong_ones_and_keeps_the_last) {
    FixtureCard card;
    SystemRandom random;
    MyNumberCard client(card.channel());
    const auto read = [&](LastTry last_try) {
        return *client.read_surface(secret("00000000000000"), roots(), random, last_try, soon());
    };
    for (unsigned left = 9; left >= 1; --left) {
        const auto reading = read(LastTry::keep);
        ASSERT_TRUE(std::holds_alternative<CredentialWrong>(reading)) << left;
        EXPECT_EQ(std::get<CredentialWrong>(reading).tries_left, left);
        EXPECT_EQ(error_code_of(reading), ErrorCode::card_number_b_wrong);
    }
    EXPECT_TRUE(std::holds_alternative<LastTryKept>(read(LastTry::keep)));
    const auto locked = read(LastTry::spend);
    EXPECT_TRUE(std::holds_alternative<CredentialLocked>(locked));
    EXPECT_EQ(error_code_of(locked), ErrorCode::card_number_b_locked);
    // The PIN still works: they are locks of their own (domain-rules §6.3).
    EXPECT_EQ(client.recognise(soon())->pin, PinState::usable);
}

TEST(ReadSurface, refuses_a_record_that_differs_in_any_signed_byte) {
    FixtureCard card;
    SystemRandom random;
    const auto code_with = [&](std::string_view tag_hex, std::size_t offset) {
        // Turns one bit behind the tag, wherever its file part passes by.
        std::size_t position = 0;
        AlteringChannel finder(card.channel(), nothing());
        AlteringChannel channel(card.channel(), [&](Bytes command, Bytes answer) -> std::optional<ByteVector> {
            if (command[1] != ins::read_binary) return std::nullopt;
            const auto hex = to_hex(answer);
            const auto at = hex.find(tag_hex);
            if (at == std::string::npos || at % 2 != 0 || position++ != 0) return std::nullopt;
            ByteVector altered(answer.begin(), answer.end());
            altered[at / 2 + offset] ^= 1U;
            return altered;
        });
        const auto reading =
            MyNumberCard(channel).read_surface(secret(fixture_number_b), roots(), random, LastTry::keep, soon());
        return reading ? ErrorCode::internal_unexpected : reading.error().code;
    };
    EXPECT_EQ(code_with("df2208", 4), ErrorCode::card_not_authentic);    // birth
    EXPECT_EQ(code_with("df2301", 3), ErrorCode::card_not_authentic);    // sex
    EXPECT_EQ(code_with("918201", 8), ErrorCode::card_not_authentic);    // card key
    EXPECT_EQ(code_with("df2543", 9), ErrorCode::card_not_authentic);    // name
    EXPECT_EQ(code_with("df2643", 9), ErrorCode::card_not_authentic);    // address
    EXPECT_EQ(code_with("6a703268", 9), ErrorCode::card_not_authentic);  // photo
    EXPECT_EQ(code_with("5f4e82", 40), ErrorCode::card_not_authentic);   // the signer's certificate
}

TEST(ReadSurface, refuses_an_issuer_that_is_not_trusted_and_a_copy_without_the_key) {
    FixtureCard card;
    SystemRandom random;
    MyNumberCard client(card.channel());
    EXPECT_EQ(client.read_surface(secret(fixture_number_b), {}, random, LastTry::keep, soon()).error().code,
              ErrorCode::card_not_authentic);
    CvRoot other = fixture_issuer().surface_root();
    other.key = pki::fixture_keys().public_key(0);
    EXPECT_EQ(
        client.read_surface(secret(fixture_number_b), std::span(&other, 1), random, LastTry::keep, soon()).error().code,
        ErrorCode::card_not_authentic);
    // A copy of all files in a card with another key.
    auto copied = fixture_image();
    FixtureCard copy_card(std::move(copied));
    const auto foreign = *pki::fixture_keys().key(0).sign_pkcs1(ByteVector(32));
    ByteVector answer = foreign;
    answer.insert(answer.end(), {0x90, 0x00});
    AlteringChannel copy(copy_card.channel(), answer_to(ins::perform_security_operation, answer));
    EXPECT_EQ(
        MyNumberCard(copy).read_surface(secret(fixture_number_b), roots(), random, LastTry::keep, soon()).error().code,
        ErrorCode::card_not_authentic);
}

TEST(ReadSurface, on_a_phone_is_no_card_for_it) {
    FixtureCard phone(fixture_order(CardPins::set, TokenKind::android_phone));
    SystemRandom random;
    EXPECT_EQ(MyNumberCard(phone.channel())
                  .read_surface(secret(fixture_number_b), roots(), random, LastTry::keep, soon())
                  .error()
                  .code,
              ErrorCode::card_other);
}

TEST(IndividualNumber, is_never_asked_for_by_anything_the_client_can_do) {
    FixtureCard card;
    std::vector<std::string> commands;
    std::string answers;
    AlteringChannel channel(card.channel(), [&](Bytes command, Bytes answer) -> std::optional<ByteVector> {
        commands.push_back(to_hex(command));
        answers += as_text(answer);
        return std::nullopt;
    });
    MyNumberCard client(channel);
    SystemRandom random;
    ASSERT_TRUE(client.recognise(soon()));
    ASSERT_TRUE(client.read_auth_certificate(soon()));
    ASSERT_TRUE(client.read_auth_ca_certificate(soon()));
    ASSERT_TRUE(client.check_pin(secret("1234"), request(), LastTry::keep, soon()));
    ASSERT_TRUE(client.read_text(TextCredential::pin, secret("1234"), roots(), LastTry::keep, soon()));
    ASSERT_TRUE(client.read_text(TextCredential::number_b, secret(fixture_number_b), roots(), LastTry::keep, soon()));
    ASSERT_TRUE(client.read_surface(secret(fixture_number_b), roots(), random, LastTry::keep, soon()));

    std::string application;
    for (const auto& command : commands) {
        if (command.starts_with("00a404")) application = command.substr(10);
        const bool in_text = application == "d3921000310001010408";
        const bool in_surface = application == "d3921000310001010402";
        if (in_text) {
            EXPECT_NE(command, "00a4020c020001");
            EXPECT_FALSE(command.starts_with("00b081"));
            EXPECT_NE(command, "00a4020c020014");  // number A
            EXPECT_FALSE(command.starts_with("00200094"));
        }
        if (in_surface) {
            EXPECT_NE(command, "00a4020c020005");
            EXPECT_FALSE(command.starts_with("00b085"));
            EXPECT_NE(command, "00a4020c020013");
            EXPECT_FALSE(command.starts_with("00200093"));
        }
    }
    EXPECT_GT(commands.size(), 50U);
    EXPECT_EQ(answers.find(fixture_number_a), std::string::npos);
    // The number is there to be read by who may: the test would notice if the card had none.
    card.run("00a4040c0ad3921000310001010408");
    card.run(
        "0020009104"
        "31323334");
    EXPECT_NE(card.run("00b0810000").find(to_hex(as_bytes(fixture_number_a))), std::string::npos);
}

TEST(NumberB, has_the_era_year_of_birth_and_the_year_of_expiry) {
    struct Row {
        Date born_on, expires_on;
        std::string_view code, number;
    };
    const Row rows[] = {{Date::of(1985, 4, 12), Date::of(2034, 4, 12), "0000", "60041220340000"},
                        {Date::of(1989, 1, 7), Date::of(2030, 1, 7), "1234", "64010720301234"},
                        {Date::of(1989, 1, 8), Date::of(2030, 1, 8), "1234", "01010820301234"},
                        {Date::of(2019, 5, 1), Date::of(2029, 5, 1), "9876", "01050120299876"}};
    for (const Row& row : rows) {
        const auto number = make_number_b(row.born_on, row.expires_on, row.code);
        ASSERT_TRUE(number);
        EXPECT_EQ(as_text(number->bytes()), row.number);
    }
    EXPECT_FALSE(make_number_b(Date::of(1985, 4, 12), Date::of(2034, 4, 12), "123"));
    EXPECT_FALSE(make_number_b(Date::of(1985, 4, 12), Date::of(2034, 4, 12), "12a4"));
}

TEST(CardRecords, keep_a_birth_date_that_nobody_knows_as_none) {
    const auto record_with = [](std::string_view birth) {
        const std::vector<ByteVector> objects{make_tlv(tag::name, as_bytes("甲\u3000乙")),
                                              make_tlv(tag::address, as_bytes("架空")),
                                              make_tlv(tag::birth, as_bytes(birth)), make_tlv(tag::sex, as_bytes("1"))};
        const auto file = make_tlv_with_offsets(tag::four_data, tag::offsets, objects);
        const auto signature = make_tlv(tag::text_signature, {});
        return parse_text_record(file, signature, {}, {});
    };
    EXPECT_EQ(record_with("19850412")->born_on, Date::of(1985, 4, 12));
    EXPECT_EQ(record_with("19850400")->born_on, std::nullopt);
    EXPECT_EQ(record_with("1985041").error().code, ErrorCode::card_unreadable);
    EXPECT_EQ(record_with("1985041x").error().code, ErrorCode::card_unreadable);
}

TEST(HostileCard, can_answer_anything_and_gets_an_outcome_or_an_error) {
    const auto held = rc::check([] {
        class Hostile final : public CardChannel {
          public:
            explicit Hostile(std::vector<ByteVector> answers) : answers_(std::move(answers)) {}
            Result<void> begin_transaction() override { return {}; }
            void end_transaction() noexcept override {}
            Result<ByteVector> exchange(Bytes) override {
                if (at_ == answers_.size()) return fail(ErrorCode::card_removed, "script ended");
                return answers_[at_++];
            }

          private:
            std::vector<ByteVector> answers_;
            std::size_t at_ = 0;
        };
        auto answers = *rc::gen::container<std::vector<ByteVector>>(
            rc::gen::container<ByteVector>(rc::gen::arbitrary<std::uint8_t>()));
        for (auto& answer : answers) {
            if (*rc::gen::inRange(0, 4) != 0) answer.insert(answer.end(), {0x90, 0x00});
        }
        Hostile card(std::move(answers));
        SystemRandom random;
        MyNumberCard client(card);
        const auto check = client.check_pin(secret("1234"), request(), LastTry::spend, soon());
        RC_ASSERT(!check || !std::holds_alternative<CardSignature>(*check));
        const auto reading = client.read_surface(secret(fixture_number_b), roots(), random, LastTry::spend, soon());
        RC_ASSERT(!reading || !std::holds_alternative<SurfaceRecord>(*reading));
        const auto text = client.read_text(TextCredential::pin, secret("1234"), roots(), LastTry::spend, soon());
        if (text)
            RC_ASSERT(!std::holds_alternative<TextRecord>(*text) ||
                      std::get<TextRecord>(*text).proof == TextProof::unproven);
        [[maybe_unused]] const auto overview = client.recognise(soon());
    });
    EXPECT_TRUE(held);
}

}  // namespace onshi::smartcard::my_number_card_test
