#include "hub/clock_watch.h"

#include "base/bytes.h"
#include "domain/audit/chain.h"

namespace onshi::hub {

Task<Result<bool>> ClockWatch::look(std::chrono::microseconds offset, Deadline deadline) {
    if (!is_clock_step(offset - recorded_)) co_return false;
    std::string payload;
    ByteWriter writer(payload);
    writer.i64(recorded_.count());
    writer.i64(offset.count());
    sql::WriteSet set(sql::Store::ledger);
    const audit::Actor nobody;
    audit::attach_record(set, audit::Event::clock_stepped, nobody, clock_.now(), payload, random_);
    auto committed = co_await database_.commit(std::move(set), deadline);
    if (!committed) co_return fail(std::move(committed));
    recorded_ = offset;
    co_return true;
}

}  // namespace onshi::hub
