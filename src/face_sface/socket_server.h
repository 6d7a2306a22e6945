#pragma once

// Inside this folder only: shows OpenCV.
#include <filesystem>
#include <functional>
#include <vector>

#include "face_sface/limits.h"
#include "face_sface/session.h"

namespace onshi::sface {

// Lines over a connected socket whose descriptor somebody else closes. One thread.
class SocketChannel final : public LineChannel {
  public:
    // `line_wait`: from the first byte of a line to its end; who takes longer is gone.
    explicit SocketChannel(int descriptor, std::chrono::milliseconds line_wait = line_wait_max);
    ~SocketChannel() override;
    SocketChannel(const SocketChannel&) = delete;
    SocketChannel& operator=(const SocketChannel&) = delete;
    [[nodiscard]] Line read(Deadline deadline) override;
    [[nodiscard]] bool write(const face::Reply& reply) override;

  private:
    // The first line of what has come, when it has come whole.
    [[nodiscard]] std::optional<Line> take_line();
    [[nodiscard]] bool receive();

    int descriptor_;
    std::chrono::milliseconds line_wait_;
    // Never grows, so that no copy of a photo stays behind; wiped behind what is in use.
    std::vector<std::uint8_t> buffer_;
    std::size_t used_ = 0;
    SteadyTime line_began_;
};

// A Unix socket of mode 0600. One client at a time; whoever comes meanwhile is told so and sent away. Owns the socket
// file, which goes with it.
class SocketServer {
  public:
    // Refuses with a sentence: a folder that others may write (`folder.unusable`), a file that is no socket
    // (`file.exists`), an engine that listens there already (`peer.refused`). A socket on which nobody listens is
    // replaced.
    [[nodiscard]] static Result<SocketServer> listen(const std::filesystem::path& path);
    // Until `stop` (a descriptor) can be read. `serve` talks with one client on a thread of its own; it is not called
    // twice at once.
    void run(int stop, const std::function<void(LineChannel&)>& serve);

    SocketServer(SocketServer&& other) noexcept;
    SocketServer& operator=(SocketServer&&) = delete;
    ~SocketServer();

  private:
    SocketServer() = default;
    std::filesystem::path path_;
    std::uint64_t inode_ = 0;
    int listener_ = -1;
};

}  // namespace onshi::sface
