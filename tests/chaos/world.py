"""A hub on an installation of its own, somebody who starts it again when it is gone, desks at work, and the comparison of
what they were told with what is on record."""

import json
import random
import time

from harness import audit
from harness.cards import Wallet
from harness.contract import Contract
from harness.hub import Hub
from harness.installation import Installation, onshi

from books import compare, newest_heads
from clock import WallClock
from disk import Disk
from load import Checker, Ledger, Watch, settle

PERSONS = 2_000
CARDS = 60
DESKS = 6  # the last one is the watch's
SECONDS_TO_READY_MAX = 30
RECOVERY_SECONDS_MAX = 30
REQUESTS_PER_SECOND = 100_000  # of one terminal: no limit


def make_installation(folder):
    made = onshi("demo", "init", folder, "--persons", PERSONS, "--seed", 1, "--facilities", 200, "--desks", DESKS,
                 "--card-keys", 4, "--port", 0, "--metrics-port", 0)
    assert made.returncode == 0, made.stderr
    return Installation(folder)


class World:
    """Everything of one run on one kind of store. Processes are started by one thread only: they end with it."""

    def __init__(self, store, folder, seed):
        self.store = store
        self.folder = folder
        self.random = random.Random(seed)
        self.installation = store.installation
        self.contract = Contract()
        self.wallet = Wallet(store.template)
        self.cards = self.wallet.usable_cards[:CARDS]
        self.ledger = Ledger()
        self.known = set()  # check ids of earlier comparisons
        names = ["desk", *(f"desk-{number}" for number in range(2, DESKS + 1))]
        self.terminals = [self.installation.terminal(name) for name in names]
        self.disk = Disk(store.disk_folder(), folder / "disk.switch")
        self.clock = WallClock(folder / "clock")
        self.environment = {}
        self.requests_per_second = REQUESTS_PER_SECOND
        self.front = None  # a proxy between desks and hub
        self.hub = None
        self.given_up_at = frozenset()  # codes at which a desk begins anew, because of the fault of now
        self.checkers = []
        self.watch = None

    # --- the hub

    @property
    def port(self):
        return self.front.port if self.front else self.hub.port

    def try_hub(self):
        """Starts it with the environment of now; whether it stayed."""
        words = [f"{name}={value}" for name, value in self.environment.items()]
        self.hub = Hub(self.installation, self.folder / "hub", "--requests-per-second", self.requests_per_second,
                       *self.store.hub_words(), launcher=["env", *words])
        try:
            self.hub.start()
        except AssertionError:
            return False
        if self.front:
            self.front.tell("target", self.hub.port)
        return True

    def start_hub(self):
        """As a supervisor would: again until it stays."""
        ends_at = time.monotonic() + SECONDS_TO_READY_MAX
        while not self.try_hub():
            assert time.monotonic() < ends_at, self.hub.log_text()[-2000:]

    def restart_hub(self, **environment):
        assert self.hub.stop() == 0, self.hub.log_text()[-2000:]
        self.environment = environment
        self.start_hub()

    def tend(self):
        """What systemd does; no fault outside the hub may end it."""
        if self.hub.process.poll() is not None:
            self.ledger.fail(f"the hub ended by itself: {self.hub.log_text()[-500:]}")
            self.start_hub()

    def ready(self):
        status, _, body = self.hub.health("/readyz")
        return status == 200, {check["name"]: check["ok"] for check in json.loads(body)["checks"]}

    def wait_ready(self):
        ends_at = time.monotonic() + SECONDS_TO_READY_MAX
        while not (found := self.ready())[0]:
            assert time.monotonic() < ends_at, f"not ready: {found[1]}"
            time.sleep(0.1)

    # --- work

    def begin_work(self, watched=True):
        *desks, watch = self.terminals
        self.checkers = [Checker(self, desk, self.random.getrandbits(64)) for desk in desks]
        self.watch = Watch(self, watch)
        for thread in (*self.checkers, *([self.watch] if watched else [])):
            thread.start()

    def end_work(self):
        threads = [thread for thread in (*self.checkers, self.watch) if thread.is_alive()]
        for thread in threads:
            thread.stop()
        for thread in threads:
            thread.join()
        settle(self)

    def wait_served(self, moment):
        """Seconds from that moment until a check that began after it was answered."""
        while (served := self.watch.served_since(moment)) is None:
            if time.monotonic() > moment + RECOVERY_SECONDS_MAX:
                self.ledger.fail(f"no service {RECOVERY_SECONDS_MAX} s after the fault: {sorted(self.watch.codes)}")
                return float(RECOVERY_SECONDS_MAX)
            self.tend()
            time.sleep(0.01)
        return served - moment

    # --- the books

    def compare(self):
        """(comparison, whether the chain verifies), and the books begin anew."""
        asked = self.ledger.asked
        found = compare(asked, self.store.answers(), self.known)
        found.notes[:0] = self.ledger.failures
        chain_ok = self.chain_verifies(newest_heads(asked))
        self.known |= set(asked)
        self.ledger.clear()
        return found, chain_ok

    def chain_verifies(self, heads):
        witness = self.folder / "witness.json"
        witness.write_text(json.dumps({"schema": "onshi.witness/1", "heads": heads, "seal_keys": []}))
        status, report = audit.verify(self.installation, "--witness", witness)
        return status == 0 and report["ok"]

    def close(self):
        if self.hub is not None and self.hub.process.poll() is None:
            self.hub.stop()
        self.store.stop()
