#include "terminal/offline_visits.h"

#include "base/bytes.h"
#include "terminal/deferred.h"

namespace onshi::terminal {

namespace {

constexpr std::uint8_t form = 1;
constexpr std::uint8_t visit_form = 2;
constexpr std::uint8_t visit_form_without_first = 1;
constexpr std::size_t members_max = 16;

OfflineRow row_of(std::uint8_t number) {
    return number == static_cast<std::uint8_t>(OfflineRow::last_visit) ? OfflineRow::last_visit
                                                                       : OfflineRow::declaration;
}

template <class T>
Task<Result<Readable<T>>> read_kept(LocalStore& store, LocalKind kind,
                                    std::optional<T> (*unpack)(std::string_view, std::string_view)) {
    auto records = co_await store.read_all(kind);
    if (!records) co_return fail(std::move(records));
    Readable<T> kept;
    kept.unreadable = std::move(records->unreadable);
    for (auto& record : records->items) {
        auto item = unpack(record.key, record.content);
        if (item) kept.items.push_back(std::move(*item));
        if (!item) kept.unreadable.push_back({std::move(record.key), record.at, {}});
    }
    co_return kept;
}

}  // namespace

std::string_view to_string(OfflineRow row) {
    return row == OfflineRow::last_visit ? "last_visit" : "declaration";
}

std::string pack(const OfflineVisit& visit) {
    std::string text;
    ByteWriter writer(text);
    writer.u8(visit_form);
    writer.i64(visit.asked_at.us);
    writer.u8(static_cast<std::uint8_t>(visit.row));
    writer.text(visit.body);
    writer.text(visit.told);
    writer.text(visit.refused);
    writer.text(visit.first);
    return text;
}

std::optional<OfflineVisit> unpack_visit(std::string_view key, std::string_view bytes) {
    ByteReader reader(as_bytes(bytes));
    OfflineVisit visit;
    const std::uint8_t written = reader.u8();
    const bool known = written == visit_form || written == visit_form_without_first;
    visit.check_id = key;
    visit.asked_at = {reader.i64()};
    visit.row = row_of(reader.u8());
    visit.body = reader.text();
    visit.told = reader.text();
    visit.refused = reader.text();
    if (written == visit_form) visit.first = reader.text();
    if (!known || !reader.ok() || !reader.at_end()) return std::nullopt;
    return visit;
}

std::string pack(const VisitDifference& difference) {
    std::string text;
    ByteWriter writer(text);
    writer.u8(form);
    writer.i64(difference.asked_at.us);
    writer.u8(static_cast<std::uint8_t>(difference.row));
    writer.text(difference.receipt);
    writer.varint(difference.members.size());
    for (const auto& member : difference.members) writer.text(member);
    return text;
}

std::optional<VisitDifference> unpack_difference(std::string_view key, std::string_view bytes) {
    ByteReader reader(as_bytes(bytes));
    VisitDifference difference;
    const bool known = reader.u8() == form;
    difference.check_id = key;
    difference.asked_at = {reader.i64()};
    difference.row = row_of(reader.u8());
    difference.receipt = reader.text();
    const std::uint64_t count = reader.varint();
    if (!known || count > members_max) return std::nullopt;
    for (std::uint64_t i = 0; i < count; ++i) difference.members.emplace_back(reader.text());
    if (!reader.ok() || !reader.at_end()) return std::nullopt;
    return difference;
}

Task<Result<void>> keep_visit(LocalStore& store, const OfflineVisit& visit) {
    auto kept = co_await store.put(LocalKind::offline_visit, visit.check_id, pack(visit), visit.asked_at);
    co_return kept;
}

Task<Result<Readable<OfflineVisit>>> list_visits(LocalStore& store) {
    auto visits = co_await read_kept<OfflineVisit>(store, LocalKind::offline_visit, &unpack_visit);
    co_return visits;
}

Task<Result<Readable<VisitDifference>>> list_differences(LocalStore& store) {
    auto differences = co_await read_kept<VisitDifference>(store, LocalKind::difference, &unpack_difference);
    co_return differences;
}

Task<Result<void>> keep_difference(LocalStore& store, const VisitDifference& difference) {
    auto kept = co_await store.put(LocalKind::difference, difference.check_id, pack(difference), difference.asked_at);
    co_return kept;
}

Task<Result<void>> close_visit(LocalStore& store, const OfflineVisit& visit,
                               const std::optional<VisitDifference>& difference) {
    if (difference) {
        auto kept = co_await keep_difference(store, *difference);
        if (!kept) co_return kept;
    }
    auto removed = co_await store.remove(LocalKind::offline_visit, visit.check_id);
    co_return removed;
}

Task<Result<bool>> forget_visit(LocalStore& store, std::string check_id) {
    for (const LocalKind kind : {LocalKind::offline_visit, LocalKind::difference, LocalKind::deferred}) {
        auto found = co_await store.find(kind, check_id);
        const bool closed = !found && found.error().code == ErrorCode::secret_not_authentic;
        if (!found && !closed) co_return fail(std::move(found));
        if (found && !*found) continue;
        // A look-up that can be read is made up for, and needs nobody.
        if (kind == LocalKind::deferred && found && unpack_deferred((*found)->content, (*found)->at)) continue;
        auto removed = co_await store.remove(kind, check_id);
        if (!removed) co_return fail(std::move(removed));
        co_return true;
    }
    co_return false;
}

Task<Result<void>> keep_last_visit(LocalStore& store, std::string_view card, std::string answer, Instant now) {
    std::string key = store.tag(LocalKind::last_visit, card);
    auto kept = co_await store.put(LocalKind::last_visit, std::move(key), std::move(answer), now);
    co_return kept;
}

Task<Result<void>> forget_last_visit(LocalStore& store, std::string_view card) {
    std::string key = store.tag(LocalKind::last_visit, card);
    auto removed = co_await store.remove(LocalKind::last_visit, std::move(key));
    co_return removed;
}

Task<Result<std::optional<std::string>>> find_last_visit(LocalStore& store, std::string_view card, Instant since) {
    std::string key = store.tag(LocalKind::last_visit, card);
    auto found = co_await store.find(LocalKind::last_visit, std::move(key));
    if (!found) co_return fail(std::move(found));
    if (!*found || (*found)->at < since) co_return std::optional<std::string>();
    co_return std::optional<std::string>(std::move((*found)->content));
}

}  // namespace onshi::terminal
