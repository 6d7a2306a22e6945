"""How a terminal comes to its certificate, renews it and loses it."""

import datetime
import functools
import json
import re
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from harness.cards import CheckOrder, base64url, today
from harness.client import Client, at_once, parse_response
from harness.hub import Hub
from harness.installation import Terminal, onshi

DIRECTORY_AGE_MAX = 5  # seconds; src/domain/organisations/directory.h


@pytest.fixture
def stranger(connect):
    return connect(None)


@pytest.fixture
def operator(connect):
    return connect("operator")


class Request:
    """A key and a certificate request, made by the openssl command."""

    def __init__(self, folder, *, curve="P-256", subject="/CN=anything"):
        folder.mkdir()
        self.folder = folder
        self.key = folder / "terminal.key"
        self.certificate = folder / "terminal.crt"
        request = folder / "request.der"
        algorithm = ["-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{curve}"] if curve else ["-newkey", "rsa:2048"]
        subprocess.run(["openssl", "req", "-new", "-nodes", *algorithm, "-keyout", self.key, "-subj", subject,
                        "-outform", "DER", "-out", request], check=True, capture_output=True, timeout=20)
        self.der = request.read_bytes()

    def body(self, code=None):
        body = {"certificate_request": base64url(self.der)}
        return body if code is None else {"enrolment_code": code, **body}


def new_order(desk, *, roles=("check_card",), methods=("pin",), name="新しい端末"):
    return {"facility": desk.terminal.facility, "name": name, "roles": [{"role": role} for role in roles],
            "methods": [{"method": method} for method in methods]}


@pytest.fixture
def enrol(operator, stranger, desk, tmp_path):
    """A new terminal of the desk's facility: its request, and what enrolment said."""

    def run(name="new", **wishes):
        added = operator.post("/v1/terminals", new_order(desk, **wishes))
        assert added.status == 201, added.body
        request = Request(tmp_path / name)
        enrolled = stranger.post("/v1/terminals/enrol", request.body(added.value["enrolment_code"]))
        assert enrolled.status == 201, enrolled.body
        request.certificate.write_text(enrolled.value["certificate"])
        return request, enrolled.value

    return run


def record_count(hub):
    """Records about terminals and the intents behind them; a desk of another test adds none of these."""
    return hub.installation.rows(hub.installation.ledger, "SELECT count(*) FROM audit_record WHERE event IN (6, 7, 9, 12)")[0][0]


def terminal_of(request, enrolled):
    return Terminal(request.folder, enrolled["hub_id"], enrolled["facility"], enrolled["terminal"])


def test_an_operator_adds_a_terminal_and_it_checks_cards(contract, hub, wallet, desk, enrol):
    request, enrolled = enrol()
    assert enrolled["facility"] == desk.terminal.facility
    certificate = x509.load_pem_x509_certificate(enrolled["certificate"].encode())
    names = certificate.subject.rfc4514_string()
    assert enrolled["terminal"] in names and enrolled["facility"] in names and "anything" not in names
    with Client(contract, hub, terminal_of(request, enrolled)) as new:
        asked = CheckOrder(new.terminal, wallet.card("eligible"), new.challenge())
        answer = new.post("/v1/checks", asked.body()).value
        assert answer["result"]["name"] == "valid"
        assert answer["facility"]["terminal"] == enrolled["terminal"]
        assert new.post("/v1/checks/by-number", {}).code in ("role.missing", "request.field")
        assert new.post("/v1/terminals", new_order(desk)).code == "role.missing"


def test_a_code_is_typed_loosely_and_works_once(operator, stranger, desk, tmp_path):
    added = operator.post("/v1/terminals", new_order(desk)).value
    assert re.match(r"^T\d+$", added["terminal"])
    code = added["enrolment_code"]
    typed = " ".join(re.findall("....?", code.lower()))
    first = Request(tmp_path / "first")
    assert stranger.post("/v1/terminals/enrol", first.body(typed)).status == 201
    again = Request(tmp_path / "again")
    assert stranger.post("/v1/terminals/enrol", again.body(code)).code == "terminal.enrolment_code"


def test_a_lost_answer_to_an_enrolment_comes_again_for_the_same_key(hub, operator, stranger, desk, tmp_path):
    added = operator.post("/v1/terminals", new_order(desk)).value
    request = Request(tmp_path / "first")
    before = record_count(hub)
    first = stranger.post("/v1/terminals/enrol", request.body(added["enrolment_code"]))
    once = record_count(hub)
    assert once == before + 2, "enrolled, done"
    again = stranger.post("/v1/terminals/enrol", request.body(added["enrolment_code"]))
    assert again.status == 201 and again.value == first.value
    assert record_count(hub) == once, "nothing more has happened"
    hub.installation.change(hub.installation.registry, "UPDATE terminal SET enrol_until = 1 WHERE terminal_key = ?",
                            (int(added["terminal"][1:]),))
    assert stranger.post("/v1/terminals/enrol", request.body(added["enrolment_code"])).code == "terminal.enrolment_code"


def test_the_same_enrolment_sent_by_many_at_once_gives_one_certificate(operator, stranger, desk, tmp_path):
    code = operator.post("/v1/terminals", new_order(desk)).value["enrolment_code"]
    body = Request(tmp_path / "r").body(code)
    replies = at_once([functools.partial(stranger.post_alone, "/v1/terminals/enrol", body) for _ in range(4)])
    assert [reply.status for reply in replies] == [201] * 4
    assert len({reply.value["certificate"] for reply in replies}) == 1


def test_a_code_used_by_many_at_once_gives_one_certificate(operator, stranger, desk, tmp_path):
    code = operator.post("/v1/terminals", new_order(desk)).value["enrolment_code"]
    bodies = [Request(tmp_path / str(number)).body(code) for number in range(4)]
    replies = at_once([functools.partial(stranger.post_alone, "/v1/terminals/enrol", body) for body in bodies])
    assert sorted(reply.status for reply in replies) == [201, 403, 403, 403]
    assert {reply.code for reply in replies if reply.status != 201} == {"terminal.enrolment_code"}


@pytest.mark.parametrize("code", ["", "0", "A" * 64, "' OR 1=1 --"])
def test_a_wrong_code_is_refused_without_a_reason(stranger, tmp_path, code):
    assert stranger.post("/v1/terminals/enrol", Request(tmp_path / "r").body(code)).code == "terminal.enrolment_code"


def test_an_expired_code_is_refused_like_a_wrong_one(hub, operator, stranger, desk, tmp_path):
    added = operator.post("/v1/terminals", new_order(desk)).value
    hub.installation.change(hub.installation.registry, "UPDATE terminal SET enrol_until = 1 WHERE terminal_key = ?",
                            (int(added["terminal"][1:]),))
    reply = stranger.post("/v1/terminals/enrol", Request(tmp_path / "r").body(added["enrolment_code"]))
    assert reply.code == "terminal.enrolment_code"


def test_a_bad_request_does_not_use_up_the_code(operator, stranger, desk, tmp_path):
    code = operator.post("/v1/terminals", new_order(desk)).value["enrolment_code"]
    good = Request(tmp_path / "good")
    spoilt = bytearray(good.der)
    spoilt[-1] ^= 1  # the proof of possession
    for der in (bytes(spoilt), good.der + b"\0", good.der[:-1], b"", b"0" * 100,
                Request(tmp_path / "p384", curve="P-384").der, Request(tmp_path / "rsa", curve=None).der):
        body = {"enrolment_code": code, "certificate_request": base64url(der)}
        assert stranger.post("/v1/terminals/enrol", body).code == "certificate.request", der[:8]
    assert stranger.post("/v1/terminals/enrol", good.body(code)).status == 201


def test_the_code_is_not_kept(hub, operator, desk):
    code = operator.post("/v1/terminals", new_order(desk)).value["enrolment_code"]
    for store in (hub.installation.registry, hub.installation.ledger):
        content = store.content()
        assert content and code.encode() not in content
    assert code not in hub.log_text()


def test_a_terminal_renews_its_certificate(contract, hub, enrol, tmp_path):
    request, enrolled = enrol()
    new_request = Request(tmp_path / "renewed")
    with Client(contract, hub, terminal_of(request, enrolled)) as old:
        renewed = old.post("/v1/terminals/renew", new_request.body())
        assert renewed.status == 201, renewed.body
        assert renewed.value["terminal"] == enrolled["terminal"]
        assert renewed.value["certificate_until"] >= enrolled["certificate_until"]
        new_request.certificate.write_text(renewed.value["certificate"])
        with Client(contract, hub, terminal_of(new_request, renewed.value)) as renewed_terminal:
            assert renewed_terminal.challenge()
        time.sleep(DIRECTORY_AGE_MAX + 0.5)
        assert old.post("/v1/challenges", {}).code == "terminal.unknown", "also on a connection that was kept"


def test_a_lost_answer_to_a_renewal_leaves_the_old_certificate_in_force(contract, hub, enrol, tmp_path):
    request, enrolled = enrol()
    first, second = Request(tmp_path / "first"), Request(tmp_path / "second")
    with Client(contract, hub, terminal_of(request, enrolled)) as old:
        lost = old.post("/v1/terminals/renew", first.body()).value
        again = old.post("/v1/terminals/renew", first.body())
        assert again.status == 201 and again.value == lost, "the same request, the same certificate"
        time.sleep(DIRECTORY_AGE_MAX + 0.5)
        assert old.challenge(), "the new one was never used"
        renewed = old.post("/v1/terminals/renew", second.body())
        assert renewed.status == 201, "a terminal that forgot the lost key begins anew"
        second.certificate.write_text(renewed.value["certificate"])
        with Client(contract, hub, terminal_of(second, renewed.value)) as new:
            assert new.challenge()
        time.sleep(DIRECTORY_AGE_MAX + 0.5)
        assert old.post("/v1/challenges", {}).code == "terminal.unknown"
    first.certificate.write_text(lost["certificate"])
    with Client(contract, hub, terminal_of(first, lost)) as never_used:
        assert never_used.post("/v1/challenges", {}).code == "terminal.unknown"


def test_the_old_certificate_ends_after_a_day_also_when_the_new_one_is_not_used(contract, hub, enrol, tmp_path):
    request, enrolled = enrol()
    with Client(contract, hub, terminal_of(request, enrolled)) as old:
        before = time.time()
        assert old.post("/v1/terminals/renew", Request(tmp_path / "renewed").body()).status == 201
        key = int(enrolled["terminal"][1:])
        until, = hub.installation.rows(hub.installation.registry,
                                       f"SELECT previous_until FROM terminal WHERE terminal_key = {key}")[0]
        assert 24 * 3600 - 60 < until / 1e6 - before < 24 * 3600 + 60
        hub.installation.change(hub.installation.registry,
                                "UPDATE terminal SET previous_until = 1 WHERE terminal_key = ?", (key,))
        time.sleep(DIRECTORY_AGE_MAX + 0.5)
        assert old.post("/v1/challenges", {}).code == "terminal.unknown"


def test_a_terminal_renews_nobody_else(contract, hub, connect, enrol, tmp_path):
    """Whatever the request says: the name comes from the certificate of the connection."""
    request, enrolled = enrol()
    other = connect("desk-2").terminal
    claim = Request(tmp_path / "claim", subject=f"/CN={other.id}")
    with Client(contract, hub, terminal_of(request, enrolled)) as own:
        renewed = own.post("/v1/terminals/renew", claim.body()).value
    assert renewed["terminal"] == enrolled["terminal"] != other.id
    assert connect("desk-2").challenge()


def talk(client, session=None):
    """One request on a new connection: the reply, a session to resume, and whether this one was resumed."""
    with client.open(session) as sock:
        sock.sendall(b"POST /v1/challenges HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
        return client.judge("POST", "/v1/challenges", *parse_response(sock)), sock.session, sock.session_reused


def test_a_disabled_terminal_is_out_within_seconds(contract, hub, operator, enrol):
    request, enrolled = enrol()
    with Client(contract, hub, terminal_of(request, enrolled)) as ended:
        session = talk(ended)[1]
        assert ended.challenge()
        before = record_count(hub)
        said = operator.post("/v1/terminals/disable", {"terminal": enrolled["terminal"]})
        assert said.value == {"terminal": enrolled["terminal"], "state": "disabled", "changed": True}
        assert record_count(hub) == before + 2, "disabled, done"
        time.sleep(DIRECTORY_AGE_MAX + 0.5)
        assert ended.post("/v1/challenges", {}).code == "terminal.disabled"
        reply, _, resumed = talk(ended, session)
        assert resumed and reply.code == "terminal.disabled"
        assert ended.post("/v1/terminals/renew", request.body()).code == "terminal.disabled"
    again = operator.post("/v1/terminals/disable", {"terminal": enrolled["terminal"]})
    assert again.value["changed"] is False and record_count(hub) == before + 2


def test_a_terminal_that_was_disabled_before_it_enrolled_never_does(operator, stranger, desk, tmp_path):
    added = operator.post("/v1/terminals", new_order(desk)).value
    assert operator.post("/v1/terminals/disable", {"terminal": added["terminal"]}).value["changed"]
    reply = stranger.post("/v1/terminals/enrol", Request(tmp_path / "r").body(added["enrolment_code"]))
    assert reply.code == "terminal.enrolment_code"


def test_only_an_operator_disables_and_never_itself(operator, desk):
    assert desk.post("/v1/terminals/disable", {"terminal": desk.terminal.id}).code == "role.missing"
    itself = operator.post("/v1/terminals/disable", {"terminal": operator.terminal.id})
    assert itself.field_codes() == {"/terminal": "field.value"}
    assert operator.post("/v1/terminals/disable", {"terminal": "T4"}).code == "request.not_found"
    for name in ("", "T", "4", "T0", "T-4", "T4x", "T99999999999999999999"):
        assert operator.post("/v1/terminals/disable", {"terminal": name}).code == "request.field", name


def test_the_command_line_disables_a_terminal(contract, hub, enrol):
    hub.installation.point_terminals_at(hub.port)
    request, enrolled = enrol()
    words = ("terminal", "disable", enrolled["terminal"], "--terminal", hub.installation.terminal("operator").folder)
    asked = onshi(*words)
    assert asked.returncode == 2 and "command.confirmation" in asked.stderr, "there is nobody to ask"
    ended = onshi(*words, "--yes", "--json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["changed"] is True
    with Client(contract, hub, terminal_of(request, enrolled)) as out:
        assert out.post("/v1/challenges", {}).code == "terminal.disabled"


def test_a_closed_organisation_has_no_access(contract, new_installation, tmp_path):
    installation = new_installation()
    with Hub(installation, tmp_path) as hub, Client(contract, hub, installation.terminal("desk")) as desk, \
            Client(contract, hub, installation.terminal("operator")) as operator, Client(contract, hub, None) as stranger:
        assert desk.challenge()
        code = operator.post("/v1/terminals", new_order(desk)).value["enrolment_code"]
        yesterday = (today() - datetime.date(1970, 1, 1)).days - 1
        installation.change(installation.registry, "UPDATE organisation SET valid_to = ? WHERE organisation_key = "
                            "(SELECT organisation_key FROM terminal WHERE terminal_key = ?)",
                            (yesterday, int(desk.terminal.id[1:])))
        time.sleep(DIRECTORY_AGE_MAX + 0.5)
        assert desk.post("/v1/challenges", {}).code == "terminal.disabled"
        request = Request(tmp_path / "late")
        assert stranger.post("/v1/terminals/enrol", request.body(code)).code == "terminal.enrolment_code"
        assert operator.post("/v1/terminals", new_order(desk)).code == "organisation.unknown"


@pytest.mark.parametrize("role", ["card_desk", "administer"])
def test_a_facility_is_given_no_role_of_the_centre(operator, desk, role):
    reply = operator.post("/v1/terminals", new_order(desk, roles=("check_card", role)))
    assert reply.code == "request.field" and reply.field_codes() == {"/roles": "field.value"}


def test_a_role_that_was_taken_away_ends_within_seconds(contract, hub, enrol):
    request, enrolled = enrol()
    with Client(contract, hub, terminal_of(request, enrolled)) as demoted:
        assert demoted.challenge()
        hub.installation.change(hub.installation.registry, "UPDATE terminal SET roles = 0 WHERE terminal_key = ?",
                                (int(enrolled["terminal"][1:]),))
        time.sleep(DIRECTORY_AGE_MAX + 0.5)
        assert demoted.post("/v1/challenges", {}).code == "role.missing"


@pytest.mark.parametrize("change, pointer, code", [
    ({"facility": "123"}, "/facility", "number.format"),
    ({"facility": "0000000001"}, "/facility", "number.check_digit"),
    ({"roles": []}, "/roles", "field.range"),
    ({"roles": [{"role": "everything"}]}, "/roles/0/role", "field.value"),
    ({"methods": [{"method": "pin"}, {"method": "iris"}]}, "/methods/1/method", "field.value"),
    ({"name": "x" * 65}, "/name", "field.length"),
    ({"name": "端末 1234-5678-9018"}, "/name", "request.my_number"),
])
def test_a_malformed_order_is_refused(operator, desk, change, pointer, code):
    reply = operator.post("/v1/terminals", {**new_order(desk), **change})
    assert reply.code == ("request.my_number" if code == "request.my_number" else "request.field")
    assert reply.field_codes() == {pointer: code}


def test_a_facility_that_does_not_exist_is_unknown(operator, desk):
    reply = operator.post("/v1/terminals", {**new_order(desk), "facility": "4710000009"})
    assert reply.code in ("organisation.unknown", "request.field")
    assert reply.status == 404 or reply.field_codes() == {"/facility": "number.check_digit"}


def test_adding_and_enrolling_are_on_record(hub, enrol):
    before = hub.installation.rows(hub.installation.ledger, "SELECT count(*) FROM audit_record")[0][0]
    enrol()
    events = [event for event, in hub.installation.rows(
        hub.installation.ledger, "SELECT event FROM audit_record WHERE lane = 0 ORDER BY sequence DESC LIMIT 4")]
    after = hub.installation.rows(hub.installation.ledger, "SELECT count(*) FROM audit_record")[0][0]
    assert after == before + 4
    assert events[::-1] == [6, 9, 7, 9], "added, done, enrolled, done (src/domain/audit/model.h)"
    assert hub.installation.rows(hub.installation.ledger, "SELECT count(*) FROM intent") == [(0,)]


def test_the_server_key_of_an_enrolled_terminal_never_travelled(enrol):
    request, enrolled = enrol()
    key = serialization.load_pem_private_key(request.key.read_bytes(), None)
    certificate = x509.load_pem_x509_certificate(enrolled["certificate"].encode())
    assert certificate.public_key().public_numbers() == key.public_key().public_numbers()
    assert "PRIVATE" not in json.dumps(enrolled)
