#include "platform/smartcard/virtual_chip.h"

#include <algorithm>

#include "platform/smartcard/limits.h"
#include "platform/smartcard/tlv.h"

namespace onshi::smartcard {

namespace {

// A partial AID selects (measured on a card, jpki-card §3); how short it may be is not known, we take a registered
// provider id.
constexpr std::size_t partial_aid_bytes_min = 5;
constexpr std::size_t aid_bytes_max = 16;
constexpr std::uint8_t current_file_reference = 0x80;
constexpr std::uint8_t short_id_bits = 0x1F;

ResponseApdu only(StatusWord status) {
    return {{}, status};
}

ResponseApdu answer(Bytes bytes) {
    return {ByteVector(bytes.begin(), bytes.end()), sw::ok};
}

}  // namespace

VirtualCard::Chip::Chip(CardImage image, std::unique_ptr<CardStateStore> store, CardState state, CardKeys keys,
                        std::vector<CardApplication> applications, Random& random)
    : image_(std::move(image)),
      store_(std::move(store)),
      state_(std::move(state)),
      keys_(std::move(keys)),
      applications_(std::move(applications)),
      random_(&random) {}

void VirtualCard::Chip::reset() {
    application_.reset();
    file_ = nullptr;
    verified_.reset();
    terminal_key_.reset();
    challenge_.clear();
    terminal_accepted_ = false;
    last_ins_ = 0;
}

ResponseApdu VirtualCard::Chip::run(const CommandApdu& command) {
    ResponseApdu response = only(sw::cla_unknown);
    if (command.cla == 0x00) {
        response = run_iso(command);
    } else if (command.cla == 0x80) {
        response = run_proprietary(command);
    } else if ((command.cla & 0xF0U) == 0 && (command.cla & 0x03U) != 0) {
        response = only(sw::no_logical_channel);
    } else if ((command.cla & 0xF0U) == 0) {
        response = only(sw::secure_messaging_refused);
    }
    last_ins_ = command.ins;
    return response;
}

ResponseApdu VirtualCard::Chip::run_iso(const CommandApdu& command) {
    switch (command.ins) {
        case ins::verify: return only(verify(command));
        case ins::change_pin: return only(change(command, 0x01));
        case ins::external_authenticate: return only(external_authenticate(command));
        case ins::get_challenge: return get_challenge(command);
        case ins::internal_authenticate: return internal_authenticate(command);
        case ins::select: return only(select(command));
        case ins::read_binary: return read_binary(command);
        case ins::read_record: return read_record(command);
        case ins::get_data: return get_data(command);
        case ins::change_key:
        case ins::perform_security_operation:
        case ins::set_public_ic_key:
        case ins::last_command_indicator: return only(sw::cla_unknown);
        default: return only(sw::ins_unknown);
    }
}

ResponseApdu VirtualCard::Chip::run_proprietary(const CommandApdu& command) {
    switch (command.ins) {
        case ins::perform_security_operation: return compute_signature(command);
        case ins::change_key: return only(change(command, 0x00));
        case ins::set_public_ic_key: return only(set_public_ic_key(command));
        case ins::last_command_indicator: return last_command_indicator(command);
        case ins::verify:
        case ins::change_pin:
        case ins::external_authenticate:
        case ins::get_challenge:
        case ins::internal_authenticate:
        case ins::select:
        case ins::read_binary:
        case ins::read_record:
        case ins::get_data: return only(sw::cla_unknown);
        default: return only(sw::ins_unknown);
    }
}

const CardApplication* VirtualCard::Chip::current_application() const {
    return application_ ? &applications_[*application_] : nullptr;
}

StatusWord VirtualCard::Chip::select(const CommandApdu& command) {
    // P2 `0C` asks for no answer data. `00` asks for some; the card was measured to give `9000` all the same.
    if (command.p2 != 0x0C && command.p2 != 0x00) return sw::bad_parameters;
    switch (command.p1) {
        case 0x00: return select_master_file(command);
        case 0x02: return select_file(command);
        case 0x04: return select_application(command);
        default: return sw::bad_parameters;
    }
}

// Measured: 6A86 after a reset; with an application current it answers well and changes nothing.
StatusWord VirtualCard::Chip::select_master_file(const CommandApdu& command) const {
    constexpr std::array<std::uint8_t, 2> master_file{0x3F, 0x00};
    if (!application_) return sw::bad_parameters;
    if (!command.data.empty() && !command.data.equals(master_file)) return sw::file_not_found;
    return sw::ok;
}

StatusWord VirtualCard::Chip::select_application(const CommandApdu& command) {
    const Bytes wanted = command.data.bytes();
    if (wanted.size() < partial_aid_bytes_min || wanted.size() > aid_bytes_max) return sw::file_not_found;
    const auto found = std::ranges::find_if(applications_, [&](const CardApplication& application) {
        const Bytes aid = aid_of(application.name);
        return wanted.size() <= aid.size() && std::ranges::equal(wanted, aid.first(wanted.size()));
    });
    if (found == applications_.end()) return sw::file_not_found;
    // Verified PINs are lost on every SELECT of an application, also of the same one (jpki-card §3).
    reset();
    application_ = static_cast<std::size_t>(found - applications_.begin());
    return sw::ok;
}

StatusWord VirtualCard::Chip::select_file(const CommandApdu& command) {
    const Bytes id = command.data.bytes();
    if (id.size() != 2) return sw::wrong_length;
    const CardApplication* application = current_application();
    if (application == nullptr) return sw::file_not_found;
    const CardFile* found = application->find(static_cast<FileId>(id[0] << 8U | id[1]));
    if (found == nullptr) return sw::file_not_found;
    file_ = found;
    return sw::ok;
}

VirtualCard::Chip::Target VirtualCard::Chip::by_short_id(std::uint8_t short_id) {
    const CardApplication* application = current_application();
    const CardFile* found = application == nullptr ? nullptr : application->find(short_id);
    if (short_id == 0 || short_id > 30 || found == nullptr) return {nullptr, sw::file_not_found};
    file_ = found;
    return {found, sw::ok};
}

VirtualCard::Chip::Target VirtualCard::Chip::by_reference(std::uint8_t p2) {
    if (p2 == current_file_reference) return {file_, file_ == nullptr ? sw::no_current_file : sw::ok};
    if ((p2 & ~short_id_bits) != current_file_reference) return {nullptr, sw::bad_parameters};
    return by_short_id(p2 & short_id_bits);
}

bool VirtualCard::Chip::may_read(const TransparentFile& file) const {
    if (file.rule == ReadRule::free) return true;
    return file.rule == ReadRule::with_credential && (verified_ & file.opened_by).any();
}

ResponseApdu VirtualCard::Chip::read_binary(const CommandApdu& command) {
    if (!command.data.empty() || !command.le) return only(sw::wrong_length);
    Target target{file_, file_ == nullptr ? sw::no_current_file : sw::ok};
    std::size_t offset = static_cast<std::size_t>(command.p1) << 8U | command.p2;
    if ((command.p1 & 0x80U) != 0) {
        if ((command.p1 & 0x60U) != 0) return only(sw::bad_parameters);
        target = by_short_id(command.p1 & short_id_bits);
        offset = command.p2;
    }
    if (target.status != sw::ok) return only(target.status);
    const auto* file = std::get_if<TransparentFile>(&target.file->body);
    if (file == nullptr) return only(sw::wrong_file_kind);
    if (!may_read(*file)) return only(sw::security_status);
    const Bytes content = file->content;
    if (offset >= content.size()) return only(sw::offset_outside);
    return answer(content.subspan(offset, std::min<std::size_t>(*command.le, content.size() - offset)));
}

ResponseApdu VirtualCard::Chip::read_record(const CommandApdu& command) {
    constexpr std::uint8_t by_number = 0x04;
    if (!command.data.empty() || !command.le) return only(sw::wrong_length);
    if ((command.p2 & 0x07U) != by_number || command.p1 == 0) return only(sw::bad_parameters);
    const auto short_id = static_cast<std::uint8_t>(command.p2 >> 3U);
    Target target{file_, file_ == nullptr ? sw::no_current_file : sw::ok};
    if (short_id != 0) target = by_short_id(short_id);
    if (target.status != sw::ok) return only(target.status);
    const auto* file = std::get_if<RecordFile>(&target.file->body);
    if (file == nullptr) return only(sw::wrong_file_kind);
    if (command.p1 > file->records.size()) return only(sw::record_not_found);
    const Bytes record = file->records[command.p1 - 1U];
    return answer(record.first(std::min<std::size_t>(*command.le, record.size())));
}

// At card-manager level only. The objects are those that were measured; how their values are coded is our own.
ResponseApdu VirtualCard::Chip::get_data(const CommandApdu& command) const {
    const CardApplication* application = current_application();
    if (application == nullptr || application->name != Application::card_manager) return only(sw::object_not_found);
    const auto tag = static_cast<TlvTag>(command.p1 << 8U | command.p2);
    switch (tag) {
        case 0x0045: return answer(make_tlv(tag, as_bytes(image_.card_number)));
        case 0x00F0: return answer(make_tlv(tag, as_bytes(image_.municipality)));
        case 0x00F2: return answer(make_tlv(tag, as_bytes(to_compact(image_.expires_on))));
        case 0x5F51: return answer(make_tlv(tag, atr()));
        case 0x00F8:
        case 0x7F21: return answer(image_.surface->cv_certificate);
        default: return only(sw::object_not_found);
    }
}

ResponseApdu VirtualCard::Chip::get_challenge(const CommandApdu& command) {
    if (command.p1 != 0 || command.p2 != 0) return only(sw::bad_parameters);
    if (!command.data.empty() || !command.le) return only(sw::wrong_length);
    if (*command.le > challenge_bytes_max) return only(sw::conditions_of_use);
    challenge_.resize(*command.le);
    random_->fill(challenge_);
    return answer(challenge_);
}

ResponseApdu VirtualCard::Chip::last_command_indicator(const CommandApdu& command) const {
    if (image_.token != TokenKind::iphone) return only(sw::wrong_length);
    if (command.p1 != 0 || command.p2 != 0) return only(sw::bad_parameters);
    return answer(std::array{last_ins_});
}

}  // namespace onshi::smartcard
