// onshi paper prove | orders | certificates | notices
#include <filesystem>
#include <functional>
#include <optional>

#include <fmt/format.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/instants.h"
#include "cli/list_writer.h"
#include "cli/progress.h"
#include "cli/stores.h"
#include "domain/coverage/means_proof.h"
#include "domain/coverage/service_paper.h"
#include "domain/organisations/store.h"
#include "exchange/api/values.h"
#include "exchange/papers/member_papers.h"
#include "platform/event_loop/event_loop.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

using coverage::PaperOrder;

constexpr std::chrono::milliseconds read_time{30'000};
constexpr int default_validity_years = 1;
constexpr std::size_t orders_shown_max = 20'000;
// Of one run, and of one of its files: about 0.1 MB of memory a page until its file is finished.
constexpr std::size_t papers_max = 1'000'000;
constexpr std::int64_t papers_per_file = 1'000;

class PaperProve final : public Command {
  public:
    static constexpr CommandText text{
        "paper", "prove",
        "Prove that everybody insured today has a working card or a certificate, and list who has not.",
        "  onshi paper prove --config hub.toml"};
    void declare(Options& options) override { options.setting("store", "--store"); }
    Result<Exit> run(Session& session) override {
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        auto stores = Stores::open(settings->text("store"));
        if (!stores) return fail(std::move(stores));
        Progress progress(session.console());
        coverage::ProofOptions options;
        options.day = japan_day(session.clock().now());
        options.progress = [&progress](std::uint64_t persons) { progress.show("persons", persons, 0); };
        auto report = run_to_end(coverage::prove_means((*stores)->database(), session.clock(), options));
        if (!report) return fail(std::move(report));
        show(session.console(), *report);
        return report->without == 0 ? Exit::done : Exit::some_failed;
    }

  private:
    static void show(Console& console, const coverage::MeansReport& report) {
        if (!console.json()) {
            console.line(fmt::format("{} {} insured: {} by card, {} by paper, {} without",
                                     report.without == 0 ? "✔" : "✘", report.insured, report.by_card, report.by_paper,
                                     report.without));
            for (std::size_t i = 0; i < coverage::paper_reasons; ++i) {
                if (report.owed[i] == 0) continue;
                const auto reason = static_cast<coverage::PaperReason>(i + 1);
                console.line(fmt::format("  {:<20} {}", coverage::to_string(reason), report.owed[i]));
            }
            console.line(fmt::format("  {} orders, {} fallen", report.orders_opened, report.orders_fallen));
            return;
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.means_report/1");
        writer.member("insured", report.insured);
        writer.member("by_card", report.by_card);
        writer.member("by_paper", report.by_paper);
        writer.member("without", report.without);
        writer.begin_object("owed");
        for (std::size_t i = 0; i < coverage::paper_reasons; ++i) {
            writer.member(coverage::to_string(static_cast<coverage::PaperReason>(i + 1)), report.owed[i]);
        }
        writer.end_object();
        writer.member("orders", report.orders_opened);
        writer.member("orders_fallen", report.orders_fallen);
        writer.end_object();
        console.line(json);
    }
};

// Every open order of an insurer, page by page.
Result<std::vector<PaperOrder>> open_orders(coverage::PaperService& service, InsurerNumber insurer,
                                            std::size_t count_max) {
    std::vector<PaperOrder> orders;
    CoverageKey after(0);
    for (bool more = true; more && orders.size() < count_max;) {
        auto page = run_to_end(service.list(insurer, after, Deadline::in(read_time)));
        if (!page) return fail(std::move(page));
        orders.insert(orders.end(), page->orders.begin(), page->orders.end());
        more = page->next.has_value();
        if (more) after = *page->next;
    }
    if (orders.size() > count_max) orders.resize(count_max, orders.front());
    return orders;
}

class PaperOrders final : public Command {
  public:
    static constexpr CommandText text{"paper", "orders",
                                      "List an insurer's members who are owed a certificate on paper, and why.",
                                      "  onshi paper orders --insurer 01139997 --config hub.toml"};
    void declare(Options& options) override {
        options.text(insurer_, "--insurer", "NUMBER", "whose members").required();
        options.setting("store", "--store");
    }
    [[nodiscard]] DataShape shape() const override { return DataShape::list; }
    Result<Exit> run(Session& session) override {
        auto insurer = InsurerNumber::parse(insurer_);
        if (!insurer) return fail(std::move(insurer));
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        auto stores = Stores::open(settings->text("store"));
        if (!stores) return fail(std::move(stores));
        coverage::PaperService service((*stores)->database(), session.clock(), session.random());
        auto orders = open_orders(service, *insurer, orders_shown_max);
        if (!orders) return fail(std::move(orders));
        ListWriter list(session.console(), {"record", "reason", "since"});
        for (const PaperOrder& order : *orders) show(list, order);
        list.finish();
        return Exit::done;
    }

  private:
    static void show(ListWriter& list, const PaperOrder& order) {
        const std::string record = fmt::format("{}", order.coverage.value());
        const std::string reason(coverage::to_string(order.reason));
        if (list.wants_cells()) return list.cells({record, reason, api::to_rfc3339(order.since)});
        if (!list.wants_json()) {
            return list.line(fmt::format("{}  {:<20} {}", record, reason, japan_date_time(order.since)));
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.paper_order/1");
        writer.member("record", record);
        writer.member("reason", reason);
        writer.member("since", api::to_rfc3339(order.since));
        writer.end_object();
        list.object(json);
    }
    std::string insurer_;
};

// Where the pages of a batch go: one file, or as many as it takes. A page holds memory until its file is finished, so
// the length of a file is what bounds the whole.
class PaperFiles {
  public:
    PaperFiles(std::string out, const char* title, std::size_t per_file)
        : out_(std::move(out)), title_(title), per_file_(per_file) {}

    // The document that the next page belongs to.
    [[nodiscard]] Result<pdf::Document*> next() {
        if (document_ && document_->pages() == per_file_) {
            auto finished = finish();
            if (!finished) return fail(std::move(finished));
        }
        if (!document_) {
            files_.push_back(name_of(files_.size()));
            auto created = pdf::Document::create(files_.back(), {.title = title_});
            if (!created) return fail(std::move(created));
            document_.emplace(std::move(*created));
        }
        return &*document_;
    }
    [[nodiscard]] Result<void> finish() {
        if (!document_) return {};
        pages_ += document_->pages();
        auto finished = document_->finish();
        document_.reset();
        return finished;
    }
    [[nodiscard]] std::size_t pages() const { return pages_ + (document_ ? document_->pages() : 0); }
    [[nodiscard]] const std::vector<std::string>& files() const { return files_; }

  private:
    // papers.pdf, papers-002.pdf, papers-003.pdf …
    [[nodiscard]] std::string name_of(std::size_t index) const {
        if (index == 0) return out_;
        const std::filesystem::path first(out_);
        return first.parent_path() /
               fmt::format("{}-{:03}{}", first.stem().string(), index + 1, first.extension().string());
    }
    std::string out_;
    const char* title_;
    std::size_t per_file_;
    std::optional<pdf::Document> document_;
    std::vector<std::string> files_;
    std::size_t pages_ = 0;
};

// What both kinds of paper need. Members are read page by page of the store and drawn at once: nobody waits in memory.
class PaperDraw : public Command {
  public:
    void declare(Options& options) override {
        options.text(insurer_, "--insurer", "NUMBER", "who issues them").required();
        options.text(out_, "--out", "FILE", "the PDF, a page for each member; several are numbered").required();
        options.integer(record_, "--record", "ID", "this record's only");
        options.integer(count_, "--max", "N", "at most so many").range(1, static_cast<std::int64_t>(papers_max));
        options
            .integer(per_file_, "--per-file", "N",
                     "papers of one file; the next ones go to FILE-002.pdf, FILE-003.pdf …")
            .range(1, static_cast<std::int64_t>(pdf::pages_max));
        options.setting("store", "--store");
        options.setting("secrets_folder", "--secrets-folder");
        declare_more(options);
    }
    Result<Exit> run(Session& session) override {
        auto insurer = InsurerNumber::parse(insurer_);
        if (!insurer) return fail(std::move(insurer));
        const Date today = japan_day(session.clock().now());
        auto valid_to = last_day(today);
        if (!valid_to) return fail(std::move(valid_to));
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        auto stores = Stores::open_to_write(*settings, session.clock());
        if (!stores) return fail(std::move(stores));
        coverage::PaperService service((*stores)->database(), session.clock(), session.random());
        auto issuer = issuer_of((*stores)->database(), *insurer);
        if (!issuer) return fail(std::move(issuer));
        Progress progress(session.console());
        PaperFiles files(out_, title(), static_cast<std::size_t>(per_file_));
        const auto draw_one = [&](const coverage::PaperContent& content) -> Result<void> {
            auto document = files.next();
            if (!document) return fail(std::move(document));
            draw(**document, {content.person, content.coverage, *issuer, today, *valid_to});
            progress.show("papers", files.pages(), 0);
            return {};
        };
        auto drawn = each(service, *insurer, draw_one);
        if (drawn) drawn = files.finish();
        if (!drawn) return fail(std::move(drawn));
        if (files.pages() == 0) return fail(ErrorCode::use_no_order, "nothing to print");
        show(session.console(), files);
        return Exit::done;
    }

  protected:
    using DrawOne = std::function<Result<void>(const coverage::PaperContent& content)>;
    virtual void declare_more(Options&) {}
    [[nodiscard]] virtual Result<Date> last_day(Date) const { return Date::open_end; }
    [[nodiscard]] virtual const char* title() const = 0;
    virtual void draw(pdf::Document& document, const papers::MemberPaper& paper) const = 0;
    // Whoever is wanted, at most count_max() of them, one after the other.
    [[nodiscard]] virtual Result<void> each(coverage::PaperService& service, InsurerNumber insurer,
                                            const DrawOne& draw_one) const = 0;
    [[nodiscard]] std::size_t count_max() const { return static_cast<std::size_t>(count_); }
    [[nodiscard]] bool wants(CoverageKey record) const { return !record_ || *record_ == record.value(); }

  private:
    static Result<papers::Issuer> issuer_of(sql::Database& database, InsurerNumber insurer) {
        sql::ReadBatch batch;
        const auto organisation =
            organisations::load_organisation(batch, organisations::Kind::insurer, insurer.to_key());
        auto read = run_to_end(database.read(batch, Deadline::in(read_time)));
        if (!read) return fail(std::move(read));
        if (!organisation) return fail(ErrorCode::organisation_unknown, "no insurer has this number");
        return papers::Issuer{organisation->name, organisation->phone};
    }
    void show(Console& console, const PaperFiles& files) const {
        if (!console.json()) {
            console.line(fmt::format("✔ {} papers  {}", files.pages(), out_));
            for (std::size_t i = 1; i < files.files().size(); ++i) console.line("  " + files.files()[i]);
            return;
        }
        std::string json;
        JsonWriter writer(json);
        writer.begin_object();
        writer.member("schema", "onshi.papers/1");
        writer.member("papers", files.pages());
        writer.member("file", out_);
        writer.begin_array("files");
        for (const std::string& file : files.files()) writer.text(file);
        writer.end_array();
        writer.end_object();
        console.line(json);
    }

    std::string insurer_;
    std::string out_;
    std::optional<std::int64_t> record_;
    std::int64_t count_ = static_cast<std::int64_t>(papers_max);
    std::int64_t per_file_ = papers_per_file;
};

class PaperCertificates final : public PaperDraw {
  public:
    static constexpr CommandText text{
        "paper", "certificates", "Draw certificates of eligibility for the members who are owed one, as one PDF.",
        "  onshi paper certificates --insurer 01139997 --out certificates.pdf --config hub.toml"};

  private:
    void declare_more(Options& options) override {
        options.text(valid_to_, "--valid-to", "DATE", "last day of validity; else a year from today");
    }
    [[nodiscard]] Result<Date> last_day(Date today) const override {
        if (!valid_to_) return today.plus_months_clamped(12 * default_validity_years);
        auto day = parse_iso_date(*valid_to_);
        if (!day) return day;
        const bool sane = today <= *day && *day <= today.plus_months_clamped(12 * coverage::certificate_years_max);
        if (!sane) return fail(ErrorCode::command_usage, "--valid-to");
        return day;
    }
    [[nodiscard]] const char* title() const override { return "資格確認書"; }
    void draw(pdf::Document& document, const papers::MemberPaper& paper) const override {
        papers::draw_certificate(document, paper);
    }
    // Members who have left since the order was made get none.
    [[nodiscard]] Result<void> each(coverage::PaperService& service, InsurerNumber insurer,
                                    const DrawOne& draw_one) const override {
        std::size_t drawn = 0;
        CoverageKey after(0);
        for (bool more = true; more && drawn < count_max();) {
            auto page = run_to_end(service.list(insurer, after, Deadline::in(read_time)));
            if (!page) return fail(std::move(page));
            for (const PaperOrder& order : page->orders) {
                if (!wants(order.coverage) || drawn == count_max()) continue;
                auto content = run_to_end(service.content(order, Deadline::in(read_time)));
                if (!content && content.error().code == ErrorCode::use_no_order) continue;
                if (!content) return fail(std::move(content));
                auto done = draw_one(*content);
                if (!done) return done;
                ++drawn;
            }
            more = page->next.has_value();
            if (more) after = *page->next;
        }
        return {};
    }
    std::optional<std::string> valid_to_;
};

class PaperNotices final : public PaperDraw {
  public:
    static constexpr CommandText text{
        "paper", "notices", "Draw notices of eligibility information for members who use their card, as one PDF.",
        "  onshi paper notices --insurer 01139997 --max 10000 --out notices.pdf --config hub.toml"};

  private:
    [[nodiscard]] const char* title() const override { return "資格情報のお知らせ"; }
    void draw(pdf::Document& document, const papers::MemberPaper& paper) const override {
        papers::draw_notice(document, paper);
    }
    [[nodiscard]] Result<void> each(coverage::PaperService& service, InsurerNumber insurer,
                                    const DrawOne& draw_one) const override {
        std::size_t drawn = 0;
        std::optional<coverage::MemberPlace> place = coverage::MemberPlace();
        while (place && drawn < count_max()) {
            auto page = run_to_end(service.notices(insurer, *place, Deadline::in(read_time)));
            if (!page) return fail(std::move(page));
            for (const coverage::PaperContent& content : page->members) {
                if (!wants(content.coverage.key) || drawn == count_max()) continue;
                auto done = draw_one(content);
                if (!done) return done;
                ++drawn;
            }
            place = std::move(page->next);
        }
        return {};
    }
};

}  // namespace

void add_paper_commands(CommandTree& tree) {
    tree.noun("paper", "certificates and notices that insurers send");
    tree.add<PaperProve>();
    tree.add<PaperOrders>();
    tree.add<PaperCertificates>();
    tree.add<PaperNotices>();
}

}  // namespace onshi::cli
