#include "hub/nightly_proof.h"

#include "domain/coverage/means_proof.h"
#include "platform/telemetry/log.h"

namespace onshi::hub {

namespace {

Task<void> prove(const Context& context, Date day, Gauge without, std::shared_ptr<std::atomic<bool>> stopping) {
    coverage::ProofOptions options;
    options.day = day;
    options.stop = [stopping] { return stopping->load(); };
    auto report = co_await coverage::prove_means(context.database, context.clock, options);
    if (!report) {
        log_failure(Level::warn, "coverage.proof_failed", report.error());
        co_return;
    }
    if (!report->complete) co_return;
    without.set(static_cast<double>(report->without));
    const Level level = report->without == 0 ? Level::info : Level::warn;
    log_event(level, "coverage.proof_done", {{"rows", report->insured}, {"count", report->without}});
}

}  // namespace

bool is_proof_due(Instant now, int hour, const std::optional<Date>& last) {
    if (hour < 0) return false;
    const Date day = japan_day(now);
    const Instant begins = start_of_japan_day(day) + std::chrono::hours(hour);
    return now >= begins && (!last || *last < day);
}

NightlyProof::NightlyProof(const Context& context)
    : context_(context),
      without_(
          context.metrics.gauge("onshi_insured_without_means",
                                "Insured persons with neither a working card nor a certificate, at the last proof.")) {
    // A hub that starts in the afternoon waits for the next night.
    const Instant now = context.clock.now();
    if (is_proof_due(now, context.settings.proof_hour, std::nullopt)) last_ = japan_day(now);
}

void NightlyProof::look(const LoopExecutor& executor) {
    const Instant now = context_.clock.now();
    if (!is_proof_due(now, context_.settings.proof_hour, last_)) return;
    last_ = japan_day(now);
    spawn(executor, prove(context_, *last_, without_, stopping_));
}

}  // namespace onshi::hub
