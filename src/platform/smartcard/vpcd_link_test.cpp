#include "platform/smartcard/vpcd_link.h"

#include <arpa/inet.h>
#include <future>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>

#include <gtest/gtest.h>

#include "platform/smartcard/card_fixtures.h"
#include "platform/smartcard/descriptor.h"

namespace onshi::smartcard::vpcd_link_test {

// The driver's side of the link (jpki-card §9), listening on a free port of loopback.
class Driver {
  public:
    Driver() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(::listen(listener_.get(), 1), 0);
        EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
        address_.port = ntohs(address.sin_port);
    }
    [[nodiscard]] const VpcdAddress& address() const { return address_; }
    void accept() { card_ = Descriptor(::accept(listener_.get(), nullptr, nullptr)); }
    void hang_up() { card_ = Descriptor(-1); }
    // Length and payload as two segments, as the driver sends them.
    void send(std::string_view hex) {
        const auto payload = *from_hex(hex);
        const std::string head{static_cast<char>(payload.size() >> 8U), static_cast<char>(payload.size())};
        EXPECT_EQ(::send(card_.get(), head.data(), head.size(), 0), 2);
        EXPECT_EQ(::send(card_.get(), payload.data(), payload.size(), 0), static_cast<ssize_t>(payload.size()));
    }
    void send_raw(std::string_view bytes) {
        EXPECT_EQ(::send(card_.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    }
    [[nodiscard]] std::string receive() {
        const auto head = receive_exactly(2);
        if (head.size() < 2) return "closed";
        return to_hex(as_bytes(receive_exactly(static_cast<std::size_t>(as_bytes(head)[0]) << 8U | as_bytes(head)[1])));
    }
    [[nodiscard]] bool is_silent() {
        pollfd watched{card_.get(), POLLIN, 0};
        return ::poll(&watched, 1, 0) == 0;
    }

  private:
    std::string receive_exactly(std::size_t size) {
        std::string bytes(size, '\0');
        std::size_t have = 0;
        while (have < size) {
            const ssize_t got = ::recv(card_.get(), bytes.data() + have, size - have, 0);
            if (got <= 0) return {};
            have += static_cast<std::size_t>(got);
        }
        return bytes;
    }
    Descriptor listener_;
    Descriptor card_{-1};
    VpcdAddress address_;
};

class VpcdLink : public ::testing::Test {
  protected:
    Driver driver_;
    FixtureCard card_;
    std::stop_source stop_;
    std::future<Result<LinkEnd>> ended_;

    void plug_in() {
        ended_ = std::async(std::launch::async, [this] {
            return run_vpcd_link(card_.card(), driver_.address(), soon(), stop_.get_token(), {});
        });
        driver_.accept();
    }
    void TearDown() override {
        stop_.request_stop();
        if (ended_.valid()) ended_.wait();
    }
    const std::string atr_ = to_hex(VirtualCard::atr());
    const std::string select_jpki_ = "00a4040c0ad392f000260100000001";
};

TEST_F(VpcdLink, answers_the_atr_and_commands_but_not_power_and_reset) {
    plug_in();
    driver_.send("01");
    driver_.send("04");
    EXPECT_EQ(driver_.receive(), atr_);
    driver_.send(select_jpki_);
    EXPECT_EQ(driver_.receive(), "9000");
    driver_.send(
        "0020009804"
        "31323334");
    EXPECT_EQ(driver_.receive(), "9000");
    driver_.send("02");
    driver_.send("04");
    EXPECT_EQ(driver_.receive(), atr_);
    EXPECT_TRUE(driver_.is_silent());
    driver_.send("00b0880003");
    EXPECT_EQ(driver_.receive(), "6a82");  // the reset forgot the application
}

TEST_F(VpcdLink, every_kind_of_power_change_forgets_the_pin) {
    plug_in();
    for (const std::string_view control : {"00", "01", "02"}) {
        driver_.send(select_jpki_);
        EXPECT_EQ(driver_.receive(), "9000");
        driver_.send(
            "0020009804"
            "31323334");
        EXPECT_EQ(driver_.receive(), "9000");
        driver_.send(control);
        driver_.send("802a029720" + std::string(64, '0') + "00");
        EXPECT_EQ(driver_.receive(), "6986");
    }
}

TEST_F(VpcdLink, passes_extended_commands_and_ignores_what_it_does_not_know) {
    plug_in();
    driver_.send("07");                      // no such control
    driver_.send_raw(std::string(2, '\0'));  // a message of no bytes
    driver_.send(select_jpki_);
    EXPECT_EQ(driver_.receive(), "9000");
    driver_.send("00a4020c02000a");
    EXPECT_EQ(driver_.receive(), "9000");
    driver_.send("00b00000000000");
    EXPECT_GT(driver_.receive().size(), 2 * 1000U);
    driver_.send("0000");
    EXPECT_EQ(driver_.receive(), "6700");
}

TEST_F(VpcdLink, waits_for_the_rest_of_a_cut_message) {
    plug_in();
    driver_.send_raw(std::string("\0", 1));
    driver_.send_raw("\x01");
    driver_.send_raw("\x04");
    EXPECT_EQ(driver_.receive(), atr_);
}

TEST_F(VpcdLink, ends_when_told_to_stop_which_is_card_out) {
    plug_in();
    driver_.send("04");
    EXPECT_EQ(driver_.receive(), atr_);
    stop_.request_stop();
    const auto ended = ended_.get();
    ASSERT_TRUE(ended);
    EXPECT_EQ(*ended, LinkEnd::told_to_stop);
    EXPECT_EQ(driver_.receive(), "closed");
}

TEST_F(VpcdLink, ends_when_the_reader_hangs_up_also_in_the_middle_of_a_message) {
    for (const std::string_view part : {"", "\x01", "\x01\x01zz"}) {
        plug_in();
        driver_.send_raw(part);
        driver_.hang_up();
        const auto ended = ended_.get();
        ASSERT_TRUE(ended);
        EXPECT_EQ(*ended, LinkEnd::reader_closed);
    }
}

TEST_F(VpcdLink, tells_once_that_the_reader_has_seen_the_card) {
    int seen = 0;
    ended_ = std::async(std::launch::async, [this, &seen] {
        return run_vpcd_link(card_.card(), driver_.address(), soon(), stop_.get_token(), [&seen] { ++seen; });
    });
    driver_.accept();
    for (int i = 0; i < 3; ++i) {
        driver_.send("04");
        EXPECT_EQ(driver_.receive(), atr_);
    }
    stop_.request_stop();
    ASSERT_TRUE(ended_.get());
    EXPECT_EQ(seen, 1);
}

TEST(VpcdConnect, without_a_listener_fails_at_the_deadline_or_stops_when_told) {
    FixtureCard card;
    VpcdAddress nobody;
    {
        const Driver gone;
        nobody = gone.address();
    }
    const Deadline near = Deadline::in(std::chrono::milliseconds(50));
    EXPECT_EQ(run_vpcd_link(card.card(), nobody, near, {}, {}).error().code, ErrorCode::reader_unavailable);
    std::stop_source stopped;
    stopped.request_stop();
    const auto ended = run_vpcd_link(card.card(), nobody, soon(), stopped.get_token(), {});
    ASSERT_TRUE(ended);
    EXPECT_EQ(*ended, LinkEnd::told_to_stop);
}

}  // namespace onshi::smartcard::vpcd_link_test
