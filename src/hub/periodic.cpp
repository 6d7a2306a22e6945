#include "hub/periodic.h"

#include <algorithm>
#include <utility>

#include <boost/asio/this_coro.hpp>

#include "domain/cards/store.h"
#include "domain/eligibility/corrections.h"
#include "domain/eligibility/forgetting.h"
#include "domain/organisations/emergencies.h"
#include "hub/clock_watch.h"
#include "hub/nightly_proof.h"
#include "hub/webhook_sender.h"
#include "platform/telemetry/log.h"

namespace onshi::hub {

namespace {

constexpr std::chrono::milliseconds work_deadline{10'000};
constexpr std::chrono::milliseconds probe_deadline{2'000};
// Of comparing what was told; a run that is cut short goes on at the next one.
constexpr std::chrono::milliseconds correction_deadline{60'000};

// Prometheus counters only add, so what a store counted since the last look is added.
class StoreMetrics {
  public:
    StoreMetrics(Metrics& metrics, sql::Store store) : store_(store) {
        const std::string_view name = to_string(store);
        commits_ = metrics.counter("onshi_store_commits_total", "Group commits made durable.", {{"store", name}});
        committed_ = metrics.counter("onshi_store_sets_committed_total", "Write sets committed.", {{"store", name}});
        conflicts_ = metrics.counter("onshi_store_conflicts_total", "Write sets that lost a guard.", {{"store", name}});
        failures_ = metrics.counter("onshi_store_failures_total", "Write sets that failed.", {{"store", name}});
        unknown_ = metrics.counter("onshi_store_outcomes_unknown_total",
                                   "Commits of which nobody can say whether they were written.", {{"store", name}});
        waiting_ = metrics.gauge("onshi_store_sets_waiting", "Write sets waiting for a commit.", {{"store", name}});
        wal_pages_ = metrics.gauge("onshi_store_wal_pages", "Pages in the write-ahead log.", {{"store", name}});
    }
    void publish(const sql::Database& database) {
        const sql::StoreCounters now = database.counters(store_);
        commits_.add(static_cast<double>(now.commits - last_.commits));
        committed_.add(static_cast<double>(now.sets_committed - last_.sets_committed));
        conflicts_.add(static_cast<double>(now.sets_conflicted - last_.sets_conflicted));
        failures_.add(static_cast<double>(now.sets_failed - last_.sets_failed));
        unknown_.add(static_cast<double>(now.outcomes_unknown - last_.outcomes_unknown));
        waiting_.set(static_cast<double>(now.sets_waiting));
        wal_pages_.set(static_cast<double>(now.wal_pages));
        last_ = now;
    }

  private:
    sql::Store store_;
    sql::StoreCounters last_;
    Counter commits_;
    Counter committed_;
    Counter conflicts_;
    Counter failures_;
    Counter unknown_;
    Gauge waiting_;
    Gauge wal_pages_;
};

class ReadMetrics {
  public:
    explicit ReadMetrics(Metrics& metrics)
        : batches_(metrics.counter("onshi_read_batches_total", "Read batches, one snapshot each.")),
          cold_(metrics.counter("onshi_cold_read_batches_total", "Read batches that left the event loop.")),
          pages_(metrics.counter("onshi_pages_read_total", "Pages that were not in the connection's own cache.")) {}
    void publish(const sql::Database& database) {
        const sql::ReadCounters now = database.read_counters();
        batches_.add(static_cast<double>(now.batches - last_.batches));
        cold_.add(static_cast<double>(now.cold_batches - last_.cold_batches));
        pages_.add(static_cast<double>(now.pages_read - last_.pages_read));
        last_ = now;
    }

  private:
    sql::ReadCounters last_;
    Counter batches_;
    Counter cold_;
    Counter pages_;
};

// Numbers that lead to a person of whom nothing is held: the operator hears of it, whoever asked was answered.
class LostHolders {
  public:
    explicit LostHolders(Metrics& metrics)
        : total_(metrics.counter("onshi_lost_holders_total",
                                 "Look-ups by number that met a person of whom nothing is held.")) {}
    void publish(const eligibility::CheckService& checks) {
        const std::uint64_t now = checks.lost_holders();
        if (now == last_) return;
        total_.add(static_cast<double>(now - last_));
        log_event(Level::error, "eligibility.holder_lost", {{"count", now - last_}});
        last_ = now;
    }

  private:
    std::uint64_t last_ = 0;
    Counter total_;
};

// A commit of nothing finds out whether this hub still owns its lane.
Task<bool> is_fenced(const Context& context, Deadline deadline) {
    sql::WriteSet nothing(sql::Store::ledger);
    auto committed = co_await context.database.commit(std::move(nothing), deadline);
    co_return !committed && committed.error().code == ErrorCode::store_fenced;
}

void report(LogEvent event, const Error& error) {
    log_failure(Level::warn, event, error);
}

// What was declared, here or through another hub of this installation.
Task<Result<void>> refresh_emergencies(const Context& context, Deadline deadline) {
    organisations::Emergencies emergencies(context.database, context.clock, context.random);
    auto outages = co_await emergencies.outages(deadline);
    if (!outages) co_return fail(std::move(outages));
    auto disasters = co_await emergencies.list(deadline);
    if (!disasters) co_return fail(std::move(disasters));
    const Instant now = context.clock.now();
    std::erase_if(*disasters, [now](const organisations::Disaster& disaster) {
        return !disaster.confirmed_at || state_at(disaster, now) == organisations::DisasterState::over;
    });
    context.modes.declared(std::move(*outages), std::move(*disasters));
    context.status_sources.declare_away(context.modes.is_declared(organisations::Dependency::card_status));
    co_return Result<void>();
}

// A commit of nothing finds out whether the ledger can be written. It costs a turn of the disk, so it is tried only
// where writes were refused since the last look, or it is known to be away.
class LedgerWatch {
  public:
    Task<void> look(const Context& context) {
        const std::uint64_t refusals = context.database.counters(sql::Store::ledger).refusals;
        const bool refused = std::exchange(refusals_, refusals) != refusals;
        if (!refused && !away_) co_return;
        sql::WriteSet nothing(sql::Store::ledger);
        auto committed = co_await context.database.commit(std::move(nothing), Deadline::in(probe_deadline));
        away_ = !committed;
        context.modes.found(organisations::Dependency::ledger, away_, context.clock.now());
    }

  private:
    std::uint64_t refusals_ = 0;
    bool away_ = false;
};

bool is_card_status_old(const Context& context) {
    // A demo lives with old lists, as its answers say.
    if (context.settings.profile != Profile::production) return false;
    const Instant now = context.clock.now();
    return std::ranges::any_of(context.authorities.ca_ids(),
                               [&](std::int32_t ca_id) { return !context.status_sources.is_fresh(ca_id, now); });
}

Task<Result<void>> refresh_registry(const Context& context, Deadline deadline) {
    auto insurers = co_await context.directory.refresh_insurers(deadline);
    if (!insurers) co_return insurers;
    sql::ReadBatch batch;
    const auto sources = cards::load_status_sources(batch);
    auto read = co_await context.database.read(batch, deadline);
    if (!read) co_return read;
    context.status_sources.replace(sources.get());
    co_return Result<void>();
}

// What is told without asking the stores, and what that says about them.
Task<void> look_again(const Context& context) {
    const Deadline deadline = Deadline::in(work_deadline);
    auto registry = co_await refresh_registry(context, deadline);
    if (!registry) report("hub.refresh_failed", registry.error());
    auto emergencies = co_await refresh_emergencies(context, deadline);
    if (!emergencies) report("hub.refresh_failed", emergencies.error());
    const Instant now = context.clock.now();
    context.modes.found(organisations::Dependency::registry, !registry, now);
    context.modes.found(organisations::Dependency::card_status, is_card_status_old(context), now);
}

}  // namespace

Task<Result<void>> refresh(const Context& context) {
    const Deadline deadline = Deadline::in(work_deadline);
    auto registry = co_await refresh_registry(context, deadline);
    if (!registry) co_return registry;
    auto emergencies = co_await refresh_emergencies(context, deadline);
    co_return emergencies;
}

Task<void> run_periodic(const Context& context, audit::Sealer& sealer, Alarm& alarm, std::function<void()> on_fenced) {
    StoreMetrics registry(context.metrics, sql::Store::registry);
    StoreMetrics ledger(context.metrics, sql::Store::ledger);
    ReadMetrics reads(context.metrics);
    LostHolders lost_holders(context.metrics);
    ClockWatch clock_watch(context.database, context.clock, context.random);
    auto last_housekeeping = std::chrono::steady_clock::now();
    auto last_refresh = last_housekeeping;
    auto last_corrections = last_housekeeping;
    auto last_webhooks = last_housekeeping;
    const LoopExecutor executor = co_await boost::asio::this_coro::executor;
    NightlyProof proof(context);
    LedgerWatch ledger_watch;
    std::shared_ptr<WebhookSender> webhooks;
    if (sends_webhooks(context.settings)) {
        auto opened = WebhookSender::open(context);
        if (!opened) report("eligibility.webhooks_off", opened.error());
        if (opened) webhooks = std::move(*opened);
    }
    while (true) {
        const auto woke = co_await alarm.wait_until(std::chrono::steady_clock::now() + std::chrono::seconds(1));
        if (woke == Alarm::Woke::by_ring) {
            proof.stop();
            co_return;
        }
        proof.look(executor);
        registry.publish(context.database);
        ledger.publish(context.database);
        reads.publish(context.database);
        lost_holders.publish(context.checks);
        const auto now = std::chrono::steady_clock::now();
        const Deadline deadline = Deadline::in(work_deadline);
        auto sealed = co_await sealer.seal_if_due(deadline);
        if (!sealed) report("audit.seal_failed", sealed.error());
        context.vital_signs.sealed(sealed, context.clock.now());
        context.vital_signs.publish(context.clock.now());
        co_await ledger_watch.look(context);
        auto forgotten = co_await eligibility::forget_old(context.database, context.clock.now(), deadline);
        if (!forgotten) report("eligibility.forget_failed", forgotten.error());
        if (now - last_refresh >= refresh_every) {
            last_refresh = now;
            co_await look_again(context);
        }
        const std::chrono::minutes corrections_every(context.settings.correction_minutes);
        if (corrections_every.count() > 0 && now - last_corrections >= corrections_every) {
            last_corrections = now;
            eligibility::Corrections corrections(context.database, context.clock);
            auto run = co_await corrections.run(eligibility::correction_settle, Deadline::in(correction_deadline));
            if (!run) report("eligibility.corrections_failed", run.error());
            if (run && run->corrections > 0) {
                log_event(Level::info, "eligibility.corrections_made", {{"count", run->corrections}});
            }
        }
        if (webhooks && now - last_webhooks >= webhooks_look_every) {
            last_webhooks = now;
            auto looked = co_await webhooks->look(executor);
            if (!looked) report("eligibility.webhooks_failed", looked.error());
        }
        if (now - last_housekeeping < housekeeping_every) continue;
        last_housekeeping = now;
        auto swept = co_await context.audited_changes.sweep(deadline);
        if (!swept) report("audit.sweep_failed", swept.error());
        auto unmarked = co_await context.audited_changes.forget_old(deadline);
        if (!unmarked) report("audit.forget_failed", unmarked.error());
        const bool fenced = co_await is_fenced(context, deadline);
        if (fenced) {
            proof.stop();
            on_fenced();
            co_return;
        }
        auto stepped = co_await clock_watch.look(context.clock.step(), deadline);
        if (!stepped) report("hub.clock_step_not_recorded", stepped.error());
        if (stepped && *stepped) {
            log_event(Level::warn, "hub.clock_stepped",
                      {{"step_us", static_cast<std::int64_t>(context.clock.step().count())}});
        }
    }
}

}  // namespace onshi::hub
