#pragma once

#include <filesystem>
#include <ostream>
#include <span>
#include <string>

#include "base/result.h"

namespace onshi::sface {

inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;

// Where a command writes. `out` is what was asked for, `err` everything else.
struct Streams {
    std::ostream& out;
    std::ostream& err;
    bool err_is_terminal = false;
};

// What went wrong, why, and what may be done about it; on `err`.
int complain(const Streams& streams, const std::string& what, const std::string& why, const std::string& next,
             int exit = exit_failed);

struct ServeOptions {
    std::filesystem::path socket;
    std::filesystem::path key;
    std::string camera;
    std::filesystem::path detector;
    std::string detector_sha256;
    std::filesystem::path recognizer;
    std::string recognizer_sha256;
    double threshold = 0;
    std::string name = "opencv-sface";
};
// Until SIGTERM or SIGINT.
[[nodiscard]] int serve(const ServeOptions& options, const Streams& streams);

struct ModelsOptions {
    std::filesystem::path detector;
    std::filesystem::path recognizer;
    bool json = false;
};
[[nodiscard]] int check_models(const ModelsOptions& options, const Streams& streams);

struct CalibrateOptions {
    std::filesystem::path detector;
    std::filesystem::path recognizer;
    std::filesystem::path genuine;
    std::filesystem::path impostor;
    double far = 0;
    bool json = false;
};
[[nodiscard]] int calibrate_threshold(const CalibrateOptions& options, const Streams& streams);

struct AimOptions {
    std::filesystem::path file;
    std::filesystem::path detector;
    bool json = false;
};
[[nodiscard]] int aim_file(const AimOptions& options, const Streams& streams);

// Everything that main does. The first argument is the first after the program's name.
[[nodiscard]] int run_program(std::span<const std::string> arguments, const Streams& streams);

}  // namespace onshi::sface
