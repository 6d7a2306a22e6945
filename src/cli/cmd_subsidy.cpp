// onshi subsidy import
#include <filesystem>

#include <fmt/format.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/member_parts.h"
#include "exchange/certificate_files/certificate_import.h"
#include "platform/event_loop/event_loop.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

namespace fs = std::filesystem;
using certificate_files::ImportReport;

class SubsidyImport final : public Command {
  public:
    static constexpr CommandText text{
        "subsidy", "import",
        "Take over certificates: a municipality's subsidies, or an insurer's limits and specific diseases.",
        "  onshi subsidy import subsidies.csv --municipality 131016 --operator sato --config hub.toml\n"
        "  onshi subsidy import limits.csv --insurer 06139463 --operator sato --config hub.toml"};
    void declare(Options& options) override {
        options.text(file_, "file", "FILE", "CSV of certificates, UTF-8 or CP932 (docs/payments.md)").required();
        auto municipality = options.text(municipality_, "--municipality", "CODE",
                                         "the municipality or prefecture whose subsidies they are, six digits");
        options.text(insurer_, "--insurer", "NUMBER", "the insurer whose limits and specific diseases they are")
            .excludes(municipality);
        options.text(operator_, "--operator", "NAME", "who takes it over, for the record").required();
        options.text(result_, "--result", "FILE", "where the rows go with what became of them; else beside the file");
        options.settings({"store", "secrets_folder"});
    }
    Result<Exit> run(Session& session) override {
        auto issuer = find_issuer();
        if (!issuer) return fail(std::move(issuer));
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        auto parts = MemberParts::open(*settings, session.clock(), session.random());
        if (!parts) return fail(std::move(parts));
        const auto& intake = (*parts)->intake();
        const certificate_files::ImportOptions options{file_, result_path(), *issuer, operator_};
        auto report = run_to_end(certificate_files::import_certificates({intake.database, intake.clock, intake.random},
                                                                        intake.vault, options));
        if (!report) return fail(std::move(report));
        show(session.console(), *report, options.result_file);
        const auto refused = static_cast<std::size_t>(payments::CertificateResult::refused);
        return report->results[refused] == 0 ? Exit::done : Exit::some_failed;
    }

  private:
    [[nodiscard]] Result<payments::Issuer> find_issuer() const {
        if (municipality_) {
            const auto code = payments::MunicipalityCode::parse(*municipality_);
            if (!code) return tl::unexpected(code.error());
            return payments::Issuer(*code);
        }
        if (!insurer_) return fail(ErrorCode::command_usage, "--municipality or --insurer");
        const auto insurer = InsurerNumber::parse(*insurer_);
        if (!insurer) return tl::unexpected(insurer.error());
        return payments::Issuer(*insurer);
    }
    [[nodiscard]] std::string result_path() const {
        if (result_) return *result_;
        const fs::path file = file_;
        return file.parent_path() / (file.stem().string() + ".result" + file.extension().string());
    }
    static void show(Console& console, const ImportReport& report, const std::string& result_file) {
        std::string words;
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.certificate_import/1");
        writer.member("rows", report.rows);
        writer.begin_object("results");
        for (std::size_t i = 0; i < payments::certificate_results; ++i) {
            const auto name = to_string(static_cast<payments::CertificateResult>(i));
            writer.member(name, report.results[i]);
            if (report.results[i] == 0) continue;
            words += fmt::format("{}{} {}", words.empty() ? "" : ", ", name, report.results[i]);
        }
        writer.end_object();
        writer.member("result_file", result_file);
        writer.end_object();
        if (console.json()) return console.line(json);
        console.line(fmt::format("✔ {} rows, {}", report.rows, words.empty() ? "nothing to do" : words));
        console.line(result_file);
    }

    std::string file_;
    std::optional<std::string> municipality_;
    std::optional<std::string> insurer_;
    std::string operator_;
    std::optional<std::string> result_;
};

}  // namespace

void add_subsidy_commands(CommandTree& tree) {
    tree.noun("subsidy", "certificates of subsidies, limits and specific diseases");
    tree.add<SubsidyImport>();
}

}  // namespace onshi::cli
