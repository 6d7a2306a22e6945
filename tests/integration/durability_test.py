"""No answer without its record, no record twice, whatever ends the hub; and whoever edits the ledger is found out."""

import collections
import http.client
import json
import random
import threading
import time
import uuid
from dataclasses import dataclass, field

import pytest

from harness import audit
from harness.cards import CheckOrder
from harness.client import Client
from harness.hub import Hub
from harness.installation import onshi

KILLS = 20
SHORTEST_LOAD_SECONDS, LONGEST_LOAD_SECONDS = 0.1, 0.6
CHECKERS = 3
INTENT_EVENTS = (6, 7)  # terminal_added, terminal_enrolled
SWEEP_SECONDS_MAX = 15


@dataclass
class Load:
    """Checks until the hub is gone. Keeps every answer, and the request that got none."""

    contract: object
    hub: Hub
    terminal: object
    cards: list
    answers: list = field(default_factory=list)  # (check id, audit place, receipt)
    unanswered: list = field(default_factory=list)
    failures: list = field(default_factory=list)

    def run(self):
        with Client(self.contract, self.hub, self.terminal) as client:
            try:
                challenge = client.challenge()
            except (OSError, http.client.HTTPException):
                return
            while True:
                order = CheckOrder(self.terminal, random.choice(self.cards), challenge)
                body = order.body()
                try:
                    reply = client.post("/v1/checks", body)
                except (OSError, http.client.HTTPException):
                    self.unanswered.append(body)
                    return
                except Exception as error:  # an answer that breaks the contract must fail the test, not end a thread
                    self.failures.append(error)
                    return
                if reply.status != 200:
                    self.failures.append(reply.body)
                    return
                self.answers.append((order.check_id, reply.value["audit"], reply.value["receipt"]))
                challenge = reply.value["next_challenge"]["challenge"]


@dataclass
class Additions:
    """Terminals that an operator adds meanwhile: a change of both stores."""

    contract: object
    hub: Hub
    added: list = field(default_factory=list)
    failures: list = field(default_factory=list)

    def run(self):
        desk = self.hub.installation.terminal("desk")
        wish = {"facility": desk.facility, "name": "t", "roles": [{"role": "check_card"}],
                "methods": [{"method": "pin"}]}
        with Client(self.contract, self.hub, self.hub.installation.terminal("operator")) as client:
            while True:
                try:
                    reply = client.post("/v1/terminals", wish)
                except (OSError, http.client.HTTPException):
                    return
                if reply.status != 201:
                    self.failures.append(reply.body)
                    return
                self.added.append(int(reply.value["terminal"][1:]))
                time.sleep(0.01)


def run_until_killed(hub, loads, seconds):
    threads = [threading.Thread(target=load.run) for load in loads]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    hub.kill()
    for thread in threads:
        thread.join()


def assert_recorded_once(installation, answers):
    """Every answer has the record that it named, with that hash; every check id stands in one record only."""
    stored = audit.records(installation)
    times = collections.Counter(audit.answered_checks(installation))
    for check_id, place, _ in answers:
        digest, payload = stored[place["sequence"]]
        assert digest == place["hash"]
        assert audit.check_id_in(payload) == check_id
        assert times[check_id] == 1
    assert len({receipt for _, _, receipt in answers}) == len(answers)


def test_twenty_sudden_deaths_under_load_lose_nothing_and_double_nothing(contract, new_installation, wallet, tmp_path):
    installation = new_installation()
    hub = Hub(installation, tmp_path / "run", "--requests-per-second", 100_000)
    cards = wallet.usable_cards[:40]
    desks = [installation.terminal(name) for name in ("desk", "desk-2", "desk")]
    answers, added, in_flight = [], [], 0
    for kill in range(KILLS):
        hub.start()
        loads = [Load(contract, hub, desk, cards) for desk in desks[:CHECKERS]]
        additions = Additions(contract, hub)
        seconds = random.Random(kill).uniform(SHORTEST_LOAD_SECONDS, LONGEST_LOAD_SECONDS)
        run_until_killed(hub, [*loads, additions], seconds)
        assert not [failure for load in (*loads, additions) for failure in load.failures]
        fresh = [answer for load in loads for answer in load.answers]
        answers += fresh
        added += additions.added
        assert_recorded_once(installation, fresh)

        hub.start()
        with Client(contract, hub, desks[0]) as client, Client(contract, hub, desks[1]) as other:
            for number, load in enumerate(loads):
                for body in load.unanswered:
                    reply = (other if number == 1 else client).post("/v1/checks", body)
                    assert reply.status == 200, reply.body
                    answers.append((body["check_id"], reply.value["audit"], reply.value["receipt"]))
                    in_flight += 1
        newest = max((place for _, place, _ in answers), key=lambda place: place["sequence"])
        status, report = audit.verify(installation, "--witness", audit.write_witness(tmp_path / "witness.json", newest))
        assert (status, report["ok"], report["witnesses"]) == (0, True, 1), report
        hub.kill()
    assert len(answers) > 20 * KILLS and in_flight >= KILLS, "the load was real"
    assert_recorded_once(installation, answers)

    terminals = {key for key, in installation.rows(installation.registry, "SELECT terminal_key FROM terminal")}
    assert set(added) <= terminals
    assert len(set(added)) == len(added)
    end_open_intents(hub)


def end_open_intents(hub):
    """What a kill left between the two stores is ended by the sweep: each intent has one outcome, and that is true."""
    installation = hub.installation
    installation.change(installation.ledger, "UPDATE intent SET opened_at = 0")
    hub.start()
    ends_at = time.monotonic() + SWEEP_SECONDS_MAX
    while installation.rows(installation.ledger, "SELECT count(*) FROM intent") != [(0,)]:
        assert time.monotonic() < ends_at, "the sweep did not end the open intents"
        time.sleep(0.2)
    assert hub.stop() == 0
    rows = installation.rows(installation.ledger, "SELECT event, payload FROM audit_record WHERE lane = 0")
    intended = [int.from_bytes(payload[16:24], "big") for event, payload in rows if event in INTENT_EVENTS]
    done = [payload[-1] for event, payload in rows if event == 9]
    assert len(done) == len(intended)
    terminals = {key for key, in installation.rows(installation.registry, "SELECT terminal_key FROM terminal")}
    assert sum(done) == len([key for key in intended if key in terminals])
    status, report = audit.verify(installation)
    assert status == 0, report


# --- whoever edits the ledger


COPY_RECORD = ("INSERT INTO audit_record SELECT lane, {to}, recorded_at, event, organisation_key, terminal_key, actor, "
               "payload_digest, hash, payload FROM audit_record WHERE lane = 0 AND sequence = {source}")
MOVE_HEAD = ("UPDATE chain_lane SET head_sequence = {to}, head_hash = (SELECT hash FROM audit_record "
             "WHERE lane = 0 AND sequence = {to}) WHERE lane = 0")


@pytest.fixture(scope="module")
def written(contract, new_installation, wallet, tmp_path_factory):
    """An installation with some answers, stopped; and the place of its newest record."""
    installation = new_installation()
    card = wallet.card("eligible")
    with Hub(installation, tmp_path_factory.mktemp("run")) as hub:
        with Client(contract, hub, installation.terminal("desk")) as client:
            places = [client.post("/v1/checks", CheckOrder(client.terminal, card, challenge).body()).value["audit"]
                      for challenge in client.challenges(12)]
        assert hub.stop() == 0
    assert [place["sequence"] for place in places] == list(range(1, 13))
    return installation, places[-1]


@pytest.fixture
def tampered(written, tmp_path):
    """A copy that a test may spoil."""
    installation, newest = written
    return installation.copy_to(tmp_path / "tampered"), newest


def test_a_hub_that_ends_seals_its_chain(written):
    installation, newest = written
    last = installation.rows(installation.ledger, "SELECT sequence, hash FROM audit_seal WHERE lane = 0 "
                             "ORDER BY sequence DESC LIMIT 1")
    assert [(sequence, digest.hex()) for sequence, digest in last] == [(newest["sequence"], newest["hash"])]


def test_an_untouched_chain_is_clean(written, tmp_path):
    installation, newest = written
    status, report = audit.verify(installation, "--witness", audit.write_witness(tmp_path / "w.json", newest))
    assert (status, report["ok"], report["witnesses"]) == (0, True, 1)
    assert report["records"] >= 12 and report["seals"] >= 1
    head = next(head for head in report["heads"] if head["lane"] == 0)
    assert head == {name: newest[name] for name in ("lane", "sequence", "hash")}


@pytest.mark.parametrize("statements, sequence, flaw", [
    (["UPDATE audit_record SET actor = 'somebody' WHERE lane = 0 AND sequence = 5"], 5, "changed"),
    (["UPDATE audit_record SET organisation_key = organisation_key + 1 WHERE lane = 0 AND sequence = 7"], 7, "changed"),
    (["UPDATE audit_record SET recorded_at = recorded_at - 1 WHERE lane = 0 AND sequence = 1"], 1, "changed"),
    (["UPDATE audit_record SET payload = CAST(payload || zeroblob(1) AS BLOB) WHERE lane = 0 AND sequence = 6"], 6,
     "payload_changed"),
    (["UPDATE audit_record SET payload = zeroblob(length(payload)) WHERE lane = 0 AND sequence = 6"], 6,
     "payload_changed"),
    (["UPDATE audit_record SET hash = zeroblob(32) WHERE lane = 0 AND sequence = 8"], 8, "changed"),
    (["DELETE FROM audit_record WHERE lane = 0 AND sequence = 4"], 4, "missing"),
    (["DELETE FROM audit_record WHERE lane = 0 AND sequence = 1"], 1, "missing"),
    (["DELETE FROM audit_record WHERE lane = 0 AND sequence = 4",
      "UPDATE audit_record SET sequence = sequence - 1 WHERE lane = 0 AND sequence > 4"], 4, "changed"),
    (["UPDATE audit_record SET sequence = 1003 WHERE lane = 0 AND sequence = 3",
      "UPDATE audit_record SET sequence = 3 WHERE lane = 0 AND sequence = 4",
      "UPDATE audit_record SET sequence = 4 WHERE lane = 0 AND sequence = 1003"], 3, "changed"),
    (["UPDATE audit_record SET sequence = sequence + 100 WHERE lane = 0 AND sequence >= 9",
      COPY_RECORD.format(to=9, source=8),
      "UPDATE audit_record SET sequence = sequence - 99 WHERE lane = 0 AND sequence > 100"], 9, "changed"),
    ([COPY_RECORD.format(to=13, source=12)], 13, "changed"),
    (["DELETE FROM audit_record WHERE lane = 0 AND sequence >= 11"], 11, "tail_cut"),
    (["DELETE FROM audit_record WHERE lane = 0"], 1, "tail_cut"),
    (["UPDATE chain_lane SET head_hash = zeroblob(32) WHERE lane = 0"], 12, "head_differs"),
    (["DELETE FROM chain_lane WHERE lane = 0"], 1, None),
    (["DELETE FROM chain_lane WHERE lane = 0", "DELETE FROM audit_record WHERE lane = 0"], 1, None),
    ([MOVE_HEAD.format(to=5)], 6, "head_differs"),
    (["UPDATE audit_seal SET sequence = 5000000 WHERE lane = 0 AND sequence = 12"], 13, "tail_cut"),
    (["UPDATE audit_seal SET signature = zeroblob(64) WHERE lane = 0"], None, "seal_broken"),
    (["UPDATE audit_seal SET hash = zeroblob(32) WHERE lane = 0"], None, "seal_broken"),
])
def test_a_spoilt_ledger_is_named_by_its_first_bad_record(tampered, statements, sequence, flaw):
    installation, _ = tampered
    for statement in statements:
        assert installation.change(installation.ledger, statement) > 0, statement
    status, report = audit.verify(installation)
    assert (status, report["ok"]) == (1, False), report
    assert report["finding"]["lane"] == 0
    assert sequence is None or report["finding"]["sequence"] == sequence
    assert flaw is None or report["finding"]["flaw"] == flaw


def cut_tail(installation, last):
    """A careful forger: head and seals say the same as the records that are left."""
    for table in ("audit_record", "audit_seal"):
        installation.change(installation.ledger, f"DELETE FROM {table} WHERE lane = 0 AND sequence > ?", (last,))
    installation.change(installation.ledger, MOVE_HEAD.format(to=last))


def test_a_careful_cut_of_the_tail_is_seen_by_a_witness_only(tampered, tmp_path):
    installation, newest = tampered
    cut_tail(installation, 9)
    assert audit.verify(installation)[0] == 0, "said openly in design §9.9"
    status, report = audit.verify(installation, "--witness", audit.write_witness(tmp_path / "w.json", newest))
    assert status == 1
    assert report["finding"] == {"lane": 0, "sequence": 10, "flaw": "tail_cut"}


def test_a_chain_that_was_written_anew_is_seen_by_a_witness(contract, tampered, wallet, tmp_path):
    installation, newest = tampered
    cut_tail(installation, 9)
    card = wallet.card("eligible")
    with Hub(installation, tmp_path / "run") as hub, Client(contract, hub, installation.terminal("desk")) as client:
        for challenge in client.challenges(5):
            assert client.post("/v1/checks", CheckOrder(client.terminal, card, challenge).body()).status == 200
    status, report = audit.verify(installation, "--witness", audit.write_witness(tmp_path / "w.json", newest))
    assert status == 1
    assert report["finding"] == {"lane": 0, "sequence": newest["sequence"], "flaw": "changed"}


def test_the_forger_of_these_tests_computes_hashes_as_the_hub_does(tampered):
    installation, newest = tampered
    audit.rewrite(installation, lambda record: None)
    assert audit.records(installation)[newest["sequence"]][0] == newest["hash"]
    assert audit.verify(installation)[0] == 0


def spread_over_hours(record):
    """Somebody else did it, and it took the whole day: a time in which seals were due."""
    record["actor"] = "somebody"
    record["recorded_at"] += record["sequence"] * 1_800_000_000


def test_a_rewritten_chain_is_found_by_its_broken_or_missing_seals(tampered):
    installation, _ = tampered
    audit.rewrite(installation, spread_over_hours)
    status, report = audit.verify(installation)
    assert (status, report["finding"]["flaw"]) == (1, "seal_broken")
    installation.change(installation.ledger, "DELETE FROM audit_seal WHERE lane = 0")
    status, report = audit.verify(installation)
    assert status == 1
    assert report["finding"] == {"lane": 0, "sequence": 1, "flaw": "unsealed"}


def assert_refuses_to_start(installation, detail):
    ended = onshi("server", "run", "--config", installation.settings, "--port", 0, "--metrics-port", 0, "--json")
    problem = json.loads(ended.stderr.splitlines()[-1])
    assert (problem["code"], problem["detail"]) == ("audit.broken", detail), problem


def test_a_hub_does_not_go_on_with_a_lane_that_somebody_else_has_written(contract, tampered, wallet, tmp_path):
    """It would seal the forgery. With another lane it serves, and the spoilt one stays as it is."""
    installation, newest = tampered
    audit.rewrite(installation, spread_over_hours)
    installation.change(installation.ledger, "DELETE FROM audit_seal WHERE lane = 0")
    assert_refuses_to_start(installation, "lane 0, record 1: unsealed")
    with Hub(installation, tmp_path / "run", "--lane", 1) as hub:
        with Client(contract, hub, installation.terminal("desk")) as client:
            order = CheckOrder(client.terminal, wallet.card("eligible"), client.challenge())
            answer = client.post("/v1/checks", order.body()).value
    assert answer["audit"]["lane"] == 1
    assert installation.rows(installation.ledger, "SELECT count(*) FROM audit_seal WHERE lane = 0") == [(0,)]
    status, report = audit.verify(installation)
    assert (status, report["finding"]["lane"]) == (1, 0)


def test_a_hub_does_not_go_on_behind_a_seal_that_does_not_hold(tampered):
    installation, newest = tampered
    installation.change(installation.ledger, "UPDATE audit_seal SET signature = zeroblob(64) WHERE lane = 0")
    assert_refuses_to_start(installation, f"lane 0, record {newest['sequence']}: seal_broken")


def test_a_payload_deleted_at_the_end_of_its_retention_leaves_the_chain_clean(tampered):
    installation, _ = tampered
    installation.change(installation.ledger, "UPDATE audit_record SET payload = NULL WHERE lane = 0 AND sequence = 2")
    assert audit.verify(installation)[0] == 0


def test_a_hub_that_lost_its_lane_to_another_answers_nobody(contract, new_installation, wallet, tmp_path):
    """Two processes with one lane: the older one is fenced (design §9.9)."""
    installation = new_installation()
    card = wallet.card("eligible")
    with Hub(installation, tmp_path / "old") as old, Client(contract, old, installation.terminal("desk")) as slow:
        order = CheckOrder(slow.terminal, card, slow.challenge())
        with Hub(installation, tmp_path / "new") as new, Client(contract, new, installation.terminal("desk")) as fast:
            other = CheckOrder(fast.terminal, card, fast.challenge())
            assert fast.post("/v1/checks", other.body()).status == 200
            assert slow.post("/v1/checks", order.body()).code == "store.fenced"
            assert old.wait() == 6, "it ends by itself"
            assert '"hub.fenced"' in old.log_text()
            again = other.but(challenge=fast.challenge(), check_id=str(uuid.uuid4()))
            assert fast.post("/v1/checks", again.body()).status == 200
        assert audit.verify(installation)[0] == 0


def test_what_the_command_line_records_is_sealed_when_it_ends(new_installation):
    installation = new_installation()
    words = ("account", "put", "--facility", installation.terminal("desk").facility, "--operator", "sato", "--config",
             installation.settings)
    for name in ("anzai", "ban"):
        done = onshi(*words, "--reference", name)
        assert done.returncode == 0, done.stderr
        (last,), = installation.rows(installation.ledger, "SELECT max(sequence) FROM audit_record WHERE lane = 63")
        (sealed,), = installation.rows(installation.ledger, "SELECT max(sequence) FROM audit_seal WHERE lane = 63")
        assert last == sealed
    assert audit.verify(installation)[0] == 0
    unsealed = onshi(*words, "--reference", "chiba", "--secrets-folder", "")
    assert unsealed.returncode != 0 and "config.missing" in unsealed.stderr, "nothing is recorded that nobody vouches for"
