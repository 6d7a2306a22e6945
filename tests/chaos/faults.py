"""The faults: how each is made ready, injected and lifted, and how long service took to come back."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from duplicates import send_duplicates
from load import NO_ANSWER
from proxy import RunningProxy
from world import REQUESTS_PER_SECOND

SQLITE, POSTGRES = "sqlite", "postgres"
HOUR = 3600
UNAVAILABLE = "store.unavailable"
SIGN_SECONDS_MAX = 30
FEW_REQUESTS = 15  # per terminal and second; a desk alone sends several times as many


@dataclass(frozen=True)
class Fault:
    """`inject` does it once and gives the seconds without service: from the moment the fault was over (a kill: from the
    kill) to the answer of the first check that began after it."""

    name: str
    inject: Callable
    rounds: tuple  # short form, long form
    hold: tuple = (0.0, 0.0)  # seconds, short form and long form
    sign: str = ""  # what a client must have been told, or the fault was none
    given_up_at: frozenset = frozenset()  # codes at which a desk may begin a check anew
    prepare: Callable = lambda world: None
    finish: Callable = lambda world: None
    stores: tuple = (SQLITE, POSTGRES)


def serves_on(world, begin, what):
    """Some faults must not interrupt service at all."""
    if world.watch.served_between(begin, time.monotonic()) == 0:
        world.ledger.fail(f"no service {what}")


def last(world, hold, sign):
    """A fault goes on for that long, and until somebody was told of it: on a busy machine that takes longer."""
    ends_at = time.monotonic() + SIGN_SECONDS_MAX
    time.sleep(hold)
    while sign and sign not in world.watch.codes and time.monotonic() < ends_at:
        time.sleep(0.02)


# --- the hub


def kill_hub(world, hold):
    del hold
    world.hub.kill()
    killed = time.monotonic()
    world.start_hub()
    return world.wait_served(killed)


def restart_hub(world, hold):
    """An orderly end under load, as for a new version."""
    del hold
    asked = time.monotonic()
    if world.hub.stop() != 0:
        world.ledger.fail("it did not end well")
    world.start_hub()
    return world.wait_served(asked)


def freeze_hub(world, hold):
    world.hub.process.send_signal(signal.SIGSTOP)
    try:
        last(world, hold, NO_ANSWER)
    finally:
        world.hub.process.send_signal(signal.SIGCONT)
    return world.wait_served(time.monotonic())


# --- its disk


def with_disk(world):
    world.restart_hub(**world.disk.environment)


def no_disk(world):
    world.restart_hub()


def spoil_disk(spoil, sign, revive=lambda world: None):
    """`revive` is what somebody does once the disk works again."""

    def inject(world, hold):
        getattr(world.disk, spoil)()
        last(world, hold / 2, sign)
        held = time.monotonic()
        time.sleep(hold / 2)
        if world.watch.served_between(held, time.monotonic()):
            world.ledger.fail("a check was acknowledged that cannot be on the disk")
        world.disk.works()
        lifted = time.monotonic()
        revive(world)
        return world.wait_served(lifted)

    return inject


def kill_on_bad_disk(world, hold):
    """Nobody can start on a disk that takes nothing; whoever tries again when it does finds everything."""
    spoil = world.random.choice((world.disk.is_full, world.disk.is_read_only))
    spoil()
    time.sleep(hold / 2)
    world.hub.kill()
    if world.try_hub():
        world.ledger.fail("a hub started whose store takes no writes")
    time.sleep(hold / 2)
    world.disk.works()
    lifted = time.monotonic()
    world.start_hub()
    return world.wait_served(lifted)


def slow_disk(world, hold):
    begin = time.monotonic()
    world.disk.is_slow(write_ms=1, sync_ms=world.random.randint(50, 150))
    time.sleep(hold)
    serves_on(world, begin, "while the disk was slow")
    world.disk.works()
    return world.wait_served(time.monotonic())


# --- its clock


def with_clock(world):
    world.clock.jump("+0")
    world.restart_hub(**world.clock.environment)


def jump_clock(world, hold):
    """An hour ahead or behind, and back: challenges live on, nothing is refused, and whoever watches is told."""
    hours = world.random.choice((1, -1))
    begin = time.monotonic()
    world.clock.jump(f"{hours * HOUR:+d}")
    time.sleep(hold)
    ready, checks = world.ready()
    if ready or checks["clock"]:
        world.ledger.fail("nobody was told of the clock")
    serves_on(world, begin, f"with a clock {hours:+d} h")
    world.clock.jump("+0")
    return world.wait_served(time.monotonic())


def start_with_wrong_clock(world, hold):
    """A machine that starts with a wrong time, and again with the right one: what was issued in the other time may be
    refused, what was answered is on record."""
    hours = world.random.choice((1, -1))
    world.hub.kill()
    world.clock.jump(f"{hours * HOUR:+d}")
    world.start_hub()
    time.sleep(hold)
    world.hub.kill()
    world.clock.jump("+0")
    corrected = time.monotonic()
    world.start_hub()
    return world.wait_served(corrected)


# --- its database


def kill_database(world, hold):
    world.store.kill_server()
    last(world, hold, UNAVAILABLE)
    world.store.start_server()
    return world.wait_served(time.monotonic())


def restart_database(world, hold):
    """An orderly end under load, as for a minor version."""
    world.store.stop_server()
    last(world, hold, UNAVAILABLE)
    world.store.start_server()
    return world.wait_served(time.monotonic())


def kill_session(world, hold):
    del hold
    killed = time.monotonic()
    world.store.kill_session()
    recovered = time.monotonic()
    return recovered - killed + world.wait_served(recovered)


def with_database_disk(world):
    world.store.restart_server(world.disk.environment)


def no_database_disk(world):
    world.store.restart_server({})


def revive_database(world):
    """A server that cannot write its log ends itself."""
    world.store.start_server()


def kill_database_on_bad_disk(world, hold):
    spoil = world.random.choice((world.disk.is_full, world.disk.is_read_only))
    spoil()
    time.sleep(hold / 2)
    world.store.kill_server()
    try:
        world.store.try_server()
        world.ledger.fail("a database started whose disk takes no writes")
    except AssertionError:
        pass
    last(world, hold / 2, UNAVAILABLE)
    world.disk.works()
    lifted = time.monotonic()
    world.store.start_server()
    return world.wait_served(lifted)


def spoil_store_network(command, sign=None):
    def inject(world, hold):
        world.store.proxy.tell(command)
        last(world, hold, sign)
        world.store.proxy.tell("pass")
        return world.wait_served(time.monotonic())

    return inject


def delay_store_network(world, hold):
    begin = time.monotonic()
    world.store.proxy.tell("delay", world.random.randint(5, 30))
    time.sleep(hold)
    serves_on(world, begin, "over a slow network to the database")
    world.store.proxy.tell("pass")
    return world.wait_served(time.monotonic())


# --- between the desks and the hub


def with_front(world):
    world.front = RunningProxy(world.hub.port, world.random.getrandbits(32))


def no_front(world):
    world.front.stop()
    world.front = None


def spoil_front(*command):
    def inject(world, hold):
        world.front.tell(*command)
        last(world, hold, NO_ANSWER)
        world.front.tell("pass")
        return world.wait_served(time.monotonic())

    return inject


def delay_front(world, hold):
    begin = time.monotonic()
    world.front.tell("delay", world.random.randint(20, 100))
    time.sleep(hold)
    serves_on(world, begin, "over a slow network")
    world.front.tell("pass")
    return world.wait_served(time.monotonic())


# --- the clients


def duplicate(world, hold):
    begin = time.monotonic()
    send_duplicates(world, hold)
    serves_on(world, begin, "beside duplicates")
    return 0.0


def with_low_rate(world):
    world.requests_per_second = FEW_REQUESTS
    world.restart_hub()


def full_rate(world):
    world.requests_per_second = REQUESTS_PER_SECOND
    world.restart_hub()


def ask_too_fast(world, hold):
    """Most requests are refused and told when to come back; whoever does is served."""
    begin = time.monotonic()
    time.sleep(hold)
    serves_on(world, begin, "for those who waited")
    return 0.0


@dataclass
class Catalogue:
    faults: list = field(default_factory=list)

    def add(self, *arguments, **more):
        self.faults.append(Fault(*arguments, **more))


def catalogue():
    found = Catalogue()
    found.add("hub_killed", kill_hub, (3, 25))
    found.add("hub_restarted", restart_hub, (1, 10))
    found.add("hub_frozen", freeze_hub, (1, 2), (2.0, 30.0), NO_ANSWER)
    disk = {"prepare": with_disk, "finish": no_disk, "stores": (SQLITE,)}
    found.add("disk_full", spoil_disk("is_full", "store.full"), (1, 8), (1.0, 4.0), "store.full", **disk)
    found.add("disk_read_only", spoil_disk("is_read_only", UNAVAILABLE), (1, 8), (1.0, 4.0), UNAVAILABLE,
              **disk)
    found.add("disk_bad_at_start", kill_on_bad_disk, (1, 8), (0.4, 2.0), **disk)
    found.add("disk_slow", slow_disk, (1, 8), (2.0, 5.0), **disk)
    found.add("clock_jump", jump_clock, (2, 8), (1.0, 6.0), prepare=with_clock, finish=no_disk)
    found.add("clock_wrong_at_start", start_with_wrong_clock, (1, 6), (1.0, 4.0), prepare=with_clock, finish=no_disk,
              given_up_at=frozenset({"challenge.expired"}))
    found.add("duplicates", duplicate, (1, 8), (2.0, 5.0))
    found.add("overload", ask_too_fast, (1, 4), (2.0, 10.0), "overload.rate", prepare=with_low_rate, finish=full_rate)
    front = {"prepare": with_front, "finish": no_front}
    found.add("desk_network_cut", spoil_front("cut"), (1, 10), (0.5, 3.0), NO_ANSWER, **front)
    found.add("desk_network_slow", delay_front, (1, 5), (1.5, 5.0), **front)
    found.add("desk_network_half_open", spoil_front("half_open"), (1, 5), (1.5, 5.0), NO_ANSWER, **front)
    found.add("desk_network_corrupt", spoil_front("corrupt"), (1, 10), (1.5, 5.0), NO_ANSWER, **front)
    only = {"stores": (POSTGRES,)}
    found.add("database_killed", kill_database, (2, 15), (0.2, 2.0), UNAVAILABLE, **only)
    found.add("database_session_killed", kill_session, (1, 10), **only)
    found.add("database_restarted", restart_database, (1, 5), (0.2, 2.0), UNAVAILABLE, **only)
    disk = {"prepare": with_database_disk, "finish": no_database_disk, **only}
    found.add("database_disk_full", spoil_disk("is_full", UNAVAILABLE, revive_database), (1, 8), (1.0, 4.0), UNAVAILABLE,
              **disk)
    found.add("database_disk_read_only", spoil_disk("is_read_only", UNAVAILABLE, revive_database), (1, 8), (1.0, 4.0),
              UNAVAILABLE, **disk)
    found.add("database_disk_bad_at_start", kill_database_on_bad_disk, (1, 8), (0.4, 2.0), UNAVAILABLE, **disk)
    found.add("database_disk_slow", slow_disk, (1, 8), (2.0, 5.0), **disk)
    found.add("database_network_cut", spoil_store_network("cut", UNAVAILABLE), (1, 10), (1.0, 4.0), UNAVAILABLE, **only)
    found.add("database_network_slow", delay_store_network, (1, 5), (1.5, 5.0), **only)
    found.add("database_network_half_open", spoil_store_network("half_open"), (1, 5), (1.0, 12.0), **only)
    found.add("database_network_corrupt", spoil_store_network("corrupt"), (1, 10), (1.5, 5.0), **only)
    return found.faults
