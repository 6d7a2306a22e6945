// onshi facility place | show
#include <fmt/format.h>

#include "cli/app.h"
#include "cli/commands.h"
#include "cli/stores.h"
#include "domain/organisations/places.h"
#include "platform/event_loop/event_loop.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::cli {

namespace {

using organisations::FacilityPlace;
using organisations::Places;

constexpr std::chrono::milliseconds store_time{30'000};

Deadline soon() {
    return Deadline::in(store_time);
}

void show(Console& console, const FacilityPlace& place) {
    if (!console.json()) {
        return console.line(
            fmt::format("{}  {}  {}", place.facility.code_text(), place.facility.name,
                        place.municipality ? place.municipality->text() : console.label("label.place_unknown")));
    }
    std::string json;
    JsonWriter writer(json);
    writer.begin_object();
    writer.member("schema", "onshi.facility/1");
    writer.member("facility", place.facility.code_text());
    writer.member("name", place.facility.name);
    if (place.municipality) writer.member("municipality", place.municipality->text());
    writer.end_object();
    console.line(json);
}

// Works on the registry itself; hubs see it with the next look-up.
class FacilityCommand : public Command {
  public:
    void declare(Options& options) override {
        options.text(facility_, "facility", "CODE", "ten digits (医療機関等コード)").required();
        declare_more(options);
        options.settings({"store", "secrets_folder"});
    }
    Result<Exit> run(Session& session) override {
        auto facility = FacilityCode::parse(facility_);
        if (!facility) return fail(std::move(facility));
        auto settings = session.settings();
        if (!settings) return fail(std::move(settings));
        auto stores = Stores::open_to_write(*settings, session.clock());
        if (!stores) return fail(std::move(stores));
        Places places((*stores)->database(), session.clock(), session.random());
        auto changed = change(places, *facility);
        if (!changed) return fail(std::move(changed));
        auto place = run_to_end(places.find(*facility, soon()));
        if (!place) return fail(std::move(place));
        show(session.console(), *place);
        return Exit::done;
    }

  protected:
    virtual void declare_more(Options& options) = 0;
    [[nodiscard]] virtual Result<void> change(Places& places, FacilityCode facility) = 0;

  private:
    std::string facility_;
};

class FacilityPlaceCommand final : public FacilityCommand {
  public:
    static constexpr CommandText text{
        "facility", "place", "Say in which municipality a facility is; disasters open by it.",
        "  onshi facility place 1311234568 --municipality 131016 --operator sato --config hub.toml"};

  private:
    void declare_more(Options& options) override {
        options.text(municipality_, "--municipality", "CODE", "six digits (全国地方公共団体コード)").required();
        options.text(operator_, "--operator", "NAME", "who decides, for the record").required();
    }
    Result<void> change(Places& places, FacilityCode facility) override {
        auto municipality = MunicipalityCode::parse(municipality_);
        if (!municipality) return fail(std::move(municipality));
        const audit::Actor actor{.reference = operator_};
        auto put = run_to_end(places.put(facility, *municipality, actor, soon()));
        if (!put) return fail(std::move(put));
        return {};
    }
    std::string municipality_;
    std::string operator_;
};

class FacilityShow final : public FacilityCommand {
  public:
    static constexpr CommandText text{"facility", "show", "What the registry holds of a facility, and where it is.",
                                      "  onshi facility show 1311234568 --config hub.toml"};

  private:
    void declare_more(Options&) override {}
    Result<void> change(Places&, FacilityCode) override { return {}; }
};

}  // namespace

void add_facility_commands(CommandTree& tree) {
    tree.noun("facility", "clinics, hospitals and pharmacies as the registry holds them");
    tree.add<FacilityPlaceCommand>();
    tree.add<FacilityShow>();
}

}  // namespace onshi::cli
