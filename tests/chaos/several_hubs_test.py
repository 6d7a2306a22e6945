"""Several hubs on one database (design §8, §9.9): one challenge, one answer; a chain per hub; who was away too long is
fenced; an update that nobody notices."""

import itertools
import json
import signal
import subprocess
import time
import uuid
from pathlib import Path

import pytest

from harness import audit
from harness.cards import CheckOrder
from harness.client import Client, at_once
from harness.contract import Contract
from harness.installation import binary

from fleet import Fleet
from stores import STORES
from world import make_installation

ROLLS = 2
RACES = 20
MIGRATORS = 4
MIGRATIONS = 4  # two programs that meet in the making of the schema: on a busy machine one time in three
SEED = 1
FREEZES = 50
STOP_SECONDS_MAX = 10


@pytest.fixture(scope="session")
def contract():
    return Contract()


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return make_installation(tmp_path_factory.mktemp("template") / "demo")


@pytest.fixture(scope="module", params=STORES)
def new_fleet(request, template, tmp_path_factory):
    """Makes hubs on a store of their own, behind one address."""
    made = []

    def new(size=2):
        folder = tmp_path_factory.mktemp("fleet")
        fleet = Fleet(STORES[request.param](template, folder, SEED), folder, SEED, size)
        made.append(fleet)
        fleet.start_all()
        return fleet

    yield new
    for fleet in made:
        fleet.close()


@pytest.fixture(scope="module")
def fleet(new_fleet):
    return new_fleet()


@pytest.fixture
def desks(contract, fleet):
    """The same terminal at each hub."""
    clients = [Client(contract, hub, fleet.terminals[0]) for hub in fleet.hubs.values()]
    yield clients
    for client in clients:
        client.close()


def verified(fleet):
    status, report = audit.verify(fleet.installation)
    assert status == 0 and report["ok"], report
    return {head["lane"]: head["sequence"] for head in report["heads"]}


def test_a_challenge_of_one_hub_is_spent_once_at_all(fleet, desks):
    here, there = desks
    order = CheckOrder(here.terminal, fleet.cards[0], here.challenge())
    answer = here.post("/v1/checks", order.body())
    assert answer.status == 200, answer.body
    again = there.post("/v1/checks", order.body())
    assert (again.status, again.value["audit"], again.value["receipt"]) == (
        200, answer.value["audit"], answer.value["receipt"]), "the same check is the same answer, at every hub"
    rival = there.post("/v1/checks", order.but(check_id=str(uuid.uuid4())).body())
    assert rival.code == "challenge.used"


def test_of_two_that_race_for_a_challenge_at_two_hubs_one_is_answered(fleet, desks):
    here, there = desks
    for card in itertools.islice(itertools.cycle(fleet.cards), RACES):
        order = CheckOrder(here.terminal, card, here.challenge())
        rival = order.but(check_id=str(uuid.uuid4()))
        replies = at_once([lambda: here.post_alone("/v1/checks", order.body()),
                           lambda: there.post_alone("/v1/checks", rival.body())])
        assert sorted((reply.status, reply.code) for reply in replies) == [(200, None), (409, "challenge.used")]


def test_the_same_check_at_two_hubs_at_once_is_recorded_once(fleet, desks):
    for card in fleet.cards[:RACES]:
        body = CheckOrder(desks[0].terminal, card, desks[0].challenge()).body()
        replies = at_once([lambda desk=desk: desk.post_alone("/v1/checks", body) for desk in desks * 2])
        assert {reply.status for reply in replies} == {200}, [reply.body for reply in replies]
        assert len({(json.dumps(reply.value["audit"]), reply.value["receipt"]) for reply in replies}) == 1
        assert sum(check_id == body["check_id"] for *_, check_id in fleet.store.answers()) == 1


def test_each_hub_writes_a_chain_of_its_own_and_the_verifier_joins_them(fleet, desks):
    before = verified(fleet)
    for desk in desks:
        assert desk.post("/v1/checks", CheckOrder(desk.terminal, fleet.cards[3], desk.challenge()).body()).status == 200
    after = verified(fleet)
    assert {lane: after[lane] - before.get(lane, 0) for lane in (0, 1)} == {0: 1, 1: 1}


def threads_stand(process):
    stats = [stat.read_text() for stat in Path(f"/proc/{process.pid}/task").glob("*/stat")]
    return all(stat.rsplit(")", 1)[1].split()[0] == "T" for stat in stats)


def freeze(hub, store):
    """Between two commits: who stands still inside one holds the lock of SQLite's file, and nobody can take its lane over
    until it goes on or ends."""
    for _ in range(FREEZES):
        hub.process.send_signal(signal.SIGSTOP)
        ends_at = time.monotonic() + STOP_SECONDS_MAX
        while not threads_stand(hub.process):
            assert time.monotonic() < ends_at, "the hub does not stand still"
            time.sleep(0.001)
        if not store.is_locked():
            return
        hub.process.send_signal(signal.SIGCONT)
        time.sleep(0.01)
    raise AssertionError("the hub is inside a commit whenever one looks")


def test_a_frozen_hub_whose_lane_was_taken_over_is_fenced(contract, new_fleet):
    fleet = new_fleet()
    frozen = fleet.hubs["hub-0"]
    desk = fleet.terminals[0]
    with Client(contract, frozen, desk) as slow:
        order = CheckOrder(desk, fleet.cards[0], slow.challenge())
        try:
            freeze(frozen, fleet.store)
            successor = fleet.make_hub(0, "successor").start()
            fleet.hubs["successor"] = successor
            with Client(contract, successor, desk) as fast:
                assert fast.post("/v1/checks", CheckOrder(desk, fleet.cards[1], fast.challenge()).body()).status == 200
        finally:
            frozen.process.send_signal(signal.SIGCONT)
        reply = slow.post("/v1/checks", order.body())
        assert reply.code == "store.fenced" and "retry-after" in reply.headers
        assert frozen.wait() == 6, "it ends by itself"
        with Client(contract, successor, desk) as fast:
            answered = fast.post("/v1/checks", order.body())
            assert answered.status == 200 and answered.value["audit"]["lane"] == 0, "the advice was good"
    verified(fleet)


def test_programs_that_migrate_at_once_do_it_once(new_fleet, tmp_path):
    fleet = new_fleet(1)
    for _ in range(MIGRATIONS):
        words = list(map(str, fleet.store.empty_store(tmp_path)))
        processes = [subprocess.Popen([binary(), "db", "migrate", "--yes", *words], stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True) for _ in range(MIGRATORS)]
        outputs = [process.communicate(timeout=60)[0] for process in processes]
        assert [process.returncode for process in processes] == [0] * MIGRATORS, outputs
        checked = subprocess.run([binary(), "db", "check", *words], capture_output=True, text=True, timeout=60,
                                 check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_rolling_restart_under_load_fails_nobody_who_follows_the_advice(new_fleet):
    fleet = new_fleet()
    fleet.begin_work()
    try:
        for lane in (0, 1) * ROLLS:
            fleet.roll(lane)
    finally:
        fleet.end_work()
    found, chain_ok = fleet.compare()
    assert (found.lost, found.duplicated, found.notes, chain_ok) == (0, 0, [], True)
    assert found.acknowledged > 50
    assert {lane for lane, *_ in fleet.store.answers()} == {0, 1}, "both hubs were at work"
