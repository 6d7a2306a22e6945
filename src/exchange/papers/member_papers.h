#pragma once

#include <string>

#include "domain/coverage/model.h"
#include "domain/identity/model.h"
#include "platform/pdf/document.h"

namespace onshi::papers {

// Who issues: as it stands on the paper.
struct Issuer {
    std::string name;
    std::string phone;
};

struct MemberPaper {
    const identity::Person& person;
    const coverage::Coverage& coverage;
    const Issuer& issuer;
    Date issued_on;
    Date valid_to;
};

// 資格確認書: one page of a postcard's size, enough alone at the counter (domain-rules §1.10). The name is the
// registered form; no individual number and no address are on it.
void draw_certificate(pdf::Document& document, const MemberPaper& paper);
// 資格情報のお知らせ: one page A4, of use only together with the card, and says so (§1.12).
void draw_notice(pdf::Document& document, const MemberPaper& paper);

}  // namespace onshi::papers
