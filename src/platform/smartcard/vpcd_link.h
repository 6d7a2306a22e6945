#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "platform/smartcard/virtual_card.h"

namespace onshi::smartcard {

// Where the vpcd driver listens: an IPv4 address and a port (design: only ever loopback of a namespace of its own).
struct VpcdAddress {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;

    // `127.0.0.1:35963`. `request.malformed` for anything else than a dotted address and a port of 1…65535.
    [[nodiscard]] static Result<VpcdAddress> parse(std::string_view text);
};

enum class LinkEnd : std::uint8_t {
    told_to_stop,
    reader_closed  // the driver hung up: pcscd ended
};

// Plugs a card into a reader of the vpcd driver (jpki-card §9): connects, which is "card in", answers whatever the
// reader sends, presence polls included, and hangs up, which is "card out". Blocks until told to stop. `in_reader` is
// called once the reader has asked for the ATR. `reader.unavailable` when nobody listens there until the deadline or
// the link breaks.
[[nodiscard]] Result<LinkEnd> run_vpcd_link(VirtualCard& card, const VpcdAddress& address, Deadline connect_deadline,
                                            std::stop_token stop, const std::function<void()>& in_reader);

}  // namespace onshi::smartcard
