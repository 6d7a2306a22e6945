#include "cli/card_making.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "cli/card_source.h"
#include "installation/card_factory.h"
#include "installation/demo_installation.h"
#include "installation/layout.h"

namespace onshi::cli {

namespace {

using installation::Layout;

constexpr int card_years = 10;
constexpr int child_card_years = 5;
constexpr int adult_age = 18;

// The parts of an installation that make cards. Owns them; the factory refers to them.
struct Makers {
    installation::DemoInstallation description;
    synth::Nation nation;
    pki::TestJpki jpki;
    pki::KeyPool keys;
    smartcard::TestCardIssuer issuer;
};

Result<std::unique_ptr<Makers>> load_makers(const Layout& layout) {
    auto description = installation::read_demo_installation(layout.root);
    if (!description) return fail(std::move(description));
    synth::NationSettings settings;
    settings.seed = description->seed;
    settings.as_of = description->as_of;
    auto nation = synth::Nation::create(settings);
    if (!nation) return fail(std::move(nation));
    auto jpki = pki::TestJpki::load(layout.jpki());
    if (!jpki) return fail(std::move(jpki));
    auto keys = pki::KeyPool::open(layout.card_keys(), description->card_keys);
    if (!keys) return fail(std::move(keys));
    auto issuer = smartcard::TestCardIssuer::load(layout.card_issuer());
    if (!issuer) return fail(std::move(issuer));
    return std::unique_ptr<Makers>(new Makers{std::move(*description), std::move(*nation), std::move(*jpki),
                                              std::move(*keys), std::move(*issuer)});
}

std::uint64_t random_number(Random& random) {
    std::array<std::uint8_t, 8> bytes;
    random.fill(bytes);
    ByteReader reader(bytes);
    return reader.u64();
}

// Serials of invented cards lie above those of the nation, which begin at the lower end.
std::uint32_t random_serial(Random& random) {
    return 0x70000000U | static_cast<std::uint32_t>(random_number(random) & 0x0FFFFFFEU);
}

Result<smartcard::CardOrder> invented_order(const TestCardOrder& wanted, Session& session) {
    if (wanted.name.empty() || wanted.birth.empty()) {
        return fail(ErrorCode::command_usage, "name a person: --person N, or --name TEXT with --birth DAY");
    }
    const auto birth = parse_iso_date(wanted.birth);
    if (!birth) return fail(ErrorCode::command_usage, "--birth is to be a day such as 1985-04-12");
    const Date today = japan_day(session.clock().now());
    const auto age = age_on(*birth, today);
    if (!age) return fail(ErrorCode::command_usage, "--birth lies in the future");
    smartcard::CardOrder order = smartcard::sample_card_order(0);
    order.storage = smartcard::PinStorage::hashed;
    order.holder.name = wanted.name;
    order.holder.born_on = *birth;
    order.holder.sex = smartcard::CardSex::not_applicable;
    const std::uint64_t number = random_number(session.random());
    order.card_number = fmt::format("99{:013}", number % 10'000'000'000'000U);
    order.subject_name = fmt::format("TESTCARD{:015}", number % 1'000'000'000'000'000U);
    order.issued_on = today;
    order.expires_on = birthday(*birth, *age + (*age < adult_age ? child_card_years : card_years));
    order.auth_serial = random_serial(session.random());
    order.signature_serial = order.auth_serial + 1;
    order.key_index = number;
    if (*age < 15) order.pins = smartcard::CardPins::set_without_signature;
    if (wanted.pin_file.empty()) return order;
    auto pin = read_pin_file(wanted.pin_file);
    if (!pin) return fail(std::move(pin));
    order.pin = as_text(pin->bytes());
    return order;
}

}  // namespace

Result<smartcard::CardImage> make_test_card(const TestCardOrder& order, Session& session) {
    auto makers = load_makers(Layout{order.installation});
    if (!makers) return fail(std::move(makers));
    const Makers& m = **makers;
    if (!order.person) {
        auto invented = invented_order(order, session);
        if (!invented) return fail(std::move(invented));
        return m.issuer.issue(*invented, m.jpki, m.keys, session.random());
    }
    if (*order.person < 0 || static_cast<std::uint64_t>(*order.person) >= m.description.persons) {
        return fail(ErrorCode::command_usage, fmt::format("--person is to be below {}", m.description.persons));
    }
    const installation::CardFactory factory(m.nation, m.jpki, m.keys);
    const auto person = m.nation.person(static_cast<std::uint64_t>(*order.person));
    return factory.make_image(person, m.issuer, session.random());
}

}  // namespace onshi::cli
