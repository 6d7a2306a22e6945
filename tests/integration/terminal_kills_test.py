"""A terminal that is killed at random moments while the hub is away: what it has told a counter is kept, once."""

import http.client
import os
import random
import shutil
import sqlite3
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import pytest

from harness.counter import Counter
from harness.desk import insured_persons, search_terms, single_request

KILLS = 8
# From the moment the PIN is there: as much before the visit is on disk as behind it.
KILL_WITHIN_SECONDS = 2.0
KILLS_WHILE_CLOSING = 3
REQUESTS_PER_ROUND = 6
CONNECTION_LOST = (OSError, http.client.HTTPException)


@pytest.fixture
def chance():
    seed = int(os.environ.get("ONSHI_SEED") or random.SystemRandom().getrandbits(32))
    print(f"ONSHI_SEED={seed}")
    return random.Random(seed)


@pytest.fixture
def counter(new_installation, tmp_path):
    # A socket's path is short, so it cannot lie below pytest's folders.
    folder = Path(tempfile.mkdtemp(prefix="onshi-"))
    made = Counter(new_installation(), tmp_path, folder)
    made.start()
    yield made
    made.stop()
    shutil.rmtree(folder, ignore_errors=True)


class Requests:
    """What the billing system asks by number, and what it has been answered."""

    def __init__(self, counter, wallet, count):
        self.counter = counter
        self.terms = [search_terms(counter.installation, person) for person in insured_persons(wallet, count)]
        self.dropped = 0

    def drop(self, count):
        desk = self.counter.desk
        for _ in range(count):
            desk.drop(f"OQSsiquc01req_{self.dropped}.xml",
                      single_request(desk, self.terms[self.dropped], f"id-{self.dropped}"))
            self.dropped += 1

    def told(self):
        """Those that the counter has a result of."""
        return {number for number in range(self.dropped)
                if (self.counter.desk.res / f"OQSsiquc01res_{number}.xml").exists()}

    def kept(self):
        """Those that wait for the hub."""
        rows = [visit["id"] for visit in self.counter.open_visits() if visit["row"] == "by_number"]
        assert len(rows) == len(set(rows))
        return {int(name.removeprefix("OQSsiquc01req_").removesuffix(".xml")) for name in rows}


def visits_by_card(counter):
    ids = [visit["id"] for visit in counter.open_visits() if visit["row"] != "by_number"]
    assert len(ids) == len(set(ids))
    return set(ids)


def check_in_until_killed(counter, within):
    """A patient at the kiosk; whether the counter was told that the visit is kept before the terminal died."""
    counter.until_method("eligible")
    counter.by_pin()
    killer = threading.Timer(within, counter.desk.process.kill)
    killer.start()
    was_told = False
    try:
        while counter.desk.process.poll() is None and not was_told:
            was_told = counter.page.state()["params"].get("kept", False)
    except CONNECTION_LOST:
        pass
    killer.join()
    counter.desk.process.wait()
    return was_told


def test_whenever_a_terminal_is_killed_no_visit_without_the_hub_is_lost_and_none_counts_twice(counter, wallet, chance):
    requests = Requests(counter, wallet, KILLS * REQUESTS_PER_ROUND)
    counter.hub.kill()
    visits = set()
    told_by_kiosk = 0
    for _ in range(KILLS):
        counter.open_page()
        requests.drop(chance.randint(1, REQUESTS_PER_ROUND))
        was_told = check_in_until_killed(counter, chance.uniform(0, KILL_WITHIN_SECONDS))
        counter.take_card()
        told_by_kiosk += was_told
        now = visits_by_card(counter)
        assert visits <= now, "what was kept stays"
        assert len(now - visits) <= 1, "one patient, one visit"
        assert len(now - visits) == 1 or not was_told, "whom the counter was told of is on disk"
        visits = now
        assert requests.told() <= requests.kept(), "what a result file has told of is on disk"
        counter.desk.start()
    print(f"{len(visits)} visits by card kept, {told_by_kiosk} told of; {requests.dropped} requests")
    counter.desk.wait_until(lambda: requests.kept() == set(range(requests.dropped)))
    close_while_dying(counter, requests, chance)
    faces = counter.faces()
    assert len(faces) == len(visits), "each visit has one result"
    late = {name for name in os.listdir(counter.desk.res) if name.endswith("-late.xml")}
    assert late == {f"OQSsiquc01res_{number}-late.xml" for number in range(requests.dropped)}
    assert counter.desk.stop() == 0
    rows = counter.installation.rows(counter.installation.ledger, "SELECT count(*) FROM audit_record WHERE event = 1")
    assert rows == [(len(visits) + requests.dropped,)], "the hub has recorded each once"


def close_while_dying(counter, requests, chance):
    """The hub is back; the terminal dies in the middle of telling it what it has missed."""
    counter.hub.wanted_port = counter.hub.port
    counter.hub.start()
    for _ in range(KILLS_WHILE_CLOSING):
        killer = threading.Timer(chance.uniform(0, KILL_WITHIN_SECONDS), counter.desk.process.kill)
        killer.start()
        killer.join()
        counter.desk.process.wait()
        counter.desk.start()
    counter.desk.wait_until(lambda: counter.open_visits() == [], 90)
    with closing(sqlite3.connect(counter.desk.work / "store" / "ledger.db")) as store:
        left = store.execute("SELECT count(*) FROM local_record WHERE kind IN (3, 6)").fetchone()[0]
    assert left == 0, "neither a look-up nor a visit is open"
