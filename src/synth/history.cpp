#include "synth/history.h"

#include <algorithm>

#include "base/ensure.h"

namespace onshi::synth {

namespace {

constexpr std::uint64_t number_space = 1'000'000'000;
constexpr std::uint64_t short_number_space = 100'000'000;
constexpr std::int32_t retroactive_days = 30;      // beyond it news changes answers that were given
constexpr std::int32_t late_days = 10;             // domain-rules AC-2
constexpr std::int32_t national_notice_days = 17;  // notice within 14 days and up to 3 more to be seen (AC-3)
// Old papers, abolished on this day, stand on records that ended before it (domain-rules §1.10).
constexpr Date papers_abolished = Date::of(2024, 12, 2);
// From this day on a record is compared before it is shown, so a number of a stranger would be noticed (§1.13).
constexpr Date compared_from = Date::of(2024, 5, 7);

// Permutations: consecutive indexes get unlike numbers, and no two the same.
std::uint32_t scatter9(std::uint64_t value, std::uint64_t seed) {
    ENSURE(value < number_space);
    return static_cast<std::uint32_t>((value * 387'420'489 + seed % number_space) % number_space);
}
std::uint32_t scatter8(std::uint64_t value, std::uint64_t seed) {
    ENSURE(value < short_number_space);
    return static_cast<std::uint32_t>((value * 43'046'721 + seed % short_number_space) % short_number_space);
}

// Which table of ratios and limits counts (domain-rules §3.2, §3.3).
enum class PaymentAge : std::uint8_t { below_seventy, seventy, late_elderly };

// One time of coverage before it becomes a record.
struct Span {
    Segment segment;
    Relation relation;
    std::uint32_t owner;  // the member whose number it is
    Notice notice;
    std::optional<Scheme> next;  // the scheme that follows
};

class HistoryWriter {
  public:
    HistoryWriter(const NationTables& tables, const Household& household, std::uint32_t member, SyntheticPerson& person)
        : tables_(tables),
          household_(household),
          member_(member),
          person_(person),
          draws_(household.draws_of(tables, member)),
          as_of_(tables.settings.as_of),
          ordinary_(household.protection == ProtectionRole::none) {}

    void write();

  private:
    void collect_spans();
    void collect_path(const Path& path, Relation relation, std::uint32_t owner, Date from, Date to);
    void add_late_elderly(Date from);
    void add_span(Segment segment, Relation relation, std::uint32_t owner, Notice notice);
    [[nodiscard]] bool works() const;
    [[nodiscard]] Date last_day_in(Scheme scheme) const;
    void write_record(const Span& span, std::uint32_t ordinal);
    void set_knowledge(SyntheticCoverage& record, const Span& span, std::uint32_t ordinal);
    void set_loss(SyntheticCoverage& record, const Span& span, std::uint32_t ordinal);
    [[nodiscard]] LossReason loss_reason(const Span& span) const;
    [[nodiscard]] InsuredIdentity identity(std::uint16_t insurer, Scheme scheme, std::uint32_t owner,
                                           std::uint32_t job) const;
    void set_certificate(SyntheticCoverage& record, const Span& span, std::uint32_t ordinal) const;
    void set_payment(SyntheticCoverage& record, const Span& span, std::uint32_t ordinal);
    [[nodiscard]] std::uint8_t copay_percent(PaymentAge age) const;
    [[nodiscard]] LimitCategory limit_category(PaymentAge age) const;
    void set_sent(SyntheticCoverage& record, std::uint32_t ordinal);
    void withhold_for_name(SyntheticCoverage& record, std::uint32_t ordinal);
    void withhold_for_birth_or_sex(SyntheticCoverage& record, std::uint32_t ordinal);
    void note_timing(const SyntheticCoverage& record);
    void set_file_day(SyntheticCoverage& record) const;
    void add_cancelled_record();
    void add_wrong_link();

    // Faults of a record are noted before it is appended.
    void note(FaultKind kind, Date day, std::int32_t days = 0, std::uint8_t fields = 0) {
        person_.faults.push_back({kind, static_cast<std::uint8_t>(person_.coverages.size()), fields, days, day, 0});
    }
    [[nodiscard]] const Member& self() const { return household_.members[member_]; }
    [[nodiscard]] const FaultRates& rates() const { return tables_.settings.rates; }
    [[nodiscard]] bool strikes(std::uint32_t rate, Field field, std::uint32_t ordinal) const {
        return ordinary_ && draws_.per_billion(rate, field, ordinal);
    }

    const NationTables& tables_;
    const Household& household_;
    std::uint32_t member_;
    SyntheticPerson& person_;
    Draws draws_;
    Date as_of_;
    bool ordinary_;  // the protection trio has no faults
    boost::container::static_vector<Span, coverage_records_max - 1> spans_;
};

void HistoryWriter::write() {
    collect_spans();
    for (std::uint32_t ordinal = 0; ordinal < spans_.size(); ++ordinal) write_record(spans_[ordinal], ordinal);
    if (!ordinary_) return;
    add_cancelled_record();
    add_wrong_link();
}

// ---- Who is covered by whom, when -----------------------------------------------------------------------------------

bool HistoryWriter::works() const {
    const std::int32_t age_days = as_of_ - self().birth;
    std::uint32_t share = 0;  // percent of that age with insurance of their own (chosen)
    switch (self().role) {
        case Role::head: return true;
        case Role::spouse: share = age_days < 65 * 365 ? 48 : 10; break;
        case Role::child: share = age_days < 23 * 365 ? 35 : 80; break;
        case Role::elder: share = age_days < 70 * 365 ? 20 : 0; break;
    }
    return age_days > 19 * 365 && draws_.percent(share, Field::works);
}

Date HistoryWriter::last_day_in(Scheme scheme) const {
    Date last = person_.deceased_on;
    const bool left_by_welfare = scheme == Scheme::national || scheme == Scheme::late_elderly;
    if (left_by_welfare && household_.welfare_from != Date::open_end) {
        last = std::min(last, household_.welfare_from.plus_days(-1));
    }
    return last;
}

void HistoryWriter::add_span(Segment segment, Relation relation, std::uint32_t owner, Notice notice) {
    // What lies further ahead, a 75th birthday in thirty years, is in no file yet.
    const Date foreseen = as_of_.plus_days(31);
    if (segment.first > foreseen) return;
    if (segment.last > foreseen) segment.last = Date::open_end;
    segment.last = std::min(segment.last, last_day_in(segment.scheme));
    if (segment.last < segment.first || segment.last < tables_.registry_start) return;
    if (!spans_.empty()) spans_.back().next = segment.scheme;
    spans_.push_back({segment, relation, owner, notice, std::nullopt});
}

void HistoryWriter::collect_path(const Path& path, Relation relation, std::uint32_t owner, Date from, Date to) {
    for (std::size_t k = 0; k < path.segments.size(); ++k) {
        Segment part = path.segments[k];
        part.first = std::max(part.first, from);
        part.last = std::min(part.last, to);
        const bool last = k + 1 == path.segments.size();
        add_span(part, relation, owner, last ? path.last_notice : Notice::given);
    }
}

void HistoryWriter::add_late_elderly(Date from) {
    const std::uint16_t insurer = tables_.organisations.runs().late_elderly.at(household_.prefecture - 1U);
    add_span({from, Date::open_end, Scheme::late_elderly, insurer, insurer, 0}, Relation::none, member_, Notice::given);
}

void HistoryWriter::collect_spans() {
    const Date late_elderly_from = std::max(self().late_elderly_from, scheme_of_late_elderly_start);
    const Date until = late_elderly_from == Date::open_end ? Date::open_end : late_elderly_from.plus_days(-1);
    if (member_ == 0) {
        collect_path(household_.path, Relation::insured, 0, self().birth, until);
    } else if (works()) {
        const std::uint32_t grown = 18 * 365 + 5 + draws_.below(5 * 365, Field::first_job);
        const Date works_from = std::min(self().birth.plus_days(grown), as_of_.plus_days(-60));
        Path own;
        make_path(tables_, household_, draws_, self().birth, works_from, own);
        const Date first_job = own.segments.front().first;
        if (self().role == Role::child) {
            collect_path(household_.followers, Relation::family, 0, self().birth,
                         std::min(first_job.plus_days(-1), until));
        }
        collect_path(own, Relation::insured, member_, first_job, until);
    } else {
        // A spouse joins when they marry; nobody here does so before 18.
        const Date from = self().role == Role::spouse ? self().birth.plus_days(18 * 365 + 5) : self().birth;
        collect_path(household_.followers, Relation::family, 0, from, until);
    }
    if (late_elderly_from != Date::open_end) add_late_elderly(late_elderly_from);
}

// ---- One record -----------------------------------------------------------------------------------------------------

void HistoryWriter::write_record(const Span& span, std::uint32_t ordinal) {
    const Segment& segment = span.segment;
    if (span.notice == Notice::never_given) {
        person_.faults.push_back({FaultKind::never_registered, no_record, 0, 0, segment.first, 0});
        return;
    }
    SyntheticCoverage record;
    record.insurer = span.relation == Relation::family ? segment.family_insurer : segment.insurer;
    record.identity = identity(record.insurer, segment.scheme, span.owner, segment.ordinal);
    record.relation = span.relation;
    record.valid = {segment.first, segment.last};
    record.number_owner = person_.index;
    set_certificate(record, span, ordinal);
    set_knowledge(record, span, ordinal);
    if (segment.last != Date::open_end) set_loss(record, span, ordinal);
    set_payment(record, span, ordinal);
    set_sent(record, ordinal);
    note_timing(record);
    set_file_day(record);
    person_.coverages.push_back(record);
}

InsuredIdentity HistoryWriter::identity(std::uint16_t insurer, Scheme scheme, std::uint32_t owner,
                                        std::uint32_t job) const {
    const SyntheticInsurer& by = tables_.organisations.insurers()[insurer];
    const std::uint32_t rank = household_.rank_in_prefecture(tables_, owner);
    const std::uint64_t shift = mix64(tables_.settings.seed);
    InsuredIdentity made;
    made.symbol_style = by.symbol_style;
    if (scheme == Scheme::late_elderly || scheme == Scheme::national) {
        made.number = scatter8(rank, shift);
        made.number_digits = 8;
    } else if (scheme == Scheme::association) {
        // Eight digits of symbol: prefecture, 0, workplace.
        const std::uint32_t code = scatter9(std::uint64_t{rank} * jobs_max + job, shift);
        made.symbol = by.prefecture * 1'000'000U + code / 10'000;
        made.symbol_digits = 8;
        made.number = code % 10'000 + 1;
    } else {
        // Societies insure people everywhere, so the index itself keeps their numbers apart.
        const std::uint64_t place = scheme == Scheme::trade_society ? rank : household_.head + owner;
        const std::uint32_t code = scatter9(place * jobs_max + job, shift);
        made.symbol = code / 100'000 + 1;
        made.number = code % 100'000 + 1;
    }
    if (scheme == Scheme::late_elderly) return made;
    made.branch = BranchNumber::from_value(by.first_branch + static_cast<int>(member_ - owner));
    return made;
}

void HistoryWriter::set_certificate(SyntheticCoverage& record, const Span& span, std::uint32_t ordinal) const {
    const Scheme scheme = span.segment.scheme;
    if (scheme == Scheme::retired_society) record.certificate = CertificateKind::special_retired;
    if (scheme == Scheme::self_defence && span.relation == Relation::insured) {
        record.certificate = CertificateKind::self_defence;
    }
    if (scheme != Scheme::national) return;
    const bool old_paper = record.valid.last < papers_abolished;
    if (old_paper && draws_.percent(2, Field::short_term, ordinal)) record.certificate = CertificateKind::short_term;
    if (!old_paper && strikes(1'000'000, Field::arrears, 0)) record.certificate = CertificateKind::special_benefit;
}

// ---- When it became known -------------------------------------------------------------------------------------------

void HistoryWriter::set_knowledge(SyntheticCoverage& record, const Span& span, std::uint32_t ordinal) {
    const Date first = record.valid.first;
    if (span.segment.scheme == Scheme::late_elderly) {
        record.known_on =
            std::max(first.plus_days(draws_.between(-30, -5, Field::acquisition_delay, ordinal)), registry_opened);
        return;
    }
    if (first > as_of_) {
        record.known_on = as_of_.plus_days(-draws_.between(1, 20, Field::acquisition_delay, ordinal));
        return;
    }
    const std::int32_t in_time = span.segment.scheme == Scheme::national ? national_notice_days : late_days;
    std::int32_t delay = draws_.between(1, in_time, Field::acquisition_delay, ordinal);
    if (strikes(rates().late_acquisition, Field::acquisition_late, ordinal)) {
        delay = draws_.between(in_time + 1, in_time + 25, Field::acquisition_delay, ordinal);
        if (draws_.percent(20, Field::acquisition_late, 64 + ordinal)) delay += 20 + 8 * (delay - in_time);
    }
    record.known_on = std::max(first.plus_days(delay), registry_opened);
    if (record.known_on == registry_opened) return;
    if (delay > in_time) note(FaultKind::late_acquisition, record.known_on, delay);
    if (delay > retroactive_days) note(FaultKind::retroactive_acquisition, record.known_on, delay);
}

LossReason HistoryWriter::loss_reason(const Span& span) const {
    const Date last = span.segment.last;
    if (last == person_.deceased_on) return LossReason::death;
    if (span.next) return LossReason::other_insurance;
    return last.plus_days(1) == household_.welfare_from ? LossReason::welfare : LossReason::other;
}

void HistoryWriter::set_loss(SyntheticCoverage& record, const Span& span, std::uint32_t ordinal) {
    const Date last = span.segment.last;
    record.loss_reason = loss_reason(span);
    const bool new_job = span.next && *span.next != Scheme::late_elderly && *span.next != Scheme::national;
    // What ends it at the latest, whoever reports what.
    const Date turns_75 = self().late_elderly_from <= as_of_ ? self().late_elderly_from.plus_days(-1) : Date::open_end;
    const Date end = std::min(turns_75, person_.deceased_on);
    // People forget to leave 国保 when an employer takes over, and nobody tells the municipality (domain-rules EL-1).
    if (new_job && span.segment.scheme == Scheme::national &&
        strikes(rates().loss_unreported, Field::loss_unreported, ordinal)) {
        note(FaultKind::loss_unreported, last);
        record.valid.last = end;
        if (end == Date::open_end) {
            record.loss_reason = LossReason::none;
            return;
        }
    } else if (new_job && strikes(rates().loss_date_wrong, Field::loss_date_wrong, ordinal)) {
        record.valid.last = std::min(last.plus_days(draws_.between(1, 45, Field::loss_date_wrong, 64 + ordinal)), end);
        if (record.valid.last > last) note(FaultKind::overlap, last);
    }
    if (record.valid.last == person_.deceased_on) record.loss_reason = LossReason::death;
    std::int32_t delay = draws_.between(1, late_days, Field::loss_delay, ordinal);
    if (strikes(rates().late_loss, Field::loss_late, ordinal)) {
        delay = draws_.between(late_days + 1, 50, Field::loss_delay, ordinal);
        if (draws_.percent(20, Field::loss_late, 64 + ordinal)) delay *= 6;
    }
    const Date told = record.valid.last.plus_days(delay);
    record.loss_known_on = std::max(told, record.known_on);
    if (record.loss_known_on != told) return;
    if (delay > late_days) note(FaultKind::late_loss, told, delay);
    if (delay > retroactive_days) note(FaultKind::retroactive_loss, told, delay);
}

void HistoryWriter::note_timing(const SyntheticCoverage& record) {
    const bool known = record.is_known(as_of_);
    if (!known && record.valid.contains(as_of_)) note(FaultKind::not_yet_registered, record.known_on);
    if (known && record.valid.first > as_of_) note(FaultKind::future_record, record.valid.first);
    if (known && record.valid.last < as_of_ && record.loss_known_on > as_of_) {
        note(FaultKind::loss_not_yet_registered, record.valid.last);
    }
}

void HistoryWriter::set_file_day(SyntheticCoverage& record) const {
    record.insurer_file_on = record.known_on;
    for (const Date touched : {record.loss_known_on, record.cancelled_on}) {
        if (touched <= as_of_ && touched > record.insurer_file_on) record.insurer_file_on = touched;
    }
}

// ---- What the patient pays (domain-rules §3.2, §3.3, §4.1)
// ------------------------------------------------------------

// Places in the order of incomes, 0 .. 999. About 7 % of those over 70 pay 30 %, a fifth of those over 75 pay 20 %.
std::uint8_t HistoryWriter::copay_percent(PaymentAge age) const {
    if (age == PaymentAge::below_seventy || household_.income >= 930) return 30;
    if (age == PaymentAge::seventy) return 20;
    return household_.income >= 730 ? 20 : 10;
}

LimitCategory HistoryWriter::limit_category(PaymentAge age) const {
    const std::uint32_t income = household_.income;
    if (age == PaymentAge::below_seventy) {
        if (income < 170) return LimitCategory::a05;
        if (income < 520) return LimitCategory::a04;
        if (income < 890) return LimitCategory::a03;
        return income < 970 ? LimitCategory::a02 : LimitCategory::a01;
    }
    if (income < 150) return LimitCategory::b06;
    if (income < 400) return LimitCategory::b05;
    if (income >= 988) return LimitCategory::b01;
    if (income >= 975) return LimitCategory::b02;
    if (income >= 930) return LimitCategory::b03;
    if (age == PaymentAge::seventy) return LimitCategory::b04;
    return income >= 730 ? LimitCategory::b09 : LimitCategory::b10;
}

void HistoryWriter::set_payment(SyntheticCoverage& record, const Span& span, std::uint32_t ordinal) {
    const Date on = std::clamp(as_of_, record.valid.first, record.valid.last);
    const std::int32_t age_days = on - self().birth;
    PaymentAge age = PaymentAge::below_seventy;
    if (age_days > 69 * 365 && on >= seventy_start(self().birth)) age = PaymentAge::seventy;
    if (span.segment.scheme == Scheme::late_elderly) age = PaymentAge::late_elderly;
    record.preschool = age_days < 8 * 365 && on <= preschool_end(self().birth);
    record.limit = limit_category(age);
    record.copay_percent = record.preschool ? std::uint8_t{20} : copay_percent(age);
    if (record.valid.contains(as_of_) && strikes(rates().wrong_ratio, Field::ratio_wrong, ordinal)) {
        note(FaultKind::ratio_wrong, on, record.copay_percent);
        record.copay_percent = record.copay_percent == 30 ? 20 : 30;
    }
}

// ---- What the insurer sent, and why it is withheld (domain-rules §2.5)
// ------------------------------------------------

void HistoryWriter::set_sent(SyntheticCoverage& record, std::uint32_t ordinal) {
    // Shares chosen: insurers' systems with a small repertoire, with old rules for kana, without addresses.
    if (person_.name.has_rare_glyph()) {
        const std::uint32_t roll = draws_.below(100, Field::sent_name, ordinal);
        if (roll >= 45) record.sent_name = roll < 85 ? SentName::folded : SentName::geta;
    }
    if (!person_.name.has_reading()) {
        record.sent_kana = SentKana::missing;
    } else if (draws_.percent(20, Field::sent_kana, ordinal)) {
        record.sent_kana = SentKana::large_kana;
    }
    if (draws_.percent(10, Field::sent_address, ordinal)) record.sent_address = SentAddress::missing;
    if (strikes(rates().withheld_name, Field::withheld, ordinal)) withhold_for_name(record, ordinal);
    if (strikes(rates().withheld_birth_or_sex, Field::withheld, 64 + ordinal))
        withhold_for_birth_or_sex(record, ordinal);
}

void HistoryWriter::withhold_for_name(SyntheticCoverage& record, std::uint32_t ordinal) {
    // Of a hundred: half an old address, the others a family name, its reading, or both (chosen).
    const std::uint32_t roll = draws_.below(100, Field::withheld_kind, ordinal);
    std::uint8_t fields = 0;
    if (roll < 50) {
        record.sent_address = SentAddress::old_address;
        fields = field_address;
    }
    if (roll >= 50 && roll < 80) {
        record.sent_name = SentName::other_family;
        fields = field_name;
    }
    if (roll >= 72) {
        // Without a reading in the register there is nothing to differ from.
        const bool comparable = person_.name.has_reading();
        record.sent_kana = comparable ? SentKana::other_family : record.sent_kana;
        if (!comparable) record.sent_name = SentName::other_family;
        fields |= comparable ? field_kana : field_name;
    }
    record.state = CoverageState::withheld;
    note(FaultKind::withheld, record.known_on, 0, fields);
}

void HistoryWriter::withhold_for_birth_or_sex(SyntheticCoverage& record, std::uint32_t ordinal) {
    std::uint8_t fields = field_sex;
    if (draws_.percent(70, Field::withheld_kind, 64 + ordinal)) {
        fields = field_birth_date;
        record.sent_birth_date =
            self().birth.plus_days(-std::int64_t{1} - draws_.below(400, Field::sent_birth_date, ordinal));
    } else {
        record.sent_sex = self().sex == Sex::female ? Sex::male : Sex::female;
    }
    record.state = CoverageState::withheld;
    note(FaultKind::withheld, record.known_on, 0, fields);
}

// ---- Records that should not be there
// ---------------------------------------------------------------------------------

void HistoryWriter::add_cancelled_record() {
    const std::int32_t age_days = as_of_ - self().birth;
    if (age_days < 24 * 365 || age_days > 70 * 365 || person_.is_deceased()) return;
    if (!draws_.per_billion(rates().cancelled_record, Field::cancelled_record)) return;
    const IndexRun& societies = tables_.organisations.runs().societies;
    const std::uint32_t living = societies.count - Organisations::dissolved_societies;
    SyntheticCoverage record;
    record.insurer = societies.at(draws_.skewed(living, Field::insurer, Field::insurer_skew, jobs_max));
    record.identity = identity(record.insurer, Scheme::society, member_, jobs_max - 1);
    record.relation = Relation::insured;
    record.state = CoverageState::cancelled;
    record.valid = {as_of_.plus_days(-120 - std::int64_t{draws_.below(1'000, Field::cancelled_day)}), Date::open_end};
    record.known_on = record.valid.first.plus_days(5);
    record.cancelled_on = record.known_on.plus_days(10 + draws_.below(60, Field::cancelled_day, 1));
    record.number_owner = person_.index;
    record.limit = limit_category(PaymentAge::below_seventy);
    note(FaultKind::cancelled_record, record.cancelled_on);
    set_file_day(record);
    person_.coverages.push_back(record);
}

void HistoryWriter::add_wrong_link() {
    // The other person comes earlier in the same block, so that every prefix of the nation that has one has both.
    const bool relative = member_ > 0;
    if (person_.coverages.empty() || (!relative && person_.index % block_size == 0)) return;
    if (!draws_.per_billion(rates().wrong_link, Field::wrong_link)) return;
    const std::uint64_t other = relative ? household_.head : person_.index - 1;
    const std::size_t last = person_.coverages.size() - 1;
    SyntheticCoverage& record = person_.coverages[last];
    record.number_owner = other;
    std::uint8_t fields = 0;
    if (record.known_on >= compared_from && record.state == CoverageState::active) {
        record.state = CoverageState::withheld;
        fields = field_name | field_kana | field_birth_date;
    }
    person_.faults.push_back(
        {FaultKind::wrong_link, static_cast<std::uint8_t>(last), fields, 0, record.known_on, other});
}

}  // namespace

void make_coverages(const NationTables& tables, const Household& household, std::uint32_t member,
                    SyntheticPerson& person) {
    HistoryWriter(tables, household, member, person).write();
}

}  // namespace onshi::synth
