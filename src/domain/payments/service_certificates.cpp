#include "domain/payments/service_certificates.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/bytes.h"
#include "base/ensure.h"
#include "domain/audit/intents.h"
#include "domain/payments/store.h"

namespace onshi::payments {

namespace {

// Whether two certificates are the same one, told at different times.
bool same_one(const LimitCertificate& a, const LimitCertificate& b) {
    return a.insurer == b.insurer && a.valid.first == b.valid.first;
}
bool same_one(const SpecificDiseaseCertificate& a, const SpecificDiseaseCertificate& b) {
    return a.insurer == b.insurer && a.disease == b.disease && a.valid.first == b.valid.first;
}
bool same_one(const SubsidyCertificate& a, const SubsidyCertificate& b) {
    return a.payer == b.payer && a.recipient == b.recipient && a.valid.first == b.valid.first;
}

std::vector<LimitCertificate>& list_of(Holdings& holdings, const LimitCertificate&) {
    return holdings.limits;
}
std::vector<SpecificDiseaseCertificate>& list_of(Holdings& holdings, const SpecificDiseaseCertificate&) {
    return holdings.diseases;
}
std::vector<SubsidyCertificate>& list_of(Holdings& holdings, const SubsidyCertificate&) {
    return holdings.subsidies;
}

bool is_own(const Issuer& issuer, const SubsidyCertificate& certificate) {
    const auto* code = std::get_if<MunicipalityCode>(&issuer);
    return code != nullptr && certificate.municipality == *code && certificate.payer.prefecture() == code->prefecture();
}
template <class Certificate>
bool is_own(const Issuer& issuer, const Certificate& certificate) {
    const auto* insurer = std::get_if<InsurerNumber>(&issuer);
    return insurer != nullptr && certificate.insurer == *insurer;
}

// One person while rows are decided on.
struct Work {
    Holdings holdings;
    std::optional<std::int64_t> version;
    std::map<std::int64_t, std::string> changed;  // packed, by certificate key
};

class Plan {
  public:
    Plan(identity::KeyBlocks& keys, const Issuer& issuer) : keys_(keys), issuer_(issuer) {}

    // `work` nullptr: nobody has the number.
    [[nodiscard]] CertificateOutcome decide(const CertificateRow& row, Work* work);

  private:
    static CertificateOutcome refuse(ErrorCode code) { return {CertificateResult::refused, code}; }
    static CertificateOutcome done(CertificateResult result) { return {result, ErrorCode::internal_unexpected}; }

    template <class Certificate>
    CertificateOutcome put(Work& work, Certificate told) {
        auto& list = list_of(work.holdings, told);
        const auto known = std::ranges::find_if(list, [&](const auto& each) { return same_one(each, told); });
        if (known == list.end()) {
            if (work.holdings.size() == certificates_per_person_max) return refuse(ErrorCode::certificates_too_many);
            told.key = CertificateKey(keys_.take());
            work.changed[told.key.value()] = pack(told);
            list.push_back(std::move(told));
            return done(CertificateResult::added);
        }
        told.key = known->key;
        if (*known == told) return done(CertificateResult::unchanged);
        work.changed[told.key.value()] = pack(told);
        *known = std::move(told);
        return done(CertificateResult::changed);
    }

    template <class Certificate>
    CertificateOutcome cancel(Work& work, const Certificate& told) {
        auto& list = list_of(work.holdings, told);
        const auto known = std::ranges::find_if(list, [&](const auto& each) { return same_one(each, told); });
        if (known == list.end()) return refuse(ErrorCode::certificates_row);
        if (known->state == CertificateState::cancelled) return done(CertificateResult::unchanged);
        known->state = CertificateState::cancelled;
        work.changed[known->key.value()] = pack(*known);
        return done(CertificateResult::cancelled);
    }

    identity::KeyBlocks& keys_;
    const Issuer& issuer_;
};

CertificateOutcome Plan::decide(const CertificateRow& row, Work* work) {
    const auto judge = [&](const auto& certificate) {
        if (!is_own(issuer_, certificate)) return refuse(ErrorCode::certificates_issuer);
        if (work == nullptr) return refuse(ErrorCode::certificates_person);
        return row.operation == CertificateOperation::put ? put(*work, certificate) : cancel(*work, certificate);
    };
    return std::visit(judge, row.certificate);
}

Task<Result<std::vector<std::optional<PersonKey>>>> find_persons(sql::Database& database,
                                                                 std::span<const CertificateRow> rows,
                                                                 Deadline deadline) {
    std::vector<std::optional<PersonKey>> found;
    for (std::size_t first = 0; first < rows.size(); first += sql::batch_queries_max) {
        const auto some = rows.subspan(first, std::min(sql::batch_queries_max, rows.size() - first));
        sql::ReadBatch batch;
        std::vector<sql::Slot<PersonKey>> slots;
        for (const auto& row : some) slots.push_back(identity::load_by_tag(batch, row.tag));
        auto read = co_await database.read(batch, deadline);
        if (!read) co_return fail(std::move(read));
        for (const auto& slot : slots) found.push_back(slot.get());
    }
    co_return found;
}

Task<Result<std::map<PersonKey, Work>>> load_works(sql::Database& database, std::vector<PersonKey> keys,
                                                   Deadline deadline) {
    std::ranges::sort(keys);
    const auto twins = std::ranges::unique(keys);
    keys.erase(twins.begin(), twins.end());
    std::map<PersonKey, Work> works;
    for (std::size_t first = 0; first < keys.size(); first += sql::batch_queries_max) {
        const std::size_t last = std::min(keys.size(), first + sql::batch_queries_max);
        sql::ReadBatch batch;
        std::vector<sql::Rows<identity::NowSection>> sections;
        for (std::size_t i = first; i < last; ++i) sections.push_back(identity::load_now(batch, keys[i]));
        auto read = co_await database.read(batch, deadline);
        if (!read) co_return fail(std::move(read));
        for (std::size_t i = first; i < last; ++i) {
            const auto& now = sections[i - first];
            if (now.empty()) continue;
            auto holdings = holdings_of(now);
            if (!holdings) co_return fail(ErrorCode::store_corrupt, "a person's payments section cannot be read");
            Work work{std::move(*holdings), std::nullopt, {}};
            const auto* section = identity::find_section(now, identity::Section::payments);
            if (section != nullptr) work.version = section->version;
            works.emplace(keys[i], std::move(work));
        }
    }
    co_return works;
}

// What the record tells: whose certificates, and how many rows; the certificates themselves are in the registry.
std::string payload_of(const Issuer& issuer, std::size_t rows, const std::map<PersonKey, Work>& works) {
    std::string payload;
    ByteWriter writer(payload);
    const auto* code = std::get_if<MunicipalityCode>(&issuer);
    writer.u8(code != nullptr ? 1 : 2);
    writer.i64(code != nullptr ? code->to_key() : std::get<InsurerNumber>(issuer).to_key());
    writer.varint(rows);
    for (const auto& [person, work] : works) {
        if (work.changed.empty()) continue;
        writer.i64(person.value());
        writer.varint(work.changed.size());
        for (const auto& [key, packed] : work.changed) writer.i64(key);
    }
    return payload;
}

}  // namespace

std::string_view to_string(CertificateResult result) {
    static constexpr std::array<std::string_view, certificate_results> names{"refused", "unchanged", "added", "changed",
                                                                             "cancelled"};
    return names[static_cast<std::size_t>(result)];
}

Task<Result<std::vector<CertificateOutcome>>> CertificateIntake::take(std::span<const CertificateRow> rows,
                                                                      Deadline deadline) {
    ENSURE(rows.size() <= certificate_rows_max);
    for (int tries = 0; tries < certificate_attempts_max; ++tries) {
        auto reserved = co_await keys_.reserve(static_cast<std::int64_t>(rows.size()), deadline);
        if (!reserved) co_return fail(std::move(reserved));
        auto persons = co_await find_persons(parts_.database, rows, deadline);
        if (!persons) co_return fail(std::move(persons));
        std::vector<PersonKey> keys;
        for (const auto& person : *persons) {
            if (person) keys.push_back(*person);
        }
        auto works = co_await load_works(parts_.database, std::move(keys), deadline);
        if (!works) co_return fail(std::move(works));

        Plan plan(keys_, issuer_);
        std::vector<CertificateOutcome> outcomes;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const auto& person = (*persons)[i];
            const auto work = person ? works->find(*person) : works->end();
            outcomes.push_back(plan.decide(rows[i], work == works->end() ? nullptr : &work->second));
        }
        sql::WriteSet set(sql::Store::registry);
        bool any = false;
        for (const auto& [person, work] : *works) {
            if (work.changed.empty()) continue;
            any = true;
            put_holdings(set, person, work.holdings, work.version);
            for (const auto& [key, packed] : work.changed) put_certificate(set, person, CertificateKey(key), packed);
        }
        if (!any) co_return outcomes;
        audit::AuditedChanges changes(parts_.database, parts_.clock, parts_.random);
        audit::Actor actor;
        actor.reference = received_by_;
        const std::string payload = payload_of(issuer_, rows.size(), *works);
        auto applied =
            co_await changes.apply(audit::Event::certificates_received, actor, payload, std::move(set), deadline);
        if (applied) co_return outcomes;
        // Somebody else changed one of the persons: decide anew on what is known now.
        if (applied.error().code != ErrorCode::store_conflict) co_return fail(std::move(applied));
    }
    co_return fail(ErrorCode::store_conflict, "certificates of the same persons change all the time");
}

}  // namespace onshi::payments
