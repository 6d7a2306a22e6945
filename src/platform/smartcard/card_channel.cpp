#include "platform/smartcard/card_channel.h"

#include <utility>

#include "platform/smartcard/limits.h"

namespace onshi::smartcard {

Result<ResponseApdu> CardChannel::exchange_once(const CommandApdu& command) {
    auto encoded = command.encode();
    if (!encoded) return fail(std::move(encoded));
    auto answer = exchange(encoded->bytes());
    if (!answer) return fail(std::move(answer));
    return ResponseApdu::parse(*answer);
}

Result<ResponseApdu> CardChannel::transmit(const CommandApdu& command) {
    auto answer = exchange_once(command);
    if (!answer) return answer;
    if (answer->status.high() == 0x6C && command.le && !command.carries_credential()) {
        CommandApdu repeated = command.clone();
        repeated.le = answer->status.low() == 0 ? short_answer_bytes_max : answer->status.low();
        answer = exchange_once(repeated);
        if (!answer) return answer;
    }
    if (answer->status.high() == 0x61) return collect(std::move(*answer), command.cla);
    return answer;
}

Result<ResponseApdu> CardChannel::collect(ResponseApdu first, std::uint8_t cla) {
    ResponseApdu whole = std::move(first);
    for (std::size_t round = 0; whole.status.high() == 0x61; ++round) {
        if (round == get_response_rounds_max) return fail(ErrorCode::card_unreadable, "GET RESPONSE without end");
        const std::uint32_t announced = whole.status.low() == 0 ? short_answer_bytes_max : whole.status.low();
        auto part = exchange_once(make_command(cla, ins::get_response, 0, 0, {}, announced));
        if (!part) return part;
        if (part->status.high() == 0x61 && part->data.empty()) {
            return fail(ErrorCode::card_unreadable, "GET RESPONSE announces more and gives nothing");
        }
        if (whole.data.size() + part->data.size() > extended_answer_bytes_max) {
            return fail(ErrorCode::card_unreadable, "answer longer than the limit");
        }
        whole.data.insert(whole.data.end(), part->data.begin(), part->data.end());
        whole.status = part->status;
    }
    return whole;
}

Result<CardTransaction> CardTransaction::begin(CardChannel& channel, Deadline deadline) {
    if (deadline.passed()) return fail(ErrorCode::deadline_passed, "before the card was used");
    auto begun = channel.begin_transaction();
    if (!begun) return fail(std::move(begun));
    return CardTransaction(channel, deadline);
}

Result<ResponseApdu> CardTransaction::transmit(const CommandApdu& command) {
    if (deadline_.passed()) return fail(ErrorCode::deadline_passed, "while the card was used");
    return channel_->transmit(command);
}

CardTransaction::CardTransaction(CardTransaction&& other) noexcept
    : channel_(std::exchange(other.channel_, nullptr)), deadline_(other.deadline_) {}

CardTransaction::~CardTransaction() {
    if (channel_ != nullptr) channel_->end_transaction();
}

Result<ByteVector> TracingChannel::exchange(Bytes command) {
    const auto parsed = CommandApdu::parse(command);
    sink_("> " + (parsed ? describe(*parsed) : std::string("malformed command")));
    auto answer = inner_.exchange(command);
    if (!answer) {
        sink_("< " + std::string(error_name(answer.error().code)));
        return answer;
    }
    const auto response = ResponseApdu::parse(*answer);
    sink_("< " + (response ? describe(*response) : std::string("malformed answer")));
    return answer;
}

}  // namespace onshi::smartcard
