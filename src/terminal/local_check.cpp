#include "terminal/local_check.h"

#include "terminal/deferred.h"
#include "terminal/offline_visits.h"

namespace onshi::terminal {

namespace {

void add(std::vector<UnreadableRecord>& all, LocalKind kind, std::vector<LocalRecord> records) {
    for (auto& record : records) all.push_back({kind, std::move(record.key), record.at});
}

}  // namespace

Task<Result<std::vector<UnreadableRecord>>> unreadable_records(LocalStore& store) {
    std::vector<UnreadableRecord> all;
    auto deferred = co_await open_deferred(store);
    if (!deferred) co_return fail(std::move(deferred));
    add(all, LocalKind::deferred, std::move(deferred->unreadable));
    auto visits = co_await list_visits(store);
    if (!visits) co_return fail(std::move(visits));
    add(all, LocalKind::offline_visit, std::move(visits->unreadable));
    auto differences = co_await list_differences(store);
    if (!differences) co_return fail(std::move(differences));
    add(all, LocalKind::difference, std::move(differences->unreadable));
    for (const LocalKind kind : {LocalKind::reference, LocalKind::reception, LocalKind::last_visit,
                                 LocalKind::challenge, LocalKind::trust, LocalKind::number_visit}) {
        auto records = co_await store.read_all(kind);
        if (!records) co_return fail(std::move(records));
        add(all, kind, std::move(records->unreadable));
    }
    co_return all;
}

}  // namespace onshi::terminal
