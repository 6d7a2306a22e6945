"""The offline capsule: eligibility as a signed QR code, issued by a hub, verified without one."""

import contextlib
import json
import sqlite3
import subprocess

import pytest
import zbar
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from harness.desk import DeskProcess
from harness.hub import Hub
from harness.installation import onshi, run

PIN = "1234"
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def base45(text):
    """RFC 9285, written down once more."""
    out = bytearray()
    for at in range(0, len(text), 3):
        group = text[at:at + 3]
        value = sum(ALPHABET.index(sign) * 45 ** place for place, sign in enumerate(group))
        out += value.to_bytes(len(group) - 1, "big")
    return bytes(out)


def cbor(data, at=0):
    """(value, next) of one item, as far as tokens need it (RFC 8949)."""
    kind, short = data[at] >> 5, data[at] & 31
    at += 1
    if short >= 24:
        width = 1 << (short - 24)
        number, at = int.from_bytes(data[at:at + width], "big"), at + width
    else:
        number = short
    if kind == 0:
        return number, at
    if kind == 1:
        return -1 - number, at
    if kind in (2, 3):
        piece = bytes(data[at:at + number])
        return (piece if kind == 2 else piece.decode("utf-8")), at + number
    if kind == 4:
        items = []
        for _ in range(number):
            item, at = cbor(data, at)
            items.append(item)
        return items, at
    if kind == 5:
        pairs = {}
        for _ in range(number):
            name, at = cbor(data, at)
            pairs[name], at = cbor(data, at)
        return pairs, at
    assert kind == 6
    return cbor(data, at)


def byte_string(value):
    head = bytes([0x40 | len(value)]) if len(value) < 24 else b"\x58" + bytes([len(value)])
    return (head if len(value) < 256 else b"\x59" + len(value).to_bytes(2, "big")) + value


class Citizen:
    """A card's holder with a terminal at hand, and a counter that has to do without the hub."""

    def __init__(self, installation, work):
        self.installation = installation
        self.work = work
        self.hub = Hub(installation, work / "hub").start()
        self.desk = DeskProcess(installation, self.hub, work / "desk")
        self.pin = work / "pin"
        self.pin.write_text(PIN + "\n")
        self.pin.chmod(0o600)

    def card(self, kind):
        found = next(card for card in self.installation.description["cards"] if card["kind"] == kind)
        return self.installation.folder / "cards" / found["file"]

    def command(self, *words):
        return onshi(*words, "--terminal", self.desk.terminal.folder, "--hub", f"https://127.0.0.1:{self.hub.port}", "--json")

    def issue(self, kind="eligible", name="paper.pdf"):
        ended = self.command("pdf", "eligibility", "--card-image", self.card(kind), "--pin-file", self.pin, "--out",
                             self.work / name)
        return ended.returncode, json.loads(ended.stdout or "{}"), ended.stderr

    def verify(self, code, *words):
        scanned = self.work / "scanned"
        scanned.write_text(code + "\n")
        ended = self.command("pdf", "verify", "--code", scanned, "--terminal-store-folder", self.desk.work / "store", *words)
        return ended.returncode, json.loads(ended.stdout.splitlines()[-1]) if ended.stdout else ended.stderr

    def by_card(self, kind):
        return ["--card-image", self.card(kind), "--pin-file", self.pin]

    def list_time(self):
        with contextlib.closing(sqlite3.connect(self.desk.work / "store" / "ledger.db")) as store:
            row = store.execute("SELECT written_at FROM local_record WHERE kind = 8").fetchone()
            return row[0] if row else 0

    def refresh_list(self):
        """A terminal that starts asks at once; a hub that starts makes its list anew."""
        before = self.list_time() if (self.desk.work / "store" / "ledger.db").exists() else 0
        with self.desk:
            self.desk.wait_until(lambda: self.list_time() > before)

    def restart_hub(self):
        self.hub.stop()
        self.hub.wanted_port = self.hub.port
        self.hub.start()

    def stop(self):
        if self.hub.process.poll() is None:
            self.hub.stop()


@pytest.fixture(scope="module")
def citizen(new_installation, tmp_path_factory):
    made = Citizen(new_installation(), tmp_path_factory.mktemp("citizen"))
    made.refresh_list()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def issued(citizen):
    status, answer, problem = citizen.issue()
    assert status == 0, problem
    return answer


def test_a_capsule_is_what_the_standards_say_and_holds_no_address(citizen, issued, wallet):
    person = wallet.persons[wallet.card("eligible").person_key]
    (protected, unprotected, payload, signature), end = cbor(token := base45(issued["code"].removeprefix("ONSHI1:")))
    assert token[0] == 0xD2 and end == len(token) and unprotected == {} and len(signature) == 64
    assert cbor(protected)[0][1] == -7
    claims = cbor(payload)[0]
    assert claims[-70005] == person.name and claims[4] - claims[6] == 30 * 24 * 3600 and claims[1] == citizen.desk.terminal.hub_id
    assert len(claims[7]) == 16 and len(claims[-70011]) == 32
    key = (citizen.installation.folder / "secrets" / "capsule.1.key").read_bytes()
    public = load_pem_private_key(key, None).public_key()
    signed = b"\x84\x6aSignature1" + byte_string(protected) + b"\x40" + byte_string(payload)
    der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    public.verify(der, signed, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        public.verify(der, signed + b"x", ec.ECDSA(hashes.SHA256()))


def test_the_page_can_be_read_by_people_and_machines(citizen, issued, wallet):
    person = wallet.persons[wallet.card("eligible").person_key]
    text = run("pdftotext", "-enc", "UTF-8", citizen.work / "paper.pdf", "-").stdout
    assert person.name.split()[0] in text and "二次元コード" in text
    about = run("pdfinfo", citizen.work / "paper.pdf").stdout
    assert "Tagged:          yes" in about and "Pages:           1" in about


def grey_picture(page):
    """(width, height, bytes) of a PDF's first page, as a scanner or a phone's camera has it."""
    subprocess.run(["pdftoppm", "-r", "150", "-gray", "-singlefile", page, page.with_suffix("")], check=True)
    kind, size, depth, pixels = page.with_suffix(".pgm").read_bytes().split(b"\n", 3)
    width, height = map(int, size.split())
    assert (kind, depth, len(pixels)) == (b"P5", b"255", width * height)
    return width, height, pixels


def turned(width, height, pixels):
    """The page as it lies upside down before the camera."""
    return width, height, pixels[::-1]


def codes_of(width, height, pixels):
    """The QR codes that another program finds in a picture, as text."""
    scanner = zbar.ImageScanner()
    scanner.parse_config("enable=0")
    scanner.parse_config("qrcode.enable=1")
    image = zbar.Image(width, height, "Y800", pixels)
    scanner.scan(image)
    return [symbol.data for symbol in image]


def test_the_code_on_the_page_is_read_by_another_program_and_believed(citizen, issued, wallet):
    picture = grey_picture(citizen.work / "paper.pdf")
    code, = codes_of(*picture)
    assert code == issued["code"]
    assert codes_of(*turned(*picture)) == [code]
    # What came out of the picture is what a terminal without its hub is shown.
    citizen.hub.stop()
    try:
        status, said = citizen.verify(code, *citizen.by_card("eligible"))
        assert (status, said["verdict"], said["card_present"]) == (0, "genuine", True)
        assert said["capsule"]["name"] == wallet.persons[wallet.card("eligible").person_key].name
    finally:
        citizen.hub.wanted_port = citizen.hub.port
        citizen.hub.start()


def test_without_any_hub_a_capsule_is_genuine_with_its_card_and_without(citizen, issued, wallet):
    citizen.hub.stop()
    try:
        status, said = citizen.verify(issued["code"])
        assert (status, said["verdict"], said["card_present"], said["list_fresh"]) == (0, "genuine", False, True)
        assert said["capsule"]["name"] == wallet.persons[wallet.card("eligible").person_key].name
        assert "address" not in json.dumps(said)
        status, said = citizen.verify(issued["code"], *citizen.by_card("eligible"))
        assert (status, said["verdict"], said["card_present"]) == (0, "genuine", True)
        # Cards of a test nation share a few keys, so that not every other card has another one.
        others = [citizen.verify(issued["code"], *citizen.by_card(kind))
                  for kind in ("rare_name", "lapsed", "withheld", "not_registered", "grace")]
        assert {(status, said["verdict"]) for status, said in others} - {(0, "genuine")} == {(1, "other_card")}
    finally:
        citizen.hub.wanted_port = citizen.hub.port
        citizen.hub.start()


def test_a_changed_code_is_not_believed(citizen, issued):
    code = issued["code"]
    for at in (len(code) - 4, len(code) // 2):
        changed = code[:at] + ("A" if code[at] != "A" else "B") + code[at + 1:]
        status, said = citizen.verify(changed)
        assert status != 0 and (isinstance(said, str) or said["verdict"] in ("forged", "unknown_key")), said


def test_nobody_who_is_not_eligible_gets_one(citizen):
    status, answer, _ = citizen.issue("lapsed", "lapsed.pdf")
    assert status == 3 and answer["result"] == "invalid" and "code" not in answer
    assert not (citizen.work / "lapsed.pdf").exists()


def test_it_is_recorded_like_a_check(citizen, issued):
    verified = onshi("audit", "verify", "--config", citizen.installation.settings)
    assert verified.returncode == 0, verified.stderr
    assert issued["receipt"]


def test_old_capsules_live_on_when_keys_change(citizen, issued):
    secrets = citizen.installation.folder / "secrets"
    made = subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
                          stdout=subprocess.PIPE, check=True)
    key = secrets / "capsule.2.key"
    key.write_bytes(made.stdout)
    key.chmod(0o600)
    citizen.restart_hub()
    status, answer, problem = citizen.issue(name="newer.pdf")
    assert status == 0, problem
    assert citizen.verify(answer["code"])[1]["verdict"] == "unknown_key", "this terminal was not told yet"
    citizen.refresh_list()
    assert citizen.verify(answer["code"])[1]["verdict"] == "genuine"
    assert citizen.verify(issued["code"])[1]["verdict"] == "genuine"


def test_the_capsule_of_a_stopped_card_counts_no_longer(citizen, issued):
    stop = onshi("card", "suspend", "--card-image", citizen.card("eligible"), "--terminal",
                 citizen.installation.folder / "terminals" / "call_center", "--hub",
                 f"https://127.0.0.1:{citizen.hub.port}", "--yes", "--json")
    assert stop.returncode == 0, stop.stderr
    citizen.restart_hub()
    citizen.refresh_list()
    status, said = citizen.verify(issued["code"])
    assert (status, said["verdict"]) == (1, "revoked")


def test_a_declaration_is_filled_in_from_the_card_and_left_open_without(citizen, wallet):
    person = wallet.persons[wallet.card("rare_name").person_key]
    filled = citizen.work / "filled.pdf"
    ended = citizen.command("pdf", "declaration", "--card-image", citizen.card("rare_name"), "--text-pin-file", citizen.pin,
                            "--out", filled)
    assert ended.returncode == 0, ended.stderr
    text = run("pdftotext", "-enc", "UTF-8", filled, "-").stdout
    assert "被保険者資格申立書" in text and citizen.desk.terminal.facility in text
    assert person.name.split()[-1] in text
    empty = citizen.work / "empty.pdf"
    assert citizen.command("pdf", "declaration", "--out", empty).returncode == 0
    assert person.name.split()[-1] not in run("pdftotext", "-enc", "UTF-8", empty, "-").stdout
