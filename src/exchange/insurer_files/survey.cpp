#include "exchange/insurer_files/survey.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/utf8.h"
#include "exchange/insurer_files/line_reader.h"

namespace onshi::insurer_files {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
constexpr std::size_t digest_block_bytes = std::size_t{1} << 20U;
constexpr std::uint64_t progress_every = 65'536;

// Gathers lines to blocks, so that hashing costs no more than the bytes.
class ChainedDigest {
  public:
    void add(std::string_view line) {
        block_.append(line);
        block_.push_back('\n');
        if (block_.size() >= digest_block_bytes) close_block();
    }
    [[nodiscard]] Sha256 finish() {
        close_block();
        return digest_;
    }

  private:
    void close_block() {
        digest_ = sha256({Bytes(digest_), as_bytes(block_)});
        block_.clear();
    }
    Sha256 digest_{};
    std::string block_;
};

bool is_ascii(std::string_view line) {
    return std::ranges::all_of(line, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

void count_taken_away(const RawRow& raw, Survey& survey) {
    const auto operation = coverage::parse_operation(raw.at(Field::operation));
    if (!operation) return;
    const bool ends = operation == coverage::Operation::lose || operation == coverage::Operation::cancel;
    const bool blanks = operation == coverage::Operation::change && raw.at(Field::copay_percent).empty() &&
                        raw.at(Field::limit_category).empty();
    if (!ends && !blanks) return;
    const auto insurer = InsurerNumber::parse(raw.at(Field::insurer_number));
    if (!insurer) return;
    const bool room = survey.taken_away.size() < insurers_counted_max || survey.taken_away.contains(*insurer);
    if (!room) return;
    TakenAway& taken = survey.taken_away[*insurer];
    (ends ? taken.ended : taken.blanked) += 1;
}

void count_ratio(const RawRow& raw, Date on, Survey& survey) {
    const auto operation = coverage::parse_operation(raw.at(Field::operation));
    if (operation != coverage::Operation::add && operation != coverage::Operation::change) return;
    const auto insurer = InsurerNumber::parse(raw.at(Field::insurer_number));
    const auto birth = parse_file_date(raw.at(Field::birth_date));
    if (!insurer || !birth) return;
    const bool room = survey.ratios.size() < insurers_counted_max || survey.ratios.contains(*insurer);
    if (!room) return;
    payments::RatioHistory& history = survey.ratios[*insurer];
    ++history.blank.records;
    const auto limit = payments::limit_category_presence(raw.at(Field::limit_category), insurer->scheme());
    if (limit == payments::Presence::blank) ++history.blank.blank_limit;
    const std::string_view text = raw.at(Field::copay_percent);
    if (text.empty()) {
        ++history.blank.blank_ratio;
        return;
    }
    int percent = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
    const auto ratio = payments::Percent::from(percent);
    if (error != std::errc() || end != text.data() + text.size() || !ratio) return;
    history.pattern.count(payments::age_group_on(*birth, on, insurer->scheme()), *ratio);
}

}  // namespace

Result<Survey> survey_file(const SourceOpener& source, const std::function<void(std::uint64_t)>& progress,
                           std::optional<Date> on) {
    auto reader = LineReader::open(source);
    if (!reader) return fail(std::move(reader));
    Survey survey;
    ChainedDigest digest;
    std::optional<RowParser> parser;
    std::uint64_t sound = 0;
    std::uint64_t broken = 0;
    for (;;) {
        auto line = reader->next();
        if (!line) return fail(std::move(line));
        if (line->kind == LineKind::end) break;
        survey.bytes = line->end;
        digest.add(line->text);
        if (progress && line->number % progress_every == 0) progress(line->end);
        std::string_view text = line->text;
        if (line->number == 1 && text.starts_with(byte_order_mark)) {
            survey.has_mark = true;
            text.remove_prefix(byte_order_mark.size());
        }
        if (!parser) {
            if (line->kind == LineKind::too_long) return fail(ErrorCode::intake_header, "the first line is too long");
            if (text.empty()) continue;
            survey.format = text.starts_with('{') ? FileFormat::ndjson : FileFormat::csv;
            auto made = survey.format == FileFormat::ndjson ? Result<RowParser>(RowParser::ndjson())
                                                            : RowParser::csv(text, Encoding::utf8);
            if (!made) return fail(std::move(made));
            parser = std::move(*made);
            if (survey.format == FileFormat::csv) {
                survey.header = text;
                continue;
            }
        }
        if (text.empty() && line->kind == LineKind::line) continue;
        ++survey.rows;
        if (!is_ascii(text)) ++(is_valid_utf8(text) ? sound : broken);
        const auto raw = parser->split(text);
        if (!raw) continue;
        count_taken_away(*raw, survey);
        if (on) count_ratio(*raw, *on, survey);
    }
    if (!parser) return fail(ErrorCode::intake_header, "the file is empty");
    survey.digest = digest.finish();
    const bool cp932 = broken > sound && !survey.has_mark && survey.format == FileFormat::csv;
    survey.encoding = cp932 ? Encoding::cp932 : Encoding::utf8;
    return survey;
}

}  // namespace onshi::insurer_files
