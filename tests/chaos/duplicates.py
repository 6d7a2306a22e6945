"""The same checks several times at once and in another order, and two checks that spend one challenge."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from harness.cards import CheckOrder

from load import EXCUSES, MIDNIGHT, Desk, NoAnswer

CONNECTIONS = 6
ORDERS = 6
RIVALS = 2
COPIES = 3
USED = "challenge.used"


def told(desk, path, body):
    """(status, value) of a definite answer: like any desk it comes back when it is asked to."""
    for _ in range(50):
        try:
            status, value = desk.post(path, body)
        except NoAnswer:
            continue
        if status == 200 or value["code"] not in EXCUSES:
            return status, value
        time.sleep(value["retry"]["after_ms"] / 1000)
    raise AssertionError("no definite answer")


class Batch:
    """Some checks of one terminal, and rivals that use the challenge of one of them."""

    def __init__(self, world, terminal, desk):
        self.world = world
        self.terminal = terminal
        random = world.random
        status, value = told(desk, "/v1/challenges", {"count": ORDERS})
        assert status == 200, value
        self.bodies = {}
        self.rivals = []
        for number, issued in enumerate(value["challenges"]):
            order = CheckOrder(terminal, random.choice(world.cards), issued["challenge"])
            self.add(order)
            if number < RIVALS:
                rival = order.but(check_id=str(uuid.uuid4()))
                self.add(rival)
                self.rivals.append((order.check_id, rival.check_id))
        self.refused = set()

    def add(self, order):
        body = order.body()
        self.bodies[order.check_id] = body
        self.world.ledger.ask(body, self.terminal)

    def send(self, desks, pool, copies):
        """Every body that often, in no order, over several connections at once."""
        bodies = list(self.bodies.values()) * copies
        self.world.random.shuffle(bodies)
        shares = [bodies[number::len(desks)] for number in range(len(desks))]
        for done in [pool.submit(self.send_share, desk, share) for desk, share in zip(desks, shares)]:
            done.result()

    def send_share(self, desk, bodies):
        for body in bodies:
            status, value = told(desk, "/v1/checks", body)
            if status == 200:
                self.world.ledger.acknowledge(value)
            elif value["code"] == MIDNIGHT:
                self.world.ledger.give_up(body["check_id"])
            elif value["code"] == USED and any(body["check_id"] in pair for pair in self.rivals):
                self.refused.add(body["check_id"])
            else:
                self.world.ledger.fail(f"a repeated check: {value['code']}")

    def judge(self):
        """Of two that spend one challenge one is answered, always the same."""
        asked = self.world.ledger.asked
        for pair in self.rivals:
            if any(asked[check_id].given_up for check_id in pair):
                continue
            won = {check_id for check_id in pair if asked[check_id].places}
            lost = {check_id for check_id in pair if check_id in self.refused}
            if len(won) != 1 or lost != set(pair) - won:
                self.world.ledger.fail("a challenge was spent twice, or by nobody")
            for check_id in lost:
                self.world.ledger.withdraw(check_id)


def send_duplicates(world, seconds):
    terminal = world.terminals[0]
    desks = [Desk(world, terminal) for _ in range(CONNECTIONS)]
    ends_at = time.monotonic() + seconds
    earlier = None
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        while earlier is None or time.monotonic() < ends_at:
            batch = Batch(world, terminal, desks[0])
            batch.send(desks, pool, COPIES)
            batch.judge()
            if earlier is not None:  # late: behind others that came after it
                earlier.send(desks, pool, 1)
                earlier.judge()
            earlier = batch
    for desk in desks:
        desk.close()
