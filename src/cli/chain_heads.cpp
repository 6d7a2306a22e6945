#include "cli/chain_heads.h"

#include <fmt/format.h>

#include "cli/progress.h"
#include "domain/audit/store.h"
#include "hub/secrets.h"
#include "platform/event_loop/event_loop.h"

namespace onshi::cli {

namespace {

constexpr std::chrono::milliseconds read_deadline{30'000};

Task<Result<std::vector<audit::LaneHead>>> load_heads(sql::Database& database) {
    sql::ReadBatch batch;
    const auto lanes = audit::load_lanes(batch);
    auto read = co_await database.read(batch, Deadline::in(read_deadline));
    if (!read) co_return fail(std::move(read));
    std::vector<audit::LaneHead> heads;
    for (const auto& lane : lanes) {
        if (lane.sequence > 0) heads.push_back(lane);
    }
    co_return heads;
}

}  // namespace

Result<WitnessFile> read_heads(sql::Database& database, const std::string& secrets_folder) {
    WitnessFile file;
    if (!secrets_folder.empty()) {
        auto keys = hub::load_seal_keys(secrets_folder);
        if (!keys) return fail(std::move(keys));
        file.seal_keys = std::move(*keys);
    }
    auto heads = run_to_end(load_heads(database));
    if (!heads) return fail(std::move(heads));
    for (const auto& head : *heads) file.heads.push_back({head.lane, head.sequence, head.hash});
    return file;
}

Result<audit::VerifyReport> verify_chain(sql::Database& database, audit::VerifyOptions options, Console& console) {
    auto heads = run_to_end(load_heads(database));
    if (!heads) return fail(std::move(heads));
    std::uint64_t total = 0;
    for (const auto& head : *heads) total += static_cast<std::uint64_t>(head.sequence);
    Progress progress(console);
    options.progress = [&progress, total](std::uint64_t done) { progress.show("audit records", done, total); };
    return run_to_end(audit::verify(database, options));
}

Result<void> without_finding(const audit::VerifyReport& report) {
    if (!report.finding) return {};
    return fail(ErrorCode::audit_broken, fmt::format("lane {}, record {}: {}", report.finding->lane,
                                                     report.finding->sequence, audit::to_string(report.finding->flaw)));
}

}  // namespace onshi::cli
