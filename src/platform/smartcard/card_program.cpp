#include "platform/smartcard/card_program.h"

#include <chrono>

namespace onshi::smartcard {

namespace {

constexpr std::chrono::seconds connect_patience{10};

}  // namespace

Result<AttachOptions> AttachOptions::parse(std::span<const std::string_view> words) {
    AttachOptions options;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const bool has_value = i + 1 < words.size();
        if (words[i] == "--vpcd" && has_value) {
            auto address = VpcdAddress::parse(words[++i]);
            if (!address) return fail(std::move(address));
            options.reader = *address;
        } else if (words[i] == "--state" && has_value) {
            options.state = words[++i];
        } else if (!words[i].starts_with("--") && options.image.empty()) {
            options.image = words[i];
        } else {
            return fail(ErrorCode::request_malformed, "expected IMAGE --vpcd HOST:PORT [--state FILE]");
        }
    }
    if (options.image.empty() || options.reader.port == 0) {
        return fail(ErrorCode::request_malformed, "expected IMAGE --vpcd HOST:PORT [--state FILE]");
    }
    if (options.state.empty()) {
        options.state = options.image;
        options.state += ".state";
    }
    return options;
}

Result<LinkEnd> attach_card(const AttachOptions& options, std::stop_token stop,
                            const std::function<void()>& in_reader) {
    auto image = load_card_image(options.image);
    if (!image) return fail(std::move(image));
    auto state = FileCardState::open(options.state);
    if (!state) return fail(std::move(state));
    SystemRandom random;
    auto card = VirtualCard::open(std::move(*image), std::move(*state), random);
    if (!card) return fail(std::move(card));
    return run_vpcd_link(*card, options.reader, Deadline::in(connect_patience), std::move(stop), in_reader);
}

}  // namespace onshi::smartcard
