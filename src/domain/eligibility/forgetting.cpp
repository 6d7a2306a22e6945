#include "domain/eligibility/forgetting.h"

#include <array>

#include "base/date.h"
#include "domain/eligibility/store.h"

namespace onshi::eligibility {

namespace {

struct Aged {
    Guarded kind;
    std::int64_t before;
};

std::array<Aged, 5> aged(Instant now) {
    const auto ago = [now](auto duration) { return (now - std::chrono::microseconds(duration)).us; };
    return {{{Guarded::challenges, ago(challenge_kept_after_expiry)},
             {Guarded::check_ids, ago(check_id_life)},
             {Guarded::given_consents, ago(given_consents_kept)},
             {Guarded::visual_uses, japan_day(now).days() - visual_uses_kept_days},
             {Guarded::subsidy_choices, ago(subsidy_choices_kept)}}};
}

Task<Result<std::size_t>> forget_slice(sql::Database& database, Aged aged, Deadline deadline) {
    sql::ReadBatch batch;
    const auto old = count_older(batch, aged.kind, aged.before, rows_per_slice_max);
    auto read = co_await database.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    if (*old == 0) co_return std::size_t{0};
    sql::WriteSet set(sql::Store::ledger);
    remove_older(set, aged.kind, aged.before, rows_per_slice_max);
    auto committed = co_await database.commit(std::move(set), deadline);
    if (!committed) co_return fail(std::move(committed));
    co_return static_cast<std::size_t>(*old);
}

}  // namespace

Task<Result<std::size_t>> forget_old(sql::Database& database, Instant now, Deadline deadline) {
    std::size_t forgotten = 0;
    for (const Aged& kind : aged(now)) {
        for (std::size_t slice = 0; slice < slices_per_round_max; ++slice) {
            auto rows = co_await forget_slice(database, kind, deadline);
            if (!rows) co_return fail(std::move(rows));
            forgotten += *rows;
            if (*rows < rows_per_slice_max) break;
        }
    }
    co_return forgotten;
}

}  // namespace onshi::eligibility
