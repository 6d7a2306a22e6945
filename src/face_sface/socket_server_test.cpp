#include "face_sface/socket_server.h"

#include <fstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "face_sface/test_folder.h"

namespace onshi::sface {
namespace {

using std::chrono::milliseconds;

class SocketPair {
  public:
    explicit SocketPair(milliseconds line_wait = line_wait_max) {
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_), 0);
        channel_ = std::make_unique<SocketChannel>(ends_[0], line_wait);
    }
    ~SocketPair() {
        hang_up();
        ::close(ends_[0]);
    }
    SocketPair(const SocketPair&) = delete;
    SocketPair& operator=(const SocketPair&) = delete;
    void say(std::string_view text) const {
        EXPECT_EQ(::send(ends_[1], text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    }
    void hang_up() {
        if (ends_[1] >= 0) ::close(ends_[1]);
        ends_[1] = -1;
    }
    [[nodiscard]] std::string hear() const {
        char buffer[256];
        const ssize_t got = ::recv(ends_[1], buffer, sizeof buffer, 0);
        return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : std::string();
    }
    SocketChannel& channel() { return *channel_; }
    Line read(milliseconds wait = milliseconds(5000)) { return channel_->read(Deadline::in(wait)); }

  private:
    int ends_[2] = {-1, -1};
    std::unique_ptr<SocketChannel> channel_;
};

std::string text_of(const Line& line) {
    return std::string(as_text(line.text.bytes()));
}

TEST(SocketChannel, gives_lines_however_they_are_cut) {
    SocketPair pair;
    pair.say("one\ntw");
    EXPECT_EQ(text_of(pair.read()), "one");
    EXPECT_EQ(pair.channel().read(Deadline(SteadyTime())).end, LineEnd::nothing_yet);
    pair.say("o\n\n");
    EXPECT_EQ(text_of(pair.read()), "two");
    EXPECT_EQ(text_of(pair.read()), "");
    pair.hang_up();
    EXPECT_EQ(pair.read().end, LineEnd::gone);
}

TEST(SocketChannel, takes_a_line_of_its_limit_and_not_one_byte_more) {
    for (const std::size_t more : {std::size_t{0}, std::size_t{1}}) {
        SocketPair pair;
        std::jthread writer([&] { pair.say(std::string(face::line_bytes_max + more, 'x') + "\n"); });
        const Line line = pair.read();
        EXPECT_EQ(line.end, more == 0 ? LineEnd::line : LineEnd::too_long);
        if (more == 0) EXPECT_EQ(line.text.size(), face::line_bytes_max);
    }
}

TEST(SocketChannel, somebody_who_never_ends_a_line_is_gone) {
    SocketPair pair(milliseconds(20));
    pair.say("{\"ask\":");
    EXPECT_EQ(pair.read().end, LineEnd::gone);
}

TEST(SocketChannel, writes_one_line_and_notices_that_nobody_is_there) {
    SocketPair pair;
    EXPECT_TRUE(pair.channel().write(face::Forgotten{}));
    EXPECT_EQ(pair.hear(), "{\"reply\":\"forgotten\"}\n");
    pair.hang_up();
    EXPECT_FALSE(pair.channel().write(face::Forgotten{}));
}

int connect_to(const std::filesystem::path& path) {
    const int client = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path.native(), address.sun_path);
    if (::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return client;
    ::close(client);
    return -1;
}

TEST(SocketServer, makes_a_socket_for_us_alone_and_takes_it_away) {
    const TestFolder folder;
    const auto path = folder.path() / "face.sock";
    {
        const auto server = SocketServer::listen(path);
        ASSERT_TRUE(server.has_value());
        struct stat found{};
        ASSERT_EQ(::lstat(path.c_str(), &found), 0);
        EXPECT_TRUE(S_ISSOCK(found.st_mode));
        EXPECT_EQ(found.st_mode & 0777U, 0600U);
    }
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(SocketServer, leaves_a_socket_on_which_somebody_listens) {
    const TestFolder folder;
    const auto path = folder.path() / "face.sock";
    const auto first = SocketServer::listen(path);
    const auto second = SocketServer::listen(path);
    ASSERT_TRUE(first.has_value());
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().code, ErrorCode::peer_refused);
    const int client = connect_to(path);
    EXPECT_GE(client, 0);
    ::close(client);
}

TEST(SocketServer, leaves_a_file_that_is_no_socket) {
    const TestFolder folder;
    const auto path = folder.path() / "face.sock";
    std::ofstream(path) << "a file of somebody";
    const auto server = SocketServer::listen(path);
    ASSERT_FALSE(server.has_value());
    EXPECT_EQ(server.error().code, ErrorCode::file_exists);
    EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(SocketServer, replaces_a_socket_that_a_killed_engine_left) {
    const TestFolder folder;
    const auto path = folder.path() / "face.sock";
    const int dead = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path.native(), address.sun_path);
    ASSERT_EQ(::bind(dead, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::close(dead);
    ASSERT_TRUE(std::filesystem::exists(path));
    const auto server = SocketServer::listen(path);
    EXPECT_TRUE(server.has_value());
}

TEST(SocketServer, refuses_a_folder_in_which_others_may_write) {
    const TestFolder folder;
    ASSERT_EQ(::chmod(folder.path().c_str(), 0770), 0);
    const auto server = SocketServer::listen(folder.path() / "face.sock");
    ASSERT_FALSE(server.has_value());
    EXPECT_EQ(server.error().code, ErrorCode::folder_unusable);
    EXPECT_FALSE(SocketServer::listen(folder.path() / "none" / "face.sock").has_value());
}

TEST(SocketServer, refuses_a_path_that_a_socket_cannot_have) {
    EXPECT_FALSE(SocketServer::listen("/" + std::string(200, 'x')).has_value());
    EXPECT_FALSE(SocketServer::listen("").has_value());
}

// Runs until it goes out of scope; every client's lines are answered with `forgotten`.
class RunningServer {
  public:
    explicit RunningServer(const std::filesystem::path& path) : server_(SocketServer::listen(path)) {
        EXPECT_EQ(::pipe(stop_), 0);
        thread_ = std::jthread([this] {
            server_->run(stop_[0], [](LineChannel& channel) {
                while (channel.read(Deadline::in(std::chrono::seconds(10))).end == LineEnd::line) {
                    if (!channel.write(face::Forgotten{})) return;
                }
            });
        });
    }
    ~RunningServer() {
        ::close(stop_[1]);
        thread_.join();
        ::close(stop_[0]);
    }
    RunningServer(const RunningServer&) = delete;
    RunningServer& operator=(const RunningServer&) = delete;

  private:
    Result<SocketServer> server_;
    int stop_[2] = {-1, -1};
    std::jthread thread_;
};

// The answer to one line, or what is said to somebody who is sent away.
std::string ask(int client) {
    static_cast<void>(::send(client, "x\n", 2, MSG_NOSIGNAL));
    std::string text(200, '\0');
    const ssize_t got = ::recv(client, text.data(), text.size(), 0);
    return got > 0 ? text.substr(0, static_cast<std::size_t>(got)) : std::string();
}

TEST(SocketServer, serves_one_client_after_the_other_and_sends_a_second_one_away) {
    const TestFolder folder;
    const RunningServer server(folder.path() / "face.sock");
    const int first = connect_to(folder.path() / "face.sock");
    EXPECT_EQ(ask(first), "{\"reply\":\"forgotten\"}\n");
    const int second = connect_to(folder.path() / "face.sock");
    EXPECT_NE(ask(second).find("another client"), std::string::npos);
    EXPECT_EQ(ask(second), "") << "its connection is closed";
    EXPECT_EQ(ask(first), "{\"reply\":\"forgotten\"}\n");
    ::close(first);
    const int third = connect_to(folder.path() / "face.sock");
    EXPECT_EQ(ask(third), "{\"reply\":\"forgotten\"}\n") << "somebody who comes right after is served";
    ::close(second);
    ::close(third);
}

TEST(SocketServer, ends_while_a_client_says_nothing) {
    const TestFolder folder;
    int client = -1;
    {
        const RunningServer server(folder.path() / "face.sock");
        client = connect_to(folder.path() / "face.sock");
        EXPECT_EQ(ask(client), "{\"reply\":\"forgotten\"}\n");
    }
    EXPECT_EQ(ask(client), "");
    ::close(client);
}

}  // namespace
}  // namespace onshi::sface
