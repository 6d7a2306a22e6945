#include "hub/ratio_check.h"

#include "domain/payments/rules_ratio.h"

namespace onshi::hub {

bool is_unlawful_ratio(int percent, Date birth, InsurerNumber insurer, Date on) {
    const payments::RatioRecord record{birth, on, insurer.scheme(), percent, {}};
    return payments::is_ratio_suspect(payments::ratio_plausibility(record, payments::builtin_tables()));
}

}  // namespace onshi::hub
