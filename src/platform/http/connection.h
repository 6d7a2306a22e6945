#pragma once

// Inside this folder only.

// Internal: one accepted connection from handshake to close.

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/error.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "platform/http/input_buffer.h"
#include "platform/http/message.h"
#include "platform/http/request_parser.h"
#include "platform/http/server_state.h"
#include "platform/http/transport.h"

namespace onshi::http {

// What is read at once while it is not known how much comes.
inline constexpr std::size_t head_read_bytes = 4 * 1024;

// Serves requests one after the other until either side has had enough. Registers itself with its loop while it lives.
// Belongs to its loop; owned by its coroutine. The loop's ticker calls tick(), begin_drain() and cut() between its
// steps.
class Connection final : private ResponseStream, private RequestBody {
  public:
    // `address_key` has been entered into the address table and is left by the destructor, like the connection budget.
    Connection(std::shared_ptr<LoopState> loop, std::shared_ptr<const Listener> listener,
               boost::asio::ip::tcp::socket socket, std::string address, std::string address_key);
    ~Connection() override;

    [[nodiscard]] Task<void> run();

    void tick(SteadyTime now);
    void begin_drain();
    void cut();

  private:
    enum class Phase : std::uint8_t { handshake, idle, receiving, handling, sending, streaming, closing };
    enum class Received : std::uint8_t { done, closed, timeout, malformed, header_too_large, body_too_large, no_room };
    enum class After : std::uint8_t { next_request, close };

    // Handshake and who the peer is; false when there is nobody to talk to.
    [[nodiscard]] Task<bool> begin();
    [[nodiscard]] bool learn_peer();
    [[nodiscard]] Task<After> serve_one();
    [[nodiscard]] std::optional<Error> refusal_of(Received received);
    [[nodiscard]] Task<void> close();

    // Waits for the first byte of the next request; false: close without a word.
    [[nodiscard]] Task<bool> await_request();
    [[nodiscard]] Task<void> pause();
    [[nodiscard]] Task<Received> read_head();
    [[nodiscard]] Task<Received> fill(std::size_t bytes_max);
    // What can be said before the body: host, route, method, certificate, rate, load, size.
    [[nodiscard]] std::optional<Error> decide();
    [[nodiscard]] std::optional<Error> check_host() const;
    [[nodiscard]] std::optional<Error> check_deadline();
    [[nodiscard]] std::optional<Error> check_load(const Route& route);
    [[nodiscard]] std::optional<Error> decode_parameters();
    [[nodiscard]] Error shed(ShedReason reason, ErrorCode code, std::chrono::milliseconds wait);
    [[nodiscard]] Task<Received> receive_body(const Route& route);
    [[nodiscard]] Task<Received> receive_known(std::size_t length);
    [[nodiscard]] Task<Received> receive_chunks(std::size_t bytes_max);
    [[nodiscard]] Task<Received> receive_piece(std::string_view& piece);
    // Reads a refused body away when that is cheap; otherwise the connection will be closed.
    [[nodiscard]] Task<void> discard_body();
    [[nodiscard]] bool reserve_body(std::size_t bytes);

    [[nodiscard]] Task<Result<Response>> call_handler(const Route& route);
    [[nodiscard]] Response refuse(const Error& error);
    // Sends, counts and logs.
    [[nodiscard]] Task<After> answer(Response response);
    [[nodiscard]] Task<bool> send_whole(Response& response);
    [[nodiscard]] Task<bool> send_stream(Response& response);
    void compose_head(const Response& response, std::size_t body_size);
    void finish_request(std::uint16_t status);

    // RequestBody
    [[nodiscard]] Task<Result<std::string_view>> next_piece() override;

    // ResponseStream
    [[nodiscard]] Task<bool> write(std::string_view bytes) override;
    [[nodiscard]] bool open() const override;
    [[nodiscard]] const std::shared_ptr<Alarm>& alarm() const override { return alarm_; }

    void enter(Phase phase, SteadyTime until);
    [[nodiscard]] SteadyTime transfer_end(std::size_t bytes) const;
    [[nodiscard]] const TimeLimits& times() const { return loop_->shared->options.times; }

    const std::shared_ptr<LoopState> loop_;
    const std::shared_ptr<const Listener> listener_;
    std::shared_ptr<const TlsContext> tls_;
    std::list<Connection*>::iterator place_;
    Transport transport_;
    Peer peer_;
    std::string address_key_;
    std::shared_ptr<RateBucket> rate_;
    std::shared_ptr<Alarm> alarm_;
    boost::asio::steady_timer pause_timer_;

    Phase phase_ = Phase::handshake;
    SteadyTime deadline_ = SteadyTime::max();
    SteadyTime ends_at_ = SteadyTime::max();  // age of the connection and validity of its certificate
    SteadyTime paused_until_{};
    bool timed_out_ = false;
    bool broken_ = false;  // nothing can be sent any more
    bool linger_ = false;  // something was answered that the peer shall see before the end

    // Of the request being served.
    InputBuffer input_;
    RequestParser parser_;
    Request request_;
    RouteMatch match_;
    std::array<std::string, path_parameters_max> decoded_;
    std::array<std::string_view, path_parameters_max> parameters_;
    std::string body_;
    std::size_t body_in_input_ = 0;
    std::size_t body_reserved_ = 0;
    // Of a body that is taken in pieces.
    std::size_t piece_bytes_ = 0;  // given out so far
    SteadyTime pieces_began_{};
    bool pieces_ended_ = false;
    std::optional<Error> pieces_error_;
    SteadyTime request_deadline_{};
    bool keep_ = true;
    bool chunked_answer_ = false;
    std::size_t sent_bytes_ = 0;
    std::string out_;
};

}  // namespace onshi::http
