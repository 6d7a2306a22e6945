// The core of a calculation asks the heap for nothing: whole nations are settled with it. The test program's own
// operator new counts.
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "domain/payments/rules.h"

namespace {

thread_local std::size_t allocations = 0;

void* count_and_allocate(std::size_t size) {
    ++allocations;
    void* memory = std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

}  // namespace

void* operator new(std::size_t size) {
    return count_and_allocate(size);
}
void* operator new[](std::size_t size) {
    return count_and_allocate(size);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete[](void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace onshi::payments {
namespace {

TEST(allocation, claims_households_and_refusals_ask_the_heap_for_nothing) {
    const Tables& tables = builtin_tables();
    Claim claim;
    claim.care_month = Date::of(2026, 11, 1);
    claim.limit_class = {Category::u70_u, 0};
    claim.ratio = Percent::of(30);
    claim.part_count = 3;
    claim.parts[0].cost = Yen(1'000'000);
    claim.parts[1] = {.cost = Yen(600'000), .payer_count = 2};
    claim.parts[1].payers[0] = {83, Yen(500)};
    claim.parts[1].payers[1] = {54, Yen(5'000)};
    claim.parts[2] = {.cost = Yen(100'000), .payer_count = 1};
    claim.parts[2].payers[0] = {54, Yen(5'000)};  // the same cap in two parts: they are put in order
    Claim impossible = claim;
    impossible.parts[1].payers[0].cap.reset();
    Household household;
    household.care_month = claim.care_month;
    household.limit_class = claim.limit_class;
    household.item_count = 1;
    household.items[0] = {.person = 1, .band = Band::over70, .cost = Yen(900'000), .ratio = Percent::of(30)};
    Steps steps;
    const std::size_t before = allocations;
    const bool good = evaluate_claim(claim, tables, &steps).has_value();
    const bool refused = !evaluate_claim(impossible, tables).has_value();
    const bool aggregated = evaluate_household(household, tables, &steps).has_value();
    const std::size_t after = allocations;
    EXPECT_TRUE(good && refused && aggregated);
    EXPECT_EQ(after, before);
}

}  // namespace
}  // namespace onshi::payments
