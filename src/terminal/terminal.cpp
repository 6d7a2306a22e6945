#include "terminal/terminal.h"

#include <mutex>
#include <optional>

#include "platform/event_loop/event_loop.h"
#include "platform/folders/folder_watch.h"
#include "platform/telemetry/log.h"
#include "terminal/check_in.h"
#include "terminal/kiosk_driver.h"

namespace onshi::terminal {

namespace {

// The exchange folder may be a slow disk: it has a loop of its own.
constexpr std::size_t exchange_loop = 0;
constexpr std::size_t loop_count = 1;

}  // namespace

// In the order of construction; each part may refer to those above it.
struct Terminal::Parts {
    TerminalSettings settings;
    SystemClock clock;
    SystemRandom random;
    HubState hub_state;
    HubModes modes;
    std::unique_ptr<LocalStore> store;
    EventLoops loops{{.loops = loop_count}};
    std::unique_ptr<HubLink> hub;
    std::optional<Exchange> exchange;
    std::unique_ptr<CardSlot> slot;
    std::unique_ptr<FaceEngine> face;
    std::unique_ptr<HubLink> kiosk_hub;  // of the kiosk's own thread
    std::unique_ptr<KioskDriver> driver;
    std::unique_ptr<KioskServer> kiosk;
    Result<void> ended;

    Result<void> open() {
        auto opened = LocalStore::open(settings.store_folder, settings.store_key, random);
        if (!opened) return fail(std::move(opened));
        store = std::move(*opened);
        auto linked = HubLink::make(settings.hub.clone(), hub_state, clock, random);
        if (!linked) return fail(std::move(linked));
        hub = std::move(*linked);
        // So that clients find their folders once the terminal says that it serves; what fails is tried again.
        auto prepared = ExchangeFolder(settings.exchange_folder).prepare();
        if (!prepared) log_failure(Level::warn, "terminal.folder", prepared.error());
        exchange.emplace(ExchangeSettings{settings.exchange_folder, settings.facility, settings.terminal,
                                          settings.profile, settings.poll, settings.modes_every,
                                          settings.last_visit_days, settings.last_visit_use, settings.empty_lists},
                         *hub, modes, *store, clock, loops.executor(exchange_loop));
        return open_kiosk();
    }
    Result<void> open_kiosk() {
        if (!settings.kiosk) return {};
        auto linked = HubLink::make(std::move(settings.hub), hub_state, clock, random);
        if (!linked) return fail(std::move(linked));
        kiosk_hub = std::move(*linked);
        face = make_face_engine(settings.face, random);
        slot = std::make_unique<PcscSlot>(settings.reader.value_or(""));
        CheckInParts parts{
            .name = {settings.hub_id, settings.facility, settings.terminal},
            .hub = *kiosk_hub,
            .store = *store,
            .slot = *slot,
            .pinless = settings.pinless.get(),
            .face = face.get(),
            .photo_roots = settings.face.photo_roots,
            .publish = [folder = ExchangeFolder(settings.exchange_folder)](
                           const FaceFile& file) { return folder.publish(Outbound::face, file.name, file.bytes); },
            .profile = settings.profile,
            .last_visit_days = settings.last_visit_days,
            .clock = clock,
            .random = random,
            .modes = &modes};
        driver = std::make_unique<KioskDriver>(KioskDriver::Settings{settings.reader, settings.visual_accounts},
                                               std::move(parts));
        settings.kiosk->machine.visual = settings.pinless != nullptr;
        settings.kiosk->machine.face = face != nullptr && settings.pinless != nullptr;
        settings.kiosk->machine.face_demo = settings.kiosk->machine.face && settings.face.simulated.has_value();
        auto served = KioskServer::open(*settings.kiosk, *driver, clock, random);
        if (!served) return fail(std::move(served));
        kiosk = std::move(*served);
        driver->start([this](const kiosk::Input& input) { kiosk->tell(input); });
        return {};
    }
    Task<void> serve() {
        auto served = co_await exchange->run();
        if (!served) {
            log_failure(Level::error, "terminal.exchange", served.error());
            ended = fail(std::move(served));
            loops.stop();
        }
    }
};

Terminal::Terminal(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Terminal::~Terminal() {
    if (parts_->kiosk) parts_->kiosk->stop();
    if (parts_->driver) parts_->driver->stop();
    if (parts_->store) parts_->store->close();
}

Result<std::unique_ptr<Terminal>> Terminal::open(TerminalSettings settings) {
    auto parts = std::make_unique<Parts>();
    parts->settings = std::move(settings);
    auto opened = parts->open();
    if (!opened) return fail(std::move(opened));
    return std::unique_ptr<Terminal>(new Terminal(std::move(parts)));
}

std::optional<std::uint16_t> Terminal::kiosk_port() const {
    if (!parts_->kiosk) return std::nullopt;
    return parts_->kiosk->port();
}

Result<void> Terminal::run() {
    Parts& p = *parts_;
    p.loops.spawn(exchange_loop, p.serve());
    log_event(Level::info, "terminal.started");
    {
        const FolderWatch watch(p.settings.exchange_folder / "req", [&p] { p.exchange->ring(); });
        p.loops.run();
    }
    // The page first: it gives no orders afterwards, and those that it gave are carried out.
    if (p.kiosk) p.kiosk->stop();
    if (p.driver) p.driver->stop();
    p.store->close();
    log_event(Level::info, "terminal.stopped");
    return std::move(p.ended);
}

void Terminal::stop() {
    parts_->exchange->stop();
    parts_->loops.stop();
}

}  // namespace onshi::terminal
