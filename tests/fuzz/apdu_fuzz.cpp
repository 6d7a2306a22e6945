// Any bytes as an APDU, TLV, card-verifiable certificate or card record; any commands to the virtual card; any answers
// to the card client. The first byte chooses which.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/ensure.h"
#include "base/random.h"
#include "platform/pki/test_ca.h"
#include "platform/smartcard/card_image.h"
#include "platform/smartcard/card_records.h"
#include "platform/smartcard/cv_certificate.h"
#include "platform/smartcard/limits.h"
#include "platform/smartcard/my_number_card.h"
#include "platform/smartcard/test_card_issuer.h"
#include "platform/smartcard/tlv.h"
#include "platform/smartcard/virtual_card.h"

namespace {

using namespace onshi;
using namespace onshi::smartcard;

constexpr std::string_view pin = "1234";
constexpr std::string_view number_b = "60041220340000";

template <class T>
T must(Result<T> result) {
    ENSURE(result.has_value());
    return *std::move(result);
}

// Made once: keys take longer than a million inputs may.
struct World {
    pki::KeyPool keys = must(pki::KeyPool::generate(6));
    pki::TestJpki jpki = pki::TestJpki::create(Instant{1'795'402'800'000'000}, keys);
    TestCardIssuer issuer = must(TestCardIssuer::generate());
    SeededRandom random{1};
    SecretBytes image = encode_card_image(must(issuer.issue(sample_card_order(0), jpki, keys, random)));

    [[nodiscard]] VirtualCard insert() {
        auto parsed = must(parse_card_image(as_text(image.bytes())));
        return must(VirtualCard::open(std::move(parsed), std::make_unique<VolatileCardState>(), random));
    }
};

World& world() {
    static World made;
    return made;
}

// Cuts the input into pieces: a length of one byte, then as many bytes.
std::optional<Bytes> next_piece(Bytes& rest) {
    if (rest.empty()) return std::nullopt;
    const std::size_t size = std::min<std::size_t>(rest[0], rest.size() - 1);
    const Bytes piece = rest.subspan(1, size);
    rest = rest.subspan(1 + size);
    return piece;
}

void parse_everything(Bytes bytes) {
    if (const auto command = CommandApdu::parse(bytes)) {
        const auto encoded = command->encode();
        ENSURE(encoded && encoded->size() <= bytes.size());
        const auto line = describe(*command);
        ENSURE(!command->carries_credential() || line.size() <= 20);
    }
    if (const auto response = ResponseApdu::parse(bytes)) ENSURE(response->encode().size() == bytes.size());
    if (const auto object = read_tlv(bytes)) ENSURE(object->whole.size() <= bytes.size());
    [[maybe_unused]] const auto objects = read_tlv_list(bytes);
    [[maybe_unused]] const auto total = tlv_total_size(bytes);
    if (const auto certificate = CvCertificate::parse(bytes)) ENSURE(certificate->body.size() >= cv_body_bytes);
    const std::span<const CvRoot> roots(&world().issuer.surface_root(), 1);
    Bytes rest = bytes;
    const Bytes first = next_piece(rest).value_or(Bytes());
    const auto text = parse_text_record(first, rest, rest, roots);
    ENSURE(!text || text->proof == TextProof::unproven);
    ENSURE(!parse_surface_record(first, rest, roots).has_value());
    [[maybe_unused]] const auto image = parse_card_image(as_text(bytes));
}

void command_card(Bytes bytes) {
    static VirtualCard card = world().insert();
    if (card.tries_left(CredentialId::auth_pin) == 0) card = world().insert();
    card.reset();
    const unsigned before = card.tries_left(CredentialId::auth_pin);
    const bool knows_pin = as_text(bytes).find(pin) != std::string_view::npos;
    while (const auto command = next_piece(bytes)) {
        const auto answer = card.transmit(*command);
        ENSURE(answer.size() >= 2 && answer.size() <= answer_bytes_max);
        ENSURE(knows_pin || card.tries_left(CredentialId::auth_pin) <= before);
    }
}

// Answers with the pieces of the input, and then is taken out.
class HostileCard final : public CardChannel {
  public:
    explicit HostileCard(Bytes answers) : rest_(answers) {}
    Result<void> begin_transaction() override { return {}; }
    void end_transaction() noexcept override {}
    Result<ByteVector> exchange(Bytes) override {
        const auto answer = next_piece(rest_);
        if (!answer) return fail(ErrorCode::card_removed, "input ended");
        return ByteVector(answer->begin(), answer->end());
    }

  private:
    Bytes rest_;
};

void face_hostile_card(std::uint8_t which, Bytes bytes) {
    HostileCard card(bytes);
    MyNumberCard client(card);
    const Deadline deadline = Deadline::in(std::chrono::hours(1));
    const std::span<const CvRoot> roots(&world().issuer.surface_root(), 1);
    const SignRequest request{as_bytes("lines"), std::nullopt};
    switch (which % 5) {
        case 0: {
            [[maybe_unused]] const auto check =
                client.check_pin(SecretBytes(as_bytes(pin)), request, LastTry::spend, deadline);
            break;
        }
        case 1: {
            [[maybe_unused]] const auto overview = client.recognise(deadline);
            break;
        }
        case 2: {
            const auto reading =
                client.read_surface(SecretBytes(as_bytes(number_b)), roots, world().random, LastTry::spend, deadline);
            ENSURE(!reading || !std::holds_alternative<SurfaceRecord>(*reading));
            break;
        }
        case 3: {
            [[maybe_unused]] const auto reading =
                client.read_text(TextCredential::pin, SecretBytes(as_bytes(pin)), roots, LastTry::spend, deadline);
            break;
        }
        default: {
            OpenedByHolder nobody;
            [[maybe_unused]] const auto signature = client.check_pinless(nobody, request, deadline);
        }
    }
}

}  // namespace

// Before the clock of the first input runs.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
    world();
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const Bytes bytes(data + 1, size - 1);
    if (data[0] < 0x40) {
        parse_everything(bytes);
    } else if (data[0] < 0x80) {
        command_card(bytes);
    } else {
        face_hostile_card(data[0], bytes);
    }
    return 0;
}
