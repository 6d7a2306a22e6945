// onshi cert issue-test-ca | show | issue-card | renew | expiring
#include <filesystem>

#include <fmt/format.h>

#include "base/date.h"
#include "base/identifiers.h"
#include "cli/app.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/terminal_profile.h"
#include "platform/pki/organisation_ca.h"
#include "platform/pki/private_key.h"
#include "platform/pki/test_ca.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t days_max = 36'500;
constexpr std::int64_t us_per_day = std::int64_t{86'400} * 1'000'000;

// PEM with any number of certificates, or one in DER.
Result<std::vector<pki::Certificate>> load_certificates(const std::string& file) {
    auto text = read_text_file(file);
    if (!text) return fail(std::move(text));
    if (text->find("-----BEGIN") != std::string::npos) return pki::parse_certificates_pem(*text);
    auto certificate = pki::parse_certificate(as_bytes(*text));
    if (!certificate) return fail(std::move(certificate));
    std::vector<pki::Certificate> one;
    one.push_back(std::move(*certificate));
    return one;
}

std::int64_t days_left(const pki::Certificate& certificate, Instant now) {
    return std::int64_t{japan_day(certificate.not_after).days()} - japan_day(now).days();
}

void write_texts(JsonWriter& writer, const char* name, const std::vector<std::string>& texts) {
    writer.begin_array(name);
    for (const auto& text : texts) writer.text(text);
    writer.end_array();
}

std::string certificate_json(const pki::Certificate& certificate, const std::string& file, Instant now) {
    const auto s = pki::summarize(certificate);
    std::string json;
    JsonWriter writer(json);
    writer.begin_object();
    writer.member("schema", "onshi.certificate/1");
    writer.member("file", file);
    writer.member("subject", s.subject);
    writer.member("issuer", s.issuer);
    writer.member("serial", s.serial_hex);
    writer.member("not_before", s.not_before);
    writer.member("not_after", s.not_after);
    writer.member("days_left", days_left(certificate, now));
    writer.member("key", s.key);
    writer.member("ca", s.is_ca);
    write_texts(writer, "key_usages", s.key_usages);
    write_texts(writer, "extended_key_usages", s.extended_key_usages);
    write_texts(writer, "policies", s.policies);
    write_texts(writer, "dns_names", certificate.dns_names);
    write_texts(writer, "ip_addresses", certificate.ip_addresses);
    writer.member("subject_key_id", s.subject_key_id);
    writer.member("authority_key_id", s.authority_key_id);
    writer.member("fingerprint", s.fingerprint);
    writer.end_object();
    return json;
}

void show_certificate(Console& console, const pki::Certificate& certificate, const std::string& file, Instant now) {
    if (console.json()) return console.line(certificate_json(certificate, file, now));
    const auto s = pki::summarize(certificate);
    const auto left = days_left(certificate, now);
    console.line(s.subject + (s.is_ca ? "  (CA)" : ""));
    console.line("  issuer       " + s.issuer);
    console.line("  serial       " + s.serial_hex);
    const std::string until = fmt::format("{}, {} days left", s.not_after, left);
    console.line(
        fmt::format("  valid        {} – {}", s.not_before, left < 0 ? console.marked(Mark::bad, until) : until));
    console.line("  key          " + s.key);
    if (!s.key_usages.empty()) console.line(fmt::format("  usage        {}", fmt::join(s.key_usages, ", ")));
    if (!s.policies.empty()) console.line(fmt::format("  policies     {}", fmt::join(s.policies, ", ")));
    if (!certificate.dns_names.empty() || !certificate.ip_addresses.empty()) {
        std::vector<std::string> names = certificate.dns_names;
        names.insert(names.end(), certificate.ip_addresses.begin(), certificate.ip_addresses.end());
        console.line(fmt::format("  names        {}", fmt::join(names, ", ")));
    }
    console.line("  fingerprint  " + s.fingerprint);
}

class CertShow final : public Command {
  public:
    static constexpr CommandText text{"cert", "show", "Show what certificates say (PEM or DER).",
                                      "  onshi cert show server.crt\n  onshi cert show pki/jpki/auth_roots.pem --json"};
    void declare(Options& options) override { options.texts(files_, "files", "FILE", "certificates").required(); }
    Result<Exit> run(Session& session) override {
        for (const auto& file : files_) {
            auto certificates = load_certificates(file);
            if (!certificates) return fail(certificates.error().code, file + ": " + certificates.error().detail);
            for (const auto& certificate : *certificates) {
                show_certificate(session.console(), certificate, file, session.clock().now());
            }
        }
        return Exit::done;
    }

  private:
    std::vector<std::string> files_;
};

class CertExpiring final : public Command {
  public:
    static constexpr CommandText text{"cert", "expiring",
                                      "List the certificates of the settings, and others, that end soon.",
                                      "  onshi cert expiring --days 90 --config hub.toml\n"
                                      "  onshi cert expiring --days 30 ./desk/terminal.crt --json"};
    void declare(Options& options) override {
        options.integer(days_, "--days", "N", "how soon").range(0, days_max);
        options.texts(files_, "files", "FILE", "more certificates");
        options.settings({"server_certificate", "organisation_ca_certificate", "card_roots"});
        options.setting("terminal_folder", "--terminal");
    }
    Result<Exit> run(Session& session) override {
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        auto files = all_files(*settings);
        if (!files) return fail(std::move(files));
        const Instant now = session.clock().now();
        for (const auto& file : *files) {
            auto certificates = load_certificates(file);
            if (!certificates) return fail(certificates.error().code, file + ": " + certificates.error().detail);
            for (const auto& certificate : *certificates) {
                if (days_left(certificate, now) <= days_) show_certificate(session.console(), certificate, file, now);
            }
        }
        return Exit::done;
    }

  private:
    Result<std::vector<std::string>> all_files(const settings::ResolvedSettings& settings) const {
        std::vector<std::string> files = files_;
        for (const char* key : {"server_certificate", "organisation_ca_certificate", "card_roots"}) {
            if (!settings.text(key).empty()) files.push_back(settings.text(key));
        }
        if (!settings.text("terminal_folder").empty()) {
            auto profile = load_terminal_profile(settings.text("terminal_folder"));
            if (!profile) return fail(std::move(profile));
            files.push_back(profile->file(profile->certificate).string());
        }
        if (files.empty()) return fail(ErrorCode::command_usage, "no certificates: name files or settings");
        return files;
    }
    std::int64_t days_ = 90;
    std::vector<std::string> files_;
};

class CertIssueTestCa final : public Command {
  public:
    static constexpr CommandText text{
        "cert", "issue-test-ca",
        "Make a test JPKI: three generations of authentication and signature CAs, O=TEST JPKI.",
        "  onshi cert issue-test-ca --out ./jpki"};
    void declare(Options& options) override { options.text(out_, "--out", "DIR", "a new folder").required(); }
    Result<Exit> run(Session& session) override {
        const Instant now = session.clock().now();
        auto made = pki::write_test_jpki(out_, now);
        if (!made) return fail(std::move(made));
        for (int generation = 1; generation <= pki::test_ca_generations; ++generation) {
            const std::string file = (fs::path(out_) / fmt::format("auth_ca_{}.crt", generation)).string();
            show_certificate(session.console(), made->auth_ca(generation).certificate(), file, now);
        }
        return Exit::done;
    }

  private:
    std::string out_;
};

class CertIssueCard final : public Command {
  public:
    static constexpr CommandText text{
        "cert", "issue-card",
        "Issue a user-authentication certificate of a test JPKI for a key of one's own; prints PEM.",
        "  onshi cert issue-card --ca ./jpki --key card.key --serial 1a2b3c4d --birth 1985-04-12 > card.crt"};
    void declare(Options& options) override {
        options.text(ca_, "--ca", "DIR", "folder of the test JPKI").required();
        options.text(key_, "--key", "FILE", "RSA key, PEM of mode 0600; made when it is not there").required();
        options.text(serial_, "--serial", "HEX", "serial number, 01000000 … 7fffffff").required();
        options.text(birth_, "--birth", "DAY", "birth date, which the end of validity follows from").required();
        options.text(issued_on_, "--issued-on", "DAY", "day of issue; else today");
        options.text(subject_, "--subject-name", "TEXT", "23 upper-case letters and digits");
    }
    Result<Exit> run(Session& session) override {
        auto order = make_order(japan_day(session.clock().now()));
        if (!order) return fail(std::move(order));
        auto jpki = pki::TestJpki::load(ca_);
        if (!jpki) return fail(std::move(jpki));
        auto key = load_or_make_key();
        if (!key) return fail(std::move(key));
        auto der = jpki->auth_ca(jpki->generation_at(order->not_before)).issue(*order, key->public_key());
        if (!der) return fail(std::move(der));
        session.console().line(pki::to_pem(as_bytes(*der)));
        return Exit::done;
    }

  private:
    Result<pki::CardCertificateOrder> make_order(Date today) const {
        const auto birth = parse_iso_date(birth_);
        const auto issued_on = issued_on_.empty() ? Result<Date>(today) : parse_iso_date(issued_on_);
        const auto serial = CertificateSerial::parse_hex(serial_);
        if (!birth || !issued_on) return fail(ErrorCode::command_usage, "days are written as 2026-11-23");
        if (!serial || serial->bytes().size() != 4)
            return fail(ErrorCode::command_usage, "--serial is to be 01000000 … 7fffffff");
        ByteReader reader(serial->bytes());
        pki::CardCertificateOrder order{};
        order.serial = reader.u32();
        order.subject_name = subject_;
        order.not_before = start_of_japan_day(*issued_on);
        order.not_after = pki::card_certificate_not_after(*issued_on, *birth);
        order.prefecture = "Tokyo";
        order.municipality = "Chiyoda-ku";
        return order;
    }
    Result<pki::RsaPrivateKey> load_or_make_key() const {
        std::error_code error;
        if (fs::exists(key_, error)) return pki::RsaPrivateKey::load(key_);
        auto key = pki::RsaPrivateKey::generate(2048);
        if (!key) return key;
        auto saved = key->save(key_);
        if (!saved) return fail(std::move(saved));
        return key;
    }
    std::string ca_;
    std::string key_;
    std::string serial_;
    std::string birth_;
    std::string issued_on_;
    std::string subject_ = "TESTCARD000000000000000";
};

class CertRenew final : public Command {
  public:
    static constexpr CommandText text{
        "cert", "renew",
        "Renew the hub's server certificate by the installation's own server CA: same key, same names.",
        "  onshi cert renew --config hub.toml --ca-certificate server_ca.crt --ca-key server_ca.key --days 365"};
    void declare(Options& options) override {
        options.text(ca_certificate_, "--ca-certificate", "FILE", "the server CA, PEM").required();
        options.text(ca_key_, "--ca-key", "FILE", "its key, PEM of mode 0600").required();
        options.integer(days_, "--days", "N", "validity of the new certificate").range(1, days_max);
        options.settings({"server_certificate", "server_key"});
    }
    Result<Exit> run(Session& session) override {
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        const std::string file = settings->text("server_certificate");
        if (file.empty()) return fail(ErrorCode::config_missing, "server_certificate");
        auto old_text = read_text_file(file);
        if (!old_text) return fail(std::move(old_text));
        auto chain = pki::parse_certificates_pem(*old_text);
        if (!chain) return fail(std::move(chain));
        auto issued = issue(chain->front(), settings->text("server_key"), session);
        if (!issued) return fail(std::move(issued));
        std::string renewed = pki::to_pem(as_bytes(*issued));
        for (std::size_t i = 1; i < chain->size(); ++i) renewed += pki::to_pem(as_bytes((*chain)[i].der));
        auto written = replace_file(file + ".old", *old_text);
        if (written) written = replace_file(file, renewed);
        if (!written) return fail(std::move(written));
        auto certificate = pki::parse_certificate(as_bytes(*issued));
        if (!certificate) return fail(std::move(certificate));
        show_certificate(session.console(), *certificate, file, session.clock().now());
        return Exit::done;
    }

  private:
    Result<std::string> issue(const pki::Certificate& old, const std::string& key_file, Session& session) const {
        auto ca = pki::IssuingCa::load(pki::IssuingCa::Kind::server, ca_certificate_, ca_key_);
        if (!ca) return fail(std::move(ca));
        auto key = pki::EcPrivateKey::load(key_file);
        if (!key) return fail(std::move(key));
        const pki::ServerNames names{old.dns_names, old.ip_addresses};
        const Instant now{session.clock().now().us / 1'000'000 * 1'000'000};
        const pki::Validity validity{now, now + std::chrono::microseconds(days_ * us_per_day)};
        return ca->issue_server(names, *key, validity, session.random());
    }
    std::string ca_certificate_;
    std::string ca_key_;
    std::int64_t days_ = 365;
};

}  // namespace

void add_cert_commands(CommandTree& tree) {
    tree.noun("cert", "certificates: show, renew, make test ones");
    tree.add<CertShow>();
    tree.add<CertExpiring>();
    tree.add<CertRenew>();
    tree.add<CertIssueTestCa>();
    tree.add<CertIssueCard>();
}

}  // namespace onshi::cli
