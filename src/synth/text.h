#pragma once

#include <string>
#include <string_view>

#include "synth/organisations.h"
#include "synth/person.h"

namespace onshi::synth {

// Texts from typed parts. Each appends to `out` (UTF-8), so that a loader reuses its buffers. Thread-safe.

// 髙橋　美咲, NGUYEN VAN ANH: as registered.
void append_name(const PersonName& name, std::string& out);
// タカハシ　ミサキ in full-width katakana; nothing when no reading is registered.
void append_kana(const PersonName& name, std::string& out);
// Name and reading as the insurer sent them with that record.
void append_sent_name(const SyntheticPerson& person, const SyntheticCoverage& record, std::string& out);
void append_sent_kana(const SyntheticPerson& person, const SyntheticCoverage& record, std::string& out);
// 東京都架空星川区見本町１丁目２番３号　見本ハイツ１０１
void append_address(const Organisations& organisations, const SyntheticAddress& address, std::string& out);
// Nothing when the insurer sent none.
void append_sent_address(const Organisations& organisations, const SyntheticPerson& person,
                         const SyntheticCoverage& record, std::string& out);
// 000-1234
void append_postal_code(const Organisations& organisations, const SyntheticAddress& address, std::string& out);

// 記号 and 番号 as issued. The symbol may be empty, the number never.
void append_symbol(const InsuredIdentity& identity, std::string& out);
void append_number(const InsuredIdentity& identity, std::string& out);

// 03-0000-nnnn and 06-0nnn-nnnn: no exchange begins with 0, so nobody has these.
void append_insurer_telephone(const SyntheticInsurer& insurer, std::string& out);
void append_facility_telephone(const SyntheticFacility& facility, std::string& out);
// 受付１ …, ordinal < facility.terminals.
void append_terminal_name(std::uint32_t ordinal, std::string& out);

// `withheld`, `overlap` …: stable words for the truth file.
[[nodiscard]] std::string_view fault_name(FaultKind kind);
// One line per fault, tab-separated, without a final newline: index, fault, record or -, fields or -, day or -, days or
// -, other index or -. No personal data.
void append_truth_line(std::uint64_t index, const Fault& fault, std::string& out);

}  // namespace onshi::synth
