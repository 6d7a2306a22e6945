#include "terminal/kiosk_server.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <mutex>
#include <vector>

#include <fmt/format.h>

#include "base/bytes.h"
#include "platform/event_loop/event_loop.h"
#include "platform/http/query.h"
#include "platform/http/server.h"
#include "platform/pki/keys.h"
#include "platform/pki/secret_file.h"
#include "platform/telemetry/log.h"
#include "platform/telemetry/metrics.h"
#include "platform/text_formats/json_reader.h"
#include "terminal/kiosk_json.h"

namespace onshi::terminal {

namespace {

using kiosk::Moment;

constexpr std::size_t token_bytes = 24;
constexpr std::size_t pin_digits = 4;
constexpr std::string_view cookie_name = "onshi-kiosk=";
constexpr std::chrono::milliseconds drain_time{1'000};
constexpr std::chrono::milliseconds longest_sleep{60'000};
// How soon a page hears that the desk serves otherwise; nothing else wakes it for that.
constexpr std::chrono::milliseconds desk_look{5'000};
// Pages that listen at one time: the kiosk's own and one that is being reloaded, and some for tests.
constexpr std::size_t listeners_max = 8;
// What devices may have told between two turns of the loop; more can only be noise.
constexpr std::size_t told_max = 256;

http::Response plain(std::uint16_t status, std::string body = {}) {
    http::Response response;
    response.status = status;
    response.body = std::move(body);
    return response;
}

std::string random_text(Random& random) {
    std::array<std::uint8_t, token_bytes> bytes{};
    random.fill(bytes);
    return to_base64url(bytes);
}

// The value of our cookie among those that the browser sends.
std::string_view cookie_of(const http::Request& request) {
    auto cookies = request.header("cookie").value_or("");
    while (!cookies.empty()) {
        const auto one = cookies.substr(0, cookies.find(';'));
        cookies.remove_prefix(std::min(cookies.size(), one.size() + 1));
        const auto begin = one.find_first_not_of(' ');
        if (begin == std::string_view::npos) continue;
        if (one.substr(begin).starts_with(cookie_name)) return one.substr(begin + cookie_name.size());
    }
    return {};
}

}  // namespace

struct KioskServer::Impl {
    Impl(KioskSettings wanted, KioskDevices& does, const Clock& clock, Random& source)
        : settings(std::move(wanted)),
          devices(does),
          random(source),
          machine(settings.machine),
          started(std::chrono::steady_clock::now()),
          wake(loops.executor(0)),
          server(loops, quiet(), metrics, clock, source) {}

    static http::ServerOptions quiet() {
        http::ServerOptions options;
        options.access_log = http::AccessLog::failures;
        return options;
    }

    [[nodiscard]] Moment now() const {
        return std::chrono::duration_cast<Moment>(std::chrono::steady_clock::now() - started);
    }

    Result<void> renew_token() {
        std::error_code ignored;
        std::filesystem::remove(settings.token_file, ignored);
        token = random_text(random);
        return pki::write_secret_file(settings.token_file, as_bytes(token));
    }

    [[nodiscard]] bool is_page(const http::Request& request) const {
        return !session.empty() && pki::constant_time_equal(as_bytes(cookie_of(request)), as_bytes(session));
    }

    // On the loop. Everybody who listens hears of a change.
    void apply(const kiosk::Input& input) {
        const auto before = machine.revision();
        const auto actions = machine.apply(input, now());
        for (const auto action : actions) {
            if (action == kiosk::Action::alert_staff) log_event(Level::warn, "kiosk.staff_called");
            devices.carry_out(action, machine.session());
        }
        if (machine.revision() == before) return;
        for (const auto& listener : listeners) listener->ring();
        wake.ring();
    }

    Task<void> keep_time() {
        while (!stopping) {
            {
                const std::scoped_lock lock(mutex);
                told.swap(taken);
            }
            for (const auto& input : taken) apply(input);
            taken.clear();
            apply(kiosk::Input());
            const auto next = machine.next_change();
            auto until = std::chrono::steady_clock::now() + longest_sleep;
            if (next) until = std::min(until, started + *next);
            const auto woke = co_await wake.wait_until(until);
            static_cast<void>(woke);
        }
    }

    Task<Result<http::Response>> open_session(http::Request& request) {
        auto document = JsonDocument::parse(request.body);
        if (!document) co_return fail(std::move(document));
        std::string given;
        auto read = document->read([&](JsonObject& object) { given = object.text("token", 64); });
        if (!read) co_return fail(std::move(read));
        if (token.empty() || !pki::constant_time_equal(as_bytes(given), as_bytes(token))) co_return plain(403);
        // Used once: whoever reads the file later opens nothing with it.
        auto renewed = renew_token();
        if (!renewed) co_return fail(std::move(renewed));
        session = random_text(random);
        auto response = http::json_response(message());
        response.headers.push_back(
            {"set-cookie", fmt::format("{}{}; Path=/kiosk; HttpOnly; SameSite=Strict", cookie_name, session)});
        co_return response;
    }

    Task<Result<http::Response>> take_event(http::Request& request) {
        if (!is_page(request)) co_return plain(403);
        auto event = kiosk::parse_page_event(request.body);
        if (!event) co_return fail(std::move(event));
        apply(kiosk::Input());
        if (event->revision != machine.revision()) {
            co_return http::json_response(message(), 409);
        }
        apply(event->input);
        co_return http::json_response(message());
    }

    // What the page sends with an event of its own route, once it is known to be for the present state.
    http::Response apply_now(std::uint64_t revision, const std::function<kiosk::Input()>& input) {
        apply(kiosk::Input());
        if (revision != machine.revision()) return http::json_response(message(), 409);
        apply(input());
        return http::json_response(message());
    }

    // Digits that come by themselves as a body, for an event that means them; `hand` gives them to the devices, where
    // the screen asks for them.
    Task<Result<http::Response>> take_digits(http::Request& request, std::size_t count, kiosk::Input input,
                                             void (KioskDevices::*hand)(SecretBytes)) {
        if (!is_page(request)) co_return plain(403);
        SecretBytes digits(as_bytes(request.body));
        // The connection's own buffer, which nobody reads again: no second copy of the digits stays (I1).
        std::fill_n(const_cast<char*>(request.body.data()), request.body.size(), '\0');
        auto revision = kiosk::parse_revision(http::query_value(request.query, "rev").value_or(""));
        if (!revision) co_return fail(std::move(revision));
        const bool whole = digits.size() == count &&
                           std::ranges::all_of(digits.bytes(), [](std::uint8_t c) { return c >= '0' && c <= '9'; });
        if (!whole) co_return fail(ErrorCode::card_pin_format, "");
        co_return apply_now(*revision, [&] {
            if (machine.allows(input.event)) (devices.*hand)(std::move(digits));
            return input;
        });
    }

    Task<Result<http::Response>> take_pin(http::Request& request) {
        kiosk::Input input;
        input.event = kiosk::Event::pin_submit;
        return take_digits(request, pin_digits, std::move(input), &KioskDevices::take_pin);
    }

    Task<Result<http::Response>> take_number_b(http::Request& request) {
        kiosk::Input input;
        input.event = kiosk::Event::face;
        input.number_b_given = true;
        return take_digits(request, face::number_b_digits, std::move(input), &KioskDevices::take_number_b);
    }

    Task<Result<http::Response>> take_visual(http::Request& request) {
        if (!is_page(request)) co_return plain(403);
        auto claim = kiosk::parse_visual(request.body);
        if (!claim) co_return fail(std::move(claim));
        co_return apply_now(claim->revision, [&] {
            kiosk::Input input;
            input.event = kiosk::Event::visual_submit;
            input.same_person = claim->same_person;
            input.reason_given = !claim->reason.empty();
            if (machine.allows(kiosk::Event::visual_submit)) {
                input.password_ok = devices.take_visual(
                    {std::move(claim->operator_reference), std::move(claim->password), std::move(claim->reason)});
            }
            return input;
        });
    }

    [[nodiscard]] std::string message() const { return kiosk::state_message(machine, now(), devices.desk_mode()); }

    Task<Result<http::Response>> open_stream(http::Request& request) {
        if (!is_page(request) || listeners.size() >= listeners_max) co_return plain(403);
        http::Response response;
        response.content_type = "text/event-stream";
        response.stream = [this](http::ResponseStream& stream) { return send_states(stream); };
        co_return response;
    }

    Task<void> send_states(http::ResponseStream& stream) {
        const std::shared_ptr<Alarm> alarm = stream.alarm();
        listeners.push_back(alarm);
        std::uint64_t sent = machine.revision() + 1;  // anything but the present one
        std::string_view desk;
        while (!stopping && stream.open()) {
            if (machine.revision() != sent || devices.desk_mode() != desk) {
                sent = machine.revision();
                desk = devices.desk_mode();
                const std::string text = fmt::format("event: state\ndata: {}\n\n", message());
                const bool written = co_await stream.write(text);
                if (!written) break;
                continue;
            }
            const auto woke = co_await alarm->wait_until(std::chrono::steady_clock::now() + desk_look);
            // A comment now and then shows whether the page is still there.
            if (woke == Alarm::Woke::by_ring) continue;
            const bool written = co_await stream.write(": \n\n");
            if (!written) break;
        }
        std::erase(listeners, alarm);
    }

    Result<void> open() {
        auto renewed = renew_token();
        if (!renewed) return renewed;
        http::RouteOptions small;
        small.body_bytes_max = kiosk::page_event_bytes_max;
        small.certificate = http::ClientCertificate::none;
        // One page on this machine: a busy machine is no reason to refuse what a patient touches.
        small.admission = http::AdmissionClass::exempt;
        server.route(http::Method::post, "/kiosk/session", small,
                     [this](http::Request& request, Deadline) { return open_session(request); });
        server.route(http::Method::post, "/kiosk/event", small,
                     [this](http::Request& request, Deadline) { return take_event(request); });
        server.route(http::Method::post, "/kiosk/pin", small,
                     [this](http::Request& request, Deadline) { return take_pin(request); });
        server.route(http::Method::post, "/kiosk/number-b", small,
                     [this](http::Request& request, Deadline) { return take_number_b(request); });
        server.route(http::Method::post, "/kiosk/visual", small,
                     [this](http::Request& request, Deadline) { return take_visual(request); });
        server.route(http::Method::get, "/kiosk/events", small,
                     [this](http::Request& request, Deadline) { return open_stream(request); });
        http::ListenerOptions listener;
        listener.port = settings.port;
        listener.name = "kiosk";
        listener.hosts = {"127.0.0.1", "localhost"};
        listener.response_headers = {{"content-security-policy", "default-src 'self'"},
                                     {"referrer-policy", "no-referrer"},
                                     {"x-content-type-options", "nosniff"}};
        auto bound = server.listen(std::move(listener));
        if (!bound) return fail(std::move(bound));
        port = *bound;
        loops.spawn(0, keep_time());
        loops.start();
        return {};
    }

    KioskSettings settings;
    KioskDevices& devices;
    Random& random;
    Metrics metrics;
    EventLoops loops{{.loops = 1}};
    kiosk::Machine machine;
    SteadyTime started;
    Alarm wake;
    http::Server server;
    std::string token;
    std::string session;
    std::vector<std::shared_ptr<Alarm>> listeners;
    std::mutex mutex;  // of `told`
    std::vector<kiosk::Input> told;
    std::vector<kiosk::Input> taken;
    std::atomic<bool> stopping = false;
    std::uint16_t port = 0;
};

KioskServer::KioskServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

KioskServer::~KioskServer() {
    stop();
}

Result<std::unique_ptr<KioskServer>> KioskServer::open(KioskSettings settings, KioskDevices& devices,
                                                       const Clock& clock, Random& random) {
    auto impl = std::make_unique<Impl>(std::move(settings), devices, clock, random);
    auto opened = impl->open();
    if (!opened) return fail(std::move(opened));
    return std::unique_ptr<KioskServer>(new KioskServer(std::move(impl)));
}

std::uint16_t KioskServer::port() const {
    return impl_->port;
}

void KioskServer::tell(const kiosk::Input& input) {
    {
        const std::scoped_lock lock(impl_->mutex);
        if (impl_->told.size() < told_max) impl_->told.push_back(input);
    }
    impl_->wake.ring();
}

void KioskServer::stop() {
    if (impl_->stopping.exchange(true)) return;
    impl_->wake.ring();
    impl_->server.stop(drain_time);
    impl_->loops.stop();
    impl_->loops.join();
}

}  // namespace onshi::terminal
