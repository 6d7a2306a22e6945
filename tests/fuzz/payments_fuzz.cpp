// Estimates, cases as CSV, ordinances, files of certificates. Oracles: no crash; what is accepted sums to its cost, is
// never negative and comes back as it was; a refusal is named.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "domain/payments/model_certificates.h"
#include "domain/payments/rules.h"
#include "exchange/api/payments.h"
#include "exchange/api/subsidies.h"
#include "exchange/ordinances/ordinance_file.h"
#include "exchange/payment_cases/cases.h"

using namespace onshi;
using payments::Yen;

namespace {

constexpr std::size_t input_bytes_max = 32 * 1024;

void require(bool holds) {
    if (!holds) std::abort();
}

void check_estimate(std::string_view body) {
    const auto asked = api::parse_estimate(body);
    if (!asked) {
        if (asked.error().code == ErrorCode::request_field) require(!asked.error().fields.empty());
        return;
    }
    const payments::Claim* claim = &asked->claim;
    payments::Steps steps;
    const auto result = payments::evaluate_claim(*claim, payments::builtin_tables(), &steps);
    if (!result) return;
    Yen cost;
    for (const auto& part : claim->list()) cost += part.cost;
    require(result->patient_total >= Yen(0) && result->insurer_total >= Yen(0) && result->payers_total >= Yen(0));
    require(result->patient_total + result->insurer_total + result->payers_total == cost);
    require(steps.left_out() == 0);
}

// Evaluated once more, a file with its results agrees with itself. (What stands before a mark or behind a carriage
// return inside a cell is read differently the second time.)
void check_cases(std::string_view text) {
    std::string written;
    const auto run = [](std::string_view cases, std::string& out) {
        return payment_cases::evaluate_cases(
            cases, payments::builtin_tables(), [&](std::string_view line) { out.append(line).append("\n"); },
            [&](const payment_cases::Case& each) { out.append(each.csv).append("\n"); });
    };
    const auto counts = run(text, written);
    const bool repeatable = written.find_first_of("\r\xEF") == std::string::npos;
    if (!counts || !repeatable) return;
    std::string again;
    const auto second = run(written, again);
    require(second.has_value());
    require(second->cases == counts->cases && second->disagreeing == 0);
}

void check_ordinances(std::string_view text) {
    const auto table = ordinances::parse(text);
    if (!table) return;
    const std::string written = ordinances::write(*table);
    const auto again = ordinances::parse(written);
    require(again.has_value());
    require(ordinances::write(*again) == written);
    static_cast<void>(table->home_of(text));
}

void check_holdings(std::string_view bytes) {
    const auto holdings = payments::unpack_holdings(bytes);
    if (!holdings) return;
    const auto again = payments::unpack_holdings(payments::pack_all(*holdings));
    require(again.has_value() && *again == *holdings);
}

void check_messages(std::string_view body) {
    const auto offers = api::parse_subsidy_choice(body);
    if (offers) require(offers->size() <= payments::certificates_per_person_max);
    const auto payment = api::parse_payment(body);
    if (payment) require(payment->share >= Yen(0));
    static_cast<void>(api::parse_payment_reversal(body));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1 || size > input_bytes_max) return 0;
    const std::string_view input(reinterpret_cast<const char*>(data + 1), size - 1);
    switch (data[0] % 5) {
        case 0: check_estimate(input); break;
        case 1: check_cases(input); break;
        case 2: check_ordinances(input); break;
        case 3: check_holdings(input); break;
        default: check_messages(input); break;
    }
    return 0;
}
