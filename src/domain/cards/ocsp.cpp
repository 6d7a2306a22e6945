#include "domain/cards/ocsp.h"

#include <algorithm>

namespace onshi::cards {

Task<Result<pki::CertificateStatus>> OcspResponder::ask(CardKey card, Deadline deadline) const {
    const pki::CaId* ca = authorities_.key_of(card.ca_id);
    if (ca == nullptr) co_return fail(ErrorCode::card_authority_unknown, "ca_id");
    auto question = pki::make_ocsp_question(*ca, as_text(card.serial.bytes()), authorities_.store(), random_);
    if (!question) co_return fail(std::move(question));
    const Deadline soon(std::min(deadline.at(), Deadline::in(ocsp_time_max).at()));
    std::string url = url_;
    const pki::FreshnessRules rules;
    auto answer =
        co_await pki::ask_ocsp(*question, std::move(url), transport_, authorities_.store(), rules, clock_, soon);
    co_return answer;
}

}  // namespace onshi::cards
