// onshi-face-sface serve
#include <csignal>
#include <malloc.h>
#include <memory>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <fmt/format.h>

#include "face_sface/camera.h"
#include "face_sface/commands.h"
#include "face_sface/engine_key.h"
#include "face_sface/limits.h"
#include "face_sface/opencv_matcher.h"
#include "face_sface/socket_server.h"

namespace onshi::sface {

namespace {

// Faces pass through libraries that do not wipe what they free: the allocator overwrites it (all but small pieces), and
// a crash leaves no copy of the memory on a disk.
void keep_faces_in_memory() {
    constexpr int fill = 0x5A;
    ::mallopt(M_PERTURB, fill);
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

// Becomes readable when the program is told to end. Before any other thread is started.
int watch_signals() {
    sigset_t watched;
    sigemptyset(&watched);
    sigaddset(&watched, SIGTERM);
    sigaddset(&watched, SIGINT);
    pthread_sigmask(SIG_BLOCK, &watched, nullptr);
    return ::signalfd(-1, &watched, SFD_CLOEXEC);
}

Result<Detector> checked_detector(const ServeOptions& options) {
    if (auto checked = check_model_file(options.detector, options.detector_sha256); !checked) {
        return fail(checked.error().code, "detector: " + checked.error().detail);
    }
    return Detector::load(options.detector);
}

Result<Recognizer> checked_recognizer(const ServeOptions& options) {
    if (auto checked = check_model_file(options.recognizer, options.recognizer_sha256); !checked) {
        return fail(checked.error().code, "recogniser: " + checked.error().detail);
    }
    return Recognizer::load(options.recognizer);
}

Result<std::unique_ptr<OpencvMatcher>> load_matcher(const ServeOptions& options) {
    auto detector = checked_detector(options);
    if (!detector) return fail(std::move(detector));
    auto recognizer = checked_recognizer(options);
    if (!recognizer) return fail(std::move(recognizer));
    return std::make_unique<OpencvMatcher>(std::move(*detector), std::move(*recognizer));
}

// 0, or the exit code of what was wrong.
int check_options(const ServeOptions& options, const Streams& streams) {
    if (!is_threshold(options.threshold)) {
        return complain(streams, fmt::format("--threshold {} is not taken", options.threshold),
                        fmt::format("below {} strangers pass, above {} nobody does; there is no default, because it "
                                    "depends on models, camera and light",
                                    threshold_min, threshold_max),
                        "onshi-face-sface calibrate, and give what it prints", exit_usage);
    }
    if (!face::is_engine_name(options.name)) {
        return complain(streams, "--name is not taken",
                        fmt::format("a name has 1 to {} letters, digits, - _ .", face::engine_name_max),
                        "--name opencv-sface", exit_usage);
    }
    return exit_done;
}

void say_state(const Engine& engine, const CameraChoice& camera, const ServeOptions& options, const Streams& streams) {
    auto& err = streams.err;
    if (engine.matcher == nullptr) {
        err << "not ready: " << engine.trouble << "\nhint: onshi-face-sface models check, then start again\n";
    }
    if (!engine.camera.present())
        err << "not ready: camera missing\nhint: plug it in, or look for its number in /dev\n";
    if (camera.is_file()) err << "warning: the camera is a file: for trials only\n";
    err << "no liveness: staff must be present where this engine is used\n"
        << options.name << " listens on " << options.socket.string() << "\n"
        << std::flush;
}

}  // namespace

int serve(const ServeOptions& options, const Streams& streams) {
    if (const int wrong = check_options(options, streams); wrong != exit_done) return wrong;
    auto choice = parse_camera(options.camera);
    if (!choice) {
        return complain(streams, "--camera is not taken", choice.error().detail, "--camera 0", exit_usage);
    }
    keep_faces_in_memory();
    const int stop = watch_signals();
    const auto key = load_or_make_key(options.key);
    if (!key) {
        return complain(streams, fmt::format("the key {} cannot be used", options.key.string()),
                        fmt::format("{} {}", error_name(key.error().code), key.error().detail),
                        "a file of mode 0600 with a P-256 key in PEM, in a folder that can be written");
    }
    auto matcher = load_matcher(options);
    const auto camera = open_camera(*choice);
    Engine engine{.name = options.name,
                  .camera = *camera,
                  .matcher = matcher ? matcher->get() : nullptr,
                  .trouble = matcher ? std::string() : matcher.error().detail,
                  .key = *key,
                  .threshold = options.threshold,
                  .now = std::chrono::steady_clock::now};
    auto server = SocketServer::listen(options.socket);
    if (!server) {
        return complain(streams, "the socket cannot be opened", server.error().detail,
                        "--socket with a path in a folder of yours (mode 0700)");
    }
    say_state(engine, *choice, options, streams);
    server->run(stop, [&engine](LineChannel& channel) { Session(engine, channel).run(); });
    ::close(stop);
    return exit_done;
}

}  // namespace onshi::sface
