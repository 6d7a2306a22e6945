"""Cards of the synthetic nation and the checks that they sign."""

import base64
import hashlib
import json
import uuid
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

JAPAN = timezone(timedelta(hours=9))
EPOCH = date(1970, 1, 1)


def today():
    return datetime.now(JAPAN).date()


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Bytes:
    """Reads what base/bytes.h writes."""

    def __init__(self, data):
        self.data = data

    def take(self, count):
        taken, self.data = self.data[:count], self.data[count:]
        assert len(taken) == count
        return taken

    def number(self, count):
        return int.from_bytes(self.take(count), "big")

    def varint(self):
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def text(self):
        return self.take(self.varint()).decode()


@dataclass(frozen=True)
class Person:
    """As the registry holds them (src/domain/identity/model.cpp)."""

    key: int
    blocked: bool
    history_hidden: bool
    birth_date: str
    sex: int
    name: str
    kana: str
    address: str

    @classmethod
    def unpack(cls, key, packed):
        reader = Bytes(packed)
        assert reader.number(1) == 1
        flags = reader.number(1)
        birth = EPOCH + timedelta(days=int.from_bytes(reader.take(4), "big", signed=True))
        sex = reader.number(1)
        return cls(key, bool(flags & 2), bool(flags & 1), birth.isoformat(), sex, reader.text(), reader.text(),
                   reader.text())


@dataclass(frozen=True)
class Card:
    person_key: int
    ca_id: int
    authority_key_id: bytes
    serial: bytes
    status: int
    private_key: object
    certificate: bytes = b""

    def name(self):
        """What `POST /v1/cards/suspend` takes."""
        return {"authority_key_id": base64url(self.authority_key_id), "serial": self.serial.hex()}

    def sign(self, text):
        return self.private_key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())


@dataclass(frozen=True)
class CheckOrder:
    """A check by card before it is signed. Tests replace what they want to be wrong."""

    terminal: object
    card: Card
    challenge: str
    check_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    purpose: str = "check"
    method: str = "pin"
    care_day: str = field(default_factory=lambda: today().isoformat())
    operator: str = ""

    def signed_text(self):
        lines = ["onshi-check-v1", self.terminal.hub_id, self.terminal.facility, self.terminal.id, self.challenge,
                 self.purpose, self.method, self.care_day, self.operator or "-", self.check_id]
        return "".join(line + "\n" for line in lines)

    def body(self, **more):
        body = {"check_id": self.check_id, "challenge": self.challenge, "purpose": self.purpose, "method": self.method,
                "care_day": self.care_day, "card": self.card.name(),
                "signature": {"value": base64url(self.card.sign(self.signed_text()))}, **more}
        if self.operator:
            body["operator"] = self.operator
        return body

    def but(self, **changes):
        return replace(self, **changes)


class Wallet:
    """Every card and person of an installation, straight from its files. Read-only."""

    def __init__(self, installation):
        self.installation = installation

    @cached_property
    def _authorities(self):
        """Authority key ids by the hub's number for each CA (src/domain/cards/authorities.cpp)."""
        pem = (self.installation.folder / "pki" / "jpki" / "auth_roots.pem").read_bytes()
        found = {}
        for block in pem.split(b"-----END CERTIFICATE-----")[:-1]:
            root = x509.load_pem_x509_certificate(block + b"-----END CERTIFICATE-----\n")
            info = root.public_key().public_bytes(serialization.Encoding.DER,
                                                  serialization.PublicFormat.SubjectPublicKeyInfo)
            number = int.from_bytes(hashlib.sha256(info).digest()[:4], "big") & 0x7FFFFFFF
            found[number] = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        return found

    @cached_property
    def _keys(self):
        """Private keys of the pool by their modulus."""
        found = {}
        for file in sorted((self.installation.folder / "pki" / "keys").iterdir()):
            if b"PRIVATE KEY" not in (text := file.read_bytes()):
                continue
            key = serialization.load_pem_private_key(text, None)
            found[key.public_key().public_numbers().n] = key
        return found

    @cached_property
    def _listed(self):
        """What the CAs' lists and holders' suspensions say, by certificate; 1 (good) is not among them."""
        rows = self.installation.rows(self.installation.registry, "SELECT ca_id, serial, status FROM certificate_status")
        found = {(ca_id, serial): status for ca_id, serial, status in rows}
        held = self.installation.rows(self.installation.ledger,
                                      "SELECT ca_id, serial FROM card_suspension WHERE state = 1")
        return {**found, **{key: 2 for key in held}}

    def status(self, ca_id, serial):
        return self._listed.get((ca_id, serial), 1)

    @cached_property
    def cards(self):
        """Cards whose key the registry holds, by person."""
        rows = self.installation.rows(
            self.installation.registry,
            "SELECT ca_id, serial, person_key, public_key FROM card WHERE public_key IS NOT NULL "
            "ORDER BY not_after")
        found = {}
        for ca_id, serial, person_key, public_key in rows:
            status = self.status(ca_id, serial)
            modulus = int.from_bytes(public_key[2 + public_key[1]:], "big")
            found[person_key] = Card(person_key, ca_id, self._authorities[ca_id], serial, status, self._keys[modulus])
        return found

    @cached_property
    def persons(self):
        rows = self.installation.rows(self.installation.registry,
                                      "SELECT person_key, bytes FROM person_now WHERE section = 1")
        return {key: Person.unpack(key, packed) for key, packed in rows}

    @cached_property
    def registered(self):
        """Keys of persons who use their card as insurance card."""
        rows = self.installation.rows(self.installation.ledger,
                                      "SELECT person_key FROM use_registration WHERE state IN (1, 2)")
        return {key for key, in rows}

    def kinds(self):
        return {card["kind"] for card in self.installation.description["cards"]}

    def image(self, kind):
        """The card image of that kind as JSON; see src/installation/demo_installation.h."""
        return json.loads(self.image_file(kind).read_text())

    def image_file(self, kind):
        found = next(card for card in self.installation.description["cards"] if card["kind"] == kind)
        return self.installation.folder / "cards" / found["file"]

    def card(self, kind):
        """The card of an image, with its certificate."""
        part = self.image(kind)["authentication"]
        der = base64.b64decode(part["certificate"])
        certificate = x509.load_der_x509_certificate(der)
        serial = certificate.serial_number.to_bytes((certificate.serial_number.bit_length() + 7) // 8, "big")
        rows = self.installation.rows(self.installation.registry,
                                      "SELECT ca_id, person_key FROM card WHERE serial = ?", (serial,))
        authority = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        ca_id, person_key = next(row for row in rows if self._authorities[row[0]] == authority)
        status = self.status(ca_id, serial)
        key = serialization.load_pem_private_key(part["key_pem"].encode(), None)
        return Card(person_key, ca_id, authority, serial, status, key, der)

    @cached_property
    def _issuers(self):
        """Each CA's certificate and key by its number."""
        folder = self.installation.folder / "pki" / "jpki"
        found = {}
        for file in folder.glob("auth_ca_*.crt"):
            root = x509.load_pem_x509_certificate(file.read_bytes())
            key = serialization.load_pem_private_key(file.with_suffix(".key").read_bytes(), None)
            found[root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest] = root, key
        return {ca_id: found[authority] for ca_id, authority in self._authorities.items()}

    @cached_property
    def usable(self):
        """Keys of persons who hold one card, in good standing, and are not undisclosed; in their order."""
        now = int(datetime.now().timestamp() * 1e6)
        rows = self.installation.rows(
            self.installation.registry, "SELECT person_key, ca_id, serial FROM card WHERE person_key IN "
            "(SELECT person_key FROM card GROUP BY person_key HAVING count(*) = 1 AND max(not_after) > ?) "
            "ORDER BY person_key", (now,))
        return [key for key, ca_id, serial in rows if key in self.persons and self.status(ca_id, serial) == 1
                and not self.persons[key].blocked and not self.persons[key].history_hidden]

    @cached_property
    def usable_cards(self):
        """The cards of those whose key the registry holds."""
        return [self.cards[key] for key in self.usable if key in self.cards]

    def holds_card(self, person_key):
        return bool(self.installation.rows(self.installation.registry,
                                           "SELECT 1 FROM card WHERE person_key = ? LIMIT 1", (person_key,)))

    def issue(self, person_key):
        """The person's card of the registry, with a certificate that its CA signs now; a key that is stored stays."""
        ca_id, serial, not_after = self.installation.rows(
            self.installation.registry, "SELECT ca_id, serial, not_after FROM card WHERE person_key = ? "
            "ORDER BY not_after DESC LIMIT 1", (person_key,))[0]
        known = self.cards.get(person_key)
        key = known.private_key if known else next(iter(self._keys.values()))
        return self.certify(person_key, ca_id, serial, key, not_after)

    def certify(self, person_key, ca_id, serial, key, not_after):
        """A card with a certificate that the CA signs now, whether the registry knows it or not."""
        status = self.status(ca_id, serial)
        root, root_key = self._issuers[ca_id]
        model = x509.load_der_x509_certificate(self.card("eligible").certificate)
        ends = datetime.fromtimestamp(not_after / 1e6, timezone.utc)
        builder = (x509.CertificateBuilder().subject_name(model.subject).issuer_name(root.subject)
                   .public_key(key.public_key()).serial_number(int.from_bytes(serial, "big"))
                   .not_valid_before(ends - timedelta(days=5 * 365)).not_valid_after(ends))
        for extension in model.extensions:
            value = extension.value
            if isinstance(value, x509.AuthorityKeyIdentifier):
                value = x509.AuthorityKeyIdentifier(self._authorities[ca_id], [x509.DirectoryName(root.subject)],
                                                    root.serial_number)
            builder = builder.add_extension(value, extension.critical)
        der = builder.sign(root_key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
        return Card(person_key, ca_id, self._authorities[ca_id], serial, status, key, der)
