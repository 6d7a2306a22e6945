#include "domain/identity/resident_register.h"

#include <algorithm>

#include "base/ensure.h"

namespace onshi::identity {

namespace {

const sql::Statement select_resident("identity.select_resident", sql::Store::registry, sql::ShardKey::number_tag,
                                     "SELECT packed FROM resident WHERE tag = $1");

Resident decode_resident(const sql::Row& row) {
    auto resident = unpack_resident(row.blob(0));
    if (resident) return std::move(*resident);
    row.reject();
    return {};
}

}  // namespace

Task<Result<std::vector<std::optional<Resident>>>> EmbeddedRegister::look_up(std::span<const IndividualNumber> numbers,
                                                                             Deadline deadline) {
    ENSURE(numbers.size() <= register_numbers_max);
    // In the order of the index, so that neighbours share its pages.
    std::vector<std::pair<NumberTag, std::size_t>> asked;
    asked.reserve(numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) asked.emplace_back(vault_.tag(numbers[i]), i);
    std::ranges::sort(asked);
    std::vector<std::optional<Resident>> found(numbers.size());
    std::vector<sql::Slot<Resident>> slots;
    for (std::size_t first = 0; first < asked.size(); first += sql::batch_queries_max) {
        const std::size_t last = std::min(asked.size(), first + sql::batch_queries_max);
        sql::ReadBatch batch;
        slots.clear();
        for (std::size_t i = first; i < last; ++i) {
            slots.push_back(batch.one(select_resident, decode_resident, sql::Blob{as_text(asked[i].first)}));
        }
        auto read = co_await database_.read(batch, deadline);
        if (!read) co_return fail(std::move(read));
        for (std::size_t i = first; i < last; ++i) found[asked[i].second] = slots[i - first].get();
    }
    co_return found;
}

}  // namespace onshi::identity
