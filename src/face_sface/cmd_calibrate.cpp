// onshi-face-sface calibrate
#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>

#include "face_sface/calibration.h"
#include "face_sface/commands.h"
#include "face_sface/limits.h"
#include "face_sface/opencv_guard.h"
#include "face_sface/opencv_matcher.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::sface {

namespace {

struct Enrolled {
    Feature a;
    Feature b;
};

// What the pictures of one folder gave.
struct Folder {
    std::vector<Enrolled> persons;
    std::vector<std::string> unusable;  // names of files
};

Result<std::vector<PicturePair>> pairs_in(const std::filesystem::path& folder) {
    std::error_code error;
    std::vector<std::filesystem::path> files;
    std::filesystem::directory_iterator entry(folder, error);
    if (error) return fail(ErrorCode::file_unreadable, fmt::format("{} is not a folder to read", folder.string()));
    for (const std::filesystem::directory_iterator end; entry != end; entry.increment(error)) {
        if (error) return fail(ErrorCode::file_unreadable, fmt::format("{} cannot be read", folder.string()));
        if (files.size() >= folder_entries_max) {
            return fail(ErrorCode::field_value,
                        fmt::format("{} holds more than {} files", folder.string(), folder_entries_max));
        }
        if (entry->is_regular_file(error)) files.push_back(entry->path());
    }
    auto pairs = pair_up(files);
    if (pairs && pairs->empty()) {
        return fail(ErrorCode::field_value, fmt::format("{} holds no pictures NAME_a.* and NAME_b.*", folder.string()));
    }
    return pairs;
}

class Reading {
  public:
    Reading(OpencvMatcher& matcher, const Streams& streams) : matcher_(matcher), streams_(streams) {}

    Result<Folder> read(std::span<const PicturePair> pairs, std::string_view what) {
        Folder folder;
        std::size_t done = 0;
        for (const auto& pair : pairs) {
            progress(what, ++done, pairs.size());
            auto a = feature(pair.a, cv::IMREAD_GRAYSCALE);
            if (!a) return fail(std::move(a));
            auto b = feature(pair.b, cv::IMREAD_COLOR);
            if (!b) return fail(std::move(b));
            if (!*a) folder.unusable.push_back(pair.a.filename().string());
            if (!*b) folder.unusable.push_back(pair.b.filename().string());
            if (*a && *b) folder.persons.push_back({.a = std::move(**a), .b = std::move(**b)});
        }
        if (streams_.err_is_terminal) streams_.err << "\n" << std::flush;
        return folder;
    }

  private:
    void progress(std::string_view what, std::size_t done, std::size_t total) {
        if (!streams_.err_is_terminal) return;
        streams_.err << fmt::format("\r{}: {} of {} persons", what, done, total) << std::flush;
    }

    // As the card's photo is treated, or as a frame is; nullopt: no picture, or not one single face.
    Result<std::optional<Feature>> feature(const std::filesystem::path& file, int mode) {
        return guarded("reading a picture", [&]() -> Result<std::optional<Feature>> {
            Pixels pixels(cv::imread(file.string(), mode));
            if (mode == cv::IMREAD_GRAYSCALE) return matcher_.grey_feature(pixels.mat());
            if (pixels.mat().empty()) return std::optional<Feature>();
            const Picture picture{.bgr = std::move(pixels), .taken = {}};
            auto sighting = matcher_.look(picture);
            if (!sighting) return fail(std::move(sighting));
            if (sighting->measure.faces != 1) return std::optional<Feature>();
            auto found = matcher_.feature(picture, sighting->face);
            if (!found) return fail(std::move(found));
            return std::optional<Feature>(std::move(*found));
        });
    }

    OpencvMatcher& matcher_;
    const Streams& streams_;
};

std::vector<float> scores_of_same(std::span<const Enrolled> persons) {
    std::vector<float> scores;
    scores.reserve(persons.size());
    for (const auto& one : persons) scores.push_back(static_cast<float>(cosine(one.a, one.b)));
    return scores;
}

std::vector<float> scores_of_strangers(std::span<const Enrolled> persons) {
    std::vector<float> scores;
    scores.reserve(persons.size() * persons.size());
    for (const auto& one : persons) {
        for (const auto& other : persons) {
            if (&one != &other) scores.push_back(static_cast<float>(cosine(one.a, other.b)));
        }
    }
    return scores;
}

std::string sentence(std::string_view what, const Rate& rate) {
    return fmt::format("{}: {:.3g} ({} of {}), 95 % between {:.3g} and {:.3g}\n", what, rate.value, rate.errors,
                       rate.trials, rate.low, rate.high);
}

void write_rate(JsonWriter& writer, std::string_view name, const Rate& rate) {
    writer.begin_object(name);
    writer.member("errors", rate.errors);
    writer.member("trials", rate.trials);
    writer.member("rate", fmt::format("{:.6g}", rate.value));
    writer.member("low", fmt::format("{:.6g}", rate.low));
    writer.member("high", fmt::format("{:.6g}", rate.high));
    writer.end_object();
}

// Rates are text, as everything with decimals is in our JSON.
void write_json(const Calibration& found, std::size_t strangers, std::size_t unusable, std::ostream& out) {
    std::string text;
    JsonWriter writer(text);
    writer.begin_object();
    writer.member("schema", "onshi-face-sface.calibration/1");
    writer.member("threshold", fmt::format("{:.3f}", found.threshold));
    write_rate(writer, "far", found.far);
    write_rate(writer, "frr", found.frr);
    writer.member("strangers", strangers);
    writer.member("pictures_unusable", unusable);
    writer.end_object();
    out << text << "\n" << std::flush;
}

void write_text(const Calibration& found, std::size_t strangers, std::ostream& out) {
    out << fmt::format("threshold {:.3f}\n", found.threshold) << sentence("strangers accepted (FAR)", found.far)
        << sentence("right persons refused by one frame (FRR)", found.frr)
        << fmt::format(
               "The intervals take the pairs as independent; those of strangers are of {} persons, so the truth is "
               "wider.\nThey hold for these models, this camera and these people. Nothing here sees whether "
               "somebody is alive.\n",
               strangers)
        << std::flush;
}

void tell_unusable(const std::vector<std::string>& names, std::ostream& err) {
    if (names.empty()) return;
    err << fmt::format("pictures without one single face, left out with their pair: {} —", names.size());
    for (std::size_t i = 0; i < std::min(names.size(), unusable_names_max); ++i) err << " " << names[i];
    err << (names.size() > unusable_names_max ? " …\n" : "\n") << std::flush;
}

Result<OpencvMatcher> load(const CalibrateOptions& options) {
    auto detector = Detector::load(options.detector);
    if (!detector) return fail(std::move(detector));
    auto recognizer = Recognizer::load(options.recognizer);
    if (!recognizer) return fail(std::move(recognizer));
    return OpencvMatcher(std::move(*detector), std::move(*recognizer));
}

struct Folders {
    Folder genuine;
    std::optional<Folder> other;  // when strangers have a folder of their own
    [[nodiscard]] const Folder& impostor() const { return other ? *other : genuine; }
    [[nodiscard]] std::vector<std::string> unusable() const {
        auto names = genuine.unusable;
        if (other) names.insert(names.end(), other->unusable.begin(), other->unusable.end());
        return names;
    }
};

// Both with one matcher; one that stands for both is read once.
Result<Folders> read_folders(const CalibrateOptions& options, OpencvMatcher& matcher, const Streams& streams) {
    const auto genuine_pairs = pairs_in(options.genuine);
    if (!genuine_pairs) return fail(genuine_pairs.error().code, genuine_pairs.error().detail);
    const auto impostor_pairs = pairs_in(options.impostor);
    if (!impostor_pairs) return fail(impostor_pairs.error().code, impostor_pairs.error().detail);
    Reading reading(matcher, streams);
    auto genuine = reading.read(*genuine_pairs, "same person");
    if (!genuine) return fail(std::move(genuine));
    Folders folders{.genuine = std::move(*genuine), .other = std::nullopt};
    std::error_code error;
    if (std::filesystem::equivalent(options.genuine, options.impostor, error)) return folders;
    auto impostor = reading.read(*impostor_pairs, "strangers");
    if (!impostor) return fail(std::move(impostor));
    folders.other = std::move(*impostor);
    return folders;
}

}  // namespace

int calibrate_threshold(const CalibrateOptions& options, const Streams& streams) {
    if (!(options.far >= far_min && options.far <= far_max)) {
        return complain(streams, fmt::format("--far {} is not taken", options.far),
                        fmt::format("it must be from {} to {}", far_min, far_max), "--far 1e-4", exit_usage);
    }
    auto matcher = load(options);
    if (!matcher) {
        return complain(streams, "the models cannot be used", matcher.error().detail, "onshi-face-sface models check");
    }
    auto folders = read_folders(options, *matcher, streams);
    if (!folders) {
        return complain(streams, "the pictures cannot be used", folders.error().detail,
                        "two pictures for every person: NAME_a.* like a card's photo, NAME_b.* from the camera");
    }
    const auto unusable = folders->unusable();
    tell_unusable(unusable, streams.err);
    const auto& strangers = folders->impostor().persons;
    const auto found = calibrate(scores_of_same(folders->genuine.persons), scores_of_strangers(strangers), options.far);
    if (!found) {
        return complain(streams, "no threshold is given", found.error().detail,
                        "more persons in --impostor, or a larger --far if that is acceptable");
    }
    if (options.json) {
        write_json(*found, strangers.size(), unusable.size(), streams.out);
    } else {
        write_text(*found, strangers.size(), streams.out);
    }
    return exit_done;
}

}  // namespace onshi::sface
