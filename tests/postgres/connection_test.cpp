// What only a server can show: several hosts, and an address where nobody answers.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "hub/migrations.h"
#include "platform/sql/test_stores.h"

namespace onshi::hub {
namespace {

// Takes connections and never says a word, as a machine that hangs.
class SilentServer {
  public:
    SilentServer() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in place{};
        place.sin_family = AF_INET;
        place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&place), sizeof place), 0);
        EXPECT_EQ(::listen(socket_, 16), 0);
        socklen_t size = sizeof place;
        EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&place), &size), 0);
        port_ = ntohs(place.sin_port);
    }
    ~SilentServer() { ::close(socket_); }
    SilentServer(const SilentServer&) = delete;
    SilentServer& operator=(const SilentServer&) = delete;
    [[nodiscard]] std::string host() const { return "127.0.0.1:" + std::to_string(port_); }

  private:
    int socket_;
    int port_ = 0;
};

std::string with_host_before(const std::string& address, const std::string& host) {
    const auto at = address.find('@') + 1;
    return address.substr(0, at) + host + "," + address.substr(at);
}

TEST(PostgresHosts, the_next_one_is_asked_when_the_first_is_silent_or_gone) {
    const sql::TestStores stores;
    const SilentServer silent;
    for (const std::string& host : {silent.host(), std::string("127.0.0.1:1")}) {
        const auto options =
            sql::parse_store(with_host_before(stores.setting(), host) + "?target_session_attrs=read-write");
        ASSERT_TRUE(options);
        const auto migrated = sql::migrate(*options, all_migrations());
        EXPECT_TRUE(migrated) << host << ": " << migrated.error().detail;
    }
}

TEST(PostgresHosts, nobody_there_is_a_store_that_is_unavailable) {
    const SilentServer silent;
    for (const std::string& host : {silent.host(), std::string("127.0.0.1:1")}) {
        const auto options = sql::parse_store("postgresql://nobody@" + host + "/none");
        ASSERT_TRUE(options);
        const auto migrated = sql::migrate(*options, all_migrations());
        ASSERT_FALSE(migrated);
        EXPECT_EQ(migrated.error().code, ErrorCode::store_unavailable) << host;
    }
}

}  // namespace
}  // namespace onshi::hub
