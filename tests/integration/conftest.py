import itertools

import pytest

from harness.cards import CheckOrder, Wallet, base64url
from harness.client import Client
from harness.contract import Contract
from harness.hub import Hub
from harness.installation import Installation


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
