// What one HTTPS request costs the server: TLS 1.3, mutual, kept connections, 1 KB in, 2 KB out, handler without work.
//
//     http_bench [connections] [seconds] [work_us]
//
// Server loop on the first CPU, clients on the second. Prints CPU time of the server's thread per request (the number to
// compare), allocations per request on that thread, requests per second and latency as the closed-loop clients see it.
// With work_us the handler burns that long, and the clients send three times what the server can do: prints the goodput in
// relation to what it reaches without overload.

#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "platform/event_loop/event_loop.h"
#include "platform/http/client.h"
#include "platform/http/server.h"
#include "platform/http/test_support.h"

namespace {

thread_local std::uint64_t allocations = 0;

}  // namespace

void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size); memory != nullptr) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace onshi::http::bench {

using std::chrono::steady_clock;

struct Sample {
    double cpu_s = 0;
    std::uint64_t allocations = 0;
};

// Of the loop's own thread, read by a coroutine on it.
Task<void> take_sample(Sample& sample, std::atomic<bool>& taken) {
    timespec used{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    sample = {static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9, allocations};
    taken = true;
    co_return;
}

Sample sample_of(EventLoops& loops) {
    Sample sample;
    std::atomic<bool> taken = false;
    loops.spawn(0, take_sample(sample, taken));
    while (!taken) sched_yield();
    return sample;
}

struct Load {
    std::atomic<bool> going_on = true;
    std::atomic<int> running = 0;
    std::atomic<std::uint64_t> good = 0;
    std::atomic<std::uint64_t> refused = 0;
    std::vector<double> latencies_us;
};

// Closed loop: as fast as answers come. A refused client waits as it was told to when `patient`, else it goes on at once.
Task<void> send_requests(std::uint16_t port, Load& load) {
    Client client = test::make_client(port);
    const ClientRequest request = test::post("/v1/bench", std::string(1024, 'q'));
    while (load.going_on) {
        const SteadyTime began = steady_clock::now();
        auto answer = co_await client.send(request, Deadline::in(std::chrono::seconds(10)));
        if (answer) {
            ++load.good;
            load.latencies_us.push_back(std::chrono::duration<double, std::micro>(steady_clock::now() - began).count());
        } else {
            ++load.refused;
        }
    }
    client.close_idle();
    --load.running;
}

void burn(std::chrono::microseconds work) {
    const SteadyTime end = steady_clock::now() + work;
    while (steady_clock::now() < end) {
    }
}

struct Measured {
    double seconds = 0;
    double cpu_s = 0;
    std::uint64_t good = 0;
    std::uint64_t refused = 0;
    std::uint64_t allocations = 0;
    double p50 = 0;
    double p99 = 0;
};

Measured measure(ServerOptions options, int connections, double seconds, std::chrono::microseconds work) {
    EventLoops server_loops({.loops = 1, .pinning = CpuPinning::one_cpu_per_loop});
    EventLoops client_loops({.loops = 2, .pinning = CpuPinning::one_cpu_per_loop});
    Metrics metrics;
    SystemClock clock;
    SystemRandom random;
    Server server(server_loops, options, metrics, clock, random);
    const auto answer = std::make_shared<const std::string>(2048, 'a');
    server.route(Method::post, "/v1/bench", {}, [answer, work](Request&, Deadline) -> Task<Result<Response>> {
        if (work.count() > 0) burn(work);
        co_return json_response(std::string(*answer));
    });
    const auto port = server.listen(test::TestServer::tls_listener());
    server_loops.start();
    client_loops.start();
    Load load;
    for (int i = 0; i < connections; ++i) {
        ++load.running;
        client_loops.spawn(1, send_requests(*port, load));
    }
    const auto rest = [](double s) {
        const timespec time{static_cast<time_t>(s), static_cast<long>((s - static_cast<double>(static_cast<time_t>(s))) * 1e9)};
        nanosleep(&time, nullptr);
    };
    rest(1);
    const std::uint64_t good_before = load.good;
    const std::uint64_t refused_before = load.refused;
    const Sample before = sample_of(server_loops);
    const SteadyTime began = steady_clock::now();
    rest(seconds);
    const Sample after = sample_of(server_loops);
    Measured measured;
    measured.seconds = std::chrono::duration<double>(steady_clock::now() - began).count();
    measured.good = load.good - good_before;
    measured.refused = load.refused - refused_before;
    measured.cpu_s = after.cpu_s - before.cpu_s;
    measured.allocations = after.allocations - before.allocations;
    load.going_on = false;
    client_loops.stop();
    client_loops.join();
    server.stop(std::chrono::milliseconds(100));
    static_cast<void>(server.wait_stopped(std::chrono::seconds(5)));
    server_loops.stop();
    server_loops.join();
    std::ranges::sort(load.latencies_us);
    if (!load.latencies_us.empty()) {
        measured.p50 = load.latencies_us[load.latencies_us.size() / 2];
        measured.p99 = load.latencies_us[load.latencies_us.size() * 99 / 100];
    }
    return measured;
}

void print(const char* what, const Measured& m) {
    const auto answered = static_cast<double>(m.good + m.refused);
    std::printf("%-10s %8.0f good/s %8.0f refused/s  cpu %5.1f us/answer  %4.1f allocations  server %3.0f %% busy  p50 %.0f us  p99 %.0f us\n",
                what, static_cast<double>(m.good) / m.seconds, static_cast<double>(m.refused) / m.seconds, m.cpu_s * 1e6 / answered,
                static_cast<double>(m.allocations) / answered, m.cpu_s / m.seconds * 100, m.p50, m.p99);
}

ServerOptions options_for_load() {
    ServerOptions options;
    options.access_log = AccessLog::off;
    options.admission.rate = RateLimit{1e9, 1e9};
    options.admission.handshakes_per_second_max = 100'000;
    return options;
}

}  // namespace onshi::http::bench

int main(int argc, char** argv) {
    using namespace onshi::http::bench;
    const int connections = argc > 1 ? std::atoi(argv[1]) : 32;
    const double seconds = argc > 2 ? std::atof(argv[2]) : 3;
    const std::chrono::microseconds work(argc > 3 ? std::atoi(argv[3]) : 0);
    if (work.count() == 0) {
        onshi::http::ServerOptions calm = options_for_load();
        calm.admission.queue_delay.target = std::chrono::seconds(10);
        calm.admission.queue_delay.delay_max = std::chrono::seconds(10);
        print("plain", measure(calm, connections, seconds, work));
        return 0;
    }
    const Measured capacity = measure(options_for_load(), 8, seconds, work);
    print("capacity", capacity);
    const Measured overload = measure(options_for_load(), connections, seconds, work);
    print("overload", overload);
    std::printf("goodput under overload: %.0f %%\n", 100 * (static_cast<double>(overload.good) / overload.seconds) /
                                                         (static_cast<double>(capacity.good) / capacity.seconds));
    return 0;
}
