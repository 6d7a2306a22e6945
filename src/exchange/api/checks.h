#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/eligibility/service.h"
#include "domain/organisations/directory.h"

namespace onshi::api {

inline constexpr std::size_t check_body_bytes_max = 16 * 1024;
inline constexpr std::size_t signature_bytes_max = 512;
inline constexpr std::size_t certificate_bytes_max = 8 * 1024;

// A request for a check by card with the bytes its views point to.
struct CardCheckMessage {
    std::string challenge;
    std::string operator_reference;
    std::string visual_reason;
    std::string face_engine;
    std::string authority_key_id;
    std::string signature;
    std::string certificate;
    eligibility::CardCheck check;
};
[[nodiscard]] Result<std::unique_ptr<const CardCheckMessage>> parse_card_check(std::string_view body);
// What a terminal sends.
[[nodiscard]] std::string write_card_check(const eligibility::CardCheck& check);

// A number field that reads as an individual number is refused as request.my_number (MN-2).
[[nodiscard]] Result<eligibility::NumberCheck> parse_number_check(std::string_view body, Date today);

// Look-ups of many persons in one request. Only the list itself can be malformed: what is wrong with one person is that
// person's answer, so that one slip of the pen does not stop a day's list.
inline constexpr std::size_t bulk_checks_max = 500;
inline constexpr std::size_t bulk_body_bytes_max = 512UL * 1024;
struct BulkCheck {
    CheckId id;
    Result<eligibility::NumberCheck> check;
};
[[nodiscard]] Result<std::vector<BulkCheck>> parse_bulk_checks(std::string_view body, Date today);

[[nodiscard]] Result<std::vector<consent::ItemChoice>> parse_consents(std::string_view body);

struct ChallengeRequest {
    eligibility::Purpose purpose = eligibility::Purpose::check;
    std::size_t count = 1;
};
[[nodiscard]] Result<ChallengeRequest> parse_challenge_request(std::string_view body);
[[nodiscard]] std::string write_challenges(const std::vector<eligibility::IssuedChallenge>& challenges);

// What belongs to an answer but not to its record.
struct AnswerContext {
    const organisations::Terminal& terminal;
    const organisations::InsurerTable& insurers;
    std::uint64_t receipt_key;
    std::string person_ref;                                        // empty without a person
    const eligibility::IssuedChallenge* next_challenge = nullptr;  // by card only
};
// The answer's body, `schema` onshi.eligibility/1. About 2 KB for an eligible person.
[[nodiscard]] std::string write_answer(const eligibility::GivenAnswer& given, const AnswerContext& context);
// `schema` onshi.bulk_checks/1: answers and failures in the order of the request.
struct BulkAnswer {
    CheckId id;
    Result<eligibility::GivenAnswer> given;
    std::string person_ref;  // empty without a person
};
[[nodiscard]] std::string write_bulk_answers(const std::vector<BulkAnswer>& answers,
                                             const organisations::Terminal& terminal,
                                             const organisations::InsurerTable& insurers, std::uint64_t receipt_key);
[[nodiscard]] std::string write_consents(const eligibility::ConsentsRecorded& recorded, std::uint64_t receipt_key);

}  // namespace onshi::api
