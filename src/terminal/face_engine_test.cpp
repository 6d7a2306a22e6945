#include "terminal/face_engine.h"

#include <atomic>
#include <filesystem>
#include <functional>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "platform/pki/private_key.h"

namespace onshi::terminal {
namespace {

using std::chrono::milliseconds;

// An engine on a socket of its own, which says what a test wants it to say. One connection after another.
class Engine {
  public:
    // What follows from a line; nullopt ends the connection.
    using Answer = std::function<std::optional<std::string>(const face::Request&)>;
    explicit Engine(Answer answer)
        : answer_(std::move(answer)), path_(fmt::format("/tmp/onshi-face-{}-{}", ::getpid(), ++made)) {
        std::filesystem::remove(path_);
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path_.copy(address.sun_path, path_.size());
        EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(listener_, 4), 0);
        thread_ = std::thread([this] { serve(); });
    }
    ~Engine() {
        ::shutdown(listener_, SHUT_RDWR);
        ::shutdown(socket_.load(), SHUT_RDWR);
        thread_.join();
        ::close(listener_);
        std::filesystem::remove(path_);
    }
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] int connections() const { return connections_; }
    [[nodiscard]] face::EngineKey trusted() const { return {"acme-9", std::string(as_text(key_.public_point()))}; }
    [[nodiscard]] std::string decide(const face::Request& request, face::Decision decision) const {
        const std::string lines = face::decision_text("acme-9", request.nonce, request.photo.bytes(), decision);
        decision.signature = std::string(as_text(key_.sign_fixed(as_bytes(lines))));
        return text(decision);
    }
    [[nodiscard]] static std::string text(const face::Reply& reply) {
        return std::string(as_text(face::write_reply(reply).bytes())) + "\n";
    }

  private:
    void serve() {
        for (;;) {
            const int socket = ::accept(listener_, nullptr, nullptr);
            if (socket < 0) return;
            socket_ = socket;
            ++connections_;
            talk(socket);
            socket_ = -1;
            ::close(socket);
        }
    }
    void talk(int socket) {
        std::string got;
        std::array<char, 4096> bytes{};
        for (;;) {
            const auto count = ::recv(socket, bytes.data(), bytes.size(), 0);
            if (count <= 0) return;
            got.append(bytes.data(), static_cast<std::size_t>(count));
            for (auto end = got.find('\n'); end != std::string::npos; end = got.find('\n')) {
                auto request = face::parse_request(std::string_view(got).substr(0, end));
                got.erase(0, end + 1);
                EXPECT_TRUE(request);
                if (!request) return;
                const auto said = answer_(*request);
                if (!said) return;
                if (::send(socket, said->data(), said->size(), MSG_NOSIGNAL) < 0) return;
            }
        }
    }

    static inline std::atomic<int> made = 0;
    Answer answer_;
    std::string path_;
    pki::EcPrivateKey key_ = pki::EcPrivateKey::generate(pki::EcPrivateKey::Curve::p256);
    int listener_ = -1;
    std::atomic<int> socket_ = -1;
    std::atomic<int> connections_ = 0;
    std::thread thread_;
};

const FaceEngine::TellHint no_hints = [](face::Hint) {};
const FaceEngine::Stopped never = [] { return false; };

class FaceEngineTest : public testing::Test {
  protected:
    SystemRandom random;
};

TEST_F(FaceEngineTest, tells_who_the_engine_is_and_what_it_can) {
    Engine engine([](const face::Request&) { return Engine::text(face::Hello{"acme-9", true, true, {}}); });
    SocketFaceEngine link(engine.path(), engine.trusted(), random);
    const auto state = link.look();
    ASSERT_TRUE(state) << state.error().detail;
    EXPECT_TRUE(state->ready && state->scans && state->wants_photo);
}

TEST_F(FaceEngineTest, another_engine_is_not_believed) {
    Engine engine([](const face::Request&) { return Engine::text(face::Hello{"other", true, true, {}}); });
    SocketFaceEngine link(engine.path(), engine.trusted(), random);
    EXPECT_EQ(link.look().error().code, ErrorCode::peer_protocol);
}

TEST_F(FaceEngineTest, nobody_there_and_an_engine_that_was_started_anew) {
    SocketFaceEngine nobody("/tmp/onshi-face-nobody", {"acme-9", std::string(64, 'k')}, random);
    EXPECT_EQ(nobody.look().error().code, ErrorCode::peer_unavailable);
    int said = 0;
    Engine engine([&said](const face::Request&) -> std::optional<std::string> {
        if (++said == 2) return std::nullopt;
        return Engine::text(face::Hello{"acme-9", true, false, {}});
    });
    SocketFaceEngine link(engine.path(), engine.trusted(), random);
    EXPECT_TRUE(link.look());
    EXPECT_TRUE(link.look()) << "the broken connection is made anew";
    EXPECT_EQ(engine.connections(), 2);
}

TEST_F(FaceEngineTest, a_decision_counts_with_its_signature_only) {
    Engine* self = nullptr;
    std::atomic<int> mode = 0;
    Engine engine([&](const face::Request& request) -> std::optional<std::string> {
        if (request.ask == face::Ask::forget) return Engine::text(face::Forgotten{});
        EXPECT_EQ(request.nonce.size(), face::nonce_bytes);
        EXPECT_EQ(as_text(request.photo.bytes()), "photo");
        switch (mode.load()) {
            case 0: return self->decide(request, {face::Verdict::matched, 3, milliseconds(5), {}});
            case 1: return self->decide(request, {face::Verdict::not_matched, 3, milliseconds(5), {}});
            case 2: return self->decide(request, {face::Verdict::matched, 2, milliseconds(5), {}});
            case 3:
                return Engine::text(face::Decision{face::Verdict::matched, 3, milliseconds(5), std::string(64, 's')});
            default: return Engine::text(face::Fault{"camera gone"});
        }
    });
    self = &engine;
    SocketFaceEngine link(engine.path(), engine.trusted(), random);
    const std::string photo_text = "photo";
    const SecretBytes photo{as_bytes(photo_text)};
    EXPECT_EQ(*link.match(photo), face::Verdict::matched);
    mode = 1;
    EXPECT_EQ(*link.match(photo), face::Verdict::not_matched);
    mode = 2;
    EXPECT_EQ(link.match(photo).error().code, ErrorCode::peer_protocol) << "two frames are not enough";
    mode = 3;
    EXPECT_EQ(link.match(photo).error().code, ErrorCode::signature_invalid);
    mode = 4;
    EXPECT_EQ(link.match(photo).error().code, ErrorCode::peer_unavailable);
    link.forget();
    mode = 0;
    EXPECT_EQ(*link.match(photo), face::Verdict::matched);
}

// An answer of yesterday's conversation is one to another nonce.
TEST_F(FaceEngineTest, a_decision_that_is_played_back_is_refused) {
    Engine* self = nullptr;
    std::string kept;
    Engine engine([&](const face::Request& request) -> std::optional<std::string> {
        if (kept.empty()) kept = self->decide(request, {face::Verdict::matched, 3, milliseconds(5), {}});
        return kept;
    });
    self = &engine;
    SocketFaceEngine link(engine.path(), engine.trusted(), random);
    const std::string photo_text = "photo";
    const SecretBytes photo{as_bytes(photo_text)};
    EXPECT_TRUE(link.match(photo));
    EXPECT_EQ(link.match(photo).error().code, ErrorCode::signature_invalid);
}

TEST_F(FaceEngineTest, hints_come_while_it_looks_and_stopping_ends_it) {
    Engine engine([](const face::Request& request) -> std::optional<std::string> {
        if (request.ask == face::Ask::stop) return Engine::text(face::AimEnded{false});
        return Engine::text(face::Hint::closer) + Engine::text(face::Hint::front);
    });
    SocketFaceEngine link(engine.path(), engine.trusted(), random);
    std::vector<face::Hint> hints;
    const auto good =
        link.aim([&hints] { return hints.size() == 2; }, [&hints](face::Hint one) { hints.push_back(one); });
    ASSERT_TRUE(good) << good.error().detail;
    EXPECT_FALSE(*good);
    EXPECT_EQ(hints, (std::vector{face::Hint::closer, face::Hint::front}));
}

TEST_F(FaceEngineTest, nobody_for_half_a_minute_is_asked_again) {
    int asked = 0;
    Engine engine([&asked](const face::Request&) { return Engine::text(face::AimEnded{++asked == 3}); });
    SocketFaceEngine link(engine.path(), engine.trusted(), random);
    const auto good = link.aim(never, no_hints);
    ASSERT_TRUE(good);
    EXPECT_TRUE(*good);
    EXPECT_EQ(asked, 3);
}

TEST_F(FaceEngineTest, an_engine_that_does_not_stop_is_left) {
    Engine engine([](const face::Request&) { return Engine::text(face::Hint::still); });
    SocketFaceEngine link(engine.path(), engine.trusted(), random);
    const auto good = link.aim([] { return true; }, no_hints);
    EXPECT_EQ(good.error().code, ErrorCode::peer_unavailable);
}

TEST_F(FaceEngineTest, noise_is_refused) {
    for (const std::string& noise : {std::string("{\"reply\":\"smile\"}\n"), std::string("\n"),
                                     std::string(face::line_bytes_max + 4096, 'x'), Engine::text(face::Forgotten{})}) {
        Engine engine([&noise](const face::Request&) { return noise; });
        SocketFaceEngine link(engine.path(), engine.trusted(), random);
        EXPECT_EQ(link.look().error().code, ErrorCode::peer_protocol) << noise.substr(0, 20);
    }
}

TEST_F(FaceEngineTest, a_simulation_says_what_it_was_told_to) {
    for (const auto verdict : {face::Verdict::matched, face::Verdict::not_matched, face::Verdict::unusable}) {
        FaceSettings settings;
        settings.simulated = verdict;
        const auto engine = make_face_engine(settings, random);
        EXPECT_EQ(engine->name(), "simulated");
        EXPECT_FALSE(engine->look()->wants_photo);
        EXPECT_EQ(*engine->match(SecretBytes()), verdict);
    }
    EXPECT_EQ(make_face_engine({}, random), nullptr);
}

}  // namespace
}  // namespace onshi::terminal
