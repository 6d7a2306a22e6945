#include "installation/installation_files.h"

#include <cstring>
#include <fcntl.h>
#include <sstream>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/date.h"
#include "base/ensure.h"
#include "installation/limits.h"
#include "platform/text_formats/json_reader.h"
#include "platform/text_formats/json_writer.h"
#include "synth/text.h"

namespace onshi::installation {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view format_name = "onshi-demo-installation-2";
constexpr std::size_t name_bytes_max = 64;
constexpr std::size_t store_bytes_max = 1024;
constexpr std::size_t cards_max = 64;

tl::unexpected<Error> file_failure(const fs::path& file) {
    return fail(ErrorCode::installation_folder, file.string() + ": " + std::strerror(errno));
}

std::string as_toml_text(const toml::table& table) {
    std::ostringstream out;
    out << table << '\n';
    return out.str();
}

std::string_view name_of(Level level) {
    for (const std::string_view name : {"debug", "info", "warn", "error", "off"}) {
        if (find_level(name) == level) return name;
    }
    return "info";
}

constexpr std::pair<std::uint8_t, std::string_view> field_names[]{{synth::field_name, "name"},
                                                                  {synth::field_kana, "kana"},
                                                                  {synth::field_birth_date, "birth_date"},
                                                                  {synth::field_sex, "sex"},
                                                                  {synth::field_address, "address"}};

void write_counts(JsonWriter& json, const LoadCounts& counts) {
    json.begin_object("counts");
    json.member("persons", counts.persons);
    json.member("coverages", counts.coverages);
    json.member("coverage_rows", counts.coverage_rows);
    json.member("cards", counts.cards);
    json.member("card_keys", counts.card_keys);
    json.member("renewals", counts.renewals);
    json.member("registrations", counts.registrations);
    json.member("suspensions", counts.suspensions);
    json.member("certificates", counts.certificates);
    json.member("organisations", counts.organisations);
    json.member("residents", counts.residents);
    json.member("known_seq", counts.known_seq);
    json.end_object();
}

std::int64_t number(JsonObject& object, std::string_view name, std::int64_t min = 0,
                    std::int64_t max = std::numeric_limits<std::int64_t>::max()) {
    return object.integer(name, min, max).value_or(min);
}

void read_counts(JsonObject& object, LoadCounts& counts) {
    counts.persons = static_cast<std::uint64_t>(number(object, "persons"));
    counts.coverages = static_cast<std::uint64_t>(number(object, "coverages"));
    counts.coverage_rows = static_cast<std::uint64_t>(number(object, "coverage_rows"));
    counts.cards = static_cast<std::uint64_t>(number(object, "cards"));
    counts.card_keys = static_cast<std::uint64_t>(number(object, "card_keys"));
    counts.renewals = static_cast<std::uint64_t>(number(object, "renewals"));
    counts.registrations = static_cast<std::uint64_t>(number(object, "registrations"));
    counts.residents = static_cast<std::uint64_t>(number(object, "residents"));
    counts.suspensions = static_cast<std::uint64_t>(number(object, "suspensions"));
    counts.certificates = static_cast<std::uint64_t>(number(object, "certificates"));
    counts.organisations = static_cast<std::uint64_t>(number(object, "organisations"));
    counts.known_seq = number(object, "known_seq");
}

void read_members(JsonObject& object, DemoInstallation& made) {
    if (object.text("format", name_bytes_max) != format_name) object.reject("format", ErrorCode::field_value);
    made.made_at = {number(object, "made_at_us")};
    made.as_of = object.parsed<Date>("as_of", name_bytes_max, parse_iso_date).value_or(Date());
    made.persons = static_cast<std::uint64_t>(number(object, "persons", 1));
    made.seed = static_cast<std::uint64_t>(number(object, "seed"));
    made.facilities = static_cast<std::uint32_t>(number(object, "facilities", 0, synth::facilities_max));
    made.desks = static_cast<std::uint32_t>(number(object, "desks", 1, desks_max));
    made.card_keys = static_cast<std::uint32_t>(number(object, "card_keys", 1, synth::key_pool_size));
    made.schema = object.text("schema", name_bytes_max);
    made.store = object.text("store", store_bytes_max);
    object.object("counts", [&made](JsonObject& counts) { read_counts(counts, made.counts); });
    object.objects("terminals", desks_max + demo_services_max, [&made](JsonObject& terminal) {
        made.terminals.push_back({std::string(terminal.text("name", name_bytes_max)),
                                  std::string(terminal.text("id", name_bytes_max)),
                                  std::string(terminal.text("organisation", name_bytes_max))});
    });
    object.objects("cards", cards_max, [&made](JsonObject& card) {
        made.cards.push_back({std::string(card.text("file", name_bytes_max)),
                              std::string(card.text("kind", name_bytes_max)),
                              static_cast<std::uint64_t>(number(card, "person"))});
    });
}

}  // namespace

Result<void> write_text_file(const fs::path& file, std::string_view text) {
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (descriptor < 0) return file_failure(file);
    while (!text.empty()) {
        const ::ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            auto failed = file_failure(file);
            ::close(descriptor);
            return failed;
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::close(descriptor) != 0) return file_failure(file);
    return {};
}

Result<void> make_folder(const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (!error) fs::permissions(folder, fs::perms::owner_all, error);
    if (error) return fail(ErrorCode::installation_folder, folder.string() + ": " + error.message());
    return {};
}

std::string to_toml(const hub::Settings& s) {
    toml::array policies;
    for (const auto& oid : s.card_policies) policies.push_back(oid);
    toml::array engines;
    for (const auto& engine : s.face_engines) engines.push_back(engine);
    return as_toml_text(toml::table{
        {"profile", s.profile == hub::Profile::demo ? "demo" : "production"},
        {"hub_id", s.hub_id},
        {"lane", s.lane},
        {"listen_address", s.listen_address},
        {"port", s.port},
        {"metrics_port", s.metrics_port},
        {"store", s.store},
        {"secrets_folder", s.secrets_folder},
        {"server_certificate", s.server_certificate},
        {"server_key", s.server_key},
        {"organisation_ca_certificate", s.organisation_ca_certificate},
        {"organisation_ca_key", s.organisation_ca_key},
        {"card_roots", s.card_roots},
        {"card_policies", std::move(policies)},
        {"trust_epoch", s.trust_epoch},
        {"card_status_lists", s.card_status_lists},
        {"card_status_seconds", s.card_status_seconds},
        {"ocsp_responder", s.ocsp_responder},
        {"face_engines", std::move(engines)},
        {"loops", s.loops},
        {"pin_cpus", s.pin_cpus},
        {"key_device", s.key_device},
        {"ordinances_file", s.ordinances_file},
        {"intake_folder", s.intake_folder},
        {"hold_another_person", s.hold_another_person},
        {"hold_one_name", s.hold_one_name},
        {"hold_address", s.hold_address},
        {"webhook_roots", s.webhook_roots},
        {"proof_hour", s.proof_hour},
        {"misses_per_hour", s.misses_per_hour},
        {"requests_per_second", s.requests_per_second},
        {"connections_per_address", s.connections_per_address},
        {"log_level", name_of(s.log_level)},
        {"log_access", s.log_access},
    });
}

std::string to_toml(const TerminalFile& t) {
    toml::table table{
        {"hub_host", t.hub_host},       {"hub_port", t.hub_port}, {"hub_id", t.hub_id},     {"server_ca", t.server_ca},
        {"certificate", t.certificate}, {"key", t.key},           {"facility", t.facility}, {"terminal", t.terminal},
    };
    if (!t.card_certificate.empty()) table.insert("card_certificate", t.card_certificate);
    if (!t.card_key.empty()) table.insert("card_key", t.card_key);
    if (!t.photo_roots.empty()) table.insert("photo_roots", t.photo_roots);
    return as_toml_text(table);
}

std::string to_json(const DemoInstallation& made) {
    std::string text;
    JsonWriter json(text);
    json.begin_object();
    json.member("format", format_name);
    json.member("made_at_us", made.made_at.us);
    json.member("as_of", to_iso(made.as_of));
    json.member("persons", made.persons);
    json.member("seed", made.seed);
    json.member("facilities", made.facilities);
    json.member("desks", made.desks);
    json.member("card_keys", made.card_keys);
    json.member("schema", made.schema);
    json.member("store", made.store);
    write_counts(json, made.counts);
    json.begin_array("terminals");
    for (const auto& terminal : made.terminals) {
        json.begin_object();
        json.member("name", terminal.name);
        json.member("id", terminal.id);
        json.member("organisation", terminal.organisation);
        json.end_object();
    }
    json.end_array();
    json.begin_array("cards");
    for (const auto& card : made.cards) {
        json.begin_object();
        json.member("file", card.file);
        json.member("kind", card.kind);
        json.member("person", card.person);
        json.end_object();
    }
    json.end_array();
    json.end_object();
    text.push_back('\n');
    return text;
}

Result<DemoInstallation> parse_installation(std::string_view text) {
    auto document = JsonDocument::parse(text);
    if (!document) return fail(ErrorCode::installation_not_ours, "installation.json is no JSON object");
    DemoInstallation made;
    auto read = document->read([&made](JsonObject& object) { read_members(object, made); });
    if (!read) return fail(ErrorCode::installation_not_ours, "installation.json is of another form or version");
    return made;
}

// The columns are those of synth's own line, so that both forms of the truth say the same.
std::string truth_line(std::uint64_t index, const synth::Fault& fault) {
    std::string columns;
    synth::append_truth_line(index, fault, columns);
    std::string_view rest = columns;
    const auto next = [&rest] {
        const std::string_view column = rest.substr(0, rest.find('\t'));
        rest.remove_prefix(std::min(column.size() + 1, rest.size()));
        return column;
    };
    std::string line;
    JsonWriter json(line);
    json.begin_object();
    for (const std::string_view name : {"person", "fault", "record", "fields", "day", "days", "other"}) {
        const std::string_view column = next();
        if (column == "-") continue;
        if (name == "fault" || name == "day") {
            json.member(name, column);
        } else if (name == "fields") {
            json.begin_array(name);
            for (const auto& [bit, field] : field_names) {
                if ((fault.fields & bit) != 0) json.text(field);
            }
            json.end_array();
        } else {
            json.key(name);
            json.integer(std::stoll(std::string(column)));
        }
    }
    json.end_object();
    line.push_back('\n');
    return line;
}

Result<TruthFile> TruthFile::create(const fs::path& file) {
    std::FILE* opened = std::fopen(file.c_str(), "wxe");
    if (opened == nullptr) return file_failure(file);
    return TruthFile(opened);
}

Result<void> TruthFile::add(const synth::SyntheticPerson& person) {
    for (const synth::Fault& fault : person.faults) {
        const std::string line = truth_line(person.index, fault);
        if (std::fwrite(line.data(), line.size(), 1, file_.get()) != 1) return file_failure("truth.ndjson");
    }
    return {};
}

Result<void> TruthFile::close() {
    if (std::fclose(file_.release()) != 0) return file_failure("truth.ndjson");
    return {};
}

}  // namespace onshi::installation
