"""What a hub on PostgreSQL makes of a commit whose fate it was not told, and of a writer that left its locks behind."""

import contextlib
import time
import uuid
from contextlib import closing
from http.client import HTTPException

import psycopg2
import pytest

from harness import audit
from harness.cards import CheckOrder
from harness.client import Client
from harness.contract import Contract

from stores import PostgresStore
from world import World, make_installation

ROUNDS = 3
SEED = 1
UNKNOWN_SECONDS_MAX = 40  # behind a silent server's time and that for asking after the commit's fate
ORPHAN_SECONDS_MAX = 40  # it has to grow older than any transaction of a hub that lives
HUB_LANE = 0


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    folder.chmod(0o755)
    store = PostgresStore(make_installation(folder / "template"), folder, SEED, tls=False)
    made = World(store, folder, SEED)
    made.start_hub()
    yield made
    made.close()


@pytest.fixture
def desk(world):
    with Client(Contract(), world.hub, world.terminals[0]) as client:
        yield client


def ask_until_answered(desk, order, seconds):
    """(answer, refusals before it)."""
    ends_at = time.monotonic() + seconds
    refusals = []
    while (reply := desk.post_alone("/v1/checks", order.body())).status != 200:
        assert reply.status == 503 and "retry-after" in reply.headers, reply.body
        assert time.monotonic() < ends_at, refusals
        refusals.append(reply.code)
        time.sleep(0.1)
    return reply.value, refusals


def assert_recorded_once(world, check_id, place):
    found = [(lane, sequence, digest) for lane, sequence, digest, known in world.store.answers() if known == check_id]
    assert found == [(place["lane"], place["sequence"], place["hash"])]
    status, report = audit.verify(world.installation)
    assert status == 0 and report["ok"], report


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_a_commit_that_breaks_off_is_told_as_the_server_knows_it(world, desk, lost):
    for card in world.cards[:ROUNDS]:
        order = CheckOrder(desk.terminal, card, desk.challenge())
        world.store.proxy.tell("lose_commit", lost, uuid.UUID(order.check_id).bytes.hex())
        value, refusals = ask_until_answered(desk, order, 20)
        if lost == "answer":
            assert refusals == [], "the server had committed: that is an answer, not a refusal"
        else:
            assert refusals[:1] == ["store.unavailable"], "the server had not committed, and nobody says it did"
        assert_recorded_once(world, order.check_id, value["audit"])


def test_a_commit_that_nobody_learns_of_does_not_stop_the_hub(world, desk):
    """Longer than a hub waits for a commit's fate nothing comes back. What it wrote without knowing is found again."""
    order = CheckOrder(desk.terminal, world.cards[ROUNDS + 1], desk.challenge())
    world.store.proxy.tell("lose_commit", "answer", uuid.UUID(order.check_id).bytes.hex(), "half_open")
    ends_at = time.monotonic() + UNKNOWN_SECONDS_MAX
    while not world.hub.metric("onshi_store_outcomes_unknown_total"):
        with contextlib.suppress(OSError, HTTPException):
            assert desk.post_alone("/v1/checks", order.body()).status == 503
        assert time.monotonic() < ends_at
    world.store.proxy.tell("pass")
    value, _ = ask_until_answered(desk, order, 20)
    assert_recorded_once(world, order.check_id, value["audit"])
    other = CheckOrder(desk.terminal, world.cards[ROUNDS + 2], desk.challenge())
    value, _ = ask_until_answered(desk, other, 5)
    assert_recorded_once(world, other.check_id, value["audit"])


def test_a_writer_that_went_without_its_locks_is_ended(world, desk):
    """Another hub's session, as a machine leaves it that lost its power: its transaction holds this hub's lane."""
    with closing(psycopg2.connect(world.installation.ledger.address, application_name="onshi ledger 0123456789abcdef",
                                  options="-csearch_path=ledger")) as orphan, orphan.cursor() as cursor:
        cursor.execute("SELECT lane FROM chain_lane WHERE lane = %s FOR UPDATE", (HUB_LANE,))
        order = CheckOrder(desk.terminal, world.cards[ROUNDS], desk.challenge())
        value, refusals = ask_until_answered(desk, order, ORPHAN_SECONDS_MAX)
        assert refusals, "the lane was held"
        assert_recorded_once(world, order.check_id, value["audit"])
        with pytest.raises(psycopg2.OperationalError):
            cursor.execute("SELECT 1")
