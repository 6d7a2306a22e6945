#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>

#include "base/result.h"
#include "platform/smartcard/vpcd_link.h"

// The logic of `card attach IMAGE --vpcd HOST:PORT`, for the command line and for tests.
namespace onshi::smartcard {

struct AttachOptions {
    std::filesystem::path image;
    std::filesystem::path state;  // tries left and changed PINs; made when missing
    VpcdAddress reader;

    // `IMAGE --vpcd HOST:PORT [--state FILE]`; the state is IMAGE with `.state` behind it unless said otherwise.
    // `request.malformed`.
    [[nodiscard]] static Result<AttachOptions> parse(std::span<const std::string_view> words);
};

// Loads the card, plugs it in and stays until told to stop or until the reader hangs up. Blocks. What
// `load_card_image`, `FileCardState::open`, `VirtualCard::open` and `run_vpcd_link` give.
[[nodiscard]] Result<LinkEnd> attach_card(const AttachOptions& options, std::stop_token stop,
                                          const std::function<void()>& in_reader);

}  // namespace onshi::smartcard
