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
    std::vector<std::optional<Resident>> found;
    found.reserve(numbers.size());
    for (std::size_t first = 0; first < numbers.size(); first += sql::batch_queries_max) {
        const auto part = numbers.subspan(first, std::min(sql::batch_queries_max, numbers.size() - first));
        sql::ReadBatch batch;
        std::vector<sql::Slot<Resident>> slots;
        slots.reserve(part.size());
        for (const IndividualNumber number : part) {
            const NumberTag tag = vault_.tag(number);
            slots.push_back(batch.one(select_resident, decode_resident, sql::Blob{as_text(tag)}));
        }
        auto read = co_await database_.read(batch, deadline);
        if (!read) co_return fail(std::move(read));
        for (const auto& slot : slots) found.push_back(slot.get());
    }
    co_return found;
}

}  // namespace onshi::identity
