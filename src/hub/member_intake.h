#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "domain/coverage/service_intake.h"
#include "domain/identity/number_vault.h"
#include "domain/identity/resident_register.h"
#include "exchange/insurer_files/uploads.h"
#include "hub/settings.h"
#include "platform/pki/keys.h"
#include "platform/sql/database.h"

namespace onshi::hub {

inline constexpr std::chrono::seconds upload_look_every{2};

// What a hub that takes insurers' files has besides: the keys of individual numbers, the register, the folder of what
// was received, and a thread that takes files over one after the other. Borrows database, clock and random; stop() it
// before the database closes. Not movable: its parts refer to each other.
class MemberIntake {
  public:
    // secret.*, file.unwritable when the folder cannot be had, those of the store.
    [[nodiscard]] static Result<std::unique_ptr<MemberIntake>> open(const Settings& settings, sql::Database& database,
                                                                    const Clock& clock, Random& random);
    ~MemberIntake() { stop(); }
    MemberIntake(const MemberIntake&) = delete;
    MemberIntake& operator=(const MemberIntake&) = delete;

    [[nodiscard]] insurer_files::Uploads& uploads() { return uploads_; }
    [[nodiscard]] const coverage::IntakeParts& parts() const { return parts_; }
    void start();
    // There is something to do. Thread-safe.
    void wake();
    // Waits until the chunk that is being written counts. Idempotent.
    void stop();

  private:
    MemberIntake(const Settings& settings, sql::Database& database, const Clock& clock, Random& random,
                 identity::NumberVault vault, pki::SealingKey key);
    void run(std::stop_token stop);

    identity::NumberVault vault_;
    pki::SealingKey key_;
    identity::EmbeddedRegister residents_;
    coverage::IntakeParts parts_;
    insurer_files::Uploads uploads_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    bool woken_ = false;
    std::jthread thread_;
};

}  // namespace onshi::hub
