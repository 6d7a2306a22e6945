// Our certificates, lists and questions against the `openssl` program: it must accept what we make, and we must read
// what it says, in all states of jpki-card §7.2. Needs the program `openssl` and loopback; every process is ended by
// its id.
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <netinet/in.h>
#include <optional>
#include <signal.h>
#include <spawn.h>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "platform/pki/organisation_ca.h"
#include "platform/pki/revocation.h"
#include "platform/pki/test_fixtures.h"

extern char** environ;

namespace onshi::pki::openssl_test {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string read_text(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write_text(const std::filesystem::path& file, std::string_view text) {
    std::ofstream(file, std::ios::binary) << text;
}

// Starts `openssl` with output into a file. The caller waits for the process.
pid_t start_openssl(const std::vector<std::string>& arguments, const std::filesystem::path& output) {
    std::vector<std::string> words{"openssl"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    pid_t pid = -1;
    const int error = ::posix_spawnp(&pid, "openssl", &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ENSURE(error == 0);
    return pid;
}

struct Outcome {
    int code;
    std::string output;
};

Outcome run_openssl(const TemporaryFolder& folder, const std::vector<std::string>& arguments) {
    const auto output = folder.path() / "output.txt";
    int status = 0;
    ENSURE(::waitpid(start_openssl(arguments, output), &status, 0) > 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_text(output)};
}

std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ENSURE(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
    ENSURE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    ::close(fd);
    return ntohs(address.sin_port);
}

// A connected loopback socket, or -1.
int connect_to(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval limit{.tv_sec = 5, .tv_usec = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
    ::close(fd);
    return -1;
}

// POST over plain HTTP to loopback, as small as it can be: the responder closes after its answer.
Result<std::string> post(std::uint16_t port, const std::string& body) {
    const int fd = connect_to(port);
    if (fd < 0) return fail(ErrorCode::revocation_unavailable, "connect");
    const std::string request =
        "POST / HTTP/1.0\r\nContent-Type: application/ocsp-request\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\n\r\n" + body;
    const bool sent = ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size());
    std::string answer;
    char buffer[4096];
    for (ssize_t got = 0; sent && (got = ::recv(fd, buffer, sizeof buffer, 0)) > 0;) {
        answer.append(buffer, static_cast<std::size_t>(got));
    }
    ::close(fd);
    const auto end = answer.find("\r\n\r\n");
    if (!answer.starts_with("HTTP/1.") || answer.substr(9, 3) != "200" || end == std::string::npos) {
        return fail(ErrorCode::revocation_unavailable, "HTTP");
    }
    return answer.substr(end + 4);
}

struct OneCard {
    std::uint32_t serial;
    std::optional<RevocationReason> revoked;
};

// A TEST JPKI of now in a folder of its own, with an index of cards of the third generation.
class OpensslTest : public testing::Test {
  protected:
    OpensslTest() : now_(whole_second(SystemClock().now())), jpki_(TestJpki::create(now_, fixture_keys())) {
        ENSURE(jpki_.save(path()).has_value());
    }

    static Instant whole_second(Instant at) { return {at.us / 1'000'000 * 1'000'000}; }
    [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }
    [[nodiscard]] std::string file(const std::string& name) const { return (path() / name).string(); }
    [[nodiscard]] const TestCa& ca() const { return jpki_.auth_ca(3); }

    [[nodiscard]] CardCertificateOrder order(std::uint32_t serial) const {
        return {serial, "ABCDEFGHIJ0123456789KLM", now_ - days(30), now_ + days(300), "Tokyo", "Chiyoda-ku", {}};
    }

    [[nodiscard]] std::string issue(std::uint32_t serial) const {
        return *ca().issue(order(serial), fixture_keys().public_key(6));
    }

    void write_index(const std::vector<OneCard>& cards) const {
        std::vector<IssuedCertificate> issued;
        for (const auto& card : cards) {
            const auto certificate = *parse_certificate(as_bytes(issue(card.serial)));
            std::optional<RevokedEntry> revoked;
            if (card.revoked) revoked = RevokedEntry{certificate.serial, *card.revoked, now_ - hours(3)};
            issued.push_back({certificate, revoked});
        }
        write_text(path() / "index.txt", openssl_index(issued));
    }

    TemporaryFolder folder_;
    Instant now_;
    TestJpki jpki_;
};

const std::vector<OneCard> cards_in_all_states{
    {0x01000001, std::nullopt},
    {0x01000002, RevocationReason::certificate_hold},
    {0x01000003, RevocationReason::unspecified},
    {0x01000004, RevocationReason::key_compromise},
    {0x01000005, RevocationReason::affiliation_changed},
    {0x01000006, RevocationReason::superseded},
    {0x01000007, RevocationReason::cessation_of_operation},
};

std::string serial_bytes(std::uint32_t serial) {
    std::string bytes;
    ByteWriter(bytes).u32(serial);
    return bytes;
}

RevocationState expected_state(const OneCard& card) {
    if (!card.revoked) return RevocationState::good;
    return *card.revoked == RevocationReason::certificate_hold ? RevocationState::suspended : RevocationState::revoked;
}

std::string name(const Result<CertificateStatus>& result) {
    return std::string(result ? to_string(result->state) : error_name(result.error().code));
}

TEST_F(OpensslTest, the_program_accepts_the_certificates_of_all_generations_in_its_strict_mode) {
    for (int generation = 1; generation <= test_ca_generations; ++generation) {
        const auto der = jpki_.auth_ca(generation).issue(order(0x01000001), fixture_keys().public_key(6));
        write_text(path() / "card.pem", to_pem(as_bytes(*der)));
        const auto shown = run_openssl(folder_, {"x509", "-in", file("card.pem"), "-noout", "-text"});
        EXPECT_EQ(shown.code, 0) << shown.output;
        for (const auto* text :
             {"Subject: C = JP, CN = ABCDEFGHIJ0123456789KLM", "Key Usage: critical", "TLS Web Client Authentication",
              "Certificate Policies: critical", "Policy: 1.2.392.200149.8.5.1.3.30", "CPS: http",
              "Issuer Alternative Name", "OCSP - URI:http",
              "OU = CRL Distribution Points, OU = Tokyo, CN = Chiyoda-ku CRLDP"}) {
            EXPECT_NE(shown.output.find(text), std::string::npos) << text << "\n" << shown.output;
        }
        const auto verified =
            run_openssl(folder_, {"verify", "-x509_strict", "-policy_check", "-explicit_policy", "-policy",
                                  std::string(policy_card_authentication), "-purpose", "sslclient", "-auth_level", "2",
                                  "-CAfile", file("auth_roots.pem"), file("card.pem")});
        EXPECT_EQ(verified.code, 0) << verified.output;
    }
}

TEST_F(OpensslTest, the_program_refuses_a_signature_certificate_as_we_do) {
    auto wanted = order(0x01000001);
    wanted.holder = SignatureSubject{"髙橋　美咲", '2', "319850412", "東京都千代田区"};
    write_text(path() / "sign.pem", to_pem(as_bytes(*jpki_.sign_ca(3).issue(wanted, fixture_keys().public_key(6)))));
    const auto verify = [&](const char* roots, bool policy) {
        std::vector<std::string> arguments{"verify", "-x509_strict"};
        if (policy) {
            for (const auto* word : {"-policy_check", "-explicit_policy", "-policy"}) arguments.emplace_back(word);
            arguments.emplace_back(policy_card_authentication);
        }
        for (const auto& word : {std::string("-CAfile"), file(roots), file("sign.pem")}) arguments.push_back(word);
        return run_openssl(folder_, arguments);
    };
    EXPECT_EQ(verify("sign_roots.pem", false).code, 0);
    EXPECT_NE(verify("sign_roots.pem", true).output.find("error 43"), std::string::npos);
    EXPECT_NE(verify("auth_roots.pem", true).output.find("error 20"), std::string::npos);
}

TEST_F(OpensslTest, the_program_accepts_hub_and_terminal_certificates_in_its_strict_mode) {
    SystemRandom random;
    const Validity ten_years{now_ - days(1), now_ + days(3652)};
    const Validity one_year{now_ - days(1), now_ + days(365)};
    const auto organisations = *IssuingCa::create(IssuingCa::Kind::organisation, "TEST onshi", ten_years, random);
    const auto servers = *IssuingCa::create(IssuingCa::Kind::server, "TEST onshi", ten_years, random);
    const auto terminal_key = EcPrivateKey::generate(EcPrivateKey::Curve::p256);
    const auto request = *make_terminal_request(terminal_key);
    write_text(path() / "terminal.csr", request);
    const auto checked =
        run_openssl(folder_, {"req", "-inform", "DER", "-in", file("terminal.csr"), "-verify", "-noout"});
    EXPECT_EQ(checked.code, 0) << checked.output;
    const auto terminal = organisations.issue_terminal(as_bytes(request), {"1310000001", "T-01"}, one_year, random);
    const auto server = servers.issue_server({{"hub.example"}, {"127.0.0.1"}},
                                             EcPrivateKey::generate(EcPrivateKey::Curve::p256), one_year, random);
    ASSERT_TRUE(terminal && server);
    write_text(path() / "terminal.pem", to_pem(as_bytes(*terminal)));
    write_text(path() / "server.pem", to_pem(as_bytes(*server)));
    write_text(path() / "organisations.pem", to_pem(as_bytes(organisations.certificate().der)));
    write_text(path() / "servers.pem", to_pem(as_bytes(servers.certificate().der)));
    const std::vector<std::string> rows[] = {
        {"verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", file("organisations.pem"), file("terminal.pem")},
        {"verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "hub.example", "-CAfile",
         file("servers.pem"), file("server.pem")},
        {"verify", "-x509_strict", "-purpose", "sslserver", "-verify_ip", "127.0.0.1", "-CAfile", file("servers.pem"),
         file("server.pem")},
    };
    for (const auto& arguments : rows) {
        const auto verified = run_openssl(folder_, arguments);
        EXPECT_EQ(verified.code, 0) << verified.output;
    }
    EXPECT_NE(run_openssl(folder_, {"verify", "-CAfile", file("servers.pem"), file("terminal.pem")}).code, 0);
}

TEST_F(OpensslTest, we_read_every_state_from_a_list_that_the_program_made) {
    write_index(cards_in_all_states);
    write_text(path() / "crlnumber", "2A\n");
    write_text(path() / "ca.cnf", "[ca]\ndefault_ca=card\n[card]\ndatabase=" + file("index.txt") +
                                      "\ncrlnumber=" + file("crlnumber") + "\ncertificate=" + file("auth_ca_3.crt") +
                                      "\nprivate_key=" + file("auth_ca_3.key") +
                                      "\ndefault_md=sha256\ndefault_crl_days=1\ncrl_extensions=crl_ext\n[crl_ext]"
                                      "\nauthorityKeyIdentifier=keyid:always\n");
    const auto made = run_openssl(folder_, {"ca", "-config", file("ca.cnf"), "-gencrl", "-out", file("list.pem")});
    ASSERT_EQ(made.code, 0) << made.output;
    const auto converted =
        run_openssl(folder_, {"crl", "-in", file("list.pem"), "-outform", "DER", "-out", file("list.der")});
    ASSERT_EQ(converted.code, 0) << converted.output;

    const auto store = jpki_.auth_store();
    const auto crl = Crl::read(as_bytes(read_text(path() / "list.der")), store, {}, SystemClock().now());
    ASSERT_TRUE(crl) << crl.error().detail;
    EXPECT_EQ(to_hex(as_bytes(crl->number())), "2a");
    for (const auto& card : cards_in_all_states) {
        const auto status = crl->status(ca().id(), serial_bytes(card.serial));
        EXPECT_EQ(status.state, expected_state(card)) << card.serial;
        if (card.revoked) EXPECT_EQ(status.reason, *card.revoked) << card.serial;
        if (card.revoked) EXPECT_EQ(status.since, now_ - hours(3)) << card.serial;
    }
    EXPECT_EQ(Crl::read(as_bytes(read_text(path() / "list.der")), store, {}, now_ + days(3)).error().code,
              ErrorCode::revocation_stale);
    EXPECT_EQ(Crl::read(as_bytes(read_text(path() / "list.der")), jpki_.sign_store(), {}, now_).error().code,
              ErrorCode::revocation_untrusted);
}

TEST_F(OpensslTest, the_program_reads_every_state_from_a_list_that_we_made) {
    std::vector<RevokedEntry> entries;
    for (const auto& card : cards_in_all_states) {
        if (card.revoked) entries.push_back({serial_bytes(card.serial), *card.revoked, now_ - hours(3)});
    }
    write_text(path() / "list.der", ca().make_crl(entries, 42, now_ - hours(1), now_ + hours(23)));
    const auto shown = run_openssl(folder_, {"crl", "-inform", "DER", "-in", file("list.der"), "-noout", "-text",
                                             "-CAfile", file("auth_ca_3.crt")});
    EXPECT_EQ(shown.code, 0) << shown.output;
    for (const auto* text :
         {"verify OK", "X509v3 CRL Number", "Certificate Hold", "Key Compromise", "Affiliation Changed", "Superseded",
          "Cessation Of Operation", "Serial Number: 01000003"}) {
        EXPECT_NE(shown.output.find(text), std::string::npos) << text << "\n" << shown.output;
    }
}

TEST_F(OpensslTest, a_fresh_test_jpki_is_made_in_a_folder_of_its_owner_and_the_program_reads_it) {
    const auto fresh = path() / "new" / "jpki";
    const auto made = write_test_jpki(fresh, now_);
    ASSERT_TRUE(made);
    EXPECT_EQ(std::filesystem::status(fresh).permissions(), std::filesystem::perms::owner_all);
    EXPECT_TRUE(are_disjoint(made->auth_store(), jpki_.auth_store())) << "its keys are its own";
    const auto der = TestJpki::load(fresh)->auth_ca(3).issue(order(0x01000001), fixture_keys().public_key(6));
    write_text(path() / "card.pem", to_pem(as_bytes(*der)));
    const auto verified =
        run_openssl(folder_, {"verify", "-x509_strict", "-CAfile", file("new/jpki/auth_roots.pem"), file("card.pem")});
    EXPECT_EQ(verified.code, 0) << verified.output;
    EXPECT_EQ(write_test_jpki(fresh, now_).error().code, ErrorCode::secret_exists);
    EXPECT_FALSE(write_test_jpki("/proc/onshi-jpki", now_));
}

// A running `openssl ocsp`; ended by its id.
class Responder {
  public:
    Responder(const std::filesystem::path& folder, const std::string& certificate, const std::string& key)
        : port_(free_port()) {
        pid_ = start_openssl({"ocsp", "-index", (folder / "index.txt").string(), "-CA",
                              (folder / "auth_ca_3.crt").string(), "-rsigner", (folder / certificate).string(), "-rkey",
                              (folder / key).string(), "-port", std::to_string(port_), "-nmin", "5"},
                             folder / "responder.txt");
        // Not by connecting: this program spins for ever on a connection that closes without a question.
        for (int tries = 0; tries < 500; ++tries) {
            if (read_text(folder / "responder.txt").find("waiting for OCSP client") != std::string::npos) return;
            std::this_thread::sleep_for(milliseconds(10));
        }
        ADD_FAILURE() << "responder does not listen: " << read_text(folder / "responder.txt");
    }
    ~Responder() { stop(); }
    Responder(const Responder&) = delete;
    Responder& operator=(const Responder&) = delete;

    void stop() {
        if (pid_ < 0) return;
        ::kill(pid_, SIGTERM);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }

  private:
    std::uint16_t port_;
    pid_t pid_ = -1;
};

Result<CertificateStatus> ask(const Responder& responder, const OcspQuestion& question, const TrustStore& store,
                              const Clock& clock) {
    const OcspTransport transport = [&responder](std::string, std::string body, Deadline) -> Task<Result<std::string>> {
        co_return post(responder.port(), body);
    };
    boost::asio::io_context loop;
    std::optional<Result<CertificateStatus>> out;
    auto task = ask_ocsp(question, "http://127.0.0.1/", transport, store, {}, clock, Deadline::in(seconds(5)));
    boost::asio::co_spawn(loop, std::move(task), [&](std::exception_ptr error, Result<CertificateStatus> result) {
        ENSURE(!error);
        out = std::move(result);
    });
    loop.run();
    return *std::move(out);
}

class OpensslResponderTest : public OpensslTest {
  protected:
    OpensslResponderTest() : store_(jpki_.auth_store()) {
        write_index(cards_in_all_states);
        const auto responder = ca().issue_ocsp_responder(fixture_keys().public_key(7), now_ - days(1), now_ + days(1));
        write_text(path() / "responder.crt", to_pem(as_bytes(responder)));
        ENSURE(fixture_keys().key(7).save(path() / "responder.key").has_value());
    }

    [[nodiscard]] OcspQuestion question(std::uint32_t serial, int generation = 3) {
        return *make_ocsp_question(jpki_.auth_ca(generation).id(), serial_bytes(serial), store_, random_);
    }

    TrustStore store_;
    SystemRandom random_;
    SystemClock clock_;
};

TEST_F(OpensslResponderTest, tells_every_state_whether_the_ca_or_its_responder_answers) {
    const std::pair<const char*, const char*> signers[] = {{"auth_ca_3.crt", "auth_ca_3.key"},
                                                           {"responder.crt", "responder.key"}};
    for (const auto& [certificate, key] : signers) {
        const Responder responder(path(), certificate, key);
        for (const auto& card : cards_in_all_states) {
            const auto status = ask(responder, question(card.serial), store_, clock_);
            ASSERT_TRUE(status) << certificate << " " << card.serial << " " << status.error().detail;
            EXPECT_EQ(status->state, expected_state(card)) << card.serial;
            if (card.revoked) EXPECT_EQ(status->reason, *card.revoked) << card.serial;
            if (card.revoked) EXPECT_EQ(status->since, now_ - hours(3)) << card.serial;
        }
        EXPECT_EQ(name(ask(responder, question(0x01000099), store_, clock_)), "unknown") << "never issued";
    }
}

TEST_F(OpensslResponderTest, is_not_believed_by_the_wrong_key_for_another_ca_at_another_time_or_twice) {
    const auto impostor =
        jpki_.auth_ca(2).issue_ocsp_responder(fixture_keys().public_key(7), now_ - days(1), now_ + days(1));
    write_text(path() / "impostor.crt", to_pem(as_bytes(impostor)));
    {
        const Responder responder(path(), "impostor.crt", "responder.key");
        EXPECT_EQ(name(ask(responder, question(0x01000001), store_, clock_)), "revocation.untrusted");
    }
    const Responder responder(path(), "responder.crt", "responder.key");
    EXPECT_EQ(name(ask(responder, question(0x01000001, 2), store_, clock_)), "revocation.untrusted");
    const ManualClock tomorrow(now_ + hours(20));
    EXPECT_EQ(name(ask(responder, question(0x01000001), store_, tomorrow)), "revocation.stale");
    const ManualClock yesterday(now_ - hours(20));
    EXPECT_EQ(name(ask(responder, question(0x01000001), store_, yesterday)), "revocation.stale");

    const auto first = question(0x01000001);
    const auto answer = post(responder.port(), first.request_der);
    ASSERT_TRUE(answer);
    EXPECT_EQ(name(read_ocsp_response(as_bytes(*answer), first, store_, {}, clock_.now())), "good");
    EXPECT_EQ(name(read_ocsp_response(as_bytes(*answer), question(0x01000001), store_, {}, clock_.now())),
              "revocation.mismatch");
}

TEST_F(OpensslResponderTest, is_unavailable_while_it_is_down_and_answers_again_afterwards) {
    Responder first(path(), "responder.crt", "responder.key");
    EXPECT_EQ(name(ask(first, question(0x01000001), store_, clock_)), "good");
    first.stop();
    EXPECT_EQ(name(ask(first, question(0x01000001), store_, clock_)), "revocation.unavailable");
    write_index({{0x01000001, RevocationReason::certificate_hold}});
    const Responder second(path(), "responder.crt", "responder.key");
    EXPECT_EQ(name(ask(second, question(0x01000001), store_, clock_)), "suspended");
}

TEST_F(OpensslResponderTest, understands_our_questions_as_the_program_itself_asks_them) {
    const Responder responder(path(), "responder.crt", "responder.key");
    write_text(path() / "card.pem", to_pem(as_bytes(issue(0x01000002))));
    write_text(path() / "question.der", question(0x01000002).request_der);
    const auto shown = run_openssl(folder_, {"ocsp", "-timeout", "5", "-reqin", file("question.der"), "-req_text",
                                             "-url", "http://127.0.0.1:" + std::to_string(responder.port()), "-CAfile",
                                             file("auth_roots.pem"), "-resp_text"});
    EXPECT_EQ(shown.code, 0) << shown.output;
    EXPECT_NE(shown.output.find("Serial Number: 01000002"), std::string::npos) << shown.output;
    EXPECT_NE(shown.output.find("certificateHold"), std::string::npos) << shown.output;
    EXPECT_NE(shown.output.find("Response verify OK"), std::string::npos) << shown.output;
}

}  // namespace onshi::pki::openssl_test
