#pragma once

// Inside this folder only: shows OpenCV.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "base/time.h"
#include "exchange/face_engine/messages.h"
#include "face_sface/aim_rules.h"
#include "face_sface/feature.h"
#include "face_sface/match_rules.h"
#include "face_sface/picture.h"
#include "platform/pki/private_key.h"

// The protocol's engine side over what it needs of the world: a camera, models, a line of the socket.
namespace onshi::sface {

// Failures carry a sentence in `detail` that holds nothing about a person: it is sent as a note.
class Camera {
  public:
    virtual ~Camera() = default;
    // Whether it can be opened, without opening it.
    [[nodiscard]] virtual bool present() const = 0;
    // Opens it, or drops what it has gathered since the last frame.
    [[nodiscard]] virtual Result<void> start() = 0;
    // Waits for the next frame, about a second at most.
    [[nodiscard]] virtual Result<Picture> next() = 0;
    virtual void stop() noexcept = 0;
};

struct Sighting {
    FaceMeasure measure;
    FacePlace face;  // when there is one
};

class FaceMatcher {
  public:
    virtual ~FaceMatcher() = default;
    [[nodiscard]] virtual Result<Sighting> look(const Picture& picture) = 0;
    [[nodiscard]] virtual Result<Feature> feature(const Picture& picture, const FacePlace& face) = 0;
    // nullopt: no picture, or not one single face in it.
    [[nodiscard]] virtual Result<std::optional<Feature>> photo_feature(Bytes jp2) = 0;
    // Mean difference in steps of 255.
    [[nodiscard]] virtual Result<double> motion(const Picture& before, const Picture& after) = 0;
};

enum class LineEnd : std::uint8_t { line, nothing_yet, gone, too_long };
struct Line {
    LineEnd end = LineEnd::gone;
    SecretBytes text;  // may hold a photo
};
class LineChannel {
  public:
    virtual ~LineChannel() = default;
    // Waits until then; `nothing_yet` leaves what has come of a line for the next call.
    [[nodiscard]] virtual Line read(Deadline deadline) = 0;
    // False: the other side is gone.
    [[nodiscard]] virtual bool write(const face::Reply& reply) = 0;
};

// Lives as long as the program.
struct Engine {
    std::string name;
    Camera& camera;
    FaceMatcher* matcher = nullptr;  // null: `trouble` says why
    std::string trouble;
    const pki::EcPrivateKey& key;
    double threshold = 0;
    std::function<SteadyTime()> now;
};

// One connection, from its first line to its end. Keeps nothing between two requests but the open camera. One thread.
class Session {
  public:
    Session(Engine& engine, LineChannel& channel) : engine_(engine), channel_(channel) {}
    ~Session() { engine_.camera.stop(); }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    void run();

  private:
    enum class Next : std::uint8_t { go_on, end };
    Next answer(const Line& line);
    Next answer(const face::Request& request);
    Next say(const face::Reply& reply);
    Next hello();
    Next aim();
    Next match(const face::Request& request);
    // What the other side says while somebody aims; nullopt: nothing.
    std::optional<Next> interruption();
    Result<face::Decision> compare(const face::Request& request);

    Engine& engine_;
    LineChannel& channel_;
    int wrong_lines_ = 0;
};

}  // namespace onshi::sface
