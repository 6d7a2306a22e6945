#include "bench/load_generator.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <deque>
#include <queue>
#include <sys/epoll.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <openssl/err.h>

#include "base/ensure.h"
#include "bench/answer_reader.h"
#include "bench/limits.h"
#include "bench/tls_connection.h"

namespace onshi::bench {

namespace {

using boost::beast::error_code;
using std::chrono::nanoseconds;
using Clock = std::chrono::steady_clock;

constexpr std::size_t read_bytes = 16 * 1024;
// A generator that sleeps looks at the time that often.
constexpr std::chrono::milliseconds sleep_max{10};
constexpr std::size_t events_max = 256;
// Then answers are read: whoever has more to send than there is time for would find every answer late by his own doing.
constexpr std::size_t sends_per_turn_max = 16;
enum class Fed : std::uint8_t { more, complete, broken };

struct Connection {
    Connection(TlsConnection opened, std::size_t of_lane) : tls(std::move(opened)), lane(of_lane) {}

    TlsConnection tls;
    std::size_t lane;
    bool busy = false;
    bool writing = false;  // the socket was full
    Clock::time_point due;
    Clock::time_point rests_until;
    std::string_view sent;  // the body that is under way
    std::string request;
    std::string body;
    std::string carry;  // the beginning of a header that has not arrived as a whole
    std::optional<AnswerReader> reader;

    // Takes decrypted bytes of the answer that is under way.
    [[nodiscard]] Fed feed(std::string_view bytes) {
        if (!carry.empty()) {
            carry.append(bytes);
            bytes = carry;
        }
        std::size_t used = 0;
        while (used < bytes.size() && !reader->is_done()) {
            error_code error;
            const auto step = reader->put(boost::asio::const_buffer(bytes.data() + used, bytes.size() - used), error);
            used += step;
            if (error == boost::beast::http::error::need_more) break;
            if (error) return Fed::broken;
            if (step == 0) break;
        }
        std::string rest(bytes.substr(used));
        carry = std::move(rest);
        if (!reader->is_done()) return Fed::more;
        return carry.empty() ? Fed::complete : Fed::broken;
    }
};

nanoseconds thread_cpu() {
    timespec used{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return std::chrono::seconds(used.tv_sec) + nanoseconds(used.tv_nsec);
}

}  // namespace

double LoadReport::good_per_second() const {
    const double seconds = std::chrono::duration<double>(elapsed).count();
    return seconds > 0 ? static_cast<double>(good_in_time) / seconds : 0;
}

double LoadReport::cpu_us_per_request() const {
    return answered == 0 ? 0 : std::chrono::duration<double, std::micro>(cpu).count() / static_cast<double>(answered);
}

bool LoadReport::is_clean() const {
    return answered > 0 && good == scheduled && connections_lost == 0;
}

struct LoadGenerator::Impl {
    Impl(const LoadTarget& target, AnswerRules answer_rules)
        : rules(std::move(answer_rules)),
          lanes(target.identities.size()),
          waiting(target.waiting),
          request_head(fmt::format(
              "POST {} HTTP/1.1\r\nhost: {}:{}\r\ncontent-type: application/json\r\ncontent-length: ", target.path,
              target.server_name.empty() ? target.address : target.server_name, target.port)),
          epoll(::epoll_create1(EPOLL_CLOEXEC)) {}
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() {
        if (epoll >= 0) ::close(epoll);
    }

    [[nodiscard]] Result<void> open(const LoadTarget& target);
    void watch(Connection& connection, int operation, std::uint32_t events) const;

    AnswerRules rules;
    std::size_t lanes;
    Waiting waiting;
    std::string request_head;
    int epoll;
    std::vector<SslContext> contexts;
    std::deque<Connection> connections;  // their addresses are what epoll gives back
};

void LoadGenerator::Impl::watch(Connection& connection, int operation, std::uint32_t events) const {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &connection;
    ENSURE(::epoll_ctl(epoll, operation, connection.tls.socket(), &event) == 0);
}

Result<void> LoadGenerator::Impl::open(const LoadTarget& target) {
    if (epoll < 0) return fail(ErrorCode::bench_machine, fmt::format("epoll, errno {}", errno));
    for (const auto& identity : target.identities) {
        auto context = make_client_context(target.server_anchors, identity);
        if (!context) return fail(std::move(context));
        contexts.push_back(std::move(*context));
    }
    const std::string& name = target.server_name.empty() ? target.address : target.server_name;
    for (std::size_t i = 0; i < target.connections; ++i) {
        if (i > 0) std::this_thread::sleep_for(handshake_spacing);
        const auto source = static_cast<std::uint32_t>(i % target.source_addresses);
        auto opened = TlsConnection::open(contexts[i % lanes].get(), target.address, target.port, name, source);
        if (!opened) return fail(std::move(opened));
        connections.emplace_back(std::move(*opened), i % lanes);
        watch(connections.back(), EPOLL_CTL_ADD, EPOLLIN | EPOLLRDHUP);
    }
    return {};
}

namespace {

// One run over the connections of a generator. Closed loop: a request is due as soon as a connection is free. Open
// loop: when the schedule says so. Everything else is the same.
class Run {
  public:
    Run(LoadGenerator::Impl& generator, std::span<RequestBodies> lanes, nanoseconds duration,
        std::optional<ArrivalSchedule> schedule)
        : generator_(generator),
          lanes_(lanes),
          schedule_(std::move(schedule)),
          start_(Clock::now()),
          end_(start_ + duration),
          cpu_before_(thread_cpu()) {
        again_.resize(lanes.size());
        for (auto& connection : generator_.connections) {
            if (!connection.tls.is_open()) continue;
            ++open_;
            release(connection);
        }
    }

    [[nodiscard]] LoadReport go();

  private:
    [[nodiscard]] std::optional<Clock::time_point> next_due(Clock::time_point now) const;
    [[nodiscard]] bool is_over(Clock::time_point now) const;
    [[nodiscard]] timespec pause() const;
    void wait_for_events();
    void offer(Clock::time_point now, std::size_t sends_max);
    void offer_next(Clock::time_point now, std::size_t sends_max);
    void release(Connection& connection);
    void wake_rested(Clock::time_point now);
    void drop_due(Clock::time_point now);
    [[nodiscard]] std::optional<std::string_view> next_body(std::size_t lane);
    [[nodiscard]] bool follows_advice() const { return generator_.rules.advice == Advice::followed; }
    void send(Connection& connection, std::string_view body, Clock::time_point due, Clock::time_point now);
    void write(Connection& connection);
    void read(Connection& connection);
    void take_answer(Connection& connection);
    void judge(Connection& connection, Clock::time_point now);
    void take_refusal(Connection& connection, Clock::time_point now);
    void disturbed(Clock::time_point now) { report_.last_disturbed = now - start_; }
    void lose(Connection& connection);
    void finish();

    LoadGenerator::Impl& generator_;
    std::span<RequestBodies> lanes_;
    std::optional<ArrivalSchedule> schedule_;
    Clock::time_point start_;
    Clock::time_point end_;
    nanoseconds cpu_before_;
    std::deque<Connection*> free_;  // first in, first out: every connection is used
    struct RestsLonger {
        bool operator()(const Connection* a, const Connection* b) const { return a->rests_until > b->rests_until; }
    };
    std::priority_queue<Connection*, std::vector<Connection*>, RestsLonger> resting_;
    std::vector<std::deque<std::string_view>> again_;  // by lane: bodies that were refused
    std::size_t open_ = 0;
    std::size_t in_flight_ = 0;
    LoadReport report_;
    std::array<epoll_event, events_max> events_{};
    std::array<char, read_bytes> buffer_{};
};

std::optional<Clock::time_point> Run::next_due(Clock::time_point now) const {
    if (report_.exhausted) return std::nullopt;
    if (!schedule_) return now < end_ ? std::optional(now) : std::nullopt;
    const auto due = schedule_->next();
    return due ? std::optional(start_ + *due) : std::nullopt;
}

bool Run::is_over(Clock::time_point now) const {
    if (open_ == 0 || now >= end_ + drain_time_max) return true;
    return in_flight_ == 0 && !next_due(now);
}

LoadReport Run::go() {
    static_assert(sleep_max < std::chrono::seconds(1));
    const SigpipeGuard guard;
    auto now = Clock::now();
    while (!is_over(now)) {
        offer(now, sends_per_turn_max);
        wait_for_events();
        now = Clock::now();
    }
    finish();
    return std::move(report_);
}

// Until the next request is due, or a connection has rested.
timespec Run::pause() const {
    if (generator_.waiting == Waiting::polls) return {};
    const auto now = Clock::now();
    auto until = now + sleep_max;
    if (!free_.empty()) until = std::min(until, next_due(now).value_or(until));
    if (!resting_.empty()) until = std::min(until, resting_.top()->rests_until);
    const auto left = std::max(until - now, Clock::duration::zero());
    return {0, std::chrono::nanoseconds(left).count()};
}

void Run::wait_for_events() {
    const timespec longest = pause();
    const int ready =
        ::epoll_pwait2(generator_.epoll, events_.data(), static_cast<int>(events_.size()), &longest, nullptr);
    for (int i = 0; i < ready; ++i) {
        const auto& event = events_[static_cast<std::size_t>(i)];
        auto& connection = *static_cast<Connection*>(event.data.ptr);
        if (connection.tls.is_open() && (event.events & EPOLLOUT) != 0) write(connection);
        if (connection.tls.is_open() && (event.events & ~EPOLLOUT) != 0) read(connection);
    }
}

// To those that are free, or to those that were told to wait.
void Run::release(Connection& connection) {
    if (connection.rests_until > start_) {
        resting_.push(&connection);
    } else {
        free_.push_back(&connection);
    }
}

void Run::wake_rested(Clock::time_point now) {
    while (!resting_.empty() && resting_.top()->rests_until <= now) {
        Connection& rested = *resting_.top();
        resting_.pop();
        rested.rests_until = {};
        if (rested.tls.is_open()) free_.push_back(&rested);
    }
}

void Run::drop_due(Clock::time_point now) {
    while (schedule_->next() && start_ + *schedule_->next() <= now) {
        schedule_->advance();
        ++report_.held_back;
    }
}

std::optional<std::string_view> Run::next_body(std::size_t lane) {
    if (again_[lane].empty()) return lanes_[lane].take();
    const auto body = again_[lane].front();
    again_[lane].pop_front();
    return body;
}

void Run::offer(Clock::time_point now, std::size_t sends_max) {
    wake_rested(now);
    offer_next(now, sends_max);
    if (follows_advice() && schedule_ && free_.empty()) drop_due(now);
}

void Run::offer_next(Clock::time_point now, std::size_t sends_max) {
    for (std::size_t sent = 0; sent < sends_max && !free_.empty(); ++sent) {
        const auto due = next_due(now);
        if (!due || *due > now) return;
        Connection& connection = *free_.front();
        const auto body = next_body(connection.lane);
        if (!body) {
            // The other lanes alone would be another load than the one asked for: the run ends here.
            report_.exhausted = true;
            end_ = std::min(end_, now);
            return;
        }
        free_.pop_front();
        if (schedule_) schedule_->advance();
        send(connection, *body, *due, now);
        now = Clock::now();
    }
}

void Run::send(Connection& connection, std::string_view body, Clock::time_point due, Clock::time_point now) {
    std::array<char, 20> digits{};
    const auto length = std::to_chars(digits.data(), digits.data() + digits.size(), body.size());
    connection.request.assign(generator_.request_head)
        .append(digits.data(), length.ptr)
        .append("\r\n\r\n")
        .append(body);
    connection.reader.emplace(connection.body);
    connection.carry.clear();
    connection.due = follows_advice() ? now : due;
    connection.sent = body;
    connection.busy = true;
    ++in_flight_;
    ++report_.sent;
    report_.lateness.record(now - due);
    write(connection);
}

void Run::write(Connection& connection) {
    std::size_t written = 0;
    SSL* ssl = connection.tls.ssl();
    if (SSL_write_ex(ssl, connection.request.data(), connection.request.size(), &written) == 1) {
        if (connection.writing) generator_.watch(connection, EPOLL_CTL_MOD, EPOLLIN | EPOLLRDHUP);
        connection.writing = false;
        return;
    }
    if (SSL_get_error(ssl, 0) != SSL_ERROR_WANT_WRITE) return lose(connection);
    if (!connection.writing) generator_.watch(connection, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
    connection.writing = true;
}

void Run::read(Connection& connection) {
    SSL* ssl = connection.tls.ssl();
    while (true) {
        std::size_t got = 0;
        if (SSL_read_ex(ssl, buffer_.data(), buffer_.size(), &got) != 1) {
            if (SSL_get_error(ssl, 0) != SSL_ERROR_WANT_READ) lose(connection);
            return;
        }
        // Nobody was asked anything: the server speaks another language than we think.
        if (!connection.busy) return lose(connection);
        const Fed fed = connection.feed(std::string_view(buffer_.data(), got));
        if (fed == Fed::broken) return lose(connection);
        // Asking for more after a whole answer would cost a system call that finds nothing.
        if (fed == Fed::complete) return take_answer(connection);
    }
}

void Run::take_answer(Connection& connection) {
    const auto now = Clock::now();
    report_.latency.record(now - connection.due);
    if (now - connection.due > generator_.rules.slow_from) disturbed(now);
    ++report_.answered;
    judge(connection, now);
    connection.busy = false;
    --in_flight_;
    if (!connection.reader->keep_alive()) return lose(connection);
    release(connection);
    offer(now, 1);
}

void Run::take_refusal(Connection& connection, Clock::time_point now) {
    ++report_.refused;
    report_.refused_latency.record(now - connection.due);
    disturbed(now);
    if (!connection.reader->has_advice) ++report_.refused_without_advice;
    if (!follows_advice()) return;
    connection.rests_until = now + advised_wait(connection.body);
    again_[connection.lane].push_back(connection.sent);
}

void Run::judge(Connection& connection, Clock::time_point now) {
    const auto& rules = generator_.rules;
    const std::string& body = connection.body;
    ++report_.statuses[connection.reader->status];
    if (connection.reader->status != 200) return take_refusal(connection, now);
    if (!rules.required_text.empty()) {
        // memmem: a search by first character would stop at every quotation mark of the JSON.
        const void* at = ::memmem(body.data(), body.size(), rules.required_text.data(), rules.required_text.size());
        const auto after = at == nullptr ? body.size()
                                         : static_cast<std::size_t>(static_cast<const char*>(at) - body.data()) +
                                               rules.required_text.size();
        if (after >= body.size()) {
            ++report_.malformed;
            return;
        }
        ++report_.codes[body[after]];
    }
    if (rules.sample_every > 0 && report_.good % rules.sample_every == 0) {
        ++report_.sampled;
        if (!rules.parse_sample(body)) {
            ++report_.malformed;
            return;
        }
    }
    ++report_.good;
    report_.good_latency.record(now - connection.due);
    if (now < end_) ++report_.good_in_time;
    report_.body_bytes += body.size();
}

void Run::lose(Connection& connection) {
    ERR_clear_error();
    ++report_.connections_lost;
    --open_;
    if (connection.busy) {
        ++report_.unanswered;
        --in_flight_;
    }
    connection.busy = false;
    connection.tls.close();
    std::erase(free_, &connection);
}

void Run::finish() {
    for (auto& connection : generator_.connections) {
        // Its answer would be taken for that of the next run.
        if (connection.busy) lose(connection);
    }
    report_.scheduled = report_.sent;
    for (; schedule_ && schedule_->next(); schedule_->advance()) ++report_.scheduled;
    report_.elapsed = end_ - start_;
    report_.cpu = thread_cpu() - cpu_before_;
}

}  // namespace

Result<LoadGenerator> LoadGenerator::connect(const LoadTarget& target, AnswerRules rules) {
    if (target.identities.empty() || target.connections < target.identities.size() ||
        target.connections > connections_max || target.source_addresses < 1 ||
        target.source_addresses > source_addresses_max) {
        return fail(ErrorCode::config_value,
                    "connections: at least one per identity, at most connections_max; source addresses");
    }
    if (rules.sample_every > 0) ENSURE(rules.parse_sample != nullptr);
    auto impl = std::make_unique<Impl>(target, std::move(rules));
    auto opened = impl->open(target);
    if (!opened) return fail(std::move(opened));
    return LoadGenerator(std::move(impl));
}

LoadGenerator::LoadGenerator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LoadGenerator::LoadGenerator(LoadGenerator&&) noexcept = default;
LoadGenerator& LoadGenerator::operator=(LoadGenerator&&) noexcept = default;
LoadGenerator::~LoadGenerator() = default;

Result<LoadReport> LoadGenerator::run(const ClosedLoop& loop, std::span<RequestBodies> lanes) {
    ENSURE(lanes.size() == impl_->lanes);
    if (loop.duration <= nanoseconds(0) || loop.duration > run_time_max) {
        return fail(ErrorCode::config_value, "duration out of range");
    }
    return Run(*impl_, lanes, loop.duration, std::nullopt).go();
}

Result<LoadReport> LoadGenerator::run(const ArrivalPlan& plan, std::span<RequestBodies> lanes) {
    ENSURE(lanes.size() == impl_->lanes);
    auto schedule = ArrivalSchedule::make(plan);
    if (!schedule) return fail(std::move(schedule));
    return Run(*impl_, lanes, plan.duration, std::move(*schedule)).go();
}

}  // namespace onshi::bench
