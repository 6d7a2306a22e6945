"""What strangers, broken clients and attackers send: each has its code, and the hub goes on serving."""

import json
import random
import socket
import ssl
import threading
import time
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from harness.cards import CheckOrder
from harness.client import ANSWER_SECONDS_MAX, Client, parse_response, tls_context

CHECK_BODY_MAX = 16 * 1024     # exchange/api/checks.h
SMALL_BODY_MAX = 4 * 1024      # hub/routes_checks.cpp
HEADER_MAX = 16 * 1024         # platform/http/limits.h
FIELDS_MAX = 64
SLOW_SECONDS_MAX = 10
SLOW_TOLERANCE = 3


@pytest.fixture(autouse=True)
def still_serving(contract, hub):
    """After each test, on a connection of its own."""
    yield
    with Client(contract, hub, hub.installation.terminal("desk-2")) as other:
        assert other.challenge()


def exchange(client, request, *, method="POST", path="/v1/challenges"):
    """Sends these bytes on a new connection and gives the answer and whether the hub then closed the connection."""
    with client.open() as sock:
        sock.sendall(request)
        reply = client.judge(method, path, *parse_response(sock, method))
        sock.settimeout(0.5)
        try:
            closed = sock.recv(1) == b""
        except TimeoutError:
            closed = False
        except OSError:
            closed = True
        return reply, closed


def request_bytes(body=b"{}", *, method="POST", path="/v1/challenges", headers=(), length=None):
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
    if length is not False:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


# --- bodies


NESTED_MAX = 8


@pytest.mark.parametrize("body", [
    b"", b" ", b"{", b'{"count":', b'{"count":1}}', b'{"count":1} {"count":1}', b"[]", b"null", b"1", b'"text"',
    b"{'count':1}",
    b'{"count":1,}', b'{"count":NaN}', b'{"count":01}', b"\xef\xbb\xbf{}", b'{"count":1}\0', b"\x00" * 64,
    b'{"purpose":"\xff\xfe"}', b'{"purpose":"\xed\xa0\x80"}', b'{"\xc3\x28":1}', b'{"purpose":"\\ud800"}',
    b'{"purpose":"a\nb"}',
    b'{"a":' * 64 + b"1" + b"}" * 64, b"[" * 4000, b'{"a":[' * 600,
])
def test_what_is_not_one_json_object_is_malformed(desk, body):
    reply = desk.post("/v1/challenges", body)
    assert reply.code == "request.malformed"


def test_nesting_is_read_to_its_limit_and_no_deeper(desk):
    def nested(depth):
        return b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)

    assert desk.post("/v1/challenges", nested(NESTED_MAX)).field_codes() == {"/a": "field.unknown"}
    assert desk.post("/v1/challenges", nested(NESTED_MAX + 1)).code == "request.malformed"


@pytest.mark.parametrize("body, pointer, code", [
    ({"cuont": 1}, "/cuont", "field.unknown"),
    ({"count": 0}, "/count", "field.range"),
    ({"count": 257}, "/count", "field.range"),
    ({"count": -1}, "/count", "field.range"),
    ({"count": 2**63}, "/count", "field.type"),
    ({"count": 1.0}, "/count", "field.type"),
    ({"count": 1e300}, "/count", "field.type"),
    ({"count": "1"}, "/count", "field.type"),
    ({"count": None}, "/count", "field.type"),
    ({"count": True}, "/count", "field.type"),
    ({"purpose": ""}, "/purpose", "field.value"),
    ({"purpose": "CHECK"}, "/purpose", "field.value"),
    ({"purpose": "x" * 33}, "/purpose", "field.length"),
    ({"purpose": ["check"]}, "/purpose", "field.type"),
])
def test_a_wrong_field_is_named(contract, desk, body, pointer, code):
    reply = desk.post("/v1/challenges", body)
    assert reply.code == "request.field"
    assert reply.field_codes() == {pointer: code}
    # 1.0 is an integer to JSON Schema, and not to the hub.
    assert not contract.is_valid_request("ChallengeRequest", body) or body == {"count": 1.0}


def test_counts_at_their_limits_are_served(desk):
    assert len(desk.challenges(256)) == 256
    assert len(set(desk.challenges(256))) == 256


def test_every_wrong_field_is_named_at_once(desk):
    reply = desk.post("/v1/checks", {"check_id": "x", "care_day": "2026-13-01", "signature": {"value": "***"},
                                     "card": {"serial": "0", "colour": "red"}, "extra": 1})
    assert reply.field_codes() == {
        "/check_id": "number.format", "/care_day": "date.no_such_day", "/card/authority_key_id": "field.missing",
        "/card/serial": "number.format", "/card/colour": "field.unknown", "/signature/value": "field.encoding",
        "/challenge": "field.missing", "/extra": "field.unknown"}


@pytest.mark.parametrize("name", ["名" * 30, "x" * 200, "\U0001f600" * 20, "a\"b\\c", "1234-5678-9018", "123456789018",
                                  "髙橋 美咲", "\u0001", "a/b~c"])
def test_the_name_of_an_unknown_field_is_shown_only_when_it_is_a_field_name(desk, name):
    reply = desk.post("/v1/challenges", {name: 1})  # decoding and validating already prove well-formed UTF-8
    assert reply.code == "request.field"
    (pointer,) = reply.field_codes()
    assert reply.field_codes()[pointer] == "field.unknown"
    shown = pointer.removeprefix("/")
    assert shown == "?" or (shown == name and shown.isidentifier() and shown.isascii()), pointer


def test_many_wrong_fields_give_a_bounded_answer(desk):
    reply = desk.post("/v1/checks", {f"field_{number}": 1 for number in range(900)})
    assert reply.code == "request.field"
    assert 1 <= len(reply.value["fields"]) <= 100


def test_damaged_requests_never_make_the_hub_fail(wallet, desk):
    """Bytes are changed, dropped, doubled and inserted; the answer is always one of the contract and never a 5xx."""
    chance = random.Random(20261123)
    whole = json.dumps(CheckOrder(desk.terminal, wallet.card("eligible"), desk.challenge()).body()).encode()
    codes = set()
    for _ in range(400):
        body = bytearray(whole)
        for _ in range(chance.choice((1, 1, 2, 8))):
            at = chance.randrange(len(body))
            piece = chance.choice((b"", bytes([chance.randrange(256)]), body[at:at + 20] * 2, b'"', b"}", b"\\u0000",
                                   b"1e999"))
            body[at:at + chance.choice((0, 1, 20))] = piece
        reply = desk.post("/v1/checks", bytes(body))
        assert reply.status < 500, bytes(body)
        codes.add(reply.code)
    assert len(codes) >= 4


# --- sizes


@pytest.mark.parametrize("path, limit", [("/v1/checks", CHECK_BODY_MAX), ("/v1/challenges", SMALL_BODY_MAX)])
def test_a_body_may_be_as_large_as_its_limit_and_no_larger(desk, path, limit):
    at_limit = b"{" + b" " * (limit - 2) + b"}"
    assert desk.post(path, at_limit).status in (200, 422)
    assert desk.post(path, at_limit + b" ").code == "request.too_large"
    assert desk.post(path, {"count": 1}).status in (200, 422), "the connection is kept and in step"


def test_a_body_far_over_its_limit_is_not_waited_for(desk):
    begun = time.monotonic()
    reply, closed = exchange(desk, request_bytes(b"{", path="/v1/checks", length=10**12), path="/v1/checks")
    assert reply.code == "request.too_large"
    assert closed
    assert time.monotonic() - begun < SLOW_SECONDS_MAX


def test_a_chunked_body_has_the_same_limit(desk):
    def chunked(size):
        head = request_bytes(b"", path="/v1/checks", headers=["Transfer-Encoding: chunked"], length=False)
        chunk = b"%x\r\n" % 1024 + b" " * 1024 + b"\r\n"
        return head + chunk * (size // 1024) + b"0\r\n\r\n"

    small, _ = exchange(desk, chunked(CHECK_BODY_MAX), path="/v1/checks")
    assert small.code == "request.malformed", "read whole, and not JSON"
    large, closed = exchange(desk, chunked(CHECK_BODY_MAX + 1024), path="/v1/checks")
    assert large.code == "request.too_large" and closed


@pytest.mark.parametrize("headers", [["X-Long: " + "a" * HEADER_MAX],
                                     [f"X-{number}: a" for number in range(FIELDS_MAX + 1)]])
def test_a_header_over_its_limits_is_refused(desk, headers):
    reply, closed = exchange(desk, request_bytes(headers=headers))
    assert reply.code == "request.header_too_large" and closed


def test_a_long_path_is_refused_as_a_long_header(desk):
    reply, _ = exchange(desk, request_bytes(path="/v1/" + "a" * 5000), path="/v1/challenges")
    assert reply.code == "request.header_too_large"


def test_a_slow_header_and_a_slow_body_are_cut_off(desk):
    """Both take the hub's whole patience, so they wait side by side."""
    begun = time.monotonic()
    results = {}

    def send(name, request):
        with desk.open() as sock:
            sock.sendall(request)
            results[name] = (desk.judge("POST", "/v1/challenges", *parse_response(sock)), time.monotonic() - begun)

    requests = {"header": b"POST /v1/challenges HTTP/1.1\r\nHost: localh",
                "body": request_bytes(b'{"count"', length=11)}
    threads = [threading.Thread(target=send, args=item) for item in requests.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in requests:
        reply, seconds = results[name]
        assert reply.code == "request.timeout", name
        assert seconds < SLOW_SECONDS_MAX + SLOW_TOLERANCE, name


# --- messages


@pytest.mark.parametrize("request_line", ["GET", "GET /", "POST /v1/challenges HTTP/2.0",
                                          "POST /v1/challenges HTTP/1.1 x", "\x16\x03\x01\x02",
                                          "POST  /v1/challenges HTTP/1.1"])
def test_what_is_no_http_is_refused_and_the_connection_closed(desk, request_line):
    reply, closed = exchange(desk, request_line.encode("latin-1") + b"\r\nHost: localhost\r\n\r\n")
    assert reply.code == "request.malformed" and closed


@pytest.mark.parametrize("headers", [
    ["Host: other"],
    ["Content-Length: 3"],
    ["Transfer-Encoding: chunked"],
    ["Transfer-Encoding: gzip"],
    ["Content-Length : 2"],
    ["Bad header"],
    ["X: a\x00b"],
])
def test_ambiguous_messages_are_refused(desk, headers):
    reply, closed = exchange(desk, request_bytes(b"{}", headers=headers))
    assert reply.code == "request.malformed" and closed


def test_pipelined_requests_are_answered_in_their_order(desk):
    one = request_bytes(b'{"count":1}')
    two = request_bytes(b'{"count":2}')
    with desk.open() as sock:
        sock.sendall(one + two + one)
        reader = sock.makefile("rb")
        counts = []
        for _ in range(3):
            length = 0
            while (line := reader.readline().strip()) != b"":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            counts.append(len(json.loads(reader.read(length))["challenges"]))
    assert counts == [1, 2, 1]


@pytest.mark.parametrize("method, path, allow", [("GET", "/v1/checks", "POST"), ("DELETE", "/v1/challenges", "POST"),
                                                 ("POST", "/v1/openapi.yaml", "GET"), ("PUT", "/v1/terminals", "POST")])
def test_a_wrong_method_names_the_right_one(desk, method, path, allow):
    reply = desk.send(method, path, None)
    assert reply.code == "request.method"
    assert allow in reply.headers["allow"]


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/v1/checks/", "/v2/checks", "/v1/checks/x/consents/y",
                                  "/v1//checks", "/healthz", "/metrics", "/readyz", "/v1/../v1/challenges",
                                  "/V1/CHALLENGES"])
def test_an_unknown_path_is_not_found(desk, path):
    assert desk.send("POST", path, b"{}").code == "request.not_found"


@pytest.mark.parametrize("segment", ["%", "%z", "%zz", "%0"])
def test_a_broken_escape_in_a_path_is_malformed(desk, segment):
    assert desk.send("POST", f"/v1/checks/{segment}/consents", b"{}").code == "request.malformed"


def test_a_deadline_of_the_client_is_kept(desk):
    assert desk.post("/v1/challenges", {}, onshi_deadline_ms="0").code == "deadline.passed"
    assert desk.post("/v1/challenges", {}, onshi_deadline_ms="soon").code == "request.malformed"
    assert desk.post("/v1/challenges", {}, onshi_deadline_ms="2000").status == 200


def test_sentences_come_in_the_language_that_was_asked_for(desk):
    japanese = desk.send("POST", "/v1/checks", b"{", {"Accept-Language": "ja"}).value
    english = desk.send("POST", "/v1/checks", b"{", {"Accept-Language": "en"}).value
    assert japanese["code"] == english["code"]
    assert japanese["sentences"]["clerk"] != english["sentences"]["clerk"]
    assert english["sentences"]["clerk"].isascii() and not japanese["sentences"]["clerk"].isascii()


def test_a_trace_id_of_the_caller_is_kept(desk):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    reply = desk.send("POST", "/v1/checks", b"{", {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert reply.value["trace_id"] == trace


# --- who is calling


def test_without_a_certificate_only_the_contract_and_enrolment_are_open(contract, connect):
    stranger = connect(None)
    assert stranger.get("/v1/openapi.yaml").value == contract.text
    wrong_code = {"enrolment_code": "NONE", "certificate_request": "MAA"}
    assert stranger.post("/v1/terminals/enrol", wrong_code).code == "terminal.enrolment_code"
    for path in ("/v1/challenges", "/v1/checks", "/v1/checks/by-number", "/v1/checks/x/consents", "/v1/cards/suspend",
                 "/v1/cards/resume", "/v1/terminals", "/v1/terminals/renew"):
        assert stranger.post(path, {}).code == "request.certificate_required", path


class Pretender:
    """Makes client certificates that the hub should not believe, or not any more."""

    def __init__(self, installation, folder):
        pki = installation.folder / "pki"
        self.folder = folder
        self.ca = x509.load_pem_x509_certificate((pki / "organisation_ca.crt").read_bytes())
        self.ca_key = serialization.load_pem_private_key((pki / "organisation_ca.key").read_bytes(), None)
        self.terminal = installation.terminal("desk")

    def certificate(self, *, signer=None, valid=(-1, 30), usage=ExtendedKeyUsageOID.CLIENT_AUTH, key=None):
        """(certificate file, key file); `valid` in days from now."""
        own = x509.load_pem_x509_certificate(self.terminal.certificate.read_bytes())
        key = key or ec.generate_private_key(ec.SECP256R1())
        now = datetime.utcnow()
        builder = (x509.CertificateBuilder().subject_name(own.subject).issuer_name(self.ca.subject)
                   .public_key(key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now + timedelta(days=valid[0])).not_valid_after(now + timedelta(days=valid[1]))
                   .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
                   .add_extension(x509.ExtendedKeyUsage([usage]), critical=False))
        made = builder.sign(signer or self.ca_key, hashes.SHA256())
        files = self.folder / "own.crt", self.folder / "own.key"
        files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                               serialization.NoEncryption()))
        return files


@pytest.fixture
def pretender(hub, tmp_path):
    return Pretender(hub.installation, tmp_path)


def connection_refusal(hub, files):
    """TLS 1.3 tells the client of a refused certificate with its first read."""
    context = tls_context(hub.installation, *files)
    with socket.create_connection(("127.0.0.1", hub.port), timeout=ANSWER_SECONDS_MAX) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as sock:
                sock.sendall(request_bytes())
                return "closed" if sock.recv(1) == b"" else "answered"
        except ssl.SSLError as error:
            return error.reason
        except OSError:
            return "closed"


def test_a_certificate_of_another_authority_is_refused(hub, pretender):
    files = pretender.certificate(signer=ec.generate_private_key(ec.SECP256R1()))
    assert "ALERT" in connection_refusal(hub, files)


def test_an_expired_or_future_certificate_is_refused(hub, pretender):
    assert "ALERT" in connection_refusal(hub, pretender.certificate(valid=(-30, -1)))
    assert connection_refusal(hub, pretender.certificate(valid=(1, 30))) != "answered"


def test_a_certificate_for_servers_is_no_terminals(hub, pretender):
    assert connection_refusal(hub, pretender.certificate(usage=ExtendedKeyUsageOID.SERVER_AUTH)) != "answered"


def test_the_hubs_own_certificate_is_no_terminals(hub):
    pki = hub.installation.folder / "pki"
    assert connection_refusal(hub, (pki / "server.crt", pki / "server.key")) != "answered"


def test_a_certificate_of_a_terminal_that_nobody_added_is_unknown(contract, hub, pretender):
    certificate, key = pretender.certificate()
    with Client(contract, hub, certificate=certificate, key=key) as unknown:
        assert unknown.post("/v1/challenges", {}).code == "terminal.unknown"


def test_a_copied_certificate_needs_its_key(hub, pretender):
    """Same subject, same authority, even the same public name: the fingerprint decides."""
    copied = pretender.terminal.certificate.read_bytes()
    certificate, key = pretender.certificate()
    certificate.write_bytes(copied)
    with pytest.raises(ssl.SSLError):
        tls_context(hub.installation, certificate, key)


def test_old_versions_of_tls_and_plain_http_are_refused(hub):
    context = tls_context(hub.installation)
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", hub.port), timeout=ANSWER_SECONDS_MAX) as plain:
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(plain, server_hostname="127.0.0.1")
    with socket.create_connection(("127.0.0.1", hub.port), timeout=ANSWER_SECONDS_MAX) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert not plain.recv(4096).startswith(b"HTTP/")


def test_connections_that_break_off_harm_nobody(hub, desk):
    for request in (b"", b"POST /v1/chal", request_bytes(b'{"cou', length=11), request_bytes(b'{"count":256}')):
        for _ in range(20):
            sock = desk.open()
            sock.sendall(request)
            sock.close()
    for _ in range(20):
        plain = socket.create_connection(("127.0.0.1", hub.port), timeout=ANSWER_SECONDS_MAX)
        plain.sendall(b"\x16\x03\x01\x00\x10" + b"x" * 8)
        plain.close()


def test_a_terminal_that_asks_too_often_is_told_when_to_come_back(contract, new_installation, tmp_path):
    from harness.hub import Hub
    with Hub(new_installation(), tmp_path, "--requests-per-second", 5) as own:
        with Client(contract, own, own.installation.terminal("desk")) as busy, \
                Client(contract, own, own.installation.terminal("desk-2")) as other:
            replies = [busy.post("/v1/challenges", {}) for _ in range(20)]
            refused = [reply for reply in replies if reply.status != 200]
            assert refused and {reply.code for reply in refused} == {"overload.rate"}
            assert all(int(reply.headers["retry-after"]) >= 1 for reply in refused)
            assert other.post("/v1/challenges", {}).status == 200, "others are not slowed down"
