"""What whoever runs a hub relies on: health, metrics, logs without personal data, a quiet end, and a full disk."""

import http.client
import json
import os
import re
import shutil
import sqlite3
import subprocess
import threading
import time
import uuid
from contextlib import closing

import pytest

from harness import audit
from harness.cards import CheckOrder, base64url, today
from harness.client import Client, eventually, parse_response
from harness.hub import Hub
from harness.installation import onshi, run

RECOVERY_SECONDS_MAX = 10


# --- health and metrics


def test_health_and_readiness_say_yes(hub):
    assert hub.health("/healthz")[0] == 200
    status, headers, body = hub.health("/readyz")
    ready = json.loads(body)
    assert (status, ready["ready"]) == (200, True)
    assert {"registry", "ledger", "clock", "insurers", "audit", "server_certificate", "organisation_ca_certificate"} <= {
        check["name"] for check in ready["checks"] if check["ok"]}
    days = {check["name"]: check["days_left"] for check in ready["checks"] if "days_left" in check}
    assert 365 < days["server_certificate"] < days["organisation_ca_certificate"] < 3660
    assert headers["content-type"] == "application/json"


def test_metrics_pass_promtool_and_count_answers(hub, wallet, check):
    before = hub.metric("onshi_eligibility_requests_total")
    assert check(wallet.card("eligible")).status == 200
    status, headers, text = hub.health("/metrics")
    assert status == 200 and headers["content-type"].startswith("text/plain; version=0.0.4")
    judged = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=20, check=False)
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert judged.stdout + judged.stderr == b"", "promtool has remarks"
    assert hub.metric("onshi_eligibility_requests_total") == before + 1


def test_metrics_tell_how_long_certificates_last_and_whether_the_chain_is_sealed(hub, check, wallet):
    assert check(wallet.card("eligible")).status == 200
    assert hub.metric("onshi_audit_chain_ok") == 1
    assert hub.metric("onshi_audit_seal_age_seconds") < 60
    lines = [line for line in hub.health("/metrics")[2].decode().splitlines() if line.startswith("onshi_cert_expiry_seconds")]
    assert {line.split('"')[1] for line in lines} == {"server", "organisation_ca"}
    assert all(float(line.rsplit(" ", 1)[1]) > 365 * 86_400 for line in lines)


@pytest.mark.embedded
def test_watchers_do_not_wait_for_a_locked_store(new_installation, tmp_path):
    """Another program holds the write lock: the event loop that answers watchers serves everybody else meanwhile."""
    installation = new_installation()
    with Hub(installation, tmp_path / "run") as hub:
        assert hub.health("/readyz")[0] == 200
        with closing(sqlite3.connect(installation.ledger.file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(1.1)  # the last answer is good for a second
            answers = []
            watcher = threading.Thread(target=lambda: answers.append(hub.health("/readyz")))
            watcher.start()
            begun = time.monotonic()
            alive = 0
            while watcher.is_alive():
                assert hub.health("/healthz")[0] == 200
                alive += 1
            assert alive > 5 and time.monotonic() - begun > 1, "the store was asked, and others were served meanwhile"
            status, _, body = answers[0]
            ledger = next(check for check in json.loads(body)["checks"] if check["name"] == "ledger")
            assert (status, ledger["code"]) == (503, "store.unavailable")
            other.execute("ROLLBACK")
        ends_at = time.monotonic() + RECOVERY_SECONDS_MAX
        while hub.health("/readyz")[0] != 200:
            assert time.monotonic() < ends_at
            time.sleep(0.2)


def test_the_health_port_has_nothing_else(hub):
    for path in ("/", "/v1/openapi.yaml", "/v1/checks", "/metrics/", "/healthz/x"):
        assert hub.health(path)[0] == 404, path


def test_the_command_line_sees_a_running_hub(hub):
    good = onshi("server", "status", "--metrics-port", hub.metrics_port, "--json")
    assert good.returncode == 0, good.stderr
    json.loads(good.stdout)


# --- a quiet end


class Asker(threading.Thread):
    """Checks until the hub is gone, counting what was answered."""

    def __init__(self, contract, hub, terminal, card):
        super().__init__()
        self.client = Client(contract, hub, terminal)
        self.card = card
        self.asked, self.answered, self.refused = [], [], []

    def run(self):
        try:
            challenge = self.client.challenge()
            while True:
                order = CheckOrder(self.client.terminal, self.card, challenge)
                self.asked.append(order.check_id)
                reply = self.client.post("/v1/checks", order.body())
                if reply.status != 200:
                    self.refused.append(reply.code)
                    return
                self.answered.append(order.check_id)
                challenge = reply.value["next_challenge"]["challenge"]
        except (OSError, http.client.HTTPException):
            pass
        finally:
            self.client.close()


def test_a_hub_that_is_told_to_end_answers_what_it_took_and_ends_well(contract, new_installation, wallet, tmp_path):
    installation = new_installation()
    hub = Hub(installation, tmp_path / "run", "--requests-per-second", 100_000).start()
    card = wallet.card("eligible")
    askers = [Asker(contract, hub, installation.terminal(name), card) for name in ("desk", "desk-2") * 3]
    for asker in askers:
        asker.start()
    time.sleep(1)
    begun = time.monotonic()
    assert hub.stop() == 0
    assert time.monotonic() - begun < 5, "nobody was in its way"
    for asker in askers:
        asker.join()
    answered = {check_id for asker in askers for check_id in asker.answered}
    recorded = audit.answered_checks(installation)
    assert len(answered) > 5
    assert sorted(answered) == sorted(recorded), "a record without an answer, or an answer without a record"
    assert [code for asker in askers for code in asker.refused] == []
    events = [json.loads(line)["event"] for line in hub.log_text().splitlines()]
    assert "hub.started" in events and events[-1] == "hub.stopped"
    status, report = audit.verify(installation)
    assert status == 0, report


def test_an_idle_connection_does_not_delay_the_end(contract, new_installation, tmp_path):
    installation = new_installation()
    hub = Hub(installation, tmp_path / "run").start()
    with Client(contract, hub, installation.terminal("desk")) as client:
        client.challenge()
        begun = time.monotonic()
        assert hub.stop() == 0
        assert time.monotonic() - begun < 3


def test_a_second_signal_does_no_harm(new_installation, tmp_path):
    hub = Hub(new_installation(), tmp_path / "run").start()
    for _ in range(3):
        hub.terminate()
    assert hub.wait() == 0


def test_terminals_resume_their_tls_sessions_after_a_restart(contract, new_installation, tmp_path):
    installation = new_installation()
    hub = Hub(installation, tmp_path / "run").start()
    with Client(contract, hub, installation.terminal("desk")) as client:
        request = b"POST /v1/challenges HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
        session = None
        for resumes in (False, True):
            with client.open(session) as sock:
                sock.sendall(request)
                assert client.judge("POST", "/v1/challenges", *parse_response(sock)).status == 200
                assert sock.session_reused == resumes
                session = sock.session
            assert hub.stop() == 0
            if not resumes:
                hub.start()


# --- a wrong setting is named at once


@pytest.mark.parametrize("words, code", [
    (["--store", "/nonexistent"], "store.unavailable"),
    (["--secrets-folder", "/nonexistent"], "secret.missing"),
    (["--server-key", "/nonexistent"], "secret.missing"),
    (["--profile", "production"], "config.test_parts"),
    (["--listen-address", "300.1.1.1"], "config.listen"),
])
def test_a_hub_that_cannot_start_says_why_and_ends(new_installation, words, code):
    ports = ["--port", 0, "--metrics-port", 0]
    ended = onshi("server", "run", "--config", new_installation().settings, "--json", *ports, *words)
    assert ended.returncode != 0
    problem = json.loads(ended.stderr.splitlines()[-1])
    assert problem["code"] == code


def own_root(folder, name):
    """A CA of nobody's, without TEST in its name."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.crt"
    subprocess.run(["openssl", "req", "-x509", "-new", "-nodes", "-newkey", "rsa:2048", "-keyout", key, "-out", certificate,
                    "-days", "30", "-subj", f"/C=JP/O=Real/OU={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign"],
                   check=True, capture_output=True, timeout=30)
    return certificate


def test_the_production_profile_refuses_what_a_demo_made_one_by_one(new_installation, tmp_path):
    installation = new_installation()
    words = ["--config", installation.settings, "--profile", "production", "--port", 0, "--metrics-port", 0, "--json",
             "--card-roots", own_root(tmp_path, "cards"), "--organisation-ca-certificate", own_root(tmp_path, "organisations"),
             "--organisation-ca-key", ""]

    def refused():
        problem = json.loads(onshi("server", "run", *words).stderr.splitlines()[-1])
        findings = json.loads(onshi("server", "check", *words).stdout)["checks"]
        names = {finding["name"] for finding in findings if finding.get("code") == "config.test_parts"}
        return problem["code"], problem["detail"], names

    assert refused() == ("config.test_parts", "secrets_folder holds the keys of a demo", {"secrets", "server_certificate"})
    (installation.folder / "secrets" / "DEMO").unlink()
    assert refused() == ("config.test_parts", "server_certificate was issued by a TEST CA", {"server_certificate"})


def test_a_port_that_is_taken_is_named(hub, new_installation):
    """Loops of one hub share a port; two hubs would share the requests of two installations."""
    for words in (["--port", hub.port, "--metrics-port", 0], ["--port", 0, "--metrics-port", hub.metrics_port]):
        ended = onshi("server", "run", "--config", new_installation().settings, "--json", *words)
        assert ended.returncode == 7
        assert json.loads(ended.stderr.splitlines()[-1])["code"] == "config.listen"


def test_a_hub_with_several_loops_serves_on_one_port(contract, new_installation, wallet, tmp_path):
    installation = new_installation()
    with Hub(installation, tmp_path / "run", "--loops", 3) as hub:
        for _ in range(12):
            with Client(contract, hub, installation.terminal("desk")) as client:
                order = CheckOrder(client.terminal, wallet.card("eligible"), client.challenge())
                assert client.post("/v1/checks", order.body()).status == 200
        assert hub.health("/readyz")[0] == 200


def test_connections_of_one_address_are_bounded_as_set(contract, new_installation, tmp_path):
    installation = new_installation()
    with Hub(installation, tmp_path / "run", "--connections-per-address", 2) as hub:
        desks = [Client(contract, hub, installation.terminal("desk")) for _ in range(3)]

        def is_served(desk):
            try:
                return bool(desk.challenge())
            except (OSError, http.client.HTTPException):
                return False

        assert [is_served(desk) for desk in desks] == [True, True, False]
        desks[0].close()
        assert eventually(lambda: is_served(desks[2])), "its place is free when the hub has seen the other one go"
        for desk in desks:
            desk.close()


def test_a_key_that_others_may_read_is_refused(new_installation):
    installation = new_installation()
    (installation.folder / "pki" / "server.key").chmod(0o644)
    ended = onshi("server", "run", "--config", installation.settings, "--port", 0, "--metrics-port", 0, "--json")
    assert ended.returncode == 7
    assert json.loads(ended.stderr.splitlines()[-1])["code"] == "secret.permissions"


# --- personal data


def personal_values(person, card, answer):
    values = {person.name, person.kana, person.address, person.birth_date, person.birth_date.replace("-", ""),
              card.serial.hex(), base64url(card.serial), str(person.key)}
    coverage = answer["coverage"]
    values |= {coverage["number"], coverage.get("symbol", ""), answer["receipt"], answer["person"]["person_ref"]}
    values |= {part for part in re.split(r"[\s\u3000]+", person.name) if len(part) > 1}
    return {value for value in values if len(value) >= 4 or (value and not value.isascii())}


MEASURED = ("ts", "duration_us", "bytes", "line")


def test_no_personal_value_reaches_logs_metrics_or_problems(contract, new_installation, wallet, tmp_path):
    installation = new_installation()
    problems, values = [], set()
    talkative = ["--log-level", "debug", "--log-access", "all", "--requests-per-second", 10_000]
    with Hub(installation, tmp_path / "run", *talkative) as hub:
        desk = Client(contract, hub, installation.terminal("desk"))
        operator = Client(contract, hub, installation.terminal("call_center"))
        for card in wallet.usable_cards[:25]:
            person = wallet.persons[card.person_key]
            order = CheckOrder(desk.terminal, card, desk.challenge())
            answer = desk.post("/v1/checks", order.body()).value
            if answer["result"]["name"] != "valid":
                continue
            values |= personal_values(person, card, answer)
            problems += [reply.body.decode() for reply in spoilt_requests(desk, operator, order, person, card, answer)]
        metrics = hub.health("/metrics")[2].decode()
        ready = hub.health("/readyz")[2].decode()
        desk.close()
        operator.close()
    assert len(values) > 150 and len(problems) > 150
    log = hub.log_text()
    lines = [json.loads(line) for line in log.splitlines()]
    assert len(lines) > 200
    for line in lines:
        assert {"ts", "level", "event"} <= line.keys()
        assert line["level"] in ("debug", "info", "warn", "error")
    # What a clock or a length measured may happen to look like somebody's four-digit number.
    log = "\n".join(json.dumps({name: value for name, value in line.items() if name not in MEASURED},
                               ensure_ascii=False) for line in lines)
    for name, text in (("log", log), ("metrics", metrics), ("readyz", ready), ("problems", "\n".join(problems))):
        found = sorted(value for value in values if contains(text, value))
        assert not found, f"{name} holds {found}"


def contains(text, value):
    """As a whole number or word: 1234 is not in 12345, and a trace id is no name."""
    if not value.isalnum() or not value.isascii():
        return value in text
    return re.search(rf"(?<![0-9A-Za-z]){re.escape(value)}(?![0-9A-Za-z])", text) is not None


def spoilt_requests(desk, operator, order, person, card, answer):
    """Requests that are refused in as many ways as there are places for a personal value."""
    coverage = answer["coverage"]
    terms = {"check_id": str(uuid.uuid4()), "care_day": today().isoformat(), "birth_date": person.birth_date,
             "insurer_number": coverage["insurer"]["number"], "number": coverage["number"]}
    body = order.body()
    yield desk.post("/v1/checks", {**body, "check_id": str(uuid.uuid4())})
    yield desk.post("/v1/checks", {**body, person.name: person.address})
    yield desk.post("/v1/checks", {**body, "operator": person.name * 20, "visual_reason": person.address * 20})
    yield desk.post("/v1/checks", {**body, "care_day": person.birth_date})
    yield desk.post("/v1/checks", {**body, "card": {**card.name(), "serial": card.serial.hex() + "zz"}})
    yield desk.post("/v1/checks/by-number", {**terms, "branch": coverage["number"][:8]})
    yield desk.post("/v1/checks/by-number", {**terms, "insurer_number": coverage["number"][:16]})
    yield desk.post("/v1/checks/by-number", {**terms, "number": {"value": coverage["number"]}})
    yield desk.post("/v1/checks/by-number", {**terms, "birth_date": person.birth_date + "T00:00"})
    yield desk.post("/v1/checks/by-number", json.dumps(terms, ensure_ascii=False).encode()[:-1] + person.name.encode())
    consents = {"consents": [{"item": person.kana or "x", "choice": "agreed"}]}
    yield desk.post(f"/v1/checks/{card.serial.hex()}/consents", consents)
    yield desk.post(f"/v1/checks/{answer['receipt']}/consents", consents)
    yield operator.post("/v1/cards/suspend", {**card.name(), "serial": "00" + card.serial.hex() * 9})
    yield operator.post("/v1/checks", body)


# --- a full disk


class SmallDisk:
    """A hub whose store lies on a small file system of its own, in a mount namespace that nobody else sees."""

    SIZE = 24 * 1024 * 1024

    def __init__(self, installation, run_folder):
        seed = run_folder / "seed"
        shutil.copytree(installation.store, seed)
        rights = [] if os.geteuid() == 0 else ["--map-root-user"]
        script = (f'mount -t tmpfs -o size={self.SIZE} tmpfs "$1" && cp -a "$2"/. "$1"/ && shift 2 && exec "$@"')
        launcher = ["unshare", *rights, "--mount", "--", "sh", "-c", script, "small-disk", str(installation.store),
                    str(seed)]
        self.hub = Hub(installation, run_folder / "run", "--requests-per-second", 100_000, launcher=launcher)

    @property
    def folder(self):
        """The hub's view of its store."""
        return f"/proc/{self.hub.pid}/root{self.hub.installation.store}"

    def inside(self):
        """The command that enters the hub's mount namespace: SQLite finds its way by names."""
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        return ["nsenter", "--target", self.hub.pid, *user, "--mount", "--"]

    def answered_checks(self):
        query = audit.ANSWERS.replace("payload", "hex(payload)", 1)
        listed = run(*self.inside(), "sqlite3", "-readonly", self.hub.installation.ledger.file, query)
        assert listed.returncode == 0, listed.stderr
        return [audit.check_id_in(bytes.fromhex(line)) for line in listed.stdout.splitlines()]

    def fill(self):
        with open(f"{self.folder}/filler", "wb", buffering=0) as filler:
            try:
                while filler.write(b"\0" * 4096):
                    pass
            except OSError:
                pass

    def free(self):
        os.remove(f"{self.folder}/filler")


@pytest.mark.embedded
def test_a_full_disk_refuses_checks_and_serves_again_when_there_is_space(contract, new_installation, wallet, tmp_path):
    installation = new_installation()
    disk = SmallDisk(installation, tmp_path)
    hub = disk.hub.start()
    card = wallet.card("eligible")
    try:
        with Client(contract, hub, installation.terminal("desk")) as desk:
            def check():
                return desk.post("/v1/checks", CheckOrder(desk.terminal, card, desk.challenge()).body())

            answered = [check().value["check_id"]]
            disk.fill()
            refused = None
            for _ in range(3000):  # what the write-ahead log has in reserve is used up first
                order = CheckOrder(desk.terminal, card, desk.challenge())
                reply = desk.post("/v1/checks", order.body())
                if reply.status != 200:
                    refused = order
                    break
                answered.append(order.check_id)
            assert refused is not None, "the disk was not full"
            assert reply.code == "store.full"
            assert reply.value["retry"] == {"advice": "after_backoff", "after_ms": 5000}
            assert int(reply.headers["retry-after"]) >= 5
            for _ in range(5):
                assert check().code == "store.full"
            status, _, body = hub.health("/readyz")
            assert status == 503 and not json.loads(body)["ready"]
            assert {check["name"] for check in json.loads(body)["checks"] if not check["ok"]} >= {"ledger"}
            assert hub.health("/healthz")[0] == 200, "it lives"

            disk.free()
            begun = time.monotonic()
            while (reply := desk.post("/v1/checks", refused.body())).status != 200:
                assert reply.code == "store.full"
                assert time.monotonic() - begun < RECOVERY_SECONDS_MAX, "space came back, service did not"
                time.sleep(0.2)
            answered.append(refused.check_id)
            while hub.health("/readyz")[0] != 200:
                assert time.monotonic() - begun < RECOVERY_SECONDS_MAX
                time.sleep(0.2)
            assert sorted(disk.answered_checks()) == sorted(answered), "a refused check has no record"
            status, report = audit.verify(installation, inside=disk.inside())
            assert status == 0, report
    finally:
        if hub.process.poll() is None:
            assert hub.stop() == 0
