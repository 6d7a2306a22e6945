#include "platform/smartcard/pinless_use.h"

#include "base/sha256.h"
#include "platform/smartcard/card_reading.h"

namespace onshi::smartcard {

namespace {

constexpr std::uint32_t challenge_bytes = 16;

Result<void> expect_ok(Result<ResponseApdu> answer, const char* step) {
    if (!answer) return fail(std::move(answer));
    if (!answer->is_ok()) {
        return fail(ErrorCode::card_pinless_refused, std::string(step) + " answered " + answer->status.text());
    }
    return {};
}

}  // namespace

Result<void> StandInTerminalAuthentication::open(CardTransaction& card) {
    auto selected = select_file(card, Application::jpki, ef::terminal_ca_key);
    if (!selected) return fail(std::move(selected));
    if (!*selected) return fail(ErrorCode::card_pinless_refused, "the card has no key for terminals");
    auto known = expect_ok(card.transmit(make_command(0x80, ins::set_public_ic_key, 0x00, 0xC1, certificate_)),
                           "SET PUBLIC IC KEY");
    if (!known) return known;
    auto challenge = get_challenge(card, challenge_bytes);
    if (!challenge) return fail(std::move(challenge));
    auto signature = key_.sign_pkcs1(sha256(*challenge));
    if (!signature) return fail(std::move(signature));
    return expect_ok(card.transmit(make_command(0x00, ins::external_authenticate, 0x00, 0x96, *signature)),
                     "EXTERNAL AUTHENTICATE");
}

}  // namespace onshi::smartcard
