#include "terminal/local_store.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "platform/event_loop/event_loop.h"

namespace onshi::terminal {
namespace {

namespace fs = std::filesystem;

class LocalStoreTest : public testing::Test {
  protected:
    LocalStoreTest() {
        std::string name = (fs::temp_directory_path() / "onshi-local-XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
        open();
    }
    ~LocalStoreTest() override {
        store_.reset();
        fs::remove_all(folder_);
    }
    void open() {
        store_.reset();
        auto opened = LocalStore::open(folder_ / "store", folder_ / "key", random_);
        ASSERT_TRUE(opened) << error_name(opened.error().code);
        store_ = std::move(*opened);
    }
    void put(LocalKind kind, const char* key, const char* content, std::int64_t at) {
        EXPECT_TRUE(run_to_end(store_->put(kind, key, content, Instant{at})));
    }
    std::string keys(LocalKind kind) {
        auto records = run_to_end(store_->list(kind));
        std::string text;
        if (!records) return "failed";
        for (const auto& record : *records) text += record.key + "=" + record.content + " ";
        return text;
    }
    fs::path folder_;
    SystemRandom random_;
    std::unique_ptr<LocalStore> store_;
};

TEST_F(LocalStoreTest, records_are_found_again_after_a_new_start) {
    put(LocalKind::deferred, "b", "two", 2);
    put(LocalKind::deferred, "a", "one", 1);
    put(LocalKind::reception, "a", "other", 1);
    open();
    EXPECT_EQ(keys(LocalKind::deferred), "a=one b=two ");
    const auto found = run_to_end(store_->find(LocalKind::deferred, "b"));
    ASSERT_TRUE(found && *found);
    EXPECT_EQ((*found)->content, "two");
    EXPECT_EQ((*found)->at, Instant{2});
    EXPECT_FALSE(*run_to_end(store_->find(LocalKind::deferred, "c")));
}

TEST_F(LocalStoreTest, a_key_holds_what_was_written_last_until_it_is_removed) {
    put(LocalKind::deferred, "a", "one", 1);
    put(LocalKind::deferred, "a", "two", 3);
    EXPECT_EQ(keys(LocalKind::deferred), "a=two ");
    EXPECT_TRUE(run_to_end(store_->remove(LocalKind::deferred, "a")));
    EXPECT_TRUE(run_to_end(store_->remove(LocalKind::deferred, "a"))) << "twice is once";
    EXPECT_EQ(keys(LocalKind::deferred), "");
}

TEST_F(LocalStoreTest, old_records_of_one_kind_go) {
    put(LocalKind::last_visit, "a", "one", 1);
    put(LocalKind::last_visit, "b", "two", 2);
    put(LocalKind::deferred, "a", "kept", 1);
    EXPECT_TRUE(run_to_end(store_->remove_older(LocalKind::last_visit, Instant{2})));
    EXPECT_EQ(keys(LocalKind::last_visit), "b=two ");
    EXPECT_EQ(keys(LocalKind::deferred), "a=kept ");
}

TEST_F(LocalStoreTest, lists_are_read_in_pieces) {
    std::size_t expected = 0;
    for (int i = 0; i < 1'001; ++i) {
        put(LocalKind::reference, std::to_string(i).c_str(), "x", i / 100);
        ++expected;
    }
    const auto records = run_to_end(store_->list(LocalKind::reference));
    ASSERT_TRUE(records);
    EXPECT_EQ(records->size(), expected);
}

TEST_F(LocalStoreTest, nothing_readable_lies_on_the_disk) {
    put(LocalKind::last_visit, store_->tag(LocalKind::last_visit, "秘密の鍵").c_str(), "秘密の内容 SECRET-CONTENT", 1);
    store_->close();
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "store")) {
        std::ifstream in(entry.path(), std::ios::binary);
        std::ostringstream text;
        text << in.rdbuf();
        EXPECT_EQ(text.str().find("SECRET-CONTENT"), std::string::npos) << entry.path();
        EXPECT_EQ(text.str().find("秘密"), std::string::npos) << entry.path();
    }
}

TEST_F(LocalStoreTest, another_key_opens_nothing) {
    put(LocalKind::deferred, "a", "one", 1);
    store_.reset();
    fs::remove(folder_ / "key");
    open();
    EXPECT_EQ(keys(LocalKind::deferred), "");
    EXPECT_EQ(run_to_end(store_->find(LocalKind::deferred, "a")).error().code, ErrorCode::secret_not_authentic);
}

TEST_F(LocalStoreTest, tags_differ_by_kind_and_text) {
    EXPECT_EQ(store_->tag(LocalKind::reference, "a"), store_->tag(LocalKind::reference, "a"));
    EXPECT_NE(store_->tag(LocalKind::reference, "a"), store_->tag(LocalKind::reference, "b"));
    EXPECT_NE(store_->tag(LocalKind::reference, "a"), store_->tag(LocalKind::deferred, "a"));
}

}  // namespace
}  // namespace onshi::terminal
