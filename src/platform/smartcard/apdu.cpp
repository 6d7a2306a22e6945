#include "platform/smartcard/apdu.h"

#include <fmt/format.h>

#include "platform/smartcard/limits.h"

namespace onshi::smartcard {

namespace {

void append_u16(std::string& out, std::size_t value) {
    out.push_back(static_cast<char>(value >> 8U));
    out.push_back(static_cast<char>(value));
}

std::size_t read_u16(Bytes bytes) {
    return static_cast<std::size_t>(bytes[0]) << 8U | bytes[1];
}

// An Le field of zero means the most that its form can name.
std::uint32_t le_or_most(std::size_t value, std::size_t most) {
    return static_cast<std::uint32_t>(value == 0 ? most : value);
}

Result<void> parse_short_body(CommandApdu& command, Bytes body) {
    if (body.size() == 1) {
        command.le = le_or_most(body[0], short_answer_bytes_max);
        return {};
    }
    const std::size_t lc = body[0];
    if (lc == 0 || (body.size() != 1 + lc && body.size() != 2 + lc)) {
        return fail(ErrorCode::request_malformed, "short APDU: lengths do not add up");
    }
    command.data = SecretBytes(body.subspan(1, lc));
    if (body.size() == 2 + lc) command.le = le_or_most(body[1 + lc], short_answer_bytes_max);
    return {};
}

// `body` begins with the zero byte that marks the extended form.
Result<void> parse_extended_body(CommandApdu& command, Bytes body) {
    const std::size_t first = read_u16(body.subspan(1));
    if (body.size() == 3) {
        command.le = le_or_most(first, extended_answer_bytes_max);
        return {};
    }
    if (first == 0 || (body.size() != 3 + first && body.size() != 5 + first)) {
        return fail(ErrorCode::request_malformed, "extended APDU: lengths do not add up");
    }
    command.data = SecretBytes(body.subspan(3, first));
    if (body.size() == 5 + first) command.le = le_or_most(read_u16(body.subspan(3 + first)), extended_answer_bytes_max);
    return {};
}

}  // namespace

std::string StatusWord::text() const {
    return fmt::format("{:04X}", value_);
}

Result<SecretBytes> CommandApdu::encode() const {
    const bool le_in_range = !le || (*le >= 1 && *le <= extended_answer_bytes_max);
    if (data.size() > extended_data_bytes_max || !le_in_range) {
        return fail(ErrorCode::request_too_large, "APDU: data or expected length out of range");
    }
    const bool extended = data.size() > short_data_bytes_max || (le && *le > short_answer_bytes_max);
    std::string out;
    // One allocation: growing would leave unwiped copies of a PIN behind.
    out.reserve(4 + 3 + data.size() + 2);
    for (const std::uint8_t byte : {cla, ins, p1, p2}) out.push_back(static_cast<char>(byte));
    if (extended) out.push_back(0);
    if (!data.empty() && extended) append_u16(out, data.size());
    if (!data.empty() && !extended) out.push_back(static_cast<char>(data.size()));
    out.append(as_text(data.bytes()));
    // Le `00` or `0000` is the most that the form can name, which the cut to its width gives by itself.
    if (le && extended) append_u16(out, *le);
    if (le && !extended) out.push_back(static_cast<char>(*le));
    return SecretBytes::take(out);
}

Result<CommandApdu> CommandApdu::parse(Bytes bytes) {
    if (bytes.size() < 4) return fail(ErrorCode::request_malformed, "APDU: shorter than its header");
    CommandApdu command{bytes[0], bytes[1], bytes[2], bytes[3], {}, {}};
    const Bytes body = bytes.subspan(4);
    if (body.empty()) return command;
    const bool extended = body[0] == 0 && body.size() >= 3;
    const auto parsed = extended ? parse_extended_body(command, body) : parse_short_body(command, body);
    if (!parsed) return tl::unexpected(parsed.error());
    return command;
}

bool CommandApdu::carries_credential() const {
    return ins == ins::verify || ins == ins::change_pin || ins == ins::change_key;
}

CommandApdu CommandApdu::clone() const {
    return {cla, ins, p1, p2, data.clone(), le};
}

CommandApdu make_command(std::uint8_t cla, std::uint8_t ins, std::uint8_t p1, std::uint8_t p2, Bytes data,
                         std::optional<std::uint32_t> le) {
    return {cla, ins, p1, p2, SecretBytes(data), le};
}

Result<ResponseApdu> ResponseApdu::parse(Bytes bytes) {
    if (bytes.size() < 2 || bytes.size() > answer_bytes_max) {
        return fail(ErrorCode::card_unreadable, "answer without status word or too long");
    }
    const Bytes data = bytes.first(bytes.size() - 2);
    const StatusWord status(static_cast<std::uint16_t>(read_u16(bytes.last(2))));
    return ResponseApdu{ByteVector(data.begin(), data.end()), status};
}

ByteVector ResponseApdu::encode() const {
    ByteVector out = data;
    out.push_back(status.high());
    out.push_back(status.low());
    return out;
}

std::string describe(const CommandApdu& command) {
    auto line = fmt::format("{:02X} {:02X} {:02X} {:02X}", command.cla, command.ins, command.p1, command.p2);
    if (command.carries_credential()) {
        // Without data it only asks how many tries are left, which is worth seeing.
        return line + (command.data.empty() ? "" : " [masked]");
    }
    if (!command.data.empty()) line += fmt::format(" Lc={} {}", command.data.size(), to_hex(command.data.bytes()));
    if (command.le) line += fmt::format(" Le={}", *command.le);
    return line;
}

std::string describe(const ResponseApdu& response) {
    return fmt::format("{} bytes {}", response.data.size(), response.status.text());
}

}  // namespace onshi::smartcard
