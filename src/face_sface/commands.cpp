#include "face_sface/commands.h"

#include <functional>
#include <sstream>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "face_sface/opencv_guard.h"

namespace onshi::sface {

namespace {

// The options of every command and, once they are parsed, which one it is.
struct Program {
    CLI::App root{
        "Compares faces with OpenCV for a terminal of onshi, with models that you supply (docs/face-engine.md).",
        "onshi-face-sface"};
    ServeOptions serve_options;
    ModelsOptions models_options;
    CalibrateOptions calibrate_options;
    AimOptions aim_options;
    std::function<int(const Streams&)> chosen;

    Program() {
        root.require_subcommand(1);
        declare_serve();
        declare_models();
        declare_calibrate();
        declare_aim();
    }

  private:
    void declare_serve() {
        auto* app = root.add_subcommand("serve", "Answer a terminal on a Unix socket until SIGTERM.");
        auto& to = serve_options;
        app->add_option("--socket", to.socket, "the socket, in a folder that only you may write")->required();
        app->add_option("--key", to.key,
                        "the key that decisions are signed with; made when it is missing, with its "
                        "public half beside it as FILE.pub")
            ->required();
        app->add_option("--camera", to.camera, "a number (0 is /dev/video0), or a .y4m or .avi for trials")->required();
        app->add_option("--detector", to.detector, "YuNet 2022mar, .onnx")->required();
        app->add_option("--detector-sha256", to.detector_sha256, "its digest, hex")->required();
        app->add_option("--recognizer", to.recognizer, "SFace, .onnx")->required();
        app->add_option("--recognizer-sha256", to.recognizer_sha256, "its digest, hex")->required();
        app->add_option("--threshold", to.threshold, "what `calibrate` gave for these models and this camera")
            ->required();
        app->add_option("--name", to.name, "the engine's name, in signed decisions and on the hub's list")
            ->capture_default_str();
        app->callback([this] { chosen = [this](const Streams& streams) { return serve(serve_options, streams); }; });
    }
    void declare_models() {
        auto* group = root.add_subcommand("models", "About model files.");
        group->require_subcommand(1);
        auto* app = group->add_subcommand("check", "Size and SHA-256 of the files, and whether this OpenCV runs them.");
        auto& to = models_options;
        app->add_option("--detector", to.detector, "YuNet, .onnx")->required();
        app->add_option("--recognizer", to.recognizer, "SFace, .onnx")->required();
        app->add_flag("--json", to.json, "for programs");
        app->callback(
            [this] { chosen = [this](const Streams& streams) { return check_models(models_options, streams); }; });
    }
    void declare_calibrate() {
        auto* app = root.add_subcommand(
            "calibrate",
            "Find the threshold from your own pictures: NAME_a.* like a card's photo, NAME_b.* from the camera, one "
            "NAME for one person. Every a of the strangers is compared with every other one's b.");
        auto& to = calibrate_options;
        app->add_option("--detector", to.detector, "YuNet, .onnx")->required();
        app->add_option("--recognizer", to.recognizer, "SFace, .onnx")->required();
        app->add_option("--genuine", to.genuine, "folder whose NAME_a is compared with NAME_b")->required();
        app->add_option("--impostor", to.impostor, "folder of strangers; may be the same")->required();
        app->add_option("--far", to.far, "how often a stranger may be accepted, e.g. 1e-4")->required();
        app->add_flag("--json", to.json, "for programs");
        app->callback([this] {
            chosen = [this](const Streams& streams) { return calibrate_threshold(calibrate_options, streams); };
        });
    }
    void declare_aim() {
        auto* app = root.add_subcommand("aim", "Say which hint each frame of a picture or video gets.");
        auto& to = aim_options;
        app->add_option("FILE", to.file, "picture or video")->required();
        app->add_option("--detector", to.detector, "YuNet, .onnx")->required();
        app->add_flag("--json", to.json, "for programs");
        app->callback([this] { chosen = [this](const Streams& streams) { return aim_file(aim_options, streams); }; });
    }
};

}  // namespace

int complain(const Streams& streams, const std::string& what, const std::string& why, const std::string& next,
             int exit) {
    streams.err << "error: " << what << "\ncause: " << why << "\nhint: " << next << "\n" << std::flush;
    return exit;
}

int run_program(std::span<const std::string> arguments, const Streams& streams) {
    quiet_opencv();
    Program program;
    // CLI11 takes them from the last to the first.
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    try {
        program.root.parse(reversed);
    } catch (const CLI::ParseError& error) {
        std::ostringstream sink;
        if (program.root.exit(error, streams.out, sink) == 0) return exit_done;
        return complain(streams, "this is not a command", error.what(), "onshi-face-sface --help", exit_usage);
    }
    try {
        return program.chosen(streams);
    } catch (const std::exception& error) {
        return complain(streams, "this went wrong", error.what(), "try again; if it stays, tell us what you did");
    }
}

}  // namespace onshi::sface
