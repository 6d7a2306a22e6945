#include "hub/member_intake.h"

#include <filesystem>

#include "hub/match_policy.h"
#include "hub/secrets.h"
#include "platform/telemetry/log.h"

namespace onshi::hub {

namespace fs = std::filesystem;

MemberIntake::MemberIntake(const Settings& settings, sql::Database& database, const Clock& clock, Random& random,
                           identity::NumberVault vault, pki::SealingKey key)
    : vault_(std::move(vault)),
      key_(std::move(key)),
      residents_(database, vault_),
      parts_{database, clock, random, vault_, residents_, {}, match_policy(settings)},
      uploads_({parts_, key_, settings.intake_folder, settings.lane}) {}

Result<std::unique_ptr<MemberIntake>> MemberIntake::open(const Settings& settings, sql::Database& database,
                                                         const Clock& clock, Random& random) {
    auto vault = load_number_vault(settings.secrets_folder, settings.key_device);
    if (!vault) return fail(std::move(vault));
    auto key = load_members_file_key(settings.secrets_folder, settings.key_device);
    if (!key) return fail(std::move(key));
    std::error_code error;
    fs::create_directories(settings.intake_folder, error);
    if (!error) fs::permissions(settings.intake_folder, fs::perms::owner_all, error);
    if (error) return fail(ErrorCode::file_unwritable, "intake_folder: " + error.message());
    std::unique_ptr<MemberIntake> intake(
        new MemberIntake(settings, database, clock, random, std::move(*vault), std::move(*key)));
    auto cleaned = intake->uploads_.clean();
    if (!cleaned) return fail(std::move(cleaned));
    return intake;
}

void MemberIntake::run(std::stop_token stop) {
    while (!stop.stop_requested()) {
        auto worked = uploads_.work_one([&stop] { return stop.stop_requested(); });
        if (!worked) log_failure(Level::warn, "coverage.members_file_waits", worked.error());
        if (worked && *worked) continue;
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, stop, upload_look_every, [this] { return woken_; });
        woken_ = false;
    }
}

void MemberIntake::start() {
    thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
}

void MemberIntake::wake() {
    const std::scoped_lock lock(mutex_);
    woken_ = true;
    changed_.notify_all();
}

void MemberIntake::stop() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    thread_.join();
}

}  // namespace onshi::hub
