#include "terminal/offline_visits.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "platform/event_loop/event_loop.h"
#include "terminal/deferred.h"
#include "terminal/local_check.h"

namespace onshi::terminal {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;

constexpr Instant t0{1'800'000'000'000'000};

class OfflineVisitsTest : public testing::Test {
  protected:
    OfflineVisitsTest() {
        std::string name = (fs::temp_directory_path() / "onshi-visits-XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
        auto opened = LocalStore::open(folder_ / "store", folder_ / "key", random_);
        EXPECT_TRUE(opened);
        store_ = std::move(*opened);
    }
    ~OfflineVisitsTest() override {
        store_.reset();
        fs::remove_all(folder_);
    }
    static OfflineVisit visit(const char* id) {
        return {id, t0, OfflineRow::last_visit, R"({"check_id":"x"})", R"({"result":{}})", ""};
    }
    fs::path folder_;
    SystemRandom random_;
    std::unique_ptr<LocalStore> store_;
};

TEST_F(OfflineVisitsTest, a_visit_comes_back_as_it_was_kept) {
    OfflineVisit kept = visit("a");
    kept.refused = "card.suspended";
    kept.first = R"({"check_id":"y"})";
    ASSERT_TRUE(run_to_end(keep_visit(*store_, kept)));
    const auto listed = run_to_end(list_visits(*store_));
    ASSERT_TRUE(listed);
    ASSERT_EQ(listed->items.size(), 1U);
    EXPECT_TRUE(listed->unreadable.empty());
    const OfflineVisit& found = listed->items.front();
    EXPECT_EQ(found.check_id, "a");
    EXPECT_EQ(found.asked_at, t0);
    EXPECT_EQ(found.row, OfflineRow::last_visit);
    EXPECT_EQ(found.body, kept.body);
    EXPECT_EQ(found.told, kept.told);
    EXPECT_EQ(found.refused, "card.suspended");
    EXPECT_EQ(found.first, kept.first);
}

TEST_F(OfflineVisitsTest, closing_keeps_what_differs_until_somebody_has_seen_to_it) {
    ASSERT_TRUE(run_to_end(keep_visit(*store_, visit("a"))));
    ASSERT_TRUE(run_to_end(keep_visit(*store_, visit("b"))));
    ASSERT_TRUE(run_to_end(close_visit(*store_, visit("a"), std::nullopt)));
    const VisitDifference difference{"b", t0, OfflineRow::last_visit, {"insurer", "copay_percent"}, "7Q4M-2XKD-9"};
    ASSERT_TRUE(run_to_end(close_visit(*store_, visit("b"), difference)));
    EXPECT_TRUE(run_to_end(list_visits(*store_))->items.empty());
    const auto differences = run_to_end(list_differences(*store_));
    ASSERT_EQ(differences->items.size(), 1U);
    EXPECT_EQ(differences->items.front().check_id, "b");
    EXPECT_EQ(differences->items.front().members, difference.members);
    EXPECT_EQ(differences->items.front().receipt, "7Q4M-2XKD-9");
    EXPECT_TRUE(*run_to_end(forget_visit(*store_, "b")));
    EXPECT_FALSE(*run_to_end(forget_visit(*store_, "b")));
    EXPECT_TRUE(run_to_end(list_differences(*store_))->items.empty());
}

TEST_F(OfflineVisitsTest, the_last_visit_is_found_by_its_card_while_it_is_young_enough) {
    ASSERT_TRUE(run_to_end(keep_last_visit(*store_, "card-1", "answer", t0)));
    EXPECT_EQ(*run_to_end(find_last_visit(*store_, "card-1", t0)), std::optional<std::string>("answer"));
    EXPECT_EQ(*run_to_end(find_last_visit(*store_, "card-1", t0 + hours(1))), std::nullopt);
    EXPECT_EQ(*run_to_end(find_last_visit(*store_, "card-2", t0)), std::nullopt);
    ASSERT_TRUE(run_to_end(forget_last_visit(*store_, "card-1")));
    EXPECT_EQ(*run_to_end(find_last_visit(*store_, "card-1", t0)), std::nullopt);
}

// Each stands for a patient who was served: nobody may lose one because it is of another form or under another key.
TEST_F(OfflineVisitsTest, what_cannot_be_read_is_told_and_kept_until_somebody_has_seen_to_it) {
    ASSERT_TRUE(run_to_end(keep_visit(*store_, visit("a"))));
    ASSERT_TRUE(run_to_end(store_->put(LocalKind::offline_visit, "older", "another form", t0)));
    ASSERT_TRUE(run_to_end(store_->put(LocalKind::difference, "cut", "x", t0 + hours(1))));
    ASSERT_TRUE(run_to_end(store_->put(LocalKind::deferred, "look-up", "y", t0 + hours(2))));
    const auto visits = run_to_end(list_visits(*store_));
    ASSERT_EQ(visits->items.size(), 1U);
    ASSERT_EQ(visits->unreadable.size(), 1U);
    EXPECT_EQ(visits->unreadable.front().key, "older");
    EXPECT_EQ(visits->unreadable.front().at, t0);
    EXPECT_EQ(run_to_end(list_differences(*store_))->unreadable.size(), 1U);
    EXPECT_EQ(run_to_end(open_deferred(*store_))->unreadable.size(), 1U);
    EXPECT_EQ(run_to_end(unreadable_records(*store_))->size(), 3U);
    for (const char* key : {"older", "cut", "look-up"}) EXPECT_TRUE(*run_to_end(forget_visit(*store_, key))) << key;
    EXPECT_TRUE(run_to_end(unreadable_records(*store_))->empty());
    EXPECT_EQ(run_to_end(list_visits(*store_))->items.size(), 1U);
}

TEST_F(OfflineVisitsTest, records_under_another_key_are_counted_by_kind) {
    ASSERT_TRUE(run_to_end(keep_visit(*store_, visit("a"))));
    ASSERT_TRUE(run_to_end(keep_last_visit(*store_, "card-1", "answer", t0)));
    store_.reset();
    auto opened = LocalStore::open(folder_ / "store", folder_ / "another-key", random_);
    ASSERT_TRUE(opened);
    store_ = std::move(*opened);
    const auto unreadable = run_to_end(unreadable_records(*store_));
    ASSERT_EQ(unreadable->size(), 2U);
    EXPECT_EQ(unreadable->at(0).kind, LocalKind::offline_visit);
    EXPECT_EQ(unreadable->at(0).key, "a");
    EXPECT_EQ(unreadable->at(1).kind, LocalKind::last_visit);
    EXPECT_TRUE(*run_to_end(forget_visit(*store_, "a")));
}

// A look-up that can be read is made up for by itself; taking it off by hand would lose it.
TEST_F(OfflineVisitsTest, a_deferred_look_up_that_can_be_read_stays) {
    DeferredCheck check;
    check.suffix = "1";
    check.bytes = "<XmlMsg/>";
    check.asked_at = t0;
    ASSERT_TRUE(run_to_end(store_->put(LocalKind::deferred, "look-up", pack(check), t0)));
    EXPECT_FALSE(*run_to_end(forget_visit(*store_, "look-up")));
    EXPECT_EQ(run_to_end(open_deferred(*store_))->items.size(), 1U);
}

// A terminal is replaced while visits are open: none of them is lost.
TEST(OfflineVisits, those_of_the_form_before_are_read) {
    std::string packed;
    ByteWriter writer(packed);
    writer.u8(1);
    writer.i64(t0.us);
    writer.u8(1);
    for (const char* text : {"body", "told", ""}) writer.text(text);
    const auto visit = unpack_visit("a", packed);
    ASSERT_TRUE(visit);
    EXPECT_EQ(visit->body, "body");
    EXPECT_EQ(visit->told, "told");
    EXPECT_EQ(visit->row, OfflineRow::last_visit);
    EXPECT_TRUE(visit->first.empty());
}

// What another version wrote, or what is cut off, is no visit.
TEST(OfflineVisits, bytes_of_another_form_are_refused) {
    const OfflineVisit visit{"a", t0, OfflineRow::declaration, "body", "told", ""};
    const std::string packed = pack(visit);
    for (std::size_t size = 0; size < packed.size(); ++size) EXPECT_FALSE(unpack_visit("a", packed.substr(0, size)));
    EXPECT_FALSE(unpack_visit("a", packed + "x"));
    EXPECT_TRUE(unpack_visit("a", packed));
    const std::string difference = pack(VisitDifference{"a", t0, OfflineRow::declaration, {"result"}, "r"});
    for (std::size_t size = 0; size < difference.size(); ++size)
        EXPECT_FALSE(unpack_difference("a", difference.substr(0, size)));
    EXPECT_TRUE(unpack_difference("a", difference));
}

}  // namespace
}  // namespace onshi::terminal
