#include "domain/coverage/rules_documents.h"

#include <gtest/gtest.h>

namespace onshi::coverage {
namespace {

using Use = DocumentUse;
using Cause = DocumentCause;

const InsurerNumber society = *InsurerNumber::parse("06139463");
const InsurerNumber municipality = *InsurerNumber::parse("138057");
const InsurerNumber elderly = *InsurerNumber::parse("39130000");

Document card(InsurerNumber insurer, std::optional<Date> expiry = std::nullopt) {
    return {.kind = DocumentKind::insurance_card,
            .insurer = insurer,
            .issued_on = Date::of(2023, 4, 1),
            .printed_expiry = expiry,
            .covered_from = Date::of(2023, 4, 1),
            .changed_on = std::nullopt};
}

struct Row {
    Date day;
    Use use;
    Cause cause;
};

void expect_days(const Document& document, std::initializer_list<Row> rows) {
    for (const Row& row : rows) {
        SCOPED_TRACE(to_iso(row.day));
        const auto verdict = check_document(document, row.day);
        EXPECT_EQ(verdict.use, row.use);
        EXPECT_EQ(verdict.cause, row.cause);
    }
}

// OC-2, OC-4, OC-5: every day on which something changes, and the day before it.
TEST(insurance_card, of_an_employee_ends_with_all_cards_and_is_tolerated_for_four_months) {
    expect_days(card(society), {{Date::of(2023, 3, 31), Use::not_enough, Cause::not_begun},
                                {Date::of(2023, 4, 1), Use::enough, Cause::valid},
                                {Date::of(2024, 12, 2), Use::enough, Cause::valid},
                                {Date::of(2025, 12, 1), Use::enough, Cause::valid},
                                {Date::of(2025, 12, 2), Use::if_number_checked, Cause::expired},
                                {Date::of(2026, 3, 31), Use::if_number_checked, Cause::expired},
                                {Date::of(2026, 4, 1), Use::not_enough, Cause::expired}});
    // A later printed day does not help.
    expect_days(card(society, Date::of(2027, 3, 31)),
                {{Date::of(2025, 12, 1), Use::enough, Cause::valid},
                 {Date::of(2025, 12, 2), Use::if_number_checked, Cause::abolished},
                 {Date::of(2026, 4, 1), Use::not_enough, Cause::abolished}});
    // One that ran out before the tolerance began was nothing until then.
    expect_days(card(society, Date::of(2025, 9, 30)),
                {{Date::of(2025, 9, 30), Use::enough, Cause::valid},
                 {Date::of(2025, 10, 1), Use::not_enough, Cause::expired},
                 {Date::of(2025, 12, 1), Use::not_enough, Cause::expired},
                 {Date::of(2025, 12, 2), Use::if_number_checked, Cause::expired}});
}

TEST(insurance_card, of_a_municipality_ends_in_july_and_is_tolerated_from_august) {
    for (const InsurerNumber insurer : {municipality, elderly}) {
        expect_days(card(insurer), {{Date::of(2025, 7, 31), Use::enough, Cause::valid},
                                    {Date::of(2025, 8, 1), Use::if_number_checked, Cause::expired},
                                    {Date::of(2026, 3, 31), Use::if_number_checked, Cause::expired},
                                    {Date::of(2026, 4, 1), Use::not_enough, Cause::expired}});
    }
    // Some municipalities' cards ran to the last day of all.
    expect_days(card(municipality, Date::of(2025, 12, 1)),
                {{Date::of(2025, 12, 1), Use::enough, Cause::valid},
                 {Date::of(2025, 12, 2), Use::if_number_checked, Cause::expired}});
}

TEST(insurance_card, was_issued_until_the_first_of_december_2024) {
    Document last = card(society);
    last.issued_on = Date::of(2024, 12, 1);
    last.covered_from = last.issued_on;
    EXPECT_EQ(check_document(last, Date::of(2024, 12, 1)).use, Use::enough);
    last.issued_on = Date::of(2024, 12, 2);
    EXPECT_EQ(check_document(last, Date::of(2024, 12, 2)), (DocumentVerdict{Use::not_enough, Cause::never_issued}));
}

TEST(insurance_card, ends_with_its_coverage_and_with_a_change) {
    Document lost = card(society);
    lost.covered_to = Date::of(2025, 3, 31);
    expect_days(lost, {{Date::of(2025, 3, 31), Use::enough, Cause::valid},
                       {Date::of(2025, 4, 1), Use::not_enough, Cause::coverage_lost},
                       {Date::of(2025, 12, 2), Use::not_enough, Cause::coverage_lost}});
    Document renamed = card(society);
    renamed.changed_on = Date::of(2025, 3, 1);
    expect_days(renamed, {{Date::of(2025, 2, 28), Use::enough, Cause::valid},
                          {Date::of(2025, 3, 1), Use::not_enough, Cause::changed}});
}

TEST(certificate, is_enough_alone_for_at_most_five_years) {
    Document paper{.kind = DocumentKind::certificate,
                   .insurer = society,
                   .issued_on = Date::of(2025, 12, 2),
                   .printed_expiry = Date::of(2030, 12, 2),
                   .covered_from = Date::of(2020, 4, 1),
                   .changed_on = std::nullopt};
    expect_days(paper, {{Date::of(2025, 12, 1), Use::not_enough, Cause::not_begun},
                        {Date::of(2025, 12, 2), Use::enough, Cause::valid},
                        {Date::of(2030, 12, 2), Use::enough, Cause::valid},
                        {Date::of(2030, 12, 3), Use::not_enough, Cause::expired}});
    paper.printed_expiry = Date::of(2030, 12, 3);
    EXPECT_EQ(check_document(paper, Date::of(2026, 1, 1)).cause, Cause::never_issued);
    paper.printed_expiry = std::nullopt;
    EXPECT_EQ(check_document(paper, Date::of(2026, 1, 1)).cause, Cause::never_issued);
    // Of the late-elderly: from 1 August to 31 July.
    paper.insurer = elderly;
    paper.issued_on = Date::of(2025, 8, 1);
    paper.printed_expiry = Date::of(2026, 7, 31);
    expect_days(paper, {{Date::of(2026, 7, 31), Use::enough, Cause::valid},
                        {Date::of(2026, 8, 1), Use::not_enough, Cause::expired}});
}

TEST(notice, counts_with_the_card_and_alone_only_while_that_was_tolerated) {
    Document notice{.kind = DocumentKind::notice,
                    .insurer = society,
                    .issued_on = Date::of(2024, 12, 2),
                    .printed_expiry = std::nullopt,
                    .covered_from = Date::of(2020, 4, 1),
                    .changed_on = std::nullopt};
    expect_days(notice, {{Date::of(2025, 12, 1), Use::with_card, Cause::needs_card},
                         {Date::of(2025, 12, 2), Use::if_number_checked, Cause::needs_card},
                         {Date::of(2026, 3, 31), Use::if_number_checked, Cause::needs_card},
                         {Date::of(2026, 4, 1), Use::with_card, Cause::needs_card}});
    notice.insurer = municipality;
    expect_days(notice, {{Date::of(2025, 7, 31), Use::with_card, Cause::needs_card},
                         {Date::of(2025, 8, 1), Use::if_number_checked, Cause::needs_card}});
}

// ---- Who needs which paper ------------------------------------------------------------------------------------------

MeansFacts registered_person(InsurerNumber insurer = society) {
    return {.insurer = insurer,
            .has_card = true,
            .registered = true,
            .card_usable_to = Date::of(2028, 6, 30),
            .certificate_from = std::nullopt,
            .certificate_to = {}};
}

TEST(paper, is_a_certificate_for_whoever_cannot_use_a_card) {
    const Date day = Date::of(2026, 11, 23);
    const auto need = [&](auto change) {
        MeansFacts facts = registered_person();
        change(facts);
        return paper_needed(facts, day);
    };
    const auto certificate = [](PaperReason reason) { return PaperNeed{Paper::certificate, reason}; };
    EXPECT_EQ(need([](auto&) {}), (PaperNeed{Paper::notice, PaperReason::registered}));
    EXPECT_EQ(need([](auto& f) { f.has_card = false; }), certificate(PaperReason::no_card));
    EXPECT_EQ(need([](auto& f) { f.registered = false; }), certificate(PaperReason::not_registered));
    EXPECT_EQ(need([](auto& f) { f.cancelled = true; }), certificate(PaperReason::registration_cancelled));
    EXPECT_EQ(need([&](auto& f) { f.card_usable_to = day.plus_days(-1); }),
              certificate(PaperReason::certificate_expired));
    EXPECT_EQ(need([&](auto& f) { f.card_usable_to = day; }).paper, Paper::notice);
    EXPECT_EQ(need([](auto& f) { f.self_information_blocked = true; }), certificate(PaperReason::protected_person));
    EXPECT_EQ(need([](auto& f) { f.record_withheld = true; }), certificate(PaperReason::withheld));
    EXPECT_EQ(need([](auto& f) { f.support_needed = true; }), certificate(PaperReason::support_needed));
}

TEST(paper, of_the_late_elderly_is_a_certificate_until_july_2026) {
    EXPECT_EQ(paper_needed(registered_person(elderly), Date::of(2026, 7, 31)).reason,
              PaperReason::late_elderly_interim);
    EXPECT_EQ(paper_needed(registered_person(elderly), Date::of(2026, 8, 1)).paper, Paper::notice);
    EXPECT_EQ(paper_needed(registered_person(society), Date::of(2026, 7, 31)).paper, Paper::notice);
}

// QC-1 over every combination: whoever is sent the paper that is needed has a usable means that day.
TEST(means, are_there_for_everybody_who_gets_the_paper_that_is_needed) {
    const Date day = Date::of(2026, 11, 23);
    for (unsigned bits = 0; bits < 256; ++bits) {
        MeansFacts facts = registered_person((bits & 128U) != 0 ? elderly : society);
        facts.has_card = (bits & 1U) != 0;
        facts.registered = (bits & 2U) != 0;
        facts.cancelled = (bits & 4U) != 0;
        facts.self_information_blocked = (bits & 8U) != 0;
        facts.record_withheld = (bits & 16U) != 0;
        facts.support_needed = (bits & 32U) != 0;
        facts.card_usable_to = (bits & 64U) != 0 ? day : day.plus_days(-1);
        SCOPED_TRACE(bits);
        const PaperNeed need = paper_needed(facts, day);
        EXPECT_EQ(has_usable_means(facts, day), card_is_usable(facts, day)) << "nothing was sent yet";
        // A notice goes to those only whose card works by itself.
        if (need.paper == Paper::notice) {
            EXPECT_TRUE(card_is_usable(facts, day));
            continue;
        }
        ASSERT_EQ(need.paper, Paper::certificate);
        facts.certificate_from = day;
        facts.certificate_to = day;
        EXPECT_TRUE(has_usable_means(facts, day));
        EXPECT_EQ(has_usable_means(facts, day.plus_days(1)), card_is_usable(facts, day.plus_days(1)));
    }
}

}  // namespace
}  // namespace onshi::coverage
