"""Desks that check without end and follow the retry advice, and what they were told."""

import http.client
import json
import random
import threading
import time
from dataclasses import dataclass, field

from harness.cards import CheckOrder
from harness.client import tls_context

ANSWER_SECONDS = 3.0
WATCH_SECONDS = 1.0
WATCH_EVERY_SECONDS = 0.02
NO_ANSWER_REST_SECONDS = 0.05
ADVICE_SECONDS_MAX = 12.0
SETTLE_SECONDS_MAX = 40.0
VALIDATE_ONE_IN = 20
REPEATED = 20  # acknowledged checks that are asked for once more behind each fault
# A desk and a hub that stand on two sides of midnight in Japan, by the hour or because of a clock: the desk begins anew.
MIDNIGHT = "check.care_day"
TRY_LATER = {429, 503}
NO_ANSWER = "no answer"
TURNED_AWAY = {"overload.busy", "overload.rate"}
# What a hub may say to a correct check while the world around it fails. All of it invites to come back.
EXCUSES = {"overload.busy", "overload.rate", "store.unavailable", "store.full", "store.outcome_unknown", "store.fenced",
           "deadline.passed"}


class NoAnswer(Exception):
    """Nobody knows whether the request was carried out."""


@dataclass
class Asked:
    """One check, and every answer that it was given."""

    body: dict
    desk: object
    places: set = field(default_factory=set)  # (lane, sequence, hash, receipt)
    given_up: bool = False  # without an answer: it may be on record, once, or not


class Ledger:
    """What clients know: the other side of the hub's books. Thread-safe."""

    def __init__(self):
        self._lock = threading.Lock()
        self.asked = {}  # by check id
        self.open = {}  # asked and not acknowledged
        self.failures = []  # answers that a correct client must never get
        self.acknowledged = 0

    def ask(self, body, desk):
        entry = Asked(body, desk)
        with self._lock:
            self.asked[body["check_id"]] = self.open[body["check_id"]] = entry
        return entry

    def acknowledge(self, answer):
        place = answer["audit"]
        with self._lock:
            entry = self.asked[answer["check_id"]]
            if not entry.places:
                self.acknowledged += 1
            entry.places.add((place["lane"], place["sequence"], place["hash"], answer["receipt"]))
            self.open.pop(answer["check_id"], None)

    def withdraw(self, check_id):
        """A check that was refused for good and must not be on record."""
        with self._lock:
            self.open.pop(check_id, None)

    def give_up(self, check_id):
        with self._lock:
            self.asked[check_id].given_up = True
            self.open.pop(check_id, None)

    def fail(self, what):
        with self._lock:
            self.failures.append(what)

    def unsettled(self):
        with self._lock:
            return list(self.open.values())

    def clear(self):
        """Forgets what has been compared."""
        with self._lock:
            self.asked.clear()
            self.open.clear()
            self.failures.clear()


class Desk:
    """One terminal on one kept-alive connection, opened again after every failure. Not thread-safe."""

    def __init__(self, world, terminal, timeout=ANSWER_SECONDS):
        self.world = world
        self.terminal = terminal
        self.timeout = timeout
        self.context = tls_context(world.installation, terminal.certificate, terminal.key)
        self.connection = None
        self.answers = 0

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def post(self, path, body):
        """(status, value) of an answer."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPSConnection("127.0.0.1", self.world.port, context=self.context,
                                                              timeout=self.timeout)
            self.connection.request("POST", path, json.dumps(body).encode())
            response = self.connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            status, content = response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise NoAnswer(type(error).__name__) from error
        if response.will_close:
            self.close()
        self.answers += 1
        if status in TRY_LATER and not headers.get("retry-after", "").isdigit():
            self.world.ledger.fail(f"status {status} without retry-after")
        if status != 200 or self.answers % VALIDATE_ONE_IN == 1:
            return status, self.world.contract.check("POST", path, status, headers, content)
        return status, json.loads(content)


class Checker(threading.Thread):
    """A desk at work from start() to stop(). Never gives an unanswered check up: it comes back with the same request."""

    def __init__(self, world, terminal, seed):
        super().__init__(daemon=True)
        self.world = world
        self.ledger = world.ledger
        self.desk = Desk(world, terminal)
        self.random = random.Random(seed)
        self.ending = threading.Event()

    def stop(self):
        self.ending.set()

    def run(self):
        try:
            challenge = None
            while not self.ending.is_set():
                challenge = self.check(challenge or self.challenge())
        except Exception as error:  # pylint: disable=broad-except  # a broken contract must fail the run, not end a thread
            self.ledger.fail(f"{type(error).__name__}: {error}")
        finally:
            self.desk.close()

    def challenge(self):
        while not self.ending.is_set():
            value = self.ask_until_told("/v1/challenges", {"count": 1})
            if value is not None:
                return value["challenges"][0]["challenge"]
        return None

    def check(self, challenge):
        """The next challenge, when the answer brought one."""
        if challenge is None:
            return None
        order = CheckOrder(self.desk.terminal, self.random.choice(self.world.cards), challenge)
        body = order.body()
        self.ledger.ask(body, self.desk.terminal)
        while not self.ending.is_set() and order.check_id in self.ledger.open:
            value = self.ask_until_told("/v1/checks", body)
            if value is not None:
                self.ledger.acknowledge(value)
                return value["next_challenge"]["challenge"]
        return None

    def ask_until_told(self, path, body):
        """The good answer, or None after a pause as long as the hub asked for."""
        try:
            status, value = self.desk.post(path, body)
        except NoAnswer:
            self.ending.wait(NO_ANSWER_REST_SECONDS)
            return None
        if status == 200:
            return value
        judge_refusal(self.world, value, body)
        self.ending.wait(min(value["retry"]["after_ms"] / 1000, ADVICE_SECONDS_MAX))
        return None


def judge_refusal(world, problem, body):
    """Whether the client should come back. Some faults end a challenge, and a desk then begins with a new one."""
    if problem["code"] in EXCUSES:
        return True
    if problem["code"] in {MIDNIGHT, *world.given_up_at} and "check_id" in body:
        world.ledger.give_up(body["check_id"])
    else:
        world.ledger.fail(f"{problem['code']} {problem.get('detail', '')}".strip())
    return False


class Watch(threading.Thread):
    """Asks for one new check after the other, whatever happens, to see when service is there. Its checks count as all
    others do."""

    def __init__(self, world, terminal):
        super().__init__(daemon=True)
        self.world = world
        self.desk = Desk(world, terminal, WATCH_SECONDS)
        self.ending = threading.Event()
        self.body = None  # of a check that was turned away at the door: it comes again instead of a new one
        self.times = []  # (begun, answered) of good answers
        self.codes = set()

    def stop(self):
        self.ending.set()

    def run(self):
        number = 0
        while not self.ending.wait(WATCH_EVERY_SECONDS):
            number += 1
            begun = time.monotonic()
            try:
                self.check(self.world.cards[number % len(self.world.cards)], begun)
            except NoAnswer:
                self.codes.add(NO_ANSWER)
            except Exception as error:  # pylint: disable=broad-except
                self.world.ledger.fail(f"{type(error).__name__}: {error}")
                break
        self.desk.close()

    def check(self, card, begun):
        if self.body is None:
            status, value = self.desk.post("/v1/challenges", {"count": 1})
            if status != 200:
                return self.refused(value, {})
            order = CheckOrder(self.desk.terminal, card, value["challenges"][0]["challenge"])
            self.body = order.body()
            self.world.ledger.ask(self.body, self.desk.terminal)
        body, self.body = self.body, None
        status, value = self.desk.post("/v1/checks", body)
        if status != 200:
            return self.refused(value, body)
        self.world.ledger.acknowledge(value)
        self.times.append((begun, time.monotonic()))
        return None

    def refused(self, problem, body):
        self.codes.add(problem["code"])
        if judge_refusal(self.world, problem, body) and problem["code"] in TURNED_AWAY:
            self.body = body or None
        self.desk.close()  # a refused connection is not read before the advised time; the watch does not wait

    def served_since(self, moment):
        """When the first check that began after that moment was answered; None: none was."""
        return next((answered for begun, answered in list(self.times) if begun >= moment), None)

    def served_between(self, begin, end):
        return sum(begin <= begun and answered <= end for begun, answered in list(self.times))


def settle(world):
    """Asks again for everything that was left without an answer, until each is acknowledged; and for some that were."""
    ends_at = time.monotonic() + SETTLE_SECONDS_MAX
    answered = [entry for entry in world.ledger.asked.values() if entry.places]
    repeated = world.random.sample(answered, min(REPEATED, len(answered)))
    desks = {}
    for entry in [*world.ledger.unsettled(), *repeated]:
        desk = desks.setdefault(entry.desk.id, Desk(world, entry.desk))
        settled = False
        while not settled and time.monotonic() < ends_at:
            settled = told_again(world, desk, entry)
        if not settled:
            world.ledger.fail("never acknowledged")
    for desk in desks.values():
        desk.close()


def told_again(world, desk, entry):
    """Whether the answer was definite; otherwise after a pause."""
    try:
        status, value = desk.post("/v1/checks", entry.body)
    except NoAnswer:
        time.sleep(NO_ANSWER_REST_SECONDS)
        return False
    if status == 200:
        world.ledger.acknowledge(value)
    elif judge_refusal(world, value, entry.body):
        time.sleep(min(value["retry"]["after_ms"] / 1000, ADVICE_SECONDS_MAX))
        return False
    return True
