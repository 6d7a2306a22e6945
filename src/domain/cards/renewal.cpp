#include "domain/cards/renewal.h"

#include <algorithm>
#include <vector>

#include "domain/cards/store.h"

namespace onshi::cards {

Task<Result<std::optional<RenewedFrom>>> find_renewed_from(sql::Database& database, CardKey renewed, Instant at,
                                                           Deadline deadline) {
    std::vector<CardKey> walked{renewed};
    std::optional<Predecessor> before;
    {
        sql::ReadBatch batch;
        const auto predecessor = load_predecessor(batch, renewed);
        auto read = co_await database.read(batch, deadline);
        if (!read) co_return fail(std::move(read));
        before = predecessor.get();
    }
    bool suspended = false;
    while (before && before->valid_from <= at) {
        const CardKey key = before->key;
        if (std::ranges::find(walked, key) != walked.end()) {
            co_return fail(ErrorCode::certificate_renewal_cycle, "the certificate is its own predecessor");
        }
        if (walked.size() > renewals_followed_max) {
            co_return fail(ErrorCode::certificate_renewal_cycle, "too many renewals");
        }
        walked.push_back(key);
        sql::ReadBatch batch;
        const auto card = load_card(batch, key);
        const auto suspension = load_suspension(batch, key);
        const auto predecessor = load_predecessor(batch, key);
        auto read = co_await database.read(batch, deadline);
        if (!read) co_return fail(std::move(read));
        suspended = suspended || (suspension && suspension->suspended);
        if (card) co_return std::optional(RenewedFrom{card->person, suspended});
        before = predecessor.get();
    }
    co_return std::optional<RenewedFrom>();
}

}  // namespace onshi::cards
