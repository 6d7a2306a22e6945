#pragma once

#include <atomic>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/identifiers.h"
#include "base/result.h"
#include "base/sha256.h"
#include "base/task.h"
#include "base/time.h"
#include "exchange/oqs/messages.h"
#include "exchange/oqs/profile.h"
#include "platform/event_loop/event_loop.h"
#include "terminal/answer_units.h"
#include "terminal/deferred.h"
#include "terminal/folder.h"
#include "terminal/hub_link.h"
#include "terminal/hub_modes.h"
#include "terminal/local_store.h"
#include "terminal/number_visits.h"

namespace onshi::terminal {

struct ExchangeSettings {
    std::filesystem::path folder;  // shared with the billing system
    std::string facility;          // ten digits: requests of another institution are rejected
    std::string terminal;          // as in signed lines
    oqs::Profile profile;
    // How often the folder is looked at where the file system tells nothing.
    std::chrono::milliseconds poll{500};
    // How often the hub is asked which of its parts are away, while none is.
    std::chrono::milliseconds modes_every{30'000};
    // How long the answer of a visit may be used while the hub is away, 0: it is not kept; and what is told of it.
    int last_visit_days = 0;
    LastVisitUse last_visit_use = LastVisitUse::none;
    // Whether lists that this system does not keep are answered as empty and complete; otherwise as not available.
    bool empty_lists = true;
};

// What a status page wants to know. Thread-safe.
struct ExchangeState {
    std::atomic<bool> usable = false;
    std::atomic<std::uint64_t> answered = 0;
    std::atomic<std::uint64_t> rejected = 0;
    std::atomic<std::uint64_t> in_work = 0;
    std::atomic<std::uint64_t> deferred = 0;    // open
    std::atomic<std::uint64_t> made_up = 0;     // answered after all
    std::atomic<std::uint64_t> unreadable = 0;  // records of patients that cannot be read
};

// Serves the exchange folder: takes requests out of `req`, asks the hub, and lets results appear in `res`.
//
// A request is removed only after its result lies there, and asks the hub under check ids that follow from the file
// itself: whenever the terminal dies, the next start answers the same requests, and the hub records each disclosure
// once. Lives on one event loop and blocks it on the disk, so that has no other work. References outlive run().
class Exchange {
  public:
    Exchange(ExchangeSettings settings, HubLink& hub, HubModes& modes, LocalStore& store, const Clock& clock,
             const LoopExecutor& executor);

    // Until stop(). Fails when the local store cannot be read.
    [[nodiscard]] Task<Result<void>> run();
    // Looks into the folder at once. Thread-safe.
    void ring() { alarm_.ring(); }
    // Thread-safe. What is under way is finished.
    void stop();
    [[nodiscard]] const ExchangeState& state() const { return state_; }

  private:
    // One request file that could be read.
    struct Pending {
        FoundRequest file;
        oqs::Request request;
        Sha256 origin;  // names this writing of this file
        std::string bytes;
    };
    // A bulk inquiry.
    struct Reception {
        std::string number;
        oqs::Message message;
        Sha256 origin;
        Instant received_at;
        std::optional<oqs::Request> request;  // read when it is needed
        std::optional<std::vector<oqs::Unit>> units;
        bool working = false;
        std::uint64_t used = 0;
    };
    using ReceptionPointer = std::shared_ptr<Reception>;
    struct Unread {
        FileVersion version;
        SteadyTime since;
    };
    struct Touch {
        SteadyTime due;
        Outbound where;
        std::string name;
    };

    // exchange.cpp: the folder's side.
    [[nodiscard]] Task<Result<void>> load();
    void look();
    void take(const FoundRequest& found, std::vector<Pending>& singles);
    void start(Pending pending);
    void cannot_read(const FoundRequest& found, const Error& error, std::string_view bytes);
    void reject(const FoundRequest& found, const Error& error);
    void deliver(const Pending& pending, oqs::Layout layout, oqs::ResultMessage result);
    [[nodiscard]] Result<std::string> write_result(oqs::Message message, oqs::Layout layout,
                                                   oqs::ResultMessage result) const;
    void finish(const FoundRequest& file);
    void touch_due();
    [[nodiscard]] SteadyTime next_look() const;
    [[nodiscard]] oqs::ResultHeader header_of(const oqs::Request& request, std::string_view segment) const;
    [[nodiscard]] oqs::ResultMessage failure_of(const oqs::Request& request, ErrorCode code) const;

    // exchange_singles.cpp
    [[nodiscard]] Task<void> answer_singles(std::vector<Pending> singles);
    [[nodiscard]] Task<void> answer_offline(const Pending& single, oqs::Unit& unit);
    [[nodiscard]] Task<void> remember(std::vector<std::string> terms, std::vector<std::string> answers);
    [[nodiscard]] Task<void> remember_one(std::string terms, std::string answer);
    [[nodiscard]] Instant oldest_visit() const;
    [[nodiscard]] oqs::ResultMessage single_result(const Pending& pending, oqs::Unit unit) const;
    [[nodiscard]] Task<void> register_reference(Pending pending);
    [[nodiscard]] Task<Result<void>> keep_reference(const oqs::ReferenceTerms& terms);

    // exchange_deferred.cpp
    [[nodiscard]] Task<void> keep_deferred(const Pending& pending);
    [[nodiscard]] Task<Result<void>> make_up();
    [[nodiscard]] Task<Result<void>> compare_with_told(const Pending& pending, Instant asked_at, std::string answer);
    [[nodiscard]] Task<void> make_up_while_running();
    [[nodiscard]] Task<void> keep_trust();
    [[nodiscard]] Task<void> keep_modes();
    [[nodiscard]] Task<void> forget_old_visits();
    [[nodiscard]] std::optional<Pending> pending_of(const DeferredCheck& check) const;
    [[nodiscard]] Result<void> publish_late(const Pending& pending, oqs::Unit unit);

    // exchange_ask.cpp: persons to the hub and back. `answers` gets the hub's own words, one per person; empty for one
    // that was not answered.
    [[nodiscard]] Task<Result<std::vector<oqs::Unit>>> ask(std::vector<std::string> bodies,
                                                           std::vector<std::string> limit_consents, bool bulk,
                                                           Deadline deadline,
                                                           std::vector<std::string>* answers = nullptr);
    [[nodiscard]] AnswerStyle style() const;
    [[nodiscard]] std::string find_reference(const oqs::PersonRecord& record) const;
    [[nodiscard]] std::string reference_key(std::string_view insurer, std::string_view symbol, std::string_view number,
                                            std::string_view branch) const;

    // exchange_bulk.cpp
    [[nodiscard]] Task<void> receive_bulk(Pending pending);
    [[nodiscard]] oqs::ResultMessage not_kept(const oqs::Request& request) const;
    [[nodiscard]] Task<void> hand_out(Pending pending);
    [[nodiscard]] Task<Result<void>> open_reception(ReceptionPointer reception);
    [[nodiscard]] Task<void> work_off(ReceptionPointer reception);
    [[nodiscard]] Task<Result<std::vector<oqs::Unit>>> look_up_all(ReceptionPointer reception);
    [[nodiscard]] Task<Result<std::vector<oqs::Unit>>> register_all(ReceptionPointer reception);
    [[nodiscard]] Task<void> register_one(const oqs::Asked<oqs::ReferenceTerms>& asked, oqs::Unit& unit);
    [[nodiscard]] Task<Result<void>> forget_old_receptions();
    [[nodiscard]] std::string new_reception_number();
    void drop_unused_units();
    [[nodiscard]] oqs::ResultMessage bulk_result(const Reception& reception) const;

    ExchangeSettings settings_;
    HubLink& hub_;
    HubModes& modes_;
    LocalStore& store_;
    const Clock& clock_;
    LoopExecutor executor_;
    Alarm alarm_;
    Alarm deferred_alarm_;
    ExchangeFolder folder_;
    ExchangeState state_;
    std::atomic<bool> stopping_ = false;
    SteadyTime folder_again_at_{};
    SteadyTime leftovers_at_{};
    std::set<std::string, std::less<>> in_work_;
    std::map<std::string, FileVersion, std::less<>> stuck_;
    std::map<std::string, Unread, std::less<>> unread_;
    std::deque<Touch> touches_;
    std::map<std::string, ReceptionPointer, std::less<>> receptions_;
    std::unordered_map<std::string, std::string> references_;
    FindReference find_reference_;
    std::uint64_t uses_ = 0;
    std::deque<DeferredCheck> deferred_;
    bool making_up_ = false;
    std::size_t remembering_ = 0;
    SteadyTime trust_again_at_{};
    SteadyTime modes_again_at_{};
    SteadyTime visits_again_at_{};
};

// The check id of person `index` of a request: the same file gives the same ids, whenever it is read.
[[nodiscard]] CheckId check_id_of(const Sha256& origin, std::size_t index);
// A look-up of one person in our own JSON. `care_day` and the birth date as the file has them.
[[nodiscard]] std::string number_check_body(const CheckId& id, std::string_view care_day,
                                            const oqs::SearchTerms& terms);

}  // namespace onshi::terminal
