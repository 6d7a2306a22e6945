#include "platform/smartcard/card_reading.h"

#include <algorithm>

#include "base/ensure.h"
#include "platform/smartcard/limits.h"
#include "platform/smartcard/tlv.h"

namespace onshi::smartcard {

namespace {

constexpr std::array<std::uint8_t, 2> der_long_sequence{0x30, 0x82};
constexpr std::uint32_t head_bytes = 4;  // of a DER certificate: `30 82` and the length

Result<ByteVector> read_binary(CardTransaction& card, std::size_t offset, std::uint32_t size) {
    const auto high = static_cast<std::uint8_t>(offset >> 8U);
    auto answer =
        card.transmit(make_command(0x00, ins::read_binary, high, static_cast<std::uint8_t>(offset), {}, size));
    if (!answer) return fail(std::move(answer));
    if (!answer->is_ok()) return refused("READ BINARY", answer->status);
    if (answer->data.size() > size) return fail(ErrorCode::card_unreadable, "READ BINARY gave more than was asked for");
    return std::move(answer->data);
}

// Reads on from `head` until there are `total` bytes.
Result<ByteVector> read_rest(CardTransaction& card, ByteVector head, std::size_t total) {
    if (total > file_bytes_max) return fail(ErrorCode::card_unreadable, "object longer than a file can be");
    ByteVector whole = std::move(head);
    whole.resize(std::min(whole.size(), total));
    while (whole.size() < total) {
        const auto size = static_cast<std::uint32_t>(std::min(total - whole.size(), short_answer_bytes_max));
        auto part = read_binary(card, whole.size(), size);
        if (!part) return part;
        if (part->empty()) return fail(ErrorCode::card_unreadable, "file ends before its object does");
        whole.insert(whole.end(), part->begin(), part->end());
    }
    return whole;
}

}  // namespace

tl::unexpected<Error> refused(const char* step, StatusWord status) {
    return fail(ErrorCode::card_refused, std::string(step) + " answered " + status.text());
}

Result<bool> select_application(CardTransaction& card, Application application) {
    auto answer = card.transmit(make_command(0x00, ins::select, 0x04, 0x0C, aid_of(application)));
    if (!answer) return fail(std::move(answer));
    if (answer->status == sw::file_not_found) return false;
    if (!answer->is_ok()) return refused("SELECT of an application", answer->status);
    return true;
}

Result<bool> select_file(CardTransaction& card, Application current, FileId file) {
    // No path of the program may ever ask for the Individual Number.
    ENSURE(!is_individual_number(current, file));
    const std::array<std::uint8_t, 2> id{static_cast<std::uint8_t>(file >> 8U), static_cast<std::uint8_t>(file)};
    auto answer = card.transmit(make_command(0x00, ins::select, 0x02, 0x0C, id));
    if (!answer) return fail(std::move(answer));
    if (answer->status == sw::file_not_found) return false;
    if (!answer->is_ok()) return refused("SELECT of a file", answer->status);
    return true;
}

Result<ByteVector> read_start(CardTransaction& card, std::uint32_t size) {
    return read_binary(card, 0, size);
}

Result<ByteVector> read_certificate_file(CardTransaction& card) {
    auto head = read_binary(card, 0, head_bytes);
    if (!head) return head;
    if (head->size() != head_bytes || !std::ranges::equal(Bytes(*head).first(2), der_long_sequence)) {
        return fail(ErrorCode::card_unreadable, "no certificate at the beginning of the file");
    }
    const std::size_t total = head_bytes + (static_cast<std::size_t>((*head)[2]) << 8U | (*head)[3]);
    if (total < certificate_bytes_min) return fail(ErrorCode::card_unreadable, "certificate too short");
    return read_rest(card, std::move(*head), total);
}

Result<ByteVector> read_tlv_file(CardTransaction& card) {
    // The first turn fetches as much as fits one answer: most objects are smaller than that.
    auto head = read_binary(card, 0, short_answer_bytes_max);
    if (!head) return head;
    auto total = tlv_total_size(*head);
    if (!total) return fail(std::move(total));
    return read_rest(card, std::move(*head), *total);
}

Result<unsigned> read_tries_left(CardTransaction& card) {
    auto answer = card.transmit(make_command(0x00, ins::verify, 0x00, 0x80));
    if (!answer) return fail(std::move(answer));
    if (const auto tries = answer->status.tries_left()) return *tries;
    if (answer->status == sw::locked || answer->status == sw::method_blocked) return 0U;
    return refused("the question for tries left", answer->status);
}

Result<VerifyAnswer> verify_credential(CardTransaction& card, const SecretBytes& credential) {
    const CommandApdu command{0x00, ins::verify, 0x00, 0x80, credential.clone(), {}};
    auto answer = card.transmit(command);
    // An operation starts over after a reset, but never when a try may have been spent already.
    if (!answer && answer.error().code == ErrorCode::card_reset) {
        return fail(ErrorCode::card_unreadable, "reset during VERIFY, whose outcome is not known");
    }
    if (!answer) return fail(std::move(answer));
    if (answer->is_ok()) return VerifyAnswer{true, 0};
    if (const auto tries = answer->status.tries_left()) return VerifyAnswer{false, *tries};
    // 6984 is what cards were measured to answer, 6983 what ISO says (jpki-card §3.2).
    if (answer->status == sw::locked || answer->status == sw::method_blocked) return VerifyAnswer{false, 0};
    return refused("VERIFY", answer->status);
}

Result<ByteVector> get_challenge(CardTransaction& card, std::uint32_t size) {
    auto answer = card.transmit(make_command(0x00, ins::get_challenge, 0x00, 0x00, {}, size));
    if (!answer) return fail(std::move(answer));
    if (!answer->is_ok()) return refused("GET CHALLENGE", answer->status);
    if (answer->data.size() != size) return fail(ErrorCode::card_unreadable, "challenge of another length");
    return std::move(answer->data);
}

}  // namespace onshi::smartcard
