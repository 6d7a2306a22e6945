#include "terminal/face_file.h"

#include "base/bytes.h"

namespace onshi::terminal {

namespace {

constexpr std::chrono::hours consent_life{24};
constexpr std::size_t identifier_bytes = 11;
constexpr std::size_t token_bytes = 10;

// Without consent there is no moment of it.
oqs::ConsentFields consent(bool agreed, Instant at) {
    if (!agreed) return {"0", "", ""};
    return {"1", local_digits(at), local_digits(at + std::chrono::microseconds(consent_life))};
}

template <std::size_t N>
std::array<std::uint8_t, N> draw(Random& random) {
    std::array<std::uint8_t, N> bytes{};
    random.fill(bytes);
    return bytes;
}

}  // namespace

Result<FaceFile> make_face_file(JsonItem answer, const FaceConsents& consents, JsonItem recorded, Instant given_at,
                                const AnswerStyle& style, Random& random) {
    const std::string facility(answer.object("facility").text("code"));
    const std::string time = local_digits(given_at);
    oqs::ResultMessage result;
    result.header.executed_at = time;
    result.header.confirmation_date = compact_day(answer.text("care_day"));
    result.header.institution_code = facility;
    // Sixteen characters, as those of real files.
    result.header.file_identifier = to_base64url(draw<identifier_bytes>(random)) + "=";
    result.header.reference_classification = "1";
    result.header.segment = "1";
    oqs::Unit unit = unit_of_answer(answer, "1", style);
    for (auto& record : unit.records) {
        record.disease_consent = consent(consents.specified_disease, given_at);
        record.disease_consent.available_until.clear();
        record.checkups = consent(consents.checkups, given_at);
        record.medicines = consent(consents.medicines, given_at);
        record.visits = consent(consents.visits, given_at);
        record.surgery = consent(consents.surgery, given_at);
        take_consented(record, recorded, time);
    }
    result.units.push_back(std::move(unit));
    const auto encoding = style.profile.encoding_of(oqs::Message::eligibility);
    result.header.character_code = style.profile.identifier_of(encoding);
    auto written =
        oqs::write_document(oqs::result_element(oqs::Layout::eligibility, result), encoding, style.profile.order);
    if (!written) return fail(std::move(written));
    return FaceFile{oqs::face_name(facility, to_hex(draw<token_bytes>(random)), time), std::move(written->bytes)};
}

FaceFile make_subsidy_file(JsonItem answer, std::string chosen, Instant given_at, Random& random) {
    const auto facility = answer.object("facility").text("code");
    const auto token = to_hex(draw<token_bytes>(random));
    return {oqs::subsidy_file_name(facility, token, local_digits(given_at)), std::move(chosen)};
}

}  // namespace onshi::terminal
