#include "cli/terminal_status.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/date.h"
#include "cli/files.h"
#include "platform/event_loop/event_loop.h"
#include "platform/http/client.h"
#include "platform/pki/certificate.h"
#include "platform/smartcard/pcsc_reader.h"
#include "terminal/folder.h"
#include "terminal/hub_modes.h"
#include "terminal/local_check.h"

namespace onshi::cli {

namespace {

constexpr int connect_ms = 3'000;
constexpr std::chrono::milliseconds hub_time{5'000};
// From here on an operator is told to renew (ux K-E021).
constexpr int certificate_warning_days = 90;

Finding good(const char* name, std::string seen) {
    return {name, std::move(seen), std::nullopt};
}
Finding bad(const char* name, Error error) {
    return {name, "", std::move(error)};
}

void look_at_folder(std::vector<Finding>& findings, const std::filesystem::path& folder) {
    if (folder.empty()) return;
    const terminal::ExchangeFolder exchange(folder);
    auto prepared = exchange.prepare();
    if (!prepared) return findings.push_back(bad("folder", prepared.error()));
    auto waiting = exchange.list();
    if (!waiting) return findings.push_back(bad("folder", waiting.error()));
    findings.push_back(good("folder", fmt::format("{}, {} requests waiting", folder.string(), waiting->size())));
}

// Looking makes nothing: a terminal that has never run has no records.
void look_at_records(std::vector<Finding>& findings, const TerminalProfile& profile, const std::filesystem::path& store,
                     Session& session) {
    std::error_code error;
    const auto key = profile.folder / "store.key";
    if (!std::filesystem::exists(store, error)) return;
    if (!std::filesystem::exists(key, error)) {
        return findings.push_back(
            bad("records", Error(ErrorCode::terminal_records_unreadable, "store.key is missing")));
    }
    auto opened = terminal::LocalStore::open(store, key, session.random());
    if (!opened) return findings.push_back(bad("records", opened.error()));
    auto unreadable = run_to_end(terminal::unreadable_records(**opened));
    if (!unreadable) return findings.push_back(bad("records", unreadable.error()));
    if (unreadable->empty()) return findings.push_back(good("records", ""));
    std::string kinds;
    for (std::size_t number = 1; number <= terminal::local_kind_count; ++number) {
        const auto kind = static_cast<terminal::LocalKind>(number);
        const auto count = std::ranges::count(*unreadable, kind, &terminal::UnreadableRecord::kind);
        if (count > 0) kinds.append(fmt::format("{}{} {}", kinds.empty() ? "" : ", ", count, to_string(kind)));
    }
    findings.push_back(bad("records", Error(ErrorCode::terminal_records_unreadable, std::move(kinds))));
}

void look_at_reader(std::vector<Finding>& findings) {
    auto readers = smartcard::PcscReaders::open();
    if (!readers) return findings.push_back(bad("pcscd", readers.error()));
    findings.push_back(good("pcscd", ""));
    auto names = readers->list();
    if (!names) return findings.push_back(bad("reader", names.error()));
    if (names->empty()) return findings.push_back(bad("reader", Error(ErrorCode::reader_none, "")));
    findings.push_back(good("reader", names->front()));
    auto card = readers->wait_for_card(names->front(), Deadline::in(std::chrono::milliseconds(0)));
    if (card) return findings.push_back(good("card", "one lies there"));
    // No patient, no fault.
    const bool absent = card.error().code == ErrorCode::card_absent;
    findings.push_back(absent ? good("card", "none") : bad("card", card.error()));
}

void look_at_face_engine(std::vector<Finding>& findings, const terminal::FaceSettings& face, Session& session) {
    const auto engine = terminal::make_face_engine(face, session.random());
    if (!engine) return;
    auto state = engine->look();
    if (!state) return findings.push_back(bad("face_engine", state.error()));
    if (!state->ready) {
        return findings.push_back(bad("face_engine", Error(ErrorCode::peer_unavailable, std::move(state->note))));
    }
    findings.push_back(good("face_engine", std::string(engine->name())));
}

bool look_at_certificate(std::vector<Finding>& findings, const TerminalProfile& profile, Instant now) {
    auto pem = read_text_file(profile.file(profile.certificate));
    auto tls = load_terminal_tls(profile);
    if (!pem || !tls) {
        findings.push_back(bad("certificate", pem ? tls.error() : pem.error()));
        return false;
    }
    auto chain = pki::parse_certificates_pem(*pem);
    if (!chain || chain->empty()) {
        findings.push_back(bad("certificate", Error(ErrorCode::config_certificate, profile.certificate)));
        return false;
    }
    const Instant ends = chain->front().not_after;
    const auto days = (ends - now).count() / (std::int64_t{24} * 3600 * 1'000'000);
    if (ends <= now) {
        findings.push_back(bad("certificate", Error(ErrorCode::certificate_expired, to_iso(japan_day(ends)))));
        return false;
    }
    const char* hint = days < certificate_warning_days ? "; onshi terminal renew" : "";
    findings.push_back(good("certificate", fmt::format("until {}, {} days{}", to_iso(japan_day(ends)), days, hint)));
    return true;
}

struct FreeAddresses {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

// Name and port without TLS, so that a wrong name, a closed port and a wrong certificate are told apart.
std::optional<std::string> connect_problem(const HubAddress& hub) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int found = ::getaddrinfo(hub.host.c_str(), fmt::format("{}", hub.port).c_str(), &hints, &list);
    if (found != 0) return fmt::format("{}: {}", hub.host, ::gai_strerror(found));
    const std::unique_ptr<addrinfo, FreeAddresses> addresses(list);
    std::string problem = "no address";
    for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
        const int fd = ::socket(one->ai_family, one->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, one->ai_protocol);
        if (fd < 0) continue;
        int error = ::connect(fd, one->ai_addr, one->ai_addrlen) == 0 ? 0 : errno;
        if (error == EINPROGRESS) {
            pollfd ready{fd, POLLOUT, 0};
            error = ::poll(&ready, 1, connect_ms) == 1 ? 0 : ETIMEDOUT;
            socklen_t size = sizeof error;
            if (error == 0) ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
        }
        ::close(fd);
        if (error == 0) return std::nullopt;
        problem = fmt::format("{}: {}", hub.url(), std::strerror(error));
    }
    return problem;
}

// One answer or failure of the hub; connections end with the call.
Result<http::ClientResponse> ask(http::Client& client, http::ClientRequest request) {
    const auto conversation = [](http::Client& hub, http::ClientRequest wanted) -> Task<Result<http::ClientResponse>> {
        auto answer = co_await hub.send(wanted, Deadline::in(hub_time));
        hub.close_idle();
        co_return answer;
    };
    return run_to_end(conversation(client, std::move(request)));
}

void look_at_modes(std::vector<Finding>& findings, http::Client& client) {
    http::ClientRequest modes;
    modes.target = "/v1/modes";
    auto told = ask(client, std::move(modes));
    if (!told) return findings.push_back(bad("modes", told.error()));
    auto outages = terminal::read_modes(told->body);
    if (!outages) return findings.push_back(bad("modes", outages.error()));
    if (outages->empty()) return findings.push_back(good("modes", "normal"));
    std::string seen;
    for (const auto& outage : *outages) {
        if (!seen.empty()) seen.append("; ");
        seen.append(fmt::format("{} since {}: {}", outage.dependency, outage.since, to_string(outage.mode)));
    }
    findings.push_back(bad("modes", Error(ErrorCode::outage_declared, std::move(seen))));
}

void look_at_hub(std::vector<Finding>& findings, const TerminalProfile& profile) {
    auto problem = connect_problem(profile.hub);
    if (problem) return findings.push_back(bad("address", Error(ErrorCode::peer_unavailable, std::move(*problem))));
    findings.push_back(good("address", profile.hub.url()));
    auto tls = load_terminal_tls(profile);
    if (!tls) return findings.push_back(bad("tls", tls.error()));
    http::ClientOptions options;
    options.host = profile.hub.host;
    options.port = profile.hub.port;
    options.tls = std::move(*tls);
    auto client = http::Client::make(std::move(options));
    if (!client) return findings.push_back(bad("tls", client.error()));
    http::ClientRequest hello;
    hello.target = "/v1/openapi.yaml";
    auto contract = ask(*client, std::move(hello));
    if (!contract && contract.error().code == ErrorCode::peer_untrusted) {
        return findings.push_back(bad("tls", contract.error()));
    }
    findings.push_back(good("tls", ""));
    if (!contract) return findings.push_back(bad("hub", contract.error()));
    // Who we are is looked up in the registry, what we are told in the ledger.
    http::ClientRequest corrections;
    corrections.target = fmt::format("/v1/corrections?after={}", std::int64_t{1} << 52U);
    auto heard = ask(*client, std::move(corrections));
    if (heard) {
        findings.push_back(good("hub", profile.terminal));
        findings.push_back(good("database", ""));
        return look_at_modes(findings, *client);
    }
    const bool store = error_name(heard.error().code).starts_with("store.");
    if (store) findings.push_back(good("hub", profile.terminal));
    findings.push_back(bad(store ? "database" : "hub", heard.error()));
}

}  // namespace

std::vector<Finding> check_terminal(const TerminalProfile& profile, const TerminalPlaces& places,
                                    const terminal::FaceSettings& face, Session& session) {
    std::vector<Finding> findings;
    look_at_folder(findings, places.folder);
    look_at_records(findings, profile, places.store, session);
    look_at_reader(findings);
    look_at_face_engine(findings, face, session);
    if (look_at_certificate(findings, profile, session.clock().now())) look_at_hub(findings, profile);
    return findings;
}

}  // namespace onshi::cli
