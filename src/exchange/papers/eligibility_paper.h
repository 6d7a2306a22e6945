#pragma once

#include <string>

#include "base/date.h"
#include "base/result.h"
#include "exchange/capsule/capsule.h"
#include "platform/pdf/document.h"

namespace onshi::papers {

// One A4 page that its holder carries along: what the capsule says, and the capsule itself as a QR code (domain-rules
// §6.8). `text`: of the code. paper.not_drawn.
[[nodiscard]] Result<void> draw_eligibility(pdf::Document& document, const capsule::Capsule& capsule,
                                            const std::string& text);

// 被保険者資格申立書 (domain-rules §6.7): one A4 page, filled in as far as the card tells, to be completed and signed
// by hand. Empty members are left open.
struct Declaration {
    std::string name;
    std::string kana;
    std::string birth;  // as it is to stand there
    std::string sex;
    std::string address;
    std::string facility;
    Date day;
};
void draw_declaration(pdf::Document& document, const Declaration& declaration);

}  // namespace onshi::papers
