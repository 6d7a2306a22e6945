#include "domain/coverage/means_proof.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "domain/cards/store.h"
#include "domain/coverage/store.h"
#include "domain/identity/store.h"

namespace onshi::coverage {

namespace {

using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

constexpr std::chrono::milliseconds page_deadline{60'000};
constexpr std::size_t orders_per_set = 256;

// Whole tables in the order of their keys; no person is asked for.
const Statement select_sections("coverage.walk_persons", Store::registry, ShardKey::person,
                                "SELECT person_key, section, version, bytes FROM person_now "
                                "WHERE person_key > $1 ORDER BY person_key, section LIMIT $2");
const Statement select_open_orders("coverage.walk_open_orders", Store::ledger, ShardKey::none,
                                   "SELECT insurer_number, coverage_key, person_key FROM paper_order "
                                   "WHERE state = 1 AND (insurer_number, coverage_key) > ($1, $2) "
                                   "ORDER BY insurer_number, coverage_key LIMIT $3");

struct Section {
    PersonKey person{0};
    identity::Section kind = identity::Section::identity;
    std::string bytes;
};
Section decode_section(const Row& row) {
    return {PersonKey(row.integer(0)), static_cast<identity::Section>(row.integer(1)), std::string(row.blob(3))};
}

struct OpenOrder {
    std::int64_t insurer = 0;
    std::int64_t coverage = 0;
    PersonKey person{0};
};
OpenOrder decode_open_order(const Row& row) {
    return {row.integer(0), row.integer(1), PersonKey(row.integer(2))};
}

// One insured person of a pass.
struct Insured {
    PersonKey person{0};
    CardMeans card = CardMeans::none;
    cards::UseState use = cards::UseState::none;
    bool blocked = false;
    bool certificate_valid = false;
};

class Proof {
  public:
    Proof(sql::Database& database, const Clock& clock, const ProofOptions& options)
        : database_(database), clock_(clock), options_(options) {}
    [[nodiscard]] Task<Result<MeansReport>> run();

  private:
    [[nodiscard]] Task<Result<void>> read(sql::ReadBatch& batch) {
        auto done = co_await database_.read(batch, Deadline::in(page_deadline));
        co_return done;
    }
    [[nodiscard]] bool stopped() {
        if (options_.stop && options_.stop()) report_.complete = false;
        return !report_.complete;
    }
    [[nodiscard]] Task<Result<void>> load_suspensions();
    // The insured behind `at_`, at most a pass of them; moves `at_`.
    [[nodiscard]] Task<Result<void>> collect();
    [[nodiscard]] Result<void> take_page(const sql::Rows<Section>& page, std::size_t rows, std::size_t persons_max);
    [[nodiscard]] Task<Result<void>> find_cards();
    [[nodiscard]] Task<Result<void>> find_uses();
    [[nodiscard]] Task<Result<void>> find_papers();
    [[nodiscard]] Task<Result<void>> judge();
    [[nodiscard]] Task<Result<void>> order(PersonKey person, PaperReason reason);
    [[nodiscard]] Task<Result<void>> let_fall();
    [[nodiscard]] Task<Result<void>> flush(std::size_t at_least);
    [[nodiscard]] Insured* find(PersonKey person) {
        const auto found = std::ranges::lower_bound(pass_, person, {}, &Insured::person);
        return found != pass_.end() && found->person == person ? &*found : nullptr;
    }

    sql::Database& database_;
    const Clock& clock_;
    const ProofOptions& options_;
    MeansReport report_;
    PersonKey at_{0};
    PersonKey pass_begins_{0};
    bool more_ = true;
    std::vector<Insured> pass_;
    std::set<CardKey> suspended_;
    std::optional<sql::WriteSet> orders_;
};

Task<Result<void>> Proof::load_suspensions() {
    std::optional<CardKey> after;
    for (bool more = true; more && suspended_.size() < proof_suspensions_max;) {
        sql::ReadBatch batch;
        const auto page = cards::walk_suspended(batch, after, proof_page_rows);
        auto done = co_await read(batch);
        if (!done) co_return done;
        for (const CardKey& key : page) suspended_.insert(key);
        more = page.size() == proof_page_rows;
        if (more) after = page.get().back();
    }
    co_return Result<void>();
}

Result<void> Proof::take_page(const sql::Rows<Section>& page, std::size_t rows, std::size_t persons_max) {
    for (std::size_t i = 0; i < rows;) {
        if (pass_.size() == persons_max) {
            more_ = true;
            return {};
        }
        const PersonKey person = page.get()[i].person;
        bool covered = false;
        bool blocked = false;
        for (; i < rows && page.get()[i].person == person; ++i) {
            const Section& section = page.get()[i];
            if (section.kind == identity::Section::identity) {
                const auto who = identity::unpack(person, section.bytes);
                if (!who) return fail(ErrorCode::store_corrupt, "a person's identity section");
                blocked = who->protection.self_information_blocked;
            }
            if (section.kind == identity::Section::coverage) {
                const auto records = unpack_all(section.bytes);
                if (!records) return fail(ErrorCode::store_corrupt, "a person's coverage section");
                covered = !certificates_owed(*records, options_.day).empty();
            }
        }
        if (covered) pass_.push_back({.person = person, .blocked = blocked});
        at_ = person;
    }
    return {};
}

Task<Result<void>> Proof::collect() {
    pass_.clear();
    pass_begins_ = at_;
    const std::size_t persons_max = std::max<std::size_t>(options_.persons_per_pass, 1);
    while (more_ && pass_.size() < persons_max && !stopped()) {
        sql::ReadBatch batch;
        const auto page = batch.many(select_sections, proof_page_rows, decode_section, at_.value(), proof_page_rows);
        auto done = co_await read(batch);
        if (!done) co_return done;
        std::size_t rows = page.size();
        more_ = rows == proof_page_rows;
        // The last person of a full page may have more sections on the next one.
        if (more_) {
            const PersonKey last = page.get().back().person;
            while (rows > 0 && page.get()[rows - 1].person == last) --rows;
        }
        auto taken = take_page(page, rows, persons_max);
        if (!taken) co_return taken;
        if (options_.progress) options_.progress(report_.insured + pass_.size());
    }
    co_return Result<void>();
}

Task<Result<void>> Proof::find_cards() {
    std::optional<CardKey> after;
    for (bool more = true; more && !stopped();) {
        sql::ReadBatch batch;
        const auto page = cards::walk_cards(batch, after, proof_page_rows);
        auto done = co_await read(batch);
        if (!done) co_return done;
        for (const cards::HeldCard& card : page) {
            Insured* holder = find(card.person);
            if (holder == nullptr) continue;
            const CardMeans means =
                judge_card(card.not_after, card.grace, card.listed, suspended_.contains(card.key), options_.day);
            holder->card = std::max(holder->card, means);
        }
        more = page.size() == proof_page_rows;
        if (more) after = page.get().back().key;
    }
    co_return Result<void>();
}

Task<Result<void>> Proof::find_uses() {
    PersonKey after = pass_begins_;
    for (bool more = true; more && !stopped();) {
        sql::ReadBatch batch;
        const auto page = cards::walk_uses(batch, after, at_, proof_page_rows);
        auto done = co_await read(batch);
        if (!done) co_return done;
        for (const cards::PersonUse& use : page) {
            if (Insured* holder = find(use.person)) holder->use = use.state;
        }
        more = page.size() == proof_page_rows;
        if (more) after = page.get().back().person;
    }
    co_return Result<void>();
}

Task<Result<void>> Proof::find_papers() {
    PersonKey after = pass_begins_;
    for (bool more = true; more && !stopped();) {
        sql::ReadBatch batch;
        const auto page = load_papers_between(batch, after, at_, proof_page_rows);
        auto done = co_await read(batch);
        if (!done) co_return done;
        for (const PaperDocument& paper : page) {
            Insured* holder = find(paper.person);
            const bool counts = holder != nullptr && paper.kind == PaperKind::certificate;
            if (counts && paper.valid_on(options_.day)) holder->certificate_valid = true;
        }
        more = page.size() == proof_page_rows;
        // A person has far fewer papers than a page, so the last one of a page is read whole with the next.
        if (more) after = std::max(after, PersonKey(page.get().back().person.value() - 1));
        more = more && page.get().front().person != page.get().back().person;
    }
    co_return Result<void>();
}

Task<Result<void>> Proof::flush(std::size_t at_least) {
    if (!orders_ || orders_->changes().size() < at_least || orders_->changes().empty()) co_return Result<void>();
    sql::WriteSet set = std::move(*orders_);
    orders_.reset();
    auto committed = co_await database_.commit(std::move(set), Deadline::in(page_deadline));
    if (!committed) co_return fail(std::move(committed));
    co_return Result<void>();
}

Task<Result<void>> Proof::order(PersonKey person, PaperReason reason) {
    sql::ReadBatch batch;
    const auto now = identity::load_now(batch, person);
    auto done = co_await read(batch);
    if (!done) co_return done;
    const auto records = coverages_of(now);
    if (!records) co_return fail(ErrorCode::store_corrupt, "a person's coverage section");
    if (!orders_) orders_.emplace(Store::ledger);
    for (const Coverage& record : certificates_owed(*records, options_.day)) {
        ++report_.orders_opened;
        open_order(*orders_, {.insurer = record.insurer,
                              .coverage = record.key,
                              .person = person,
                              .reason = reason,
                              .since = clock_.now()});
    }
    auto flushed = co_await flush(orders_per_set);
    co_return flushed;
}

Task<Result<void>> Proof::judge() {
    for (const Insured& insured : pass_) {
        if (stopped()) co_return Result<void>();
        const MeansVerdict verdict =
            judge_means({insured.blocked, insured.use, insured.card, insured.certificate_valid});
        ++report_.insured;
        if (verdict.means == Means::card) ++report_.by_card;
        if (verdict.means == Means::paper) ++report_.by_paper;
        if (verdict.means == Means::nothing) ++report_.without;
        if (!verdict.owed) continue;
        ++report_.owed[static_cast<std::size_t>(*verdict.owed) - 1];
        auto ordered = co_await order(insured.person, *verdict.owed);
        if (!ordered) co_return ordered;
    }
    auto flushed = co_await flush(0);
    co_return flushed;
}

// Open orders of this pass's persons whose reason has gone, and of those who are not insured any more.
Task<Result<void>> Proof::let_fall() {
    std::int64_t insurer = 0;
    std::int64_t coverage = 0;
    for (bool more = true; more && !stopped();) {
        sql::ReadBatch batch;
        const auto page =
            batch.many(select_open_orders, proof_page_rows, decode_open_order, insurer, coverage, proof_page_rows);
        auto done = co_await read(batch);
        if (!done) co_return done;
        for (const OpenOrder& open : page) {
            insurer = open.insurer;
            coverage = open.coverage;
            const bool of_pass = open.person > pass_begins_ && open.person <= at_;
            if (!of_pass) continue;
            const Insured* holder = find(open.person);
            const bool owed =
                holder != nullptr &&
                judge_means({holder->blocked, holder->use, holder->card, holder->certificate_valid}).owed.has_value();
            const auto number = InsurerNumber::from_key(open.insurer);
            if (owed || !number) continue;
            if (!orders_) orders_.emplace(Store::ledger);
            ++report_.orders_fallen;
            close_order(*orders_, *number, CoverageKey(open.coverage), OrderState::fallen);
            auto flushed = co_await flush(orders_per_set);
            if (!flushed) co_return flushed;
        }
        more = page.size() == proof_page_rows;
    }
    auto flushed = co_await flush(0);
    co_return flushed;
}

Task<Result<MeansReport>> Proof::run() {
    auto done = co_await load_suspensions();
    while (done && more_ && !stopped()) {
        done = co_await collect();
        if (done) done = co_await find_cards();
        if (done) done = co_await find_uses();
        if (done) done = co_await find_papers();
        if (done && !stopped()) done = co_await judge();
        if (done && !stopped()) done = co_await let_fall();
    }
    if (!done) co_return fail(std::move(done));
    co_return report_;
}

}  // namespace

Task<Result<MeansReport>> prove_means(sql::Database& database, const Clock& clock, const ProofOptions& options) {
    Proof proof(database, clock, options);
    auto report = co_await proof.run();
    co_return report;
}

}  // namespace onshi::coverage
