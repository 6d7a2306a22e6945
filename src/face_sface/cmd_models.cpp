// onshi-face-sface models check
#include <fmt/format.h>
#include <opencv2/core.hpp>

#include "face_sface/commands.h"
#include "face_sface/opencv_matcher.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::sface {

namespace {

struct Finding {
    const char* role = "";
    std::filesystem::path path;
    std::uint64_t bytes = 0;
    std::string sha256;
    bool runs = false;
    std::string trouble;
};

template <class Model>
Finding examine(const char* role, const std::filesystem::path& path) {
    Finding finding{.role = role, .path = path, .bytes = 0, .sha256 = {}, .runs = false, .trouble = {}};
    const auto file = read_model_file(path);
    if (!file) {
        finding.trouble = file.error().detail;
        return finding;
    }
    finding.bytes = file->bytes;
    finding.sha256 = file->sha256;
    const auto model = Model::load(path);
    finding.runs = model.has_value();
    if (!model) finding.trouble = model.error().detail;
    return finding;
}

void write_json(std::span<const Finding> findings, std::ostream& out) {
    std::string text;
    JsonWriter writer(text);
    writer.begin_object();
    writer.member("schema", "onshi-face-sface.models/1");
    writer.member("opencv", CV_VERSION);
    writer.begin_array("models");
    for (const Finding& finding : findings) {
        writer.begin_object();
        writer.member("role", finding.role);
        writer.member("path", finding.path.string());
        if (!finding.sha256.empty()) {
            writer.member("bytes", finding.bytes);
            writer.member("sha256", finding.sha256);
        }
        writer.member("runs", finding.runs);
        if (!finding.trouble.empty()) writer.member("trouble", finding.trouble);
        writer.end_object();
    }
    writer.end_array();
    writer.end_object();
    out << text << "\n" << std::flush;
}

void write_text(std::span<const Finding> findings, std::ostream& out) {
    for (const Finding& finding : findings) {
        out << fmt::format("{}  {}\n", finding.role, finding.path.string());
        if (!finding.sha256.empty()) out << fmt::format("  {} bytes, SHA-256 {}\n", finding.bytes, finding.sha256);
        out << (finding.runs ? "  runs on a blank picture\n" : fmt::format("  cannot be used: {}\n", finding.trouble));
    }
    out << "OpenCV " CV_VERSION
           ". OpenCV 4.6 takes YuNet's file of 2022mar; that of 2023mar needs OpenCV 4.8 or later.\n"
        << std::flush;
}

}  // namespace

int check_models(const ModelsOptions& options, const Streams& streams) {
    const std::array findings{examine<Detector>("detector", options.detector),
                              examine<Recognizer>("recognizer", options.recognizer)};
    if (options.json) {
        write_json(findings, streams.out);
    } else {
        write_text(findings, streams.out);
    }
    for (const Finding& finding : findings) {
        if (finding.runs) continue;
        return complain(
            streams, fmt::format("the {} cannot be used", finding.role), finding.trouble,
            "YuNet 2022mar and SFace as .onnx files of the OpenCV Zoo; error -5 is a model that is missing or "
            "that this OpenCV cannot read");
    }
    return exit_done;
}

}  // namespace onshi::sface
