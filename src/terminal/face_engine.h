#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "exchange/face_engine/messages.h"
#include "platform/smartcard/cv_certificate.h"

namespace onshi::terminal {

// Who compares the holder's face with the photo of the card (ux §13.3, docs/face-engine.md). It has the camera; the
// terminal gives it the photo and believes its word. Used by one thread; every method ends within its own limit.
class FaceEngine {
  public:
    struct State {
        bool ready = false;
        bool scans = false;        // it reads number B from the card's face; else it is typed
        bool wants_photo = false;  // false: it compares with nothing (a simulation)
        std::string note;          // why it is not ready, for logs
    };
    using Stopped = std::function<bool()>;
    using TellHint = std::function<void(face::Hint)>;

    FaceEngine() = default;
    FaceEngine(const FaceEngine&) = delete;
    FaceEngine& operator=(const FaceEngine&) = delete;
    virtual ~FaceEngine() = default;

    // As the hub knows it (`face_engines`).
    [[nodiscard]] virtual std::string_view name() const = 0;
    // Errors of every method: peer.unavailable when nobody is there or answers in time, peer.protocol for another
    // engine or an answer that cannot be, signature.invalid for a decision that is not its own.
    [[nodiscard]] virtual Result<State> look() = 0;
    // Number B of the card that lies there; empty: not read. Only where it scans.
    [[nodiscard]] virtual Result<SecretBytes> scan() = 0;
    // Until somebody stands well (true) or `stopped`, which is asked ten times a second.
    [[nodiscard]] virtual Result<bool> aim(const Stopped& stopped, const TellHint& hint) = 0;
    [[nodiscard]] virtual Result<face::Verdict> match(const SecretBytes& photo) = 0;
    // Pictures and photo are wiped.
    virtual void forget() = 0;
};

// Looks at nobody and says what it was told to say: for demos and tests. Hubs in production do not admit it.
class SimulatedFaceEngine final : public FaceEngine {
  public:
    static constexpr std::string_view engine_name = "simulated";
    explicit SimulatedFaceEngine(face::Verdict says) : says_(says) {}
    [[nodiscard]] std::string_view name() const override { return engine_name; }
    [[nodiscard]] Result<State> look() override {
        return State{.ready = true, .scans = false, .wants_photo = false, .note = {}};
    }
    [[nodiscard]] Result<SecretBytes> scan() override { return SecretBytes(); }
    [[nodiscard]] Result<bool> aim(const Stopped& stopped, const TellHint&) override { return !stopped(); }
    [[nodiscard]] Result<face::Verdict> match(const SecretBytes&) override { return says_; }
    void forget() override {}

  private:
    face::Verdict says_;
};

// An engine behind a Unix socket. Connects when it is asked something and again when the connection broke. `key` is
// whose signature makes a decision count.
class SocketFaceEngine final : public FaceEngine {
  public:
    SocketFaceEngine(std::string path, face::EngineKey key, Random& random);
    ~SocketFaceEngine() override;
    [[nodiscard]] std::string_view name() const override { return key_.name; }
    [[nodiscard]] Result<State> look() override;
    [[nodiscard]] Result<SecretBytes> scan() override;
    [[nodiscard]] Result<bool> aim(const Stopped& stopped, const TellHint& hint) override;
    [[nodiscard]] Result<face::Verdict> match(const SecretBytes& photo) override;
    void forget() override;

  private:
    [[nodiscard]] Result<void> connect();
    void disconnect();
    [[nodiscard]] Result<void> send(const face::Request& request);
    // nullopt: nothing whole has come by then.
    [[nodiscard]] Result<std::optional<face::Reply>> receive(std::chrono::milliseconds wait);
    template <class Wanted>
    [[nodiscard]] Result<Wanted> ask(const face::Request& request, std::chrono::milliseconds limit);

    std::string path_;
    face::EngineKey key_;
    Random& random_;
    int socket_ = -1;
    std::string received_;  // of the next line; wiped with every line that is taken out
};

// How faces are compared; without any of it, they are not.
struct FaceSettings {
    std::optional<face::Verdict> simulated;  // says this and looks at nobody
    std::string socket;                      // of an engine, whose name and key are `key`
    face::EngineKey key;
    std::vector<smartcard::CvRoot> photo_roots;  // who signs the photos of cards
};
// nullptr for none.
[[nodiscard]] std::unique_ptr<FaceEngine> make_face_engine(const FaceSettings& settings, Random& random);

}  // namespace onshi::terminal
