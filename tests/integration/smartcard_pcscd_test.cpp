// The virtual card in a real pcscd, read by real third-party tools (OpenSC) and by our own client. Needs the Debian
// packages pcscd, vsmartcard-vpcd and opensc and the program openssl; runs as root or where user namespaces are
// allowed. Every pcscd is private (own namespaces) and every process is ended by its id.
#include <arpa/inet.h>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>

#include <gtest/gtest.h>
#include <winscard.h>

#include "platform/pki/certificate.h"
#include "platform/smartcard/card_fixtures.h"
#include "platform/smartcard/pcsc_reader.h"
#include "platform/smartcard/private_pcscd.h"

namespace onshi::smartcard::pcscd_test {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string message = "onshi-check-v1\nhub\n";

struct Output {
    int status;
    std::string text;
};

// A tool with its output and errors; the environment names our pcscd.
Output run(const std::string& command) {
    std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
    EXPECT_NE(pipe, nullptr);
    std::string text;
    char part[4096];
    for (std::size_t got = 0; (got = std::fread(part, 1, sizeof part, pipe)) > 0;) text.append(part, got);
    const int status = ::pclose(pipe);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text};
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

std::size_t count(const std::string& text, std::string_view part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
}

// One pcscd for the whole program: libpcsclite remembers the first socket that it was told.
class Station {
  public:
    Station() {
        std::filesystem::create_directory(run_folder());
        ::setenv("PCSCLITE_CSOCK_NAME", (run_folder() / "pcscd.comm").c_str(), 1);
        // OpenSC keeps certificates it has read under $HOME.
        ::setenv("HOME", folder_.path().c_str(), 1);
        ::setenv("XDG_CACHE_HOME", folder_.path().c_str(), 1);
        before_start = PcscReaders::open().error().code;
        PrivatePcscdOptions options;
        options.run_folder = run_folder();
        auto started = PrivatePcscd::start(options, Deadline::in(seconds(20)));
        if (!started) {
            std::ifstream log(run_folder() / "pcscd.log");
            ADD_FAILURE() << started.error().detail << '\n' << std::string(std::istreambuf_iterator<char>(log), {});
            std::abort();
        }
        pcscd.emplace(std::move(*started));
    }
    [[nodiscard]] std::filesystem::path run_folder() const { return folder_.path() / "run"; }
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }

    std::optional<PrivatePcscd> pcscd;
    ErrorCode before_start = ErrorCode::internal_unexpected;

  private:
    pki::TemporaryFolder folder_;
};

std::unique_ptr<Station> station_;

class Pcscd : public ::testing::Test {
  protected:
    static void SetUpTestSuite() { station_ = std::make_unique<Station>(); }
    static void TearDownTestSuite() { station_.reset(); }

    void SetUp() override {
        auto opened = PcscReaders::open();
        ASSERT_TRUE(opened) << opened.error().detail;
        readers_.emplace(std::move(*opened));
        folder_ = station_->folder() / ::testing::UnitTest::GetInstance()->current_test_info()->name();
        std::filesystem::create_directory(folder_);
        ASSERT_TRUE(readers_->wait_for_removal(reader_, Deadline::in(seconds(10))));
    }
    void TearDown() override { program_.stop(); }

    [[nodiscard]] std::filesystem::path image_file() const { return folder_ / "card.json"; }

    void make_card(const CardOrder& order = fixture_order()) {
        auto image = fixture_image(order);
        certificate_ = image.authentication.certificate;
        ca_certificate_ = image.authentication.ca_certificate;
        signature_ca_certificate_ = image.signature_ca_certificate;
        ASSERT_TRUE(save_card_image(image, image_file()));
    }
    void attach() {
        auto started = station_->pcscd->spawn_inside({ONSHI_CARD_PROGRAM, image_file().string(), "--vpcd",
                                                      "127.0.0.1:" + std::to_string(station_->pcscd->slot(0).port)});
        ASSERT_TRUE(started) << started.error().detail;
        program_ = std::move(*started);
        const auto reader = readers_->wait_for_card(reader_, Deadline::in(seconds(10)));
        ASSERT_TRUE(reader) << reader.error().detail;
    }
    void insert(const CardOrder& order = fixture_order()) {
        ASSERT_NO_FATAL_FAILURE(make_card(order));
        ASSERT_NO_FATAL_FAILURE(attach());
    }
    void take_out() {
        program_.stop();
        ASSERT_TRUE(readers_->wait_for_removal(reader_, Deadline::in(seconds(10))));
    }
    [[nodiscard]] std::unique_ptr<PcscCard> connect() {
        auto card = readers_->connect(reader_);
        if (!card) throw std::runtime_error(card.error().detail);  // ends the test, which could do nothing without
        return std::move(*card);
    }
    // A certificate as pkcs15-tool reads it.
    [[nodiscard]] ByteVector read_by_opensc(const std::string& id) {
        const auto pem = folder_ / ("certificate" + id + ".pem");
        const auto read = run("pkcs15-tool --read-certificate " + id + " --output " + pem.string());
        EXPECT_EQ(read.status, 0) << read.text;
        std::ifstream file(pem);
        const auto parsed = pki::parse_certificates_pem(std::string(std::istreambuf_iterator<char>(file), {}));
        if (!parsed) return {};
        const Bytes der = as_bytes(parsed->front().der);
        return {der.begin(), der.end()};
    }
    [[nodiscard]] bool verifies_with_openssl(const std::string& id, const std::filesystem::path& data,
                                             const std::filesystem::path& signature) {
        const auto key = folder_ / "public.pem";
        run("openssl x509 -in " + (folder_ / ("certificate" + id + ".pem")).string() + " -noout -pubkey -out " +
            key.string());
        const auto verified = run("openssl dgst -sha256 -verify " + key.string() + " -signature " + signature.string() +
                                  " " + data.string());
        return verified.status == 0 && contains(verified.text, "Verified OK");
    }
    [[nodiscard]] SignRequest request() const { return {as_bytes(message), std::nullopt}; }

    const std::string reader_ = "My Number Reader 00 00";
    std::optional<PcscReaders> readers_;
    std::filesystem::path folder_;
    ChildProcess program_;
    ByteVector certificate_;
    ByteVector ca_certificate_;
    ByteVector signature_ca_certificate_;
};

TEST_F(Pcscd, cannot_be_reached_before_it_runs_and_is_private_afterwards) {
    EXPECT_EQ(station_->before_start, ErrorCode::reader_unavailable);
    const auto names = readers_->list();
    ASSERT_TRUE(names);
    EXPECT_EQ(*names, (std::vector<std::string>{reader_, "My Number Reader 00 01"}));
    // The driver listens on every address, but of another network.
    const auto network = [](const std::string& process) {
        return std::filesystem::read_symlink("/proc/" + process + "/ns/net");
    };
    EXPECT_NE(network("self"), network(std::to_string(station_->pcscd->pid())));
}

TEST_F(Pcscd, opensc_recognises_the_card_and_reads_equal_certificates) {
    insert();
    const auto name = run("opensc-tool --name");
    EXPECT_EQ(name.status, 0);
    EXPECT_TRUE(contains(name.text, "jpki")) << name.text;
    EXPECT_TRUE(contains(run("opensc-tool --atr").text, "3b:88:80:01:00:00:05:e0:b3:81:a1:00:7f"));
    EXPECT_TRUE(contains(run("pkcs15-tool --dump").text, "PKCS#15 Card [JPKI]"));
    EXPECT_EQ(read_by_opensc("01"), certificate_);
    EXPECT_EQ(read_by_opensc("03"), ca_certificate_);
    EXPECT_EQ(read_by_opensc("04"), signature_ca_certificate_);
}

TEST_F(Pcscd, pkcs11_signs_and_openssl_verifies) {
    insert();
    ASSERT_EQ(read_by_opensc("01"), certificate_);
    const auto data = folder_ / "data";
    const auto signature = folder_ / "signature";
    std::ofstream(data) << message;
    const auto signed_by =
        run("pkcs11-tool --login --pin 1234 --sign --id 01 --mechanism SHA256-RSA-PKCS --input-file " + data.string() +
            " --output-file " + signature.string());
    EXPECT_EQ(signed_by.status, 0) << signed_by.text;
    EXPECT_TRUE(verifies_with_openssl("01", data, signature));
    std::ofstream(data, std::ios::app) << "x";
    EXPECT_FALSE(verifies_with_openssl("01", data, signature));
}

TEST_F(Pcscd, pkcs11_tests_both_tokens_without_errors) {
    insert();
    for (const std::string token : {"--slot-index 0 --pin 1234", "--slot-index 1 --pin ABC123"}) {
        const auto tested = run("pkcs11-tool --test --login " + token);
        EXPECT_EQ(tested.status, 0);
        EXPECT_TRUE(contains(tested.text, "No errors")) << tested.text;
    }
}

TEST_F(Pcscd, three_wrong_pins_lock_the_card_also_over_a_restart_of_the_card) {
    insert();
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(contains(run("pkcs11-tool --login --pin 0000 --list-objects").text, "CKR_PIN_INCORRECT"));
    }
    const auto is_locked = [] {
        // 6984, as the real card answers, is a general error for OpenSC 0.23 (jpki-card §9.1).
        return contains(run("pkcs11-tool --login --pin 1234 --list-objects").text, "C_Login failed") &&
               count(run("pkcs11-tool --list-token-slots").text, "user PIN locked") == 1;
    };
    EXPECT_TRUE(is_locked());
    program_.kill();  // without any chance to write something down
    ASSERT_TRUE(readers_->wait_for_removal(reader_, Deadline::in(seconds(10))));
    attach();
    EXPECT_TRUE(is_locked());
    const auto card = connect();
    const auto check = MyNumberCard(*card).check_pin(secret("1234"), request(), LastTry::spend, soon());
    ASSERT_TRUE(check);
    EXPECT_TRUE(std::holds_alternative<CredentialLocked>(*check));
}

TEST_F(Pcscd, stopping_the_card_at_any_moment_gives_no_try_back) {
    // Number B has ten tries; every round spends one and cuts the power a little later than the round before.
    ASSERT_NO_FATAL_FAILURE(make_card());
    const auto wrong = secret("00000000000000");
    unsigned most = 10;
    for (int round = 0; round < 6; ++round) {
        ASSERT_NO_FATAL_FAILURE(attach());
        auto card = connect();
        auto transaction = CardTransaction::begin(*card, soon());
        ASSERT_TRUE(transaction);
        const auto aid = aid_of(Application::surface);
        ASSERT_TRUE(transaction->transmit(make_command(0x00, ins::select, 0x04, 0x0C, aid)));
        const auto asked = transaction->transmit(make_command(0x00, ins::verify, 0x00, 0x92));
        ASSERT_TRUE(asked && asked->status.tries_left());
        const unsigned left = *asked->status.tries_left();
        ASSERT_LE(left, most) << round;
        std::thread power_cut([this, round] {
            std::this_thread::sleep_for(std::chrono::microseconds(300 * round));
            program_.kill();
        });
        const auto answer = transaction->transmit({0x00, ins::verify, 0x00, 0x92, wrong.clone(), {}});
        power_cut.join();
        // Whoever has seen an answer has spent the try for ever.
        most = answer && answer->status.tries_left() ? left - 1 : left;
        if (answer && answer->status.tries_left()) EXPECT_EQ(*answer->status.tries_left(), left - 1);
        ASSERT_TRUE(readers_->wait_for_removal(reader_, Deadline::in(seconds(10))));
    }
    ASSERT_NO_FATAL_FAILURE(attach());
}

TEST_F(Pcscd, a_face_authentication_card_binds_and_shows_both_pins_locked) {
    insert(fixture_order(CardPins::face_authentication));
    EXPECT_TRUE(contains(run("opensc-tool --name").text, "jpki"));
    EXPECT_EQ(count(run("pkcs11-tool --list-token-slots").text, "user PIN locked"), 2U);
    EXPECT_EQ(read_by_opensc("01"), certificate_);
    const auto card = connect();
    MyNumberCard client(*card);
    EXPECT_EQ(client.recognise(soon())->pin, PinState::missing);
    auto key = pki::RsaPrivateKey::from_pem(as_text(pki::fixture_keys().key(15).to_pem().bytes()));
    StandInTerminalAuthentication terminal(*fixture_issuer().issue_terminal_certificate(key->public_key()),
                                           std::move(*key));
    const auto signature = client.check_pinless(terminal, request(), soon());  // its commands are extended ones
    ASSERT_TRUE(signature) << signature.error().detail;
    EXPECT_EQ(signature->certificate, certificate_);
}

TEST_F(Pcscd, our_client_does_a_whole_pin_check) {
    insert();
    const auto started = std::chrono::steady_clock::now();
    const auto card = connect();
    const auto check = MyNumberCard(*card).check_pin(secret("1234"), request(), LastTry::keep, soon());
    const auto took = std::chrono::steady_clock::now() - started;
    ASSERT_TRUE(check) << check.error().detail;
    const auto* signature = std::get_if<CardSignature>(&*check);
    ASSERT_NE(signature, nullptr);
    EXPECT_EQ(signature->certificate, certificate_);
    const auto certificate = pki::parse_certificate(signature->certificate);
    EXPECT_TRUE(
        pki::verify_message(*certificate->card_key, signature->algorithm, as_bytes(message), signature->signature));
    RecordProperty("pin_check_us",
                   static_cast<int>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
}

TEST_F(Pcscd, our_client_reads_the_printed_records) {
    insert();
    const auto card = connect();
    MyNumberCard client(*card);
    const std::span<const CvRoot> roots(&fixture_issuer().surface_root(), 1);
    SystemRandom random;
    const auto surface = client.read_surface(secret(fixture_number_b), roots, random, LastTry::keep, soon());
    ASSERT_TRUE(surface) << surface.error().detail;
    EXPECT_TRUE(std::get<SurfaceRecord>(*surface).photo_jp2.equals(make_grey_jp2(240, 300)));
    const auto text =
        client.read_text(TextCredential::number_b, secret(fixture_number_b), roots, LastTry::keep, soon());
    ASSERT_TRUE(text) << text.error().detail;
    EXPECT_EQ(std::get<TextRecord>(*text).proof, TextProof::proven);
}

TEST_F(Pcscd, a_card_pulled_midway_is_card_removed) {
    insert();
    const auto card = connect();
    {
        auto transaction = CardTransaction::begin(*card, soon());
        ASSERT_TRUE(transaction);
        ASSERT_TRUE(transaction->transmit(make_command(0x00, ins::select, 0x04, 0x0C, aid_of(Application::jpki))));
        program_.kill();
        const auto answer = transaction->transmit(make_command(0x00, ins::read_binary, 0x86, 0x00, {}, 32));
        ASSERT_FALSE(answer.has_value());
        EXPECT_EQ(answer.error().code, ErrorCode::card_removed) << answer.error().detail;
    }
    // The same through a whole operation, and recovery with the card back in.
    const auto check = MyNumberCard(*card).check_pin(secret("1234"), request(), LastTry::keep, soon());
    EXPECT_EQ(check.error().code, ErrorCode::card_removed) << check.error().detail;
    ASSERT_TRUE(readers_->wait_for_removal(reader_, Deadline::in(seconds(10))));
    EXPECT_EQ(readers_->connect(reader_).error().code, ErrorCode::card_absent);
    attach();
    const auto again = connect();
    EXPECT_TRUE(MyNumberCard(*again).check_pin(secret("1234"), request(), LastTry::keep, soon()));
}

TEST_F(Pcscd, another_programs_reset_makes_the_operation_start_over) {
    insert();
    const auto card = connect();
    MyNumberCard client(*card);
    for (int i = 0; i < 3; ++i) {
        connect().reset();  // comes and leaves with a reset
        const auto check = client.check_pin(secret("1234"), request(), LastTry::keep, soon());
        ASSERT_TRUE(check) << check.error().detail;
        EXPECT_TRUE(std::holds_alternative<CardSignature>(*check));
    }
    // Without the client's repetition the command itself says so, on a connection that stands again.
    connect().reset();
    const auto select = make_command(0x00, ins::select, 0x04, 0x0C, aid_of(Application::jpki));
    EXPECT_EQ(card->transmit(select).error().code, ErrorCode::card_reset);
    EXPECT_TRUE(card->transmit(select));
}

// Another program that does not share its card.
class Exclusive {
  public:
    explicit Exclusive(const std::string& reader) {
        DWORD protocol = 0;
        EXPECT_EQ(SCardEstablishContext(SCARD_SCOPE_SYSTEM, nullptr, nullptr, &context_), SCARD_S_SUCCESS);
        EXPECT_EQ(SCardConnect(context_, reader.c_str(), SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1,
                               &card_, &protocol),
                  SCARD_S_SUCCESS);
    }
    ~Exclusive() {
        SCardDisconnect(card_, SCARD_RESET_CARD);
        SCardReleaseContext(context_);
    }
    Exclusive(const Exclusive&) = delete;
    Exclusive& operator=(const Exclusive&) = delete;

  private:
    SCARDCONTEXT context_ = 0;
    SCARDHANDLE card_ = 0;
};

TEST_F(Pcscd, a_card_that_another_program_holds_for_itself_is_busy_until_it_is_given_back) {
    insert();
    {
        const Exclusive other(reader_);
        const auto refused = readers_->connect(reader_);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::card_busy);
    }
    EXPECT_TRUE(readers_->connect(reader_));
}

TEST_F(Pcscd, no_verified_pin_stays_for_the_next_program) {
    insert();
    const auto card = connect();
    ASSERT_TRUE(MyNumberCard(*card).check_pin(secret("1234"), request(), LastTry::keep, soon()));
    const auto other = connect();
    ASSERT_TRUE(other->transmit(make_command(0x00, ins::select, 0x04, 0x0C, aid_of(Application::jpki))));
    const auto answer =
        other->transmit(make_command(0x80, ins::perform_security_operation, 0x02, 0x97, ByteVector(32), 256));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, sw::security_status);
}

TEST_F(Pcscd, waiting_for_a_card_ends_at_the_deadline_or_when_told) {
    const auto wait = [this](std::string_view reader) {
        return readers_->wait_for_card(reader, Deadline::in(milliseconds(50))).error().code;
    };
    EXPECT_EQ(wait(""), ErrorCode::card_absent);
    EXPECT_EQ(wait(reader_), ErrorCode::card_absent);
    EXPECT_EQ(wait("No Such Reader"), ErrorCode::reader_none);
    EXPECT_EQ(readers_->connect("No Such Reader").error().code, ErrorCode::reader_none);
    std::stop_source stop;
    std::jthread stopper([&stop] { stop.request_stop(); });
    EXPECT_EQ(readers_->wait_for_card("", Deadline::in(seconds(60)), stop.get_token()).error().code,
              ErrorCode::deadline_passed);
    ASSERT_NO_FATAL_FAILURE(insert());
    EXPECT_EQ(readers_->wait_for_removal(reader_, Deadline::in(milliseconds(50))).error().code,
              ErrorCode::deadline_passed);
    take_out();
}

TEST_F(Pcscd, two_cards_lie_in_two_slots_and_one_image_in_only_one) {
    insert();
    const auto second = [](const std::filesystem::path& image) {
        auto started = station_->pcscd->spawn_inside({ONSHI_CARD_PROGRAM, image.string(), "--vpcd",
                                                      "127.0.0.1:" + std::to_string(station_->pcscd->slot(1).port)});
        EXPECT_TRUE(started.has_value());
        return std::move(*started);
    };
    auto twin = second(image_file());
    ASSERT_TRUE(twin.wait(Deadline::in(seconds(10))));
    EXPECT_EQ(twin.exit_status(), 1);
    ASSERT_TRUE(
        save_card_image(fixture_image(fixture_order(CardPins::set, TokenKind::android_phone)), folder_ / "phone.json"));
    auto phone = second(folder_ / "phone.json");
    const auto reader = readers_->wait_for_card("My Number Reader 00 01", Deadline::in(seconds(10)));
    ASSERT_TRUE(reader) << reader.error().detail;
    const auto card = readers_->connect(*reader);
    ASSERT_TRUE(card);
    EXPECT_EQ(MyNumberCard(**card).recognise(soon())->token, TokenKind::android_phone);
    EXPECT_EQ(MyNumberCard(*connect()).recognise(soon())->token, TokenKind::my_number_card);
}

TEST_F(Pcscd, that_ends_makes_card_and_reader_unavailable_and_the_card_program_leave) {
    insert();
    const auto card = connect();
    station_->pcscd->stop();
    EXPECT_EQ(readers_->list().error().code, ErrorCode::reader_unavailable);
    const auto check = MyNumberCard(*card).check_pin(secret("1234"), request(), LastTry::keep, soon());
    ASSERT_FALSE(check.has_value());
    EXPECT_TRUE(check.error().code == ErrorCode::reader_unavailable || check.error().code == ErrorCode::card_removed)
        << check.error().detail;
    EXPECT_TRUE(program_.wait(Deadline::in(seconds(10))));
    EXPECT_EQ(program_.exit_status(), 0);
    // A new one serves again in the same place.
    PrivatePcscdOptions options;
    options.run_folder = station_->run_folder();
    auto started = PrivatePcscd::start(options, Deadline::in(seconds(20)));
    ASSERT_TRUE(started) << started.error().detail;
    station_->pcscd.emplace(std::move(*started));
    EXPECT_TRUE(PcscReaders::open());
}

TEST(PrivatePcscdStart, names_the_step_that_failed) {
    const pki::TemporaryFolder folder;
    const auto detail = [&folder](auto change) {
        PrivatePcscdOptions options;
        options.run_folder = folder.path();
        change(options);
        const auto started = PrivatePcscd::start(options, Deadline::in(seconds(5)));
        EXPECT_EQ(started.error().code, ErrorCode::reader_unavailable);
        return started.error().detail;
    };
    EXPECT_TRUE(contains(detail([](auto& o) { o.pcscd = "/no/such/pcscd"; }), "start of the program"));
    EXPECT_TRUE(contains(detail([](auto& o) { o.pcscd = "/bin/false"; }), "ended, see pcscd.log"));
    EXPECT_TRUE(contains(detail([](auto& o) { o.run_folder = "/no/such/folder"; }), "run folder"));
    const auto deep = folder.path() / std::string(90, 'x');
    std::filesystem::create_directory(deep);
    EXPECT_TRUE(contains(detail([&deep](auto& o) { o.run_folder = deep; }), "run folder"));
}

}  // namespace onshi::smartcard::pcscd_test
