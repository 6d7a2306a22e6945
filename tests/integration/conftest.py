import itertools

import pytest

from harness.cards import CheckOrder, Wallet, base64url
from harness.client import Client
from harness.contract import Contract
from harness.hub import Hub
from harness.installation import Installation
from harness.lookups import planted


def pytest_configure(config):
    config.addinivalue_line("markers", "embedded: about the files of SQLite; not run on PostgreSQL")


@pytest.fixture(scope="session")
def contract():
    return Contract()


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """A demo installation that nobody changes."""
    return Installation.make(tmp_path_factory.mktemp("template") / "demo")


@pytest.fixture(scope="session")
def wallet(template):
    return Wallet(template)


@pytest.fixture(scope="session")
def new_installation(template, tmp_path_factory):
    """Makes a copy of the template."""
    numbers = itertools.count(1)
    return lambda: template.copy_to(tmp_path_factory.mktemp("installation") / f"demo-{next(numbers)}")


@pytest.fixture(scope="module")
def hub(new_installation, tmp_path_factory):
    """One hub for the tests of a file, which share what they write into its stores."""
    with Hub(new_installation(), tmp_path_factory.mktemp("hub")) as running:
        yield running


@pytest.fixture(scope="module")
def connect(contract, hub):
    """Clients of the file's hub by the name of their terminal; None comes without a certificate."""
    clients = {}

    def client(name):
        if name not in clients:
            terminal = hub.installation.terminal(name) if name else None
            clients[name] = Client(contract, hub, terminal)
        return clients[name]

    yield client
    for one in clients.values():
        one.close()


@pytest.fixture(scope="module")
def desk(connect):
    return connect("desk")


@pytest.fixture(scope="module")
def order(desk):
    """An order for a check at the desk with a fresh challenge."""
    return lambda card, **changes: CheckOrder(desk.terminal, card, desk.challenge(), **changes)


@pytest.fixture(scope="module")
def check(desk, order):
    """One check at the desk from challenge to answer, with the certificate when the hub asks for it."""

    def run(card, more=None, **changes):
        body = order(card, **changes).body(**(more or {}))
        reply = desk.post("/v1/checks", body)
        if reply.code != "certificate.needed":
            return reply
        return desk.post("/v1/checks", {**body, "certificate": base64url(card.certificate)})

    return run


@pytest.fixture(scope="module")
def eligible(wallet):
    return wallet.card("eligible")


@pytest.fixture
def look_up(desk):
    return lambda terms: desk.post("/v1/checks/by-number", terms)


@pytest.fixture(scope="module")
def find_covered(wallet, check):
    """A person whose card answers `valid` in the wanted way, with that answer."""

    def find(fits, fits_answer=lambda answer: True):
        tried = 0
        for key, card in sorted(wallet.cards.items()):
            person = wallet.persons.get(key)
            usable = card.status == 1 and key in wallet.registered and person is not None
            if not usable or person.blocked or not fits(person):
                continue
            tried += 1
            assert tried <= 200, "nobody in the nation fits"
            reply = check(card)
            if reply.status == 200 and reply.value["result"]["name"] == "valid" and fits_answer(reply.value):
                return card, person, reply.value
        raise AssertionError("nobody in the nation fits")

    return find


@pytest.fixture(scope="module")
def municipal(find_covered, wallet):
    """A person insured by a municipality: its number has six digits, and a branch."""
    rows = wallet.installation.rows(wallet.installation.registry, "SELECT DISTINCT person_key FROM coverage_number "
                                    "WHERE insurer_number BETWEEN 600000000 AND 699999999 AND branch < 90")
    keys = {key for key, in rows}

    def is_plain(answer):
        coverage = answer["coverage"]
        return len(coverage["insurer"]["number"]) == 6 and "branch" in coverage and not answer["notes"]

    return find_covered(lambda person: person.key in keys, is_plain)


@pytest.fixture(scope="module")
def overlapping(find_covered, wallet):
    """A person whom two insurers cover, because the earlier one was never told of the end."""
    keys = {key for key, _ in planted(wallet.installation, "loss_unreported")}
    return find_covered(lambda person: person.key in keys, lambda answer: "overlaps" in answer)
