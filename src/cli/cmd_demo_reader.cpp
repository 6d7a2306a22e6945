// onshi demo reader
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <unistd.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/signals.h"
#include "platform/smartcard/private_pcscd.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

constexpr std::chrono::seconds start_time_max{10};
constexpr std::chrono::milliseconds look_every{200};

// Set by the signal's thread, waited for here.
class StopFlag {
  public:
    void set() {
        {
            const std::scoped_lock lock(mutex_);
            set_ = true;
        }
        changed_.notify_all();
    }
    [[nodiscard]] bool wait_for(std::chrono::milliseconds duration) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, duration, [this] { return set_; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool set_ = false;
};

Result<std::string> own_program() {
    std::error_code error;
    const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error) return fail(ErrorCode::file_unreadable, "/proc/self/exe");
    return path.string();
}

class DemoReader final : public Command {
  public:
    static constexpr CommandText text{
        "demo", "reader", "A PC/SC reader of our own with a virtual card in it, until it is told to end.",
        "  onshi demo reader demo/cards/001.json --run-folder /tmp/reader\n"
        "  PCSCLITE_CSOCK_NAME=/tmp/reader/pcscd.comm onshi eligibility get --card --terminal demo/terminals/desk"};

    void declare(Options& options) override {
        options.text(image_, "image", "IMAGE", "the card's image").required();
        options.text(folder_, "--run-folder", "DIR", "an existing short path for the reader's socket").required();
        options.text(ready_file_, "--ready-file", "FILE", "written when the card is in the reader");
    }

    Result<Exit> run(Session& session) override {
        StopFlag stop;
        SignalWatch signals({[&stop] { stop.set(); }, nullptr, Hangup::stops});
        smartcard::PrivatePcscdOptions options;
        options.run_folder = std::filesystem::absolute(folder_);
        auto reader = smartcard::PrivatePcscd::start(options, Deadline::in(start_time_max));
        if (!reader) return fail(std::move(reader));
        auto program = own_program();
        if (!program) return fail(std::move(program));
        const auto slot = reader->slot(0);
        const std::string image = std::filesystem::absolute(image_).string();
        auto card = reader->spawn_inside(
            {*program, "card", "attach", image, "--vpcd", slot.host + ":" + std::to_string(slot.port)});
        if (!card) return fail(std::move(card));
        auto told = tell_ready(session.console(), reader->socket().string());
        if (!told) return fail(std::move(told));
        signals.start();
        while (!stop.wait_for(look_every)) {
            if (card->wait(Deadline::in(std::chrono::milliseconds(0)))) {
                signals.finish();
                return fail(ErrorCode::card_removed, "the card program ended");
            }
        }
        signals.finish();
        return Exit::done;
    }

  private:
    Result<void> tell_ready(Console& console, const std::string& socket) const {
        std::string ready;
        JsonWriter writer(ready);
        writer.begin_object();
        writer.member("schema", "onshi.reader/1");
        writer.member("socket", socket);
        writer.member("process", static_cast<std::int64_t>(getpid()));
        writer.end_object();
        console.line(ready);
        if (ready_file_.empty()) return {};
        return replace_file(ready_file_, ready + "\n");
    }

    std::string image_;
    std::string folder_;
    std::string ready_file_;
};

}  // namespace

void add_demo_reader_command(CommandTree& tree) {
    tree.add<DemoReader>();
}

}  // namespace onshi::cli
