#include "platform/smartcard/pcsc_reader.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <reader.h>

#include <fmt/format.h>
#include <winscard.h>

#include "platform/smartcard/limits.h"

namespace onshi::smartcard {

namespace {

constexpr const char* new_readers_name = "\\\\?PnP?\\Notification";

ErrorCode code_of(LONG status) {
    switch (status) {
        case SCARD_E_NO_SMARTCARD: return ErrorCode::card_absent;
        case SCARD_W_REMOVED_CARD: return ErrorCode::card_removed;
        case SCARD_W_RESET_CARD: return ErrorCode::card_reset;
        case SCARD_E_SHARING_VIOLATION: return ErrorCode::card_busy;
        case SCARD_W_UNRESPONSIVE_CARD:
        case SCARD_W_UNPOWERED_CARD:
        case SCARD_W_UNSUPPORTED_CARD:
        case SCARD_E_PROTO_MISMATCH:
        case SCARD_E_NOT_TRANSACTED:
        case SCARD_E_INSUFFICIENT_BUFFER: return ErrorCode::card_unreadable;
        case SCARD_E_NO_READERS_AVAILABLE:
        case SCARD_E_UNKNOWN_READER:
        case SCARD_E_READER_UNAVAILABLE: return ErrorCode::reader_none;
        case SCARD_E_TIMEOUT:
        case SCARD_E_CANCELLED: return ErrorCode::deadline_passed;
        default: return ErrorCode::reader_unavailable;
    }
}

tl::unexpected<Error> failure(const char* call, LONG status) {
    return fail(code_of(status), fmt::format("{}: {:#010x}", call, static_cast<std::uint32_t>(status)));
}

// The first wait on them tells how things are, each further one waits for a change.
std::vector<SCARD_READERSTATE> states_of(const std::vector<std::string>& names) {
    std::vector<SCARD_READERSTATE> states(names.size() + 1);
    for (std::size_t i = 0; i < names.size(); ++i) states[i].szReader = names[i].c_str();
    states.back().szReader = new_readers_name;
    return states;
}

void remember(std::vector<SCARD_READERSTATE>& states) {
    for (auto& state : states) state.dwCurrentState = state.dwEventState & ~static_cast<DWORD>(SCARD_STATE_CHANGED);
}

// pcsc-lite takes milliseconds. At least 1, since 0 would only ask.
DWORD slice_until(Deadline deadline) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline.at() - std::chrono::steady_clock::now());
    return static_cast<DWORD>(std::clamp<std::int64_t>(left.count(), 1, wait_slice.count()));
}

}  // namespace

// Owns a PC/SC context. One thread at a time.
class PcscContext {
  public:
    SCARDCONTEXT handle = 0;

    PcscContext() = default;
    PcscContext(const PcscContext&) = delete;
    PcscContext& operator=(const PcscContext&) = delete;
    ~PcscContext() {
        if (handle != 0) SCardReleaseContext(handle);
    }

    [[nodiscard]] Result<std::vector<std::string>> list() const;
    // One wait. True when something changed or may have.
    [[nodiscard]] Result<bool> wait(std::vector<SCARD_READERSTATE>& states, Deadline deadline,
                                    const std::stop_token& stop);
    [[nodiscard]] bool is_gone(const std::string& reader, std::chrono::milliseconds at_most) const;
};

struct PcscCard::Connection {
    std::shared_ptr<PcscContext> context;
    std::string reader;
    SCARDHANDLE handle = 0;
    DWORD protocol = 0;
    ByteVector buffer = ByteVector(answer_bytes_max);

    Connection() = default;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() {
        if (handle != 0) SCardDisconnect(handle, SCARD_RESET_CARD);
    }
    [[nodiscard]] LONG reconnect() {
        return SCardReconnect(handle, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, SCARD_LEAVE_CARD,
                              &protocol);
    }
    [[nodiscard]] tl::unexpected<Error> explain(const char* call, LONG status);
};

Result<std::vector<std::string>> PcscContext::list() const {
    DWORD size = 0;
    LONG status = SCardListReaders(handle, nullptr, nullptr, &size);
    if (status == SCARD_E_NO_READERS_AVAILABLE) return std::vector<std::string>();
    if (status != SCARD_S_SUCCESS) return failure("SCardListReaders", status);
    std::string names(size, '\0');
    status = SCardListReaders(handle, nullptr, names.data(), &size);
    if (status == SCARD_E_NO_READERS_AVAILABLE) return std::vector<std::string>();
    if (status != SCARD_S_SUCCESS) return failure("SCardListReaders", status);
    std::vector<std::string> readers;
    // Names follow one another, each ended by a zero byte, an empty one at the end.
    for (std::string_view rest(names.data(), std::min<std::size_t>(size, names.size()));
         !rest.empty() && rest[0] != '\0';) {
        const std::string_view name = rest.substr(0, rest.find('\0'));
        readers.emplace_back(name);
        rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    }
    return readers;
}

Result<bool> PcscContext::wait(std::vector<SCARD_READERSTATE>& states, Deadline deadline, const std::stop_token& stop) {
    if (stop.stop_requested()) return fail(ErrorCode::deadline_passed, "told to stop");
    // A cancel that comes before the wait begins is lost; the slice bounds how long that goes unnoticed.
    const std::stop_callback cancel(stop, [this] { SCardCancel(handle); });
    const LONG status =
        SCardGetStatusChange(handle, slice_until(deadline), states.data(), static_cast<DWORD>(states.size()));
    if (status == SCARD_S_SUCCESS || status == SCARD_E_UNKNOWN_READER || status == SCARD_E_READER_UNAVAILABLE)
        return true;
    if (status == SCARD_E_TIMEOUT || status == SCARD_E_CANCELLED) return false;
    return failure("SCardGetStatusChange", status);
}

// A pulled card makes the command fail at once, but pcscd itself learns of it a moment later.
bool PcscContext::is_gone(const std::string& reader, std::chrono::milliseconds at_most) const {
    const Deadline deadline = Deadline::in(at_most);
    SCARD_READERSTATE state{};
    state.szReader = reader.c_str();
    for (;;) {
        const LONG status = SCardGetStatusChange(handle, slice_until(deadline), &state, 1);
        if (status == SCARD_E_UNKNOWN_READER || status == SCARD_E_READER_UNAVAILABLE) return true;
        if (status == SCARD_S_SUCCESS && (state.dwEventState & SCARD_STATE_PRESENT) == 0) return true;
        if (status != SCARD_S_SUCCESS && status != SCARD_E_TIMEOUT) return false;
        if (deadline.passed()) return false;
        state.dwCurrentState = state.dwEventState;
    }
}

PcscReaders::PcscReaders(std::shared_ptr<PcscContext> context) : context_(std::move(context)) {}

Result<PcscReaders> PcscReaders::open() {
    auto context = std::make_shared<PcscContext>();
    const LONG status = SCardEstablishContext(SCARD_SCOPE_SYSTEM, nullptr, nullptr, &context->handle);
    if (status != SCARD_S_SUCCESS) return failure("SCardEstablishContext", status);
    return PcscReaders(std::move(context));
}

Result<std::vector<std::string>> PcscReaders::list() {
    return context_->list();
}

Result<std::string> PcscReaders::wait_for_card(std::string_view reader, Deadline deadline, std::stop_token stop) {
    std::vector<std::string> names;
    std::vector<SCARD_READERSTATE> states;
    for (;;) {
        // Listed anew each time, since a reader that comes between listing and waiting is not told.
        auto now = context_->list();
        if (!now) return fail(std::move(now));
        std::erase_if(*now, [&](const std::string& name) { return !name.starts_with(reader); });
        if (now->size() > readers_max) now->resize(readers_max);
        if (states.empty() || names != *now) {
            names = std::move(*now);
            states = states_of(names);
        }
        auto changed = context_->wait(states, deadline, stop);
        if (!changed) return fail(std::move(changed));
        for (std::size_t i = 0; i < names.size(); ++i) {
            const DWORD state = states[i].dwEventState;
            if ((state & SCARD_STATE_MUTE) != 0) return fail(ErrorCode::card_unreadable, "the card is mute");
            if ((state & SCARD_STATE_PRESENT) != 0) return std::move(names[i]);
        }
        if (deadline.passed()) {
            return fail(names.empty() ? ErrorCode::reader_none : ErrorCode::card_absent, "nothing until the deadline");
        }
        remember(states);
    }
}

Result<void> PcscReaders::wait_for_removal(const std::string& reader, Deadline deadline, std::stop_token stop) {
    std::vector<SCARD_READERSTATE> states(1);
    states[0].szReader = reader.c_str();
    for (;;) {
        auto changed = context_->wait(states, deadline, stop);
        if (!changed) return fail(std::move(changed));
        const DWORD now = states[0].dwEventState;
        const bool known = (now & (SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE)) == 0;
        if (*changed && (!known || (now & SCARD_STATE_PRESENT) == 0)) return {};
        if (deadline.passed()) return fail(ErrorCode::deadline_passed, "the card is still there");
        remember(states);
    }
}

Result<std::unique_ptr<PcscCard>> PcscReaders::connect(const std::string& reader) {
    auto connection = std::make_unique<PcscCard::Connection>();
    connection->context = context_;
    connection->reader = reader;
    const LONG status = SCardConnect(context_->handle, reader.c_str(), SCARD_SHARE_SHARED,
                                     SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &connection->handle, &connection->protocol);
    if (status != SCARD_S_SUCCESS) {
        connection->handle = 0;
        return failure("SCardConnect", status);
    }
    return std::unique_ptr<PcscCard>(new PcscCard(std::move(connection)));
}

PcscCard::PcscCard(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
PcscCard::~PcscCard() = default;

// Whatever the driver says, a card that is gone is reported as gone.
tl::unexpected<Error> PcscCard::Connection::explain(const char* call, LONG status) {
    const ErrorCode code = code_of(status);
    if (code == ErrorCode::card_absent) return fail(ErrorCode::card_removed, call);
    const bool may_be_gone = code == ErrorCode::card_unreadable || code == ErrorCode::reader_none ||
                             (code == ErrorCode::reader_unavailable && status != SCARD_E_NO_SERVICE);
    if (may_be_gone && context->is_gone(reader, removal_notice)) return fail(ErrorCode::card_removed, call);
    return failure(call, status);
}

Result<void> PcscCard::begin_transaction() {
    for (unsigned attempt = 0;; ++attempt) {
        LONG status = SCardBeginTransaction(connection_->handle);
        if (status == SCARD_S_SUCCESS) return {};
        if (status != SCARD_W_RESET_CARD || attempt == reconnects_max) {
            return connection_->explain("SCardBeginTransaction", status);
        }
        status = connection_->reconnect();
        if (status != SCARD_S_SUCCESS) return connection_->explain("SCardReconnect", status);
    }
}

void PcscCard::end_transaction() noexcept {
    // When this fails the card is gone or pcscd is, and no PIN stays either way.
    SCardEndTransaction(connection_->handle, SCARD_RESET_CARD);
}

Result<ByteVector> PcscCard::exchange(Bytes command) {
    const SCARD_IO_REQUEST* protocol = connection_->protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
    auto& buffer = connection_->buffer;
    DWORD size = static_cast<DWORD>(buffer.size());
    const LONG status = SCardTransmit(connection_->handle, protocol, command.data(), static_cast<DWORD>(command.size()),
                                      nullptr, buffer.data(), &size);
    if (status == SCARD_S_SUCCESS)
        return ByteVector(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size));
    if (status != SCARD_W_RESET_CARD) return connection_->explain("SCardTransmit", status);
    const LONG again = connection_->reconnect();
    if (again != SCARD_S_SUCCESS) return connection_->explain("SCardReconnect", again);
    return failure("SCardTransmit", status);
}

}  // namespace onshi::smartcard
