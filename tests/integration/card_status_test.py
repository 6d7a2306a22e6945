"""Lists of revoked certificates, renewals and the CA's responder, against a real hub."""

import json
import socket
import subprocess
import time
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from harness.cards import CheckOrder, base64url
from harness.client import Client, eventually
from harness.hub import Hub
from harness.installation import onshi

REASONS = x509.ReasonFlags


@pytest.fixture(scope="module")
def installation(new_installation):
    return new_installation()


@pytest.fixture(scope="module")
def hub(installation, tmp_path_factory):
    with Hub(installation, tmp_path_factory.mktemp("hub"), "--card-status-seconds", 1) as running:
        yield running


@pytest.fixture(scope="module")
def authority(wallet):
    return Authority(wallet)


class Authority:
    """The CA of one card, which issues lists with ever larger numbers."""

    def __init__(self, wallet):
        self.ca_id = wallet.card("eligible").ca_id
        self.root, self.key = wallet._issuers[self.ca_id]
        self.number = 10

    def issue(self, entries, number=None, issued_at=None, encoding=serialization.Encoding.DER):
        self.number += 1
        issued_at = issued_at or datetime.now(timezone.utc) - timedelta(seconds=1)
        builder = (x509.CertificateRevocationListBuilder().issuer_name(self.root.subject).last_update(issued_at)
                   .next_update(issued_at + timedelta(hours=24))
                   .add_extension(x509.CRLNumber(number or self.number), critical=False)
                   .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.root.public_key()), False))
        for serial, reason in entries:
            revoked = x509.RevokedCertificateBuilder().serial_number(int.from_bytes(serial, "big"))
            revoked = revoked.revocation_date(issued_at).add_extension(x509.CRLReason(reason), critical=False)
            builder = builder.add_revoked_certificate(revoked.build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(encoding)

    def listed(self, installation):
        """What the registry holds of it already: a CA does not forget what it revoked."""
        reasons = {2: REASONS.certificate_hold, 3: REASONS.unspecified, 4: REASONS.superseded}
        rows = installation.rows(installation.registry, "SELECT serial, status FROM certificate_status WHERE ca_id = ?",
                                 (self.ca_id,))
        return {serial: reasons[status] for serial, status in rows}


def import_list(installation, der, tmp_path):
    file = tmp_path / "list.crl"
    file.write_bytes(der)
    return onshi("card", "status-import", file, "--config", installation.settings, "--json")


def usable_of(wallet, authority, at):
    return [card for card in wallet.usable_cards if card.ca_id == authority.ca_id][at]


def test_a_list_revokes_holds_and_releases(hub, wallet, authority, check, tmp_path):
    revoked, held = usable_of(wallet, authority, 1), usable_of(wallet, authority, 2)
    assert check(revoked).status == check(held).status == 200
    entries = {**authority.listed(hub.installation), revoked.serial: REASONS.key_compromise,
               held.serial: REASONS.certificate_hold}
    imported = import_list(hub.installation, authority.issue(entries.items()), tmp_path)
    assert imported.returncode == 0, imported.stderr
    report = json.loads(imported.stdout)
    assert (report["schema"], report["certificates"]) == ("onshi.status_list/1", len(entries))
    assert eventually(lambda: check(revoked).code == "card.revoked")
    assert eventually(lambda: check(held).code == "card.suspended")
    del entries[held.serial]
    pem = authority.issue(entries.items(), encoding=serialization.Encoding.PEM)
    assert import_list(hub.installation, pem, tmp_path).returncode == 0
    assert eventually(lambda: check(held).status == 200)
    assert check(revoked).code == "card.revoked"


def test_a_list_that_is_older_or_of_somebody_else_is_refused(hub, authority, tmp_path):
    installation = hub.installation
    newest = authority.issue([], issued_at=datetime.now(timezone.utc) - timedelta(minutes=1))
    assert import_list(installation, newest, tmp_path).returncode == 0
    older = import_list(installation, authority.issue([], number=1), tmp_path)
    assert older.returncode != 0 and json.loads(older.stderr.splitlines()[-1])["code"] == "revocation.stale"
    spoiled = bytearray(newest)
    spoiled[-1] ^= 1
    foreign = import_list(installation, bytes(spoiled), tmp_path)
    assert json.loads(foreign.stderr.splitlines()[-1])["code"] == "revocation.untrusted"


def test_the_hub_is_ready_and_names_the_check_of_card_status(hub):
    checks = json.loads(hub.health("/readyz")[2])["checks"]
    assert {"name": "card_status", "ok": True} in checks


def test_a_renewed_card_is_answered_at_its_first_use(hub, wallet, authority, desk, order):
    old = usable_of(wallet, authority, 3)
    serial = bytes.fromhex("7a000001")
    ends = int((time.time() + 4 * 365 * 86400) * 1e6)
    new = wallet.certify(old.person_key, old.ca_id, serial, old.private_key, ends)
    body = order(new).body(certificate=base64url(new.certificate))
    nobody = desk.post("/v1/checks", body).value
    assert nobody["result"] == {"code": 4, "name": "none", "cause": "cause.card_unknown"}
    assert "next.register_card" not in {step["code"] for step in nobody["next"]}
    hub.installation.change(hub.installation.registry, "INSERT INTO card_renewal VALUES (?, ?, ?, ?, ?)",
                            (old.ca_id, old.serial, new.ca_id, serial, int(time.time() * 1e6)))
    answer = desk.post("/v1/checks", order(new).body(certificate=base64url(new.certificate)))
    assert answer.value["result"]["name"] == "valid"
    assert answer.value["person"]["name"] == wallet.persons[old.person_key].name
    assert eventually(lambda: desk.post("/v1/checks", order(new).body()).status == 200)


def make_old(installation, days):
    before = int((time.time() - days * 86400) * 1e6)
    installation.change(installation.registry, "UPDATE card_status_source SET as_of = ?", (before,))


def test_a_demo_of_yesterday_is_fresh_when_it_is_started_again(new_installation, wallet, contract, tmp_path):
    installation = new_installation()
    make_old(installation, 2)
    card = wallet.card("eligible")

    def medical_data(run):
        with Hub(installation, tmp_path / run) as hub, Client(contract, hub, installation.terminal("desk")) as desk:
            return desk.post("/v1/checks", CheckOrder(desk.terminal, card, desk.challenge()).body()).value["medical_data"]

    assert medical_data("old") == {"available": False, "reason": "card_status_old"}
    description = installation.description
    again = onshi("demo", "init", installation.folder, "--persons", description["persons"], "--seed", description["seed"],
                  "--facilities", description["facilities"], "--desks", description["desks"], "--card-keys",
                  description["card_keys"], *(["--store", installation.database] if installation.database else []))
    assert again.returncode == 0, again.stderr
    assert medical_data("new") == {"available": True}


@pytest.fixture
def responder(authority, wallet, tmp_path):
    """`openssl ocsp` that knows some certificates of the CA; started with the lines of its index."""
    running = []

    def start(states):
        def stamp(at):
            return at.strftime("%y%m%d%H%M%SZ")

        now = datetime.now(timezone.utc)
        lines = []
        for serial, (state, reason) in states.items():
            revoked = f"{stamp(now - timedelta(days=1))},{reason}" if state == "R" else ""
            lines.append("\t".join([state, stamp(now + timedelta(days=900)), revoked, serial.hex().upper(), "unknown",
                                    "/CN=somebody"]) + "\n")
        index = tmp_path / "index.txt"
        index.write_text("".join(lines))
        certificate, key = tmp_path / "ca.crt", tmp_path / "ca.key"
        certificate.write_bytes(authority.root.public_bytes(serialization.Encoding.PEM))
        key.write_bytes(authority.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                    serialization.NoEncryption()))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        log = tmp_path / "responder.log"
        with log.open("wb") as out:
            running.append(subprocess.Popen(["openssl", "ocsp", "-index", index, "-port", str(port), "-rsigner",
                                             certificate, "-rkey", key, "-CA", certificate, "-ndays", "1"], stdout=out,
                                            stderr=out))
        # It serves one connection after the other, so it is not asked whether it listens.
        assert eventually(lambda: b"waiting for" in log.read_bytes())
        return f"http://127.0.0.1:{port}/"

    yield start
    for process in running:
        process.kill()
        process.wait()


def test_a_responder_is_asked_where_lists_are_old(new_installation, wallet, authority, contract, responder, tmp_path):
    installation = new_installation()
    make_old(installation, 3)
    cards = [usable_of(wallet, authority, at) for at in range(10, 15)]
    cards = [wallet.certify(card.person_key, card.ca_id, card.serial, card.private_key,
                            int((time.time() + 3 * 365 * 86400) * 1e6)) for card in cards]
    for card in cards:
        installation.change(installation.registry, "UPDATE card SET public_key = NULL, tag = NULL "
                            "WHERE ca_id = ? AND serial = ?", (card.ca_id, card.serial))
    good, revoked, held, renewed, unknown = cards
    url = responder({good.serial: ("V", ""), revoked.serial: ("R", "keyCompromise"),
                     held.serial: ("R", "holdInstruction,1.2.840.10040.2.1"), renewed.serial: ("R", "superseded")})
    with Hub(installation, tmp_path / "hub", "--ocsp-responder", url) as hub:
        with Client(contract, hub, installation.terminal("desk")) as desk:
            def ask(card):
                body = CheckOrder(desk.terminal, card, desk.challenge()).body(certificate=base64url(card.certificate))
                return desk.post("/v1/checks", body)

            assert ask(good).value["medical_data"] == {"available": True}
            assert [ask(card).code for card in (revoked, held, renewed, unknown)] == [
                "card.revoked", "card.suspended", "card.renewed", "card.not_issued"]
    with Hub(installation, tmp_path / "away", "--ocsp-responder", "http://127.0.0.1:1/") as hub:
        with Client(contract, hub, installation.terminal("desk")) as desk:
            body = CheckOrder(desk.terminal, unknown, desk.challenge()).body(certificate=base64url(unknown.certificate))
            assert desk.post("/v1/checks", body).value["medical_data"] == {"available": False,
                                                                           "reason": "card_status_old"}
