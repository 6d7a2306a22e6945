// error.h, result.h, texts.h, secret_bytes.h, time.h, random.h.
#include <array>
#include <cstdlib>
#include <set>
#include <string>
#include <sys/wait.h>
#include <type_traits>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "base/texts.h"
#include "base/texts_table.h"
#include "base/time.h"

namespace onshi::small_parts_test {

TEST(ErrorCatalogue, finds_every_code_by_its_name_and_back) {
    for (std::uint16_t i = 0; i < error_code_count; ++i) {
        const auto code = static_cast<ErrorCode>(i);
        const ErrorEntry* entry = find_error(error_name(code));
        ASSERT_NE(entry, nullptr) << i;
        EXPECT_EQ(entry->code, code);
        EXPECT_GE(entry->http_status, 400);
        EXPECT_LE(entry->http_status, 599);
        EXPECT_NE(entry->name.find('.'), std::string_view::npos);
    }
    EXPECT_EQ(find_error("no.such_code"), nullptr);
    EXPECT_EQ(find_error(""), nullptr);
}

TEST(ErrorCatalogue, has_a_sentence_for_everybody_in_every_language) {
    for (std::uint16_t i = 0; i < error_code_count; ++i) {
        for (const Audience audience : {Audience::patient, Audience::clerk, Audience::vendor}) {
            for (const Language language : {Language::ja, Language::en}) {
                const auto sentence = find_text(language, error_name(static_cast<ErrorCode>(i)), audience);
                ASSERT_TRUE(sentence) << error_name(static_cast<ErrorCode>(i));
                EXPECT_FALSE(sentence->empty());
            }
        }
    }
}

TEST(Contracts, have_fresh_generated_sources) {
    EXPECT_EQ(std::system("python3 " ONSHI_SOURCE_DIR "/tools/generate_contracts.py --check"), 0);
}

TEST(Error, takes_its_retry_advice_from_the_catalogue) {
    const Error error(ErrorCode::store_unavailable, "no connection within 200 ms");
    EXPECT_EQ(error.retry_after_ms, catalogue_entry(ErrorCode::store_unavailable).retry_after_ms);
    EXPECT_GT(error.retry_after_ms, 0U);
    EXPECT_TRUE(error.fields.empty());
    EXPECT_EQ(to_string(Retry::never), "never");
    EXPECT_EQ(to_string(Retry::after_change), "after_change");
    EXPECT_EQ(to_string(Retry::after_backoff), "after_backoff");
    EXPECT_EQ(to_string(Retry::now), "now");
}

TEST(Result, hands_an_error_on_with_its_place) {
    const auto inner = []() -> Result<int> { return fail(ErrorCode::store_full, "disk"); };
    const auto outer = [&]() -> Result<std::string> {
        auto value = inner();
        if (!value) return fail(std::move(value));
        return std::to_string(*value);
    };
    const auto result = outer();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::store_full);
    EXPECT_EQ(result.error().detail, "disk");
    EXPECT_NE(std::string_view(result.error().where.file_name()).find("small_parts_test.cpp"), std::string_view::npos);
}

TEST(Texts, are_sorted_so_that_they_can_be_found) {
    const auto table = text_table();
    for (std::size_t i = 1; i < table.size(); ++i) {
        const bool sorted = table[i - 1].key < table[i].key ||
                            (table[i - 1].key == table[i].key && table[i - 1].audience < table[i].audience);
        EXPECT_TRUE(sorted) << table[i].key;
    }
    EXPECT_FALSE(find_text(Language::ja, "no.such_text", Audience::clerk));
    EXPECT_FALSE(find_text(Language::ja, "label.since", Audience::patient));
    EXPECT_EQ(find_text(Language::en, "label.since", Audience::label), "since");
}

TEST(Texts, are_filled_with_their_parameters) {
    EXPECT_EQ(fill_text("eligible on {day}", {{"day", "2026-11-23"}}), "eligible on 2026-11-23");
    EXPECT_EQ(fill_text("{a}{b}{a}", {{"a", "x"}, {"b", ""}}), "xx");
    EXPECT_EQ(fill_text("{unknown} stays", {{"day", "x"}}), "{unknown} stays");
    EXPECT_EQ(fill_text("open { end", {{"day", "x"}}), "open { end");
    EXPECT_EQ(fill_text("", {}), "");
    // A value is never read as a template.
    EXPECT_EQ(fill_text("{a}", {{"a", "{b}"}, {"b", "no"}}), "{b}");
}

TEST(Texts, choose_japanese_for_japanese_locales_only) {
    for (const std::string_view locale : {"ja", "ja_JP", "ja_JP.UTF-8", "ja-JP", "ja.UTF-8", "ja@cjk"}) {
        EXPECT_EQ(language_of_locale(locale), Language::ja) << locale;
    }
    for (const std::string_view locale : {"", "C", "C.UTF-8", "en_US.UTF-8", "jam", "jam_JM", "jv_ID"}) {
        EXPECT_EQ(language_of_locale(locale), Language::en) << locale;
    }
}

TEST(SecretBytes, cannot_be_copied) {
    EXPECT_FALSE(std::is_copy_constructible_v<SecretBytes>);
    EXPECT_FALSE(std::is_copy_assignable_v<SecretBytes>);
}

TEST(SecretBytes, takes_the_callers_copy_away) {
    std::string pin = "1234";
    const char* const place = pin.data();
    const SecretBytes secret = SecretBytes::take(pin);
    EXPECT_TRUE(pin.empty());
    // A short string lives in the object itself, so its old place can still be looked at.
    EXPECT_EQ(std::string_view(place + 1, 3), std::string_view("\0\0\0", 3));
    const std::array<std::uint8_t, 4> expected{'1', '2', '3', '4'};
    EXPECT_TRUE(secret.equals(expected));
}

TEST(SecretBytes, move_and_compare) {
    const std::array<std::uint8_t, 3> key{1, 2, 3};
    const std::array<std::uint8_t, 3> other{1, 2, 4};
    SecretBytes a{key};
    EXPECT_TRUE(a.equals(key));
    EXPECT_FALSE(a.equals(other));
    EXPECT_FALSE(a.equals(std::span(key).first(2)));
    EXPECT_FALSE(a.equals({}));
    const SecretBytes copy = a.clone();
    SecretBytes b{other};
    b = std::move(a);
    EXPECT_TRUE(b.equals(key));
    EXPECT_TRUE(copy.equals(key));
    EXPECT_TRUE(a.empty());  // NOLINT: a moved-from secret holds nothing
    SecretBytes& same = b;
    b = std::move(same);
    EXPECT_TRUE(b.equals(key));
    EXPECT_TRUE(SecretBytes().equals({}));
}

TEST(ManualClock, stands_still_until_it_is_moved) {
    ManualClock clock({1'000});
    EXPECT_EQ(clock.now(), clock.now());
    clock.advance(std::chrono::microseconds(5));
    EXPECT_EQ(clock.now().us, 1'005);
    clock.set({7});
    EXPECT_EQ(clock.now().us, 7);
}

TEST(SystemClock, goes_forward_with_the_wall_clock) {
    const SystemClock clock;
    const Instant first = clock.now();
    const Instant second = clock.now();
    EXPECT_LE(first, second);
    EXPECT_GT(first.us, 1'700'000'000'000'000);
    // Nobody steps the clock during a test; a second is far more than reading it takes.
    EXPECT_LT(clock.step(), std::chrono::seconds(1));
    EXPECT_GT(clock.step(), -std::chrono::seconds(1));
}

TEST(Deadline, has_passed_once_its_time_has_come) {
    EXPECT_TRUE(Deadline::in(std::chrono::milliseconds(-1)).passed());
    EXPECT_FALSE(Deadline::in(std::chrono::hours(1)).passed());
}

TEST(SeededRandom, gives_the_same_bytes_for_the_same_seed) {
    std::array<std::uint8_t, 13> a{};
    std::array<std::uint8_t, 13> b{};
    std::array<std::uint8_t, 13> c{};
    SeededRandom(7).fill(a);
    SeededRandom(7).fill(b);
    SeededRandom(8).fill(c);
    EXPECT_EQ(a, b);
    EXPECT_NE(a, c);
}

TEST(SystemRandom, does_not_repeat_itself) {
    SystemRandom random;
    std::set<std::array<std::uint8_t, 16>> seen;
    for (int i = 0; i < 100; ++i) {
        std::array<std::uint8_t, 16> bytes{};
        random.fill(bytes);
        seen.insert(bytes);
    }
    EXPECT_EQ(seen.size(), 100U);
}

// More than one stock of small pieces, and pieces that do not fill it evenly.
TEST(SystemRandom, gives_every_byte_of_its_stock_once) {
    SystemRandom random;
    for (const std::size_t size : {9U, 12U, 16U, 17U, 32U}) {
        std::set<std::string> seen;
        for (int i = 0; i < 1000; ++i) {
            std::string bytes(size, '\0');
            random.fill({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
            seen.insert(std::move(bytes));
        }
        EXPECT_EQ(seen.size(), 1000U) << size;
    }
}

TEST(SystemRandom, gives_a_child_process_other_bytes_than_its_parent) {
    using Drawn = std::array<std::uint8_t, 16>;
    SystemRandom random;
    Drawn before{};
    random.fill(before);  // the stock is filled
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe(ends.data()), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    Drawn drawn{};
    random.fill(drawn);
    if (child == 0) {
        const bool written = write(ends[1], drawn.data(), drawn.size()) == static_cast<ssize_t>(drawn.size());
        _exit(written ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    Drawn of_child{};
    EXPECT_EQ(read(ends[0], of_child.data(), of_child.size()), static_cast<ssize_t>(of_child.size()));
    EXPECT_NE(of_child, drawn);
    close(ends[0]);
    close(ends[1]);
}

}  // namespace onshi::small_parts_test
