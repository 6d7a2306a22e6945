// onshi terminal add | disable | enrol | renew
#include <filesystem>

#include <fmt/format.h>

#include "cli/app.h"
#include "cli/card_source.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/hub_connection.h"
#include "platform/pki/organisation_ca.h"
#include "platform/pki/private_key.h"
#include "platform/pki/secret_file.h"
#include "platform/text_formats/json_view.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

namespace fs = std::filesystem;

constexpr int generations_max = 10'000;

void write_words(JsonWriter& writer, const char* list, const char* field, const std::vector<std::string>& words) {
    writer.begin_array(list);
    for (const auto& word : words) {
        writer.begin_object();
        writer.member(field, word);
        writer.end_object();
    }
    writer.end_array();
}

class TerminalAdd final : public Command {
  public:
    static constexpr CommandText text{
        "terminal", "add",
        "Let a facility or an insurer have one more terminal; gives a code with which it enrols, once.",
        "  onshi terminal add --facility 1310000001 --name 受付2 --role check_card --role check_number --method pin "
        "\\\n"
        "      --code-file code --terminal ./operator"};
    void declare(Options& options) override {
        auto facility = options.text(facility_, "--facility", "CODE", "ten digits of the facility");
        options.text(insurer_, "--insurer", "NUMBER", "the insurer, for a terminal that sends members")
            .excludes(facility);
        options.text(name_, "--name", "TEXT", "what the terminal is called at the facility").required();
        options.texts(roles_, "--role", "WORD", "what it may do: check_card, check_number; an insurer's: send_members")
            .required();
        options.texts(methods_, "--method", "WORD", "how it may confirm a person: pin, face, visual");
        options.text(code_file_, "--code-file", "FILE", "where the code goes (new, mode 0600) in place of the output");
        terminal_.declare(options);
    }
    Result<Exit> run(Session& session) override {
        if (facility_.empty() && !insurer_) return fail(ErrorCode::command_usage, "--facility or --insurer");
        auto profile = terminal_.load(session);
        if (!profile) return fail(std::move(profile));
        auto hub = connect_as(*profile, session);
        if (!hub) return fail(std::move(hub));
        auto answer = run_conversation(*hub, hub->post("/v1/terminals", body(), http::Replay::forbidden));
        if (!answer) return fail(std::move(answer));
        return show(session.console(), *answer);
    }

  private:
    std::string body() const {
        std::string body;
        JsonWriter writer(body);
        writer.begin_object();
        if (insurer_) {
            writer.member("insurer", *insurer_);
        } else {
            writer.member("facility", facility_);
        }
        writer.member("name", name_);
        write_words(writer, "roles", "role", roles_);
        if (!insurer_) write_words(writer, "methods", "method", methods_);
        writer.end_object();
        return body;
    }
    Result<Exit> show(Console& console, const std::string& answer) const {
        auto document = JsonView::parse(answer);
        if (!document) return fail(std::move(document));
        const auto added = document->root();
        const auto code = added.text("enrolment_code");
        if (!code_file_.empty()) {
            auto written = pki::write_secret_file(code_file_, as_bytes(code));
            if (!written) return fail(std::move(written));
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.terminal_added/1");
        writer.member("terminal", added.text("terminal"));
        if (code_file_.empty()) writer.member("enrolment_code", code);
        writer.member("code_until", added.text("code_until"));
        writer.end_object();
        if (console.json()) {
            console.line(json);
            return Exit::done;
        }
        console.line(fmt::format("terminal  {}", added.text("terminal")));
        console.line(fmt::format("code      {}", code_file_.empty() ? code : std::string_view(code_file_)));
        console.line(fmt::format("until     {}", added.text("code_until")));
        return Exit::done;
    }
    TerminalChoice terminal_;
    std::string facility_;
    std::optional<std::string> insurer_;
    std::string name_;
    std::vector<std::string> roles_;
    std::vector<std::string> methods_;
    std::string code_file_;
};

class TerminalDisable final : public Command {
  public:
    static constexpr CommandText text{"terminal", "disable",
                                      "Stop a stolen or retired terminal at once and for ever, on every hub.",
                                      "  onshi terminal disable T1234567890123456789 --terminal ./operator --yes"};
    void declare(Options& options) override {
        options.text(name_, "name", "NAME", "the terminal as terminal.toml and answers name it: T and a number")
            .required();
        terminal_.declare(options);
    }
    Result<Exit> run(Session& session) override {
        auto profile = terminal_.load(session);
        if (!profile) return fail(std::move(profile));
        auto agreed = session.confirm(session.console().label("label.ask_disable", {{"terminal", name_}}));
        if (!agreed) return fail(std::move(agreed));
        auto hub = connect_as(*profile, session);
        if (!hub) return fail(std::move(hub));
        std::string body;
        JsonWriter writer(body);
        writer.begin_object();
        writer.member("terminal", name_);
        writer.end_object();
        // Disabling twice is disabling once.
        auto answer =
            run_conversation(*hub, hub->post("/v1/terminals/disable", std::move(body), http::Replay::allowed));
        if (!answer) return fail(std::move(answer));
        return show(session.console(), *answer);
    }

  private:
    static Result<Exit> show(Console& console, const std::string& answer) {
        auto document = JsonView::parse(answer);
        if (!document) return fail(std::move(document));
        const auto disabled = document->root();
        const bool changed = disabled.boolean("changed").value_or(false);
        if (!console.json()) {
            console.line(fmt::format("{}  disabled", disabled.text("terminal")));
            if (!changed) console.note_label("label.disabled_before");
            return Exit::done;
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.terminal_disabled/1");
        writer.member("terminal", disabled.text("terminal"));
        writer.member("state", disabled.text("state"));
        writer.member("changed", changed);
        writer.end_object();
        console.line(json);
        return Exit::done;
    }
    TerminalChoice terminal_;
    std::string name_;
};

// What the hub says about a terminal that it has given a certificate.
struct Enrolled {
    std::string hub_id;
    std::string facility;
    std::string terminal;
    std::string certificate;
    std::string until;
};

Result<Enrolled> parse_enrolled(const std::string& body) {
    auto document = JsonView::parse(body);
    if (!document) return fail(std::move(document));
    const auto root = document->root();
    Enrolled enrolled{std::string(root.text("hub_id")), std::string(root.text("facility")),
                      std::string(root.text("terminal")), std::string(root.text("certificate")),
                      std::string(root.text("certificate_until"))};
    if (enrolled.hub_id.empty() || enrolled.terminal.empty() || enrolled.certificate.empty()) {
        return fail(ErrorCode::peer_protocol, "not an enrolment");
    }
    return enrolled;
}

void show_enrolled(Console& console, const Enrolled& enrolled, const fs::path& folder) {
    if (!console.json()) {
        console.line(fmt::format("terminal    {} of {}", enrolled.terminal, enrolled.facility));
        console.line(fmt::format("certificate until {}", enrolled.until));
        return console.line(fmt::format("folder      {}", folder.string()));
    }
    std::string json;
    JsonWriter writer(json);
    writer.begin_object();
    writer.member("schema", "onshi.terminal_enrolled/1");
    writer.member("terminal", enrolled.terminal);
    writer.member("facility", enrolled.facility);
    writer.member("certificate_until", enrolled.until);
    writer.member("folder", folder.string());
    writer.end_object();
    console.line(json);
}

std::string certificate_request(std::string_view request_der, const SecretBytes* code) {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object();
    if (code != nullptr) writer.member("enrolment_code", as_text(code->bytes()));
    writer.member("certificate_request", to_base64url(as_bytes(request_der)));
    writer.end_object();
    return body;
}

bool may_have_arrived(ErrorCode code) {
    return code == ErrorCode::peer_outcome_unknown || code == ErrorCode::deadline_passed ||
           code == ErrorCode::store_outcome_unknown;
}

class TerminalEnrol final : public Command {
  public:
    static constexpr CommandText text{
        "terminal", "enrol",
        "Make this machine the terminal that an operator added: key, certificate and settings in one folder.",
        "  onshi terminal enrol --code-file code --hub https://hub.example:8443 --server-ca server_ca.crt --out "
        "./desk"};
    void declare(Options& options) override {
        options.text(code_file_, "--code-file", "FILE",
                     "file of mode 0600 with the one-time code; without it the code is asked for");
        options.text(hub_, "--hub", "URL", "the hub, https://host:port").required();
        options.text(server_ca_, "--server-ca", "FILE", "the CA that the hub's certificate is believed from, PEM")
            .required();
        options
            .text(out_, "--out", "DIR",
                  "the terminal's folder: new, empty, or that of an attempt whose answer was lost")
            .required();
    }
    Result<Exit> run(Session& session) override {
        auto address = HubAddress::parse(hub_);
        if (!address) return fail(std::move(address));
        auto anchors = read_text_file(server_ca_);
        if (!anchors) return fail(std::move(anchors));
        auto code = read_code(session.console());
        if (!code) return fail(std::move(code));
        auto folder = claim_folder();
        if (!folder) return fail(std::move(folder));
        // Before the code is spent: a disk that cannot hold the key must not cost it.
        auto key = key_of_folder();
        if (!key) return fail(std::move(key));
        auto enrolled = ask(session, *address, *anchors, *key, *code);
        if (!enrolled) {
            // Where it is not known whether the hub took the key, the code is good for that key only: it stays, and the
            // same command again ends what this one began.
            std::error_code ignored;
            if (!may_have_arrived(enrolled.error().code)) fs::remove(key_file(), ignored);
            return fail(std::move(enrolled));
        }
        auto written = write_folder(*address, *anchors, *enrolled);
        if (!written) return fail(std::move(written));
        show_enrolled(session.console(), *enrolled, out_);
        return Exit::done;
    }

  private:
    Result<SecretBytes> read_code(Console& console) const {
        if (code_file_.empty()) return console.ask_secret(console.label("label.ask_code"));
        return read_pin_file(code_file_);
    }
    [[nodiscard]] fs::path key_file() const { return fs::path(out_) / TerminalProfile().key; }
    // New, empty, or with nothing but the key of an enrolment whose answer was lost.
    Result<void> claim_folder() const {
        auto made = make_private_folder(out_);
        if (!made) return made;
        std::error_code error;
        for (const auto& entry : fs::directory_iterator(out_, error)) {
            if (entry.path() != key_file()) return fail(ErrorCode::file_exists, out_ + " is not empty");
        }
        if (error) return fail(ErrorCode::file_unreadable, out_ + ": " + error.message());
        return {};
    }
    Result<pki::EcPrivateKey> key_of_folder() const {
        std::error_code error;
        if (fs::exists(key_file(), error)) return pki::EcPrivateKey::load(key_file());
        auto key = pki::EcPrivateKey::generate(pki::EcPrivateKey::Curve::p256);
        auto saved = key.save(key_file());
        if (!saved) return fail(std::move(saved));
        return key;
    }
    static Result<Enrolled> ask(Session& session, const HubAddress& address, const std::string& anchors,
                                const pki::EcPrivateKey& key, const SecretBytes& code) {
        auto request = pki::make_terminal_request(key);
        if (!request) return fail(std::move(request));
        http::ClientTls tls;
        tls.server_anchors = {anchors};
        auto hub = HubConnection::open(address, std::move(tls), session);
        if (!hub) return fail(std::move(hub));
        // The code gives the same certificate for the same key again.
        auto answer = run_conversation(
            *hub, hub->post("/v1/terminals/enrol", certificate_request(*request, &code), http::Replay::allowed));
        if (!answer) return fail(std::move(answer));
        return parse_enrolled(*answer);
    }
    // The description comes last: a folder without it is not a terminal.
    Result<void> write_folder(const HubAddress& address, const std::string& anchors, const Enrolled& enrolled) const {
        TerminalProfile profile;
        profile.folder = out_;
        profile.hub = address;
        profile.hub_id = enrolled.hub_id;
        profile.facility = enrolled.facility;
        profile.terminal = enrolled.terminal;
        auto written = write_new_file(profile.file(profile.certificate), enrolled.certificate);
        if (written) written = write_new_file(profile.file(profile.server_ca), anchors);
        if (written) written = write_new_file(TerminalProfile::description(out_), profile.to_toml());
        return written;
    }
    std::string code_file_;
    std::string hub_;
    std::string server_ca_;
    std::string out_;
};

// Key and certificate of the next generation, `terminal.2.key` and so on: the old pair stays whole until the
// description names the new one, so that no moment leaves the terminal without a pair that fits.
struct NextPair {
    std::string key;
    std::string certificate;
};
Result<NextPair> next_pair(const TerminalProfile& profile) {
    for (int generation = 2; generation < generations_max; ++generation) {
        NextPair pair{fmt::format("terminal.{}.key", generation), fmt::format("terminal.{}.crt", generation)};
        std::error_code error;
        if (!fs::exists(profile.file(pair.key), error) && !fs::exists(profile.file(pair.certificate), error))
            return pair;
    }
    return fail(ErrorCode::file_exists, profile.folder.string());
}

class TerminalRenew final : public Command {
  public:
    static constexpr CommandText text{
        "terminal", "renew",
        "Get a new key and certificate for an enrolled terminal; the old ones end with the new ones' first use.",
        "  onshi terminal renew --terminal ./desk"};
    void declare(Options& options) override { terminal_.declare(options); }
    Result<Exit> run(Session& session) override {
        auto profile = terminal_.load(session);
        if (!profile) return fail(std::move(profile));
        auto pair = next_pair(*profile);
        if (!pair) return fail(std::move(pair));
        const auto key = pki::EcPrivateKey::generate(pki::EcPrivateKey::Curve::p256);
        auto saved = key.save(profile->file(pair->key));
        if (!saved) return fail(std::move(saved));
        auto enrolled = ask(session, *profile, key);
        if (!enrolled) {
            // Whether or not the hub took it: the old pair works until a new one is used, so the next renewal begins
            // anew.
            std::error_code ignored;
            fs::remove(profile->file(pair->key), ignored);
            return fail(std::move(enrolled));
        }
        auto written = change_over(*profile, *pair, *enrolled);
        if (!written) return fail(std::move(written));
        show_enrolled(session.console(), *enrolled, profile->folder);
        return Exit::done;
    }

  private:
    static Result<Enrolled> ask(Session& session, const TerminalProfile& profile, const pki::EcPrivateKey& key) {
        auto request = pki::make_terminal_request(key);
        if (!request) return fail(std::move(request));
        auto hub = connect_as(profile, session);
        if (!hub) return fail(std::move(hub));
        auto answer = run_conversation(
            *hub, hub->post("/v1/terminals/renew", certificate_request(*request, nullptr), http::Replay::allowed));
        if (!answer) return fail(std::move(answer));
        return parse_enrolled(*answer);
    }
    static Result<void> change_over(const TerminalProfile& used, const NextPair& pair, const Enrolled& enrolled) {
        // As the file states it: the address that was used may have come from --hub.
        auto profile = load_terminal_profile(used.folder);
        if (!profile) return fail(std::move(profile));
        auto written = write_new_file(profile->file(pair.certificate), enrolled.certificate);
        if (!written) return written;
        const auto old_key = profile->file(profile->key);
        const auto old_certificate = profile->file(profile->certificate);
        profile->key = pair.key;
        profile->certificate = pair.certificate;
        written = replace_file(TerminalProfile::description(profile->folder), profile->to_toml());
        if (!written) return written;
        std::error_code ignored;
        fs::remove(old_key, ignored);
        fs::remove(old_certificate, ignored);
        return {};
    }
    TerminalChoice terminal_;
};

}  // namespace

void add_terminal_commands(CommandTree& tree) {
    tree.noun("terminal", "terminals: run, status, deferred, visual-account, simulate, add, disable, enrol, renew");
    add_terminal_run_commands(tree);
    add_terminal_offline_commands(tree);
    add_terminal_simulate_command(tree);
    tree.add<TerminalAdd>();
    tree.add<TerminalDisable>();
    tree.add<TerminalEnrol>();
    tree.add<TerminalRenew>();
}

}  // namespace onshi::cli
