#include "domain/eligibility/subsidies.h"

#include <algorithm>

#include "base/bytes.h"
#include "domain/audit/chain.h"
#include "domain/audit/store.h"
#include "domain/payments/store.h"

namespace onshi::eligibility {

namespace {

using payments::BookPage;
using payments::BookPlace;
using payments::SubsidyCertificate;
using payments::Yen;

constexpr int prefecture_divisor = 100'000'000;  // of a facility code's ten digits

std::uint64_t bit_of(int offer) {
    return std::uint64_t{1} << static_cast<unsigned>(offer - 1);
}

Sha256 digest_of(const PaymentToPost& payment, audit::Place answer) {
    std::string text = "onshi-payment-v1\n";
    ByteWriter writer(text);
    writer.i64(answer.lane);
    writer.i64(answer.sequence);
    writer.u8(static_cast<std::uint8_t>(payment.offer.value_or(0)));
    writer.u8(static_cast<std::uint8_t>(payment.setting));
    writer.i64(payment.share.value());
    return sha256(as_bytes(text));
}

Sha256 digest_of(std::uint64_t chosen) {
    std::string text = "onshi-subsidies-v1\n";
    ByteWriter writer(text);
    writer.u64(chosen);
    return sha256(as_bytes(text));
}

int prefecture_of(const organisations::Organisation& facility) {
    return static_cast<int>(facility.code / prefecture_divisor);
}

// The last day on which payments of a care day may be posted.
Date posting_end(Date care_day) {
    return care_day.first_of_month().plus_months_clamped(posting_months_after).last_of_month();
}

CapState cap_state(const BookPlace& place, Yen cap, Yen paid) {
    return {place.month, cap, paid, payments::larger(cap - paid, Yen(0))};
}

std::optional<payments::Category> category_of(const Answer& answer) {
    if (!answer.verdict.coverage) return std::nullopt;
    return payments::parse_category(payments::builtin_tables(), answer.verdict.coverage->limit_category);
}

std::vector<payments::PaidMonth> join(const sql::Rows<payments::MonthPage>& all,
                                      const sql::Rows<payments::MonthPage>& outpatient) {
    std::vector<payments::PaidMonth> months;
    for (const auto& page : all.get()) {
        const auto found = std::ranges::find(outpatient.get(), page.month, &payments::MonthPage::month);
        months.push_back({page.month, page.paid, found == outpatient.get().end() ? Yen(0) : found->paid});
    }
    return months;
}

// The pages of one person's month that a payment is added to, as they stood when they were read.
struct OpenPage {
    BookPlace place;
    BookPage page;
};

void add_to(sql::WriteSet& set, PersonKey person, const std::vector<OpenPage>& pages, Yen amount) {
    for (const auto& [place, page] : pages) {
        payments::write_page(set, person, place, {page.paid + amount, page.version});
    }
}

}  // namespace

// The answer that a choice or a payment belongs to.
struct Subsidies::Visit {
    audit::Place place;
    OrganisationKey organisation{0};
    TerminalKey terminal{0};
    int facility_prefecture = 0;
    Answer answer;

    [[nodiscard]] PersonKey person() const { return answer.person->key; }
    // nullptr: the answer has no such offer.
    [[nodiscard]] const SubsidyCertificate* find_offer(int offer) const {
        const auto& offered = answer.entitlements.subsidies;
        const bool known = offer >= 1 && static_cast<std::size_t>(offer) <= offered.size();
        return known ? &offered[static_cast<std::size_t>(offer - 1)] : nullptr;
    }
    [[nodiscard]] BookPlace page_of(const SubsidyCertificate& subsidy) const {
        return {subsidy.payer.law_code(), answer.care_day.first_of_month()};
    }
    // Where a payment stands: under its programme, where it has one, in the month, and with the outpatient payments.
    [[nodiscard]] std::vector<BookPlace> places_of(const BookPlace& programme, bool outpatient) const {
        std::vector<BookPlace> places{{payments::all_payments, programme.month}};
        if (programme.programme != payments::all_payments) places.push_back(programme);
        if (outpatient) places.push_back({payments::outpatient_payments, programme.month});
        return places;
    }
    [[nodiscard]] BookPlace month_page() const { return {payments::all_payments, answer.care_day.first_of_month()}; }
    // Of the programme with a page of that law code; a person has one certificate of a programme on a day as a rule.
    [[nodiscard]] std::optional<Yen> cap_of(int programme) const {
        for (const auto& each : answer.entitlements.subsidies) {
            if (each.payer.law_code() == programme && each.monthly_cap) return each.monthly_cap;
        }
        return std::nullopt;
    }
};

Task<Result<Subsidies::Visit>> Subsidies::load_visit(const organisations::Terminal& terminal, audit::Place place,
                                                     Deadline deadline) {
    sql::ReadBatch batch;
    const auto record = audit::load_record(batch, place.lane, place.sequence);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    const bool own = record && record->header.event == audit::Event::check_answered &&
                     record->header.organisation == terminal.organisation.key && record->payload.has_value();
    if (!own) co_return fail(ErrorCode::check_receipt, "");
    auto answer = unpack(std::string_view(*record->payload).substr(audit::salt_bytes));
    if (!answer) co_return fail(ErrorCode::store_corrupt, "the recorded answer cannot be read");
    const bool takes = answer->source == Source::card && answer->person && answer->verdict.result == ResultCode::valid;
    if (!takes) co_return fail(ErrorCode::subsidy_not_offered, "");
    Visit visit{place, terminal.organisation.key, record->header.terminal, prefecture_of(terminal.organisation),
                std::move(*answer)};
    co_return visit;
}

Task<Result<sql::CommitPosition>> Subsidies::place_of(audit::Place place, Deadline deadline) {
    sql::ReadBatch batch;
    const auto record = audit::load_record(batch, place.lane, place.sequence);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    if (!record) co_return fail(ErrorCode::store_corrupt, "a record is missing");
    sql::CommitPosition position{place.lane, place.sequence, record->hash, record->header.recorded_at.us};
    co_return position;
}

// The chosen ones in full: what their ordinances say of this visit, and how their caps stand.
Task<Result<SubsidiesChosen>> Subsidies::describe(const Visit& visit, std::uint64_t chosen, Deadline deadline) {
    SubsidiesChosen told;
    sql::ReadBatch batch;
    std::vector<sql::Slot<BookPage>> pages;
    for (std::size_t i = 0; i < visit.answer.entitlements.subsidies.size(); ++i) {
        const int offer = static_cast<int>(i) + 1;
        if ((chosen & bit_of(offer)) == 0) continue;
        const SubsidyCertificate& certificate = *visit.find_offer(offer);
        ChosenSubsidy subsidy{offer, certificate, nullptr, payments::SubsidyAnswer::applies, std::nullopt};
        const Date day = visit.answer.care_day;
        if (municipal_ != nullptr) {
            const int law_code = certificate.payer.law_code();
            subsidy.ordinance = municipal_->find_ordinance(certificate.municipality, law_code, day);
        }
        if (subsidy.ordinance != nullptr) {
            payments::SubsidyVisit asked;
            asked.birth = visit.answer.person->birth;
            asked.day = day;
            asked.facility_prefecture = visit.facility_prefecture;
            asked.setting =
                subsidy.ordinance->terms.outpatient ? payments::Setting::outpatient : payments::Setting::inpatient;
            const auto judged = payments::apply_ordinance(subsidy.ordinance->terms, asked);
            if (!judged) co_return fail(judged.error());
            subsidy.answer = judged->answer;
        }
        pages.push_back(payments::load_page(batch, visit.person(), visit.page_of(certificate)));
        told.chosen.push_back(std::move(subsidy));
    }
    if (told.chosen.empty()) co_return told;
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    for (std::size_t i = 0; i < told.chosen.size(); ++i) {
        ChosenSubsidy& subsidy = told.chosen[i];
        if (!subsidy.certificate.monthly_cap) continue;
        const Yen paid = pages[i] ? pages[i]->paid : Yen(0);
        subsidy.book = cap_state(visit.page_of(subsidy.certificate), *subsidy.certificate.monthly_cap, paid);
    }
    co_return told;
}

Task<Result<SubsidiesChosen>> Subsidies::choose(const organisations::Terminal& terminal, audit::Place place,
                                                std::vector<int> offers, Deadline deadline) {
    const Instant now = clock_.now();
    auto visit = co_await load_visit(terminal, place, deadline);
    if (!visit) co_return fail(std::move(visit));
    if (visit->terminal != terminal.key) co_return fail(ErrorCode::check_receipt, "");
    if (visit->answer.entitlements.subsidies.empty()) co_return fail(ErrorCode::subsidy_not_offered, "");
    payments::SubsidyChoice choice;
    for (const int offer : offers) {
        if (visit->find_offer(offer) == nullptr) co_return fail(ErrorCode::subsidy_not_offered, "");
        choice.chosen |= bit_of(offer);
    }
    choice.digest = digest_of(choice.chosen);
    // Read before the choice is on record: what is recorded as told is told.
    auto told = co_await describe(*visit, choice.chosen, deadline);
    if (!told) co_return told;
    if (now - visit->answer.answered_at <= choice_window) {
        sql::WriteSet set(sql::Store::ledger);
        payments::claim_choice(set, place, choice, now);
        std::string payload;
        ByteWriter writer(payload);
        writer.i64(visit->person().value());
        writer.i64(place.lane);
        writer.i64(place.sequence);
        writer.varint(told->chosen.size());
        for (const auto& each : told->chosen) writer.i64(each.certificate.key.value());
        const audit::Actor who{terminal.organisation.key, terminal.key, "-"};
        audit::attach_record(set, audit::Event::subsidy_chosen, who, now, payload, random_);
        auto committed = co_await database_.commit(std::move(set), deadline);
        if (committed) {
            told->position = *committed;
            co_return told;
        }
        if (committed.error().code != ErrorCode::store_conflict) co_return fail(std::move(committed));
    }
    // Chosen before: the same again is a repeat, another choice is refused.
    sql::ReadBatch again;
    const auto given = payments::load_choice(again, place);
    auto read = co_await database_.read(again, deadline);
    if (!read) co_return fail(std::move(read));
    if (!given) co_return fail(ErrorCode::subsidy_window, "");
    if (given->digest != choice.digest) co_return fail(ErrorCode::subsidy_chosen, "");
    auto position = co_await place_of(given->record, deadline);
    if (!position) co_return fail(std::move(position));
    told->position = *position;
    told->repeated = true;
    co_return told;
}

// How the month and the year stand now. `cap`: of the offer; without, the first of that programme.
Task<Result<PaymentPosted>> Subsidies::state_of(const Visit& visit, const BookPlace& place, std::optional<Yen> cap,
                                                Deadline deadline) {
    PaymentPosted told;
    const auto& tables = payments::builtin_tables();
    const Date day = visit.answer.care_day;
    const Date year = payments::annual_period_start(tables, day);
    const Date first = year.plus_months_clamped(-payments::months_before_year);
    const Date last = year.plus_months_clamped(11);
    sql::ReadBatch batch;
    const auto page = payments::load_page(batch, visit.person(), place);
    const auto all = payments::load_months(batch, visit.person(), payments::all_payments, first, last);
    const auto outpatient = payments::load_months(batch, visit.person(), payments::outpatient_payments, first, last);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    told.year =
        payments::year_of(tables, visit.answer.person->birth, day, category_of(visit.answer), join(all, outpatient));
    if (!cap && place.programme != payments::all_payments) cap = visit.cap_of(place.programme);
    if (cap) told.book = cap_state(place, *cap, page ? page->paid : Yen(0));
    co_return told;
}

Task<Result<PaymentPosted>> Subsidies::post(const organisations::Terminal& terminal, audit::Place place,
                                            const PaymentToPost& payment, Deadline deadline) {
    const Instant now = clock_.now();
    auto visit = co_await load_visit(terminal, place, deadline);
    if (!visit) co_return fail(std::move(visit));
    BookPlace book = visit->month_page();
    std::optional<Yen> cap;
    bool collects_all = false;
    if (payment.offer) {
        const SubsidyCertificate* subsidy = visit->find_offer(*payment.offer);
        if (subsidy == nullptr) co_return fail(ErrorCode::subsidy_not_offered, "");
        if (!subsidy->monthly_cap) co_return fail(ErrorCode::payments_cap_missing, "");
        cap = subsidy->monthly_cap;
        // 償還払い: the counter collects everything, and the municipality pays back.
        collects_all = subsidy->refund_only;
        book = visit->page_of(*subsidy);
    }
    payments::Posting posting;
    posting.organisation = visit->organisation;
    posting.place = book;
    posting.outpatient = payment.setting == payments::Setting::outpatient;
    posting.digest = digest_of(payment, place);
    const bool in_time = japan_day(now) <= posting_end(visit->answer.care_day);
    for (int tries = 0; tries < posting_attempts_max; ++tries) {
        sql::ReadBatch batch;
        const auto known = payments::load_posting(batch, visit->person(), payment.id);
        const auto choice = payments::load_choice(batch, place);
        const auto places = visit->places_of(book, posting.outpatient);
        std::vector<sql::Slot<BookPage>> slots;
        for (const auto& each : places) slots.push_back(payments::load_page(batch, visit->person(), each));
        auto read = co_await database_.read(batch, deadline);
        if (!read) co_return fail(std::move(read));
        if (known) {
            if (known->digest != posting.digest) co_return fail(ErrorCode::payments_posting_used, "");
            auto told = co_await state_of(*visit, book, cap, deadline);
            if (!told) co_return told;
            auto position = co_await place_of(known->record, deadline);
            if (!position) co_return fail(std::move(position));
            told->collect = known->reversed ? Yen(0) : known->amount;
            told->reversed = known->reversed;
            told->position = *position;
            told->repeated = true;
            co_return told;
        }
        if (!in_time) co_return fail(ErrorCode::payments_posting_window, "");
        if (payment.offer && (!choice || (choice->chosen & bit_of(*payment.offer)) == 0)) {
            co_return fail(ErrorCode::subsidy_not_chosen, "");
        }
        std::vector<OpenPage> pages;
        Yen paid_before;
        for (std::size_t i = 0; i < places.size(); ++i) {
            pages.push_back({places[i], slots[i] ? *slots[i] : BookPage()});
            if (places[i] == book) paid_before = pages.back().page.paid;
        }
        const bool capped = cap && !collects_all;
        posting.amount = capped ? payments::collect_under_cap(*cap, paid_before, payment.share).collect : payment.share;
        sql::WriteSet set(sql::Store::ledger);
        payments::add_posting(set, visit->person(), payment.id, posting);
        add_to(set, visit->person(), pages, posting.amount);
        std::string payload;
        ByteWriter writer(payload);
        writer.i64(visit->person().value());
        writer.i64(place.lane);
        writer.i64(place.sequence);
        writer.u32(static_cast<std::uint32_t>(book.programme));
        writer.i64(posting.amount.value());
        const audit::Actor who{terminal.organisation.key, terminal.key, "-"};
        audit::attach_record(set, audit::Event::payment_posted, who, now, payload, random_);
        auto committed = co_await database_.commit(std::move(set), deadline);
        if (committed) {
            auto told = co_await state_of(*visit, book, cap, deadline);
            if (!told) co_return told;
            told->collect = posting.amount;
            told->position = *committed;
            co_return told;
        }
        // Another facility posted at the same moment, or this message came twice: look again.
        if (committed.error().code != ErrorCode::store_conflict) co_return fail(std::move(committed));
    }
    co_return fail(ErrorCode::store_conflict, "the posting lost its race too often");
}

Task<Result<PaymentPosted>> Subsidies::reverse(const organisations::Terminal& terminal, audit::Place place,
                                               const CheckId& id, Deadline deadline) {
    const Instant now = clock_.now();
    auto visit = co_await load_visit(terminal, place, deadline);
    if (!visit) co_return fail(std::move(visit));
    for (int tries = 0; tries < posting_attempts_max; ++tries) {
        sql::ReadBatch first;
        const auto known = payments::load_posting(first, visit->person(), id);
        auto read = co_await database_.read(first, deadline);
        if (!read) co_return fail(std::move(read));
        if (!known || known->organisation != visit->organisation) {
            co_return fail(ErrorCode::payments_posting_unknown, "");
        }
        const payments::Posting posting = *known;
        if (posting.reversed) {
            auto told = co_await state_of(*visit, posting.place, std::nullopt, deadline);
            if (!told) co_return told;
            auto position = co_await place_of(posting.record, deadline);
            if (!position) co_return fail(std::move(position));
            told->reversed = true;
            told->position = *position;
            told->repeated = true;
            co_return told;
        }
        sql::ReadBatch second;
        const auto places = visit->places_of(posting.place, posting.outpatient);
        std::vector<sql::Slot<BookPage>> slots;
        for (const auto& each : places) slots.push_back(payments::load_page(second, visit->person(), each));
        read = co_await database_.read(second, deadline);
        if (!read) co_return fail(std::move(read));
        std::vector<OpenPage> pages;
        for (std::size_t i = 0; i < places.size(); ++i) {
            if (!slots[i]) co_return fail(ErrorCode::store_corrupt, "a posting without its page");
            pages.push_back({places[i], *slots[i]});
        }
        sql::WriteSet set(sql::Store::ledger);
        payments::reverse_posting(set, visit->person(), id);
        add_to(set, visit->person(), pages, Yen(0) - posting.amount);
        std::string payload;
        ByteWriter writer(payload);
        writer.i64(visit->person().value());
        writer.i64(posting.record.lane);
        writer.i64(posting.record.sequence);
        const audit::Actor who{terminal.organisation.key, terminal.key, "-"};
        audit::attach_record(set, audit::Event::payment_reversed, who, now, payload, random_);
        auto committed = co_await database_.commit(std::move(set), deadline);
        if (committed) {
            auto told = co_await state_of(*visit, posting.place, std::nullopt, deadline);
            if (!told) co_return told;
            told->reversed = true;
            told->position = *committed;
            co_return told;
        }
        if (committed.error().code != ErrorCode::store_conflict) co_return fail(std::move(committed));
    }
    co_return fail(ErrorCode::store_conflict, "the reversal lost its race too often");
}

}  // namespace onshi::eligibility
