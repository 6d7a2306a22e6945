// Municipalities, whether they are connected (PMH), and their ordinances (§4.6): data of the installation. Immutable
// after it was made; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/payments/model_certificates.h"
#include "domain/payments/rules_subsidies.h"

namespace onshi::payments {

// One programme of a municipality, for a time. Several may follow each other under one law code.
struct LocalOrdinance {
    int law_code = 0;  // 80…99
    std::string name;
    Ordinance terms;
};

struct Municipality {
    MunicipalityCode code;                                 // a prefecture's code ends in 000 and the check digit
    std::string name;                                      // as addresses of its people begin: 東京都千代田区
    DateRange connected{Date::open_end, Date::first_day};  // empty: not connected
    std::vector<LocalOrdinance> ordinances{};

    [[nodiscard]] bool is_prefecture() const { return code.to_key() / 10 % 1000 == 0; }
    [[nodiscard]] bool is_connected(Date day) const { return connected.contains(day); }
};

inline constexpr std::size_t municipalities_max = 2'000;  // there are 1,741, and 47 prefectures
inline constexpr std::size_t ordinances_per_municipality_max = 64;
inline constexpr std::size_t municipality_name_bytes_max = 120;

// What is known of a person's subsidies. A municipality that is not connected is unknown, never none.
enum class SubsidyKnowledge : std::uint8_t { not_asked = 0, known = 1, unknown = 2 };
[[nodiscard]] std::string_view to_string(SubsidyKnowledge knowledge);

class MunicipalTable {
  public:
    MunicipalTable() = default;
    // Errors, each with the place in its detail: payments.municipality (a code or name that stands there twice, no
    // name, too many), payments.ordinance (one that contradicts itself, a law code that is not local, two of one law
    // code for one day, too many).
    [[nodiscard]] static Result<MunicipalTable> make(std::vector<Municipality> municipalities);

    [[nodiscard]] std::size_t size() const { return by_code_.size(); }
    [[nodiscard]] const std::vector<Municipality>& list() const { return by_code_; }  // by code
    // nullptr: not in the table.
    [[nodiscard]] const Municipality* find(MunicipalityCode code) const;
    // The municipality with the longest name that the address begins with, prefectures left out; nullptr: none.
    [[nodiscard]] const Municipality* home_of(std::string_view address) const;
    // What counts under this law code on a day; nullptr: nothing.
    [[nodiscard]] const LocalOrdinance* find_ordinance(MunicipalityCode code, int law_code, Date day) const;
    // Known where the person's own municipality is connected on that day.
    [[nodiscard]] SubsidyKnowledge knowledge_of(std::string_view address, Date day) const;

  private:
    std::vector<Municipality> by_code_;
    std::vector<std::size_t> by_name_;  // places in by_code_, prefectures left out
};

}  // namespace onshi::payments
