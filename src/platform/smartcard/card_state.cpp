#include "platform/smartcard/card_state.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "platform/pki/secret_file.h"
#include "platform/smartcard/descriptor.h"
#include "platform/smartcard/image_json.h"
#include "platform/smartcard/limits.h"

namespace onshi::smartcard {

namespace json = boost::json;

namespace {

constexpr std::string_view state_format = "onshi-card-state-1";

tl::unexpected<Error> unwritable(const char* step) {
    return fail(ErrorCode::card_image_unreadable,
                std::string("card state: ") + step + ", errno " + std::to_string(errno));
}

Result<void> write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return unwritable("write");
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

// Atomic and durable: a reader sees the old content or the new one, also after a power cut.
Result<void> replace_file(const std::filesystem::path& file, std::string_view text) {
    auto next = file;
    next += ".next";
    {
        const Descriptor out(::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        if (out.get() < 0) return unwritable("open");
        auto written = write_all(out.get(), text);
        if (!written) return written;
        if (::fsync(out.get()) != 0) return unwritable("fsync");
    }
    if (::rename(next.c_str(), file.c_str()) != 0) return unwritable("rename");
    const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
    const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.get() < 0 || ::fsync(directory.get()) != 0) return unwritable("fsync of the folder");
    return {};
}

}  // namespace

CardState CardState::fresh(const CardImage& image) {
    CardState state;
    for (std::size_t i = 0; i < credential_count; ++i) {
        const auto& slot = image.credentials[i];
        state.tries_left[i] = slot.value.is_blocked() ? 0 : slot.tries_max;
    }
    return state;
}

Result<std::unique_ptr<FileCardState>> FileCardState::open(std::filesystem::path file) {
    auto lock_file = file;
    lock_file += ".lock";
    const int fd = ::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return unwritable("lock file");
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        ::close(fd);
        return fail(ErrorCode::card_image_in_use, "another program holds the card's state");
    }
    return std::unique_ptr<FileCardState>(new FileCardState(std::move(file), fd));
}

FileCardState::~FileCardState() {
    ::close(lock_);
}

Result<std::optional<CardState>> FileCardState::load(const CardImage& image) {
    std::error_code error;
    if (!std::filesystem::exists(file_, error) && !error) return std::optional<CardState>();
    auto text = pki::read_secret_file(file_, card_state_bytes_max);
    if (!text) return fail(std::move(text));
    auto parsed = parse_json_object(as_text(text->bytes()), card_state_bytes_max);
    if (!parsed) return fail(std::move(parsed));
    JsonReader reader(&*parsed, "state");
    if (reader.text("format") != state_format) reader.reject("format");
    if (reader.text("card_number") != image.card_number) reader.reject("card_number");
    auto tries = reader.object("tries_left");
    auto changed = reader.object("changed");
    CardState state;
    for (std::size_t i = 0; i < credential_count; ++i) {
        const auto name = to_string(static_cast<CredentialId>(i));
        const unsigned most = image.credentials[i].value.is_blocked() ? 0 : image.credentials[i].tries_max;
        state.tries_left[i] = tries.number(name, 0, most);
        if (!changed.has(name)) continue;
        auto one = changed.object(name);
        state.changed[i] = credential_from_json(one);
        changed.check(one);
    }
    reader.check(tries);
    reader.check(changed);
    if (!reader.ok()) return reader.failure();
    return std::optional<CardState>(std::move(state));
}

Result<void> FileCardState::save(const CardImage& image, const CardState& state) {
    json::object tries;
    json::object changed;
    for (std::size_t i = 0; i < credential_count; ++i) {
        const auto name = to_string(static_cast<CredentialId>(i));
        tries[name] = state.tries_left[i];
        if (state.changed[i]) changed[name] = credential_to_json(*state.changed[i]);
    }
    const json::object object{{"format", state_format},
                              {"card_number", image.card_number},
                              {"tries_left", std::move(tries)},
                              {"changed", std::move(changed)}};
    return replace_file(file_, json::serialize(object));
}

}  // namespace onshi::smartcard
