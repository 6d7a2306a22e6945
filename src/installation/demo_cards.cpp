#include <functional>
#include <utility>

#include <fmt/format.h>

#include "domain/cards/model.h"
#include "domain/coverage/store.h"
#include "domain/eligibility/rules.h"
#include "domain/identity/store.h"
#include "installation/demo_parts.h"
#include "installation/installation_files.h"
#include "installation/limits.h"
#include "installation/nation_rows.h"
#include "platform/event_loop/event_loop.h"

namespace onshi::installation {

namespace {

using synth::SyntheticPerson;

constexpr int adult_age = 18;

// A card with what a check of it by PIN would find on the nation's day.
struct Candidate {
    const SyntheticPerson& person;
    cards::CertificateStatus status;
    cards::Validity validity;
    bool registered;
    eligibility::Verdict verdict;

    [[nodiscard]] bool opens() const {
        return status == cards::CertificateStatus::good && validity == cards::Validity::valid && !person.card->pin_less;
    }
    [[nodiscard]] bool is_covered() const {
        return verdict.result == eligibility::ResultCode::valid && verdict.notes.empty();
    }
    [[nodiscard]] bool has_cause(OutcomeCode cause) const { return verdict.cause == cause; }
};

struct Kind {
    std::string_view name;
    bool (*fits)(const Candidate&);
};

constexpr Kind kinds[]{
    {"eligible",
     [](const Candidate& c) { return c.opens() && c.registered && c.is_covered() && !c.person.name.has_rare_glyph(); }},
    {"rare_name",
     [](const Candidate& c) { return c.opens() && c.registered && c.is_covered() && c.person.name.has_rare_glyph(); }},
    {"lapsed", [](const Candidate& c) { return c.opens() && c.registered && c.has_cause(OutcomeCode::cause_lapsed); }},
    {"withheld",
     [](const Candidate& c) { return c.opens() && c.registered && c.has_cause(OutcomeCode::cause_withheld); }},
    {"not_registered", [](const Candidate& c) { return c.opens() && !c.registered && c.is_covered(); }},
    {"grace",
     [](const Candidate& c) {
         return c.status == cards::CertificateStatus::good && c.validity == cards::Validity::in_grace && c.registered &&
                !c.person.card->pin_less && c.verdict.result == eligibility::ResultCode::valid;
     }},
    {"suspended",
     [](const Candidate& c) {
         return c.status == cards::CertificateStatus::suspended && c.registered && !c.person.card->pin_less;
     }},
    {"without_pin",
     [](const Candidate& c) {
         return c.status == cards::CertificateStatus::good && c.validity == cards::Validity::valid && c.registered &&
                c.person.card->pin_less && c.is_covered();
     }},
};

Task<Result<std::vector<coverage::Coverage>>> load_coverages(sql::Database& database, PersonKey person) {
    sql::ReadBatch batch;
    const auto now = identity::load_now(batch, person);
    const Deadline deadline = Deadline::in(store_deadline);
    auto read = co_await database.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    auto coverages = coverage::coverages_of(now);
    if (!coverages) co_return fail(ErrorCode::store_corrupt, "person_now");
    co_return std::move(*coverages);
}

// Everybody but children, the dead, and the twins of the test of undisclosed persons.
bool is_for_show(const SyntheticPerson& person, Date as_of) {
    return person.card && !person.is_deceased() && person.protection == synth::ProtectionRole::none &&
           !person.card->pin_locked && age_on(person.birth_date, as_of).value_or(0) >= adult_age;
}

// An unregistered card is judged as if it registered with this check: what would be told is what makes it interesting.
Candidate judge(const SyntheticPerson& person, const std::vector<coverage::Coverage>& coverages, Date as_of) {
    const auto use = registration_on(*person.card, as_of);
    eligibility::CardFacts facts;
    facts.not_after = CardFactory::not_after(person.card->certificate);
    facts.validity = cards::validity_on(facts.not_after, cards::Grace::three_months, as_of);
    facts.registered = true;
    return {person, status_on(*person.card, as_of), facts.validity, use && use->usable(),
            eligibility::decide_by_card(facts, coverages, as_of)};
}

}  // namespace

Result<std::vector<DemoCard>> make_cards(OpenStores& stores, const Layout& layout, std::uint64_t persons,
                                         const CardFactory& factory, const smartcard::TestCardIssuer& issuer,
                                         Random& random) {
    auto folder = make_folder(layout.cards());
    if (!folder) return fail(std::move(folder));
    const Date as_of = factory.nation().settings().as_of;
    synth::PersonMaker maker(factory.nation());
    std::array<bool, std::size(kinds)> found{};
    std::vector<DemoCard> made;
    for (std::uint64_t index = 0; index < std::min(persons, demo_card_search_max) && made.size() < found.size();
         ++index) {
        const SyntheticPerson& person = maker.make(index);
        if (!is_for_show(person, as_of)) continue;
        auto coverages = run_to_end(load_coverages(stores.database(), person_key(index)));
        if (!coverages) return fail(std::move(coverages));
        const Candidate candidate = judge(person, *coverages, as_of);
        for (std::size_t kind = 0; kind < found.size(); ++kind) {
            if (found[kind] || !kinds[kind].fits(candidate)) continue;
            found[kind] = true;
            const std::string file = fmt::format("{:03}.json", kind + 1);
            auto image = factory.make_image(person, issuer, random);
            if (!image) return fail(std::move(image));
            auto saved = smartcard::save_card_image(*image, layout.cards() / file);
            if (!saved) return fail(std::move(saved));
            made.push_back({file, std::string(kinds[kind].name), index});
            break;
        }
    }
    std::ranges::sort(made, {}, &DemoCard::file);
    return made;
}

}  // namespace onshi::installation
