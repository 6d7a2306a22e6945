"""Insurers' files from the command line: faults in rows, both encodings, a killed run, a second person, a check of who
was registered, and no individual number anywhere but in its sealed table."""

import csv
import hmac
import http.server
import json
import shutil
import signal
import subprocess
import threading
import time

import pytest

from harness.client import eventually
from harness.installation import binary, onshi

HEADER = ("operation,insurer_number,symbol,number,branch,relation,individual_number,name,kana,birth_date,sex,address,"
          "acquired_on,lost_on,loss_reason,copay_percent,limit_category,certificate_kind")
SECONDS_MAX = 60


def command(installation, *words):
    done = onshi("member", *words, "--config", installation.settings, "--json")
    return done, [json.loads(line) for line in done.stdout.splitlines()]


def take(installation, file, *more):
    sender = [] if "--insurer" in more else ["--all-insurers"]
    done, lines = command(installation, "import", file, *sender, "--operator", "sato", *more)
    return done, lines[0] if lines else None


def results(file):
    with open(file, newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


@pytest.fixture(scope="module")
def members(template, tmp_path_factory):
    """600 additions of people in the resident register only, and 200 changes."""
    file = tmp_path_factory.mktemp("members") / "members.csv"
    made = onshi("demo", "members", file, "--folder", template.folder, "--additions", 600, "--changes", 200)
    assert made.returncode == 0, made.stderr
    return file


@pytest.fixture
def installation(new_installation):
    return new_installation()


def test_a_file_is_taken_once_and_every_row_is_explained(installation, members, tmp_path):
    file = shutil.copy(members, tmp_path / "members.csv")
    done, report = take(installation, file)
    assert (done.returncode, report["end"], report["rows"]) == (0, "done", 800), done.stderr
    rows = results(tmp_path / "members.result.csv")
    assert len(rows) == 800
    assert {row["result"] for row in rows} <= {"added", "changed", "withheld"}
    withheld = [row for row in rows if row["result"] == "withheld"]
    assert all(row["code"].startswith("cause.match_") and row["message"] for row in withheld)
    assert report["results"]["withheld"] == len(withheld)
    again, report = take(installation, file)
    assert (again.returncode, report["end"]) == (0, "done_before")
    _, delays = command(installation, "delays")
    seen = sum(delay["records"] for delay in delays)
    assert seen == len([row for row in rows if row["result"] == "added"])
    assert all(delay["p50_days"] <= delay["p90_days"] <= delay["max_days"] for delay in delays)
    checked = onshi("db", "check", "--config", installation.settings)
    assert checked.returncode == 0, checked.stderr


def test_no_individual_number_lies_in_a_store_result_or_output(installation, members, tmp_path):
    file = shutil.copy(members, tmp_path / "members.csv")
    done, _ = take(installation, file)
    numbers = [row["individual_number"].encode() for row in results(file)]
    places = {"result file": (tmp_path / "members.result.csv").read_bytes(),
              "registry": installation.registry.content(), "ledger": installation.ledger.content()}
    for place, content in places.items():
        assert content and not [number for number in numbers if number in content], place
    assert not [number for number in numbers if number in (done.stdout + done.stderr).encode()]
    sealed = installation.rows(installation.registry, "SELECT sealed FROM individual_number WHERE person_key >= 1000000000000")
    assert sealed and all(len(value) == 33 for value, in sealed)


def test_cp932_gives_the_same_records_as_utf8(installation, new_installation, members, tmp_path):
    take(installation, shutil.copy(members, tmp_path / "utf8.csv"))
    other = new_installation()
    made = onshi("demo", "members", tmp_path / "cp932.csv", "--folder", other.folder, "--additions", 600, "--changes",
                 200, "--encoding", "cp932")
    assert made.returncode == 0, made.stderr
    done, report = take(other, tmp_path / "cp932.csv")
    assert (report["encoding"], report["rows"]) == ("cp932", 800), done.stderr
    pairs = list(zip(results(tmp_path / "utf8.result.csv"), results(tmp_path / "cp932.result.csv")))
    # What CP932 cannot write arrives as its substitute; whether that agrees is the comparison's matter.
    plain = [(a, b) for a, b in pairs if a["name"] == b["name"]]
    assert len(plain) > 700 and all(a["result"] == b["result"] for a, b in plain)


def test_bad_rows_are_refused_with_a_code_and_the_others_count(installation, members, tmp_path):
    good = members.read_text().splitlines()[1]
    fields = good.split(",")
    other = ["01010016" if fields[1] != "01010016" else "06139463", *fields[2:]]
    lines = [HEADER, good, "add," + ",".join(other), HEADER, "x" * 100_000, "," * 299, good.rsplit(",", 3)[0],
             good.replace("add,", "delete,", 1), good.replace(fields[9], "H310501", 1), good]
    file = tmp_path / "bad.csv"
    file.write_bytes("\n".join(lines).encode() + b"\n\xff\xfe\n")
    done, report = take(installation, file, "--insurer", fields[1])
    assert done.returncode == 8, "some rows failed"
    rows = results(tmp_path / "bad.result.csv")
    assert rows[0]["result"] in ("added", "withheld")
    assert rows[8]["result"] == "unchanged"
    assert {row["code"] for row in rows if row["result"] == "refused"} >= {
        "intake.repeated_header", "intake.line_too_long", "intake.columns", "intake.operation", "date.era",
        "text.invalid_encoding"}
    assert report["results"]["refused"] == 8
    assert "*" * 12 in rows[0]["individual_number"] and fields[6] not in (tmp_path / "bad.result.csv").read_text()


def test_a_killed_run_goes_on_where_it_was(installation, members, tmp_path):
    file = shutil.copy(members, tmp_path / "members.csv")
    words = [binary(), "member", "import", file, "--all-insurers", "--operator", "sato", "--chunk-rows", "5", "--config",
             installation.settings]
    running = subprocess.Popen([*map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + SECONDS_MAX
    rows = []
    # Killed as soon as its first chunk counts; it may have done more by then, but hardly all.
    while not rows and running.poll() is None and time.monotonic() < until:
        rows = installation.rows(installation.registry, "SELECT file_id FROM intake_file WHERE version > 1")
    running.send_signal(signal.SIGKILL)
    running.wait()
    done, report = take(installation, file)
    assert done.returncode == 0, done.stderr
    assert report["rows"] == 800 and report["resumed_at_row"] > 0
    rows = results(tmp_path / "members.result.csv")
    assert [int(row["row"]) for row in rows] == list(range(2, 802)), "each row once, in order"
    people = installation.rows(installation.registry, "SELECT count(*) FROM person WHERE person_key >= 1000000000000")
    assert people == [(600,)]
    assert onshi("db", "check", "--config", installation.settings).returncode == 0


def members_of(installation, insurer):
    key = len(insurer) * 100_000_000 + int(insurer)
    found = installation.rows(installation.registry, "SELECT members FROM insurer_members WHERE insurer_number = ?", (key,))
    return found[0][0] if found else 0


def test_an_unusual_share_waits_for_somebody_else(installation, members, tmp_path):
    rows = [line.split(",") for line in members.read_text().splitlines()[1:] if line.startswith("add")]
    rows = [row for row in rows if row[9] < "2026-04-01"]
    # Sixty people join the smallest of the insurers, and are all to leave it again.
    insurer = min({row[1] for row in rows}, key=lambda number: (members_of(installation, number), number))
    joining = [[*row[:1], insurer, "77", str(10_000 + i), "01", "1", *row[6:12], "2026-04-01", "", "", *row[15:]]
               for i, row in enumerate(rows[:60])]
    first = tmp_path / "first.csv"
    first.write_text(HEADER + "\n" + "".join(",".join(row) + "\n" for row in joining))
    assert take(installation, first)[0].returncode == 0
    there = members_of(installation, insurer)
    assert 60 <= there < 300
    losses = tmp_path / "losses.csv"
    leaving = [["lose", *row[1:13], "2026-11-01", "99", *row[15:]] for row in joining]
    losses.write_text(HEADER + "\n" + "".join(",".join(row) + "\n" for row in leaving))
    done, report = take(installation, losses)
    assert (done.returncode, report["end"]) == (5, "held")
    assert report["unusual"][0]["ended"] == 60 and report["unusual"][0]["members"] == there
    file = report["file"]
    refused, _ = command(installation, "release", file, "--operator", "sato", "--yes")
    assert refused.returncode == 4 and "intake.second_person" in refused.stderr
    released, _ = command(installation, "release", file, "--operator", "suzuki", "--yes")
    assert released.returncode == 0, released.stderr
    done, report = take(installation, losses)
    assert (report["end"], report["results"]["ended"]) == ("done", 60), done.stderr
    assert members_of(installation, insurer) == there - 60
    listed, files = command(installation, "files")
    assert listed.returncode == 0 and files[0]["released_by"] == "suzuki"


def test_a_withheld_record_is_confirmed_and_then_seen(installation, members, tmp_path):
    # Two rows that would be seen as they are: one gets another address, one another birth date.
    file = shutil.copy(members, tmp_path / "members.csv")
    take(installation, file, "--dry-run")
    fine = [i for i, row in enumerate(results(tmp_path / "members.dry-run.csv"))
            if row["result"] == "added" and not row["code"] and row["address"]][:2]
    lines = [line.split(",") for line in members.read_text().splitlines()]
    lines[fine[0] + 1][11] = "大阪府架空区９９番９９号"
    lines[fine[1] + 1][9] = "1901-01-01"
    file.write_text("".join(",".join(line) + "\n" for line in lines))
    done, _ = take(installation, file)
    assert done.returncode == 0, done.stderr
    rows = results(tmp_path / "members.result.csv")
    assert [rows[i]["code"] for i in fine] == ["cause.match_address", "cause.match_birth_date"]
    held = []
    for i in fine:
        before = {case["record"] for case in held}
        _, cases = command(installation, "withheld", "--insurer", rows[i]["insurer_number"])
        held += [case for case in cases if case["record"] not in before]
    gentle = next(case for case in held if case["cause"] == "cause.match_address")
    confirmed, lines = command(installation, "confirm", gentle["record"], "--insurer", gentle["insurer"], "--reason",
                               "recent_move", "--evidence", "D-2026-118", "--operator", "sato")
    assert (confirmed.returncode, lines[0]["state"]) == (0, "confirmed"), confirmed.stderr
    _, left = command(installation, "withheld", "--insurer", gentle["insurer"])
    assert gentle["record"] not in {case["record"] for case in left}
    grave = next(case for case in held if case["cause"] == "cause.match_birth_date" and int(case["record"]) > 10**12)
    assert grave["severity"] == 1
    words = [grave["record"], "--insurer", grave["insurer"]]
    asked, lines = command(installation, "confirm", *words, "--reason", "alias", "--evidence", "D-1", "--operator", "sato")
    assert (asked.returncode, lines[0]["state"]) == (0, "waiting"), asked.stderr
    assert command(installation, "approve", *words, "--operator", "sato")[0].returncode == 4
    approved, lines = command(installation, "approve", *words, "--operator", "suzuki")
    assert (approved.returncode, lines[0]["state"]) == (0, "confirmed"), approved.stderr
    verified = onshi("audit", "verify", "--config", installation.settings)
    assert verified.returncode == 0, verified.stderr
    assert onshi("db", "check", "--config", installation.settings).returncode == 0


def test_a_dry_run_changes_nothing(installation, members, tmp_path):
    before = installation.rows(installation.registry, "SELECT count(*) FROM coverage")
    done, report = take(installation, shutil.copy(members, tmp_path / "members.csv"), "--dry-run")
    assert done.returncode == 0 and report["results"]["added"] > 500, done.stderr
    assert installation.rows(installation.registry, "SELECT count(*) FROM coverage") == before
    assert not installation.rows(installation.registry, "SELECT file_id FROM intake_file")
    assert not (tmp_path / "members.result.csv").exists() and (tmp_path / "members.dry-run.csv").exists()


def test_a_clinic_hears_of_a_loss_that_was_reported_late(hub, desk, wallet, check, find_covered, tmp_path):
    installation = hub.installation
    assert desk.get("/v1/corrections").value == {"corrections": [], "more": False}
    card, person, answer = find_covered(lambda person: True,
                                        lambda answer: answer["coverage"]["acquired_on"] < answer["care_day"])
    coverage = answer["coverage"]
    # Its insurer reports a loss of last month; the desk was told "valid" today.
    fields = {"operation": "lose", "insurer_number": coverage["insurer"]["number"].strip(), "symbol": coverage.get("symbol", ""),
              "number": coverage["number"], "branch": coverage.get("branch", ""), "birth_date": person.birth_date,
              "lost_on": answer["care_day"], "loss_reason": "99"}
    file = tmp_path / "late.csv"
    file.write_text(",".join(fields) + "\n" + ",".join(fields.values()) + "\n")
    done, report = take(installation, file)
    assert done.returncode == 0 and report["results"]["ended"] == 1, (tmp_path / "late.result.csv").read_text()
    held_back, lines = command(installation, "corrections")
    assert held_back.returncode == 0 and lines[0]["corrections"] == 0, "changes settle first"
    done, lines = command(installation, "corrections", "--settle-seconds", "0")
    assert done.returncode == 0 and lines[0]["corrections"] == 1, done.stderr
    reply = desk.get("/v1/corrections")
    event, = reply.value["corrections"]
    assert (event["receipt"], event["told"], event["care_day"]) == (answer["receipt"], "valid", answer["care_day"])
    assert event["now"] in ("invalid", "valid") and event["claim_hint"] in ("ask_again", "transfer")
    assert desk.get(f"/v1/corrections?after={event['id']}").value["corrections"] == []
    again, lines = command(installation, "corrections", "--settle-seconds", "0")
    assert lines[0]["corrections"] == 0, "told once"
    for wrong in ("x", "-1", "99999999999999999999"):
        assert desk.get(f"/v1/corrections?after={wrong}").code == "field.range"


class Receiver:
    """A facility's own server for notices; refuses the first message."""

    def __init__(self):
        self.messages = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.messages.append((self.headers["onshi-signature"], body))
                self.send_response(503 if len(receiver.messages) == 1 else 204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/notices"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def test_a_clinic_is_told_without_asking_and_again_until_it_has_heard(hub, desk):
    events = desk.get("/v1/corrections").value
    assert events["corrections"], "of the test before"
    assert desk.get("/v1/webhook").code == "webhook.unknown"
    assert desk.send("PUT", "/v1/webhook", {"url": "http://example.jp/"}).code == "webhook.address"
    receiver = Receiver()
    try:
        webhook = desk.send("PUT", "/v1/webhook", {"url": receiver.url}).value
        assert eventually(lambda: len(receiver.messages) == 1)
        signature, body = receiver.messages[0]
        seconds, code = (part.split("=")[1] for part in signature.split(","))
        assert hmac.new(webhook["secret"].encode(), f"{seconds}.".encode() + body, "sha256").hexdigest() == code
        assert json.loads(body) == events
        assert eventually(lambda: desk.get("/v1/webhook").value["failures"] == 1)
        state = desk.get("/v1/webhook").value
        assert state["delivered_upto"] == 0 and state["next_try_at"] and not state["stopped"]
        # Setting the same address again says that the receiver is well: the message comes at once.
        assert desk.send("PUT", "/v1/webhook", {"url": receiver.url}).value["secret"] == webhook["secret"]
        assert eventually(lambda: len(receiver.messages) == 2)
        assert receiver.messages[1][1] == body
        last = events["corrections"][-1]["id"]
        assert eventually(lambda: desk.get("/v1/webhook").value["delivered_upto"] == last)
        assert desk.post("/v1/webhook/remove", None).value == {"removed": True}
        assert desk.get("/v1/webhook").code == "webhook.unknown"
    finally:
        receiver.close()


def test_an_insurer_hears_of_a_member_for_whom_nothing_was_found(hub, wallet, check, connect, tmp_path):
    """Everything that one of its members has is withheld: the counter finds nothing, and says so to the insurer."""
    installation = hub.installation
    rows = installation.rows(installation.registry, "SELECT person_key FROM coverage_number GROUP BY person_key "
                             "HAVING count(*) = 1 AND min(insurer_number) = 801139997")
    key = next(key for key, in rows if key in wallet.registered and key in wallet.usable and key in wallet.cards)
    person = wallet.persons[key]
    first = check(wallet.cards[key]).value
    fields = {"operation": "change", "insurer_number": "01139997", "symbol": first["coverage"].get("symbol", ""),
              "number": first["coverage"]["number"], "branch": first["coverage"].get("branch", ""),
              "relation": "1", "name": "別人　太郎", "kana": "ベツジン　タロウ", "birth_date": person.birth_date,
              "sex": str(person.sex), "address": person.address, "copay_percent": "30", "certificate_kind": "01"}
    file = tmp_path / "other.csv"
    file.write_text(",".join(fields) + "\n" + ",".join(fields.values()) + "\n")
    done, report = take(installation, file)
    assert report["results"]["withheld"] == 1, (tmp_path / "other.result.csv").read_text()
    insurer = connect("insurer")
    assert insurer.get("/v1/counter-cases").value == {"cases": [], "more": False}
    found = check(wallet.cards[key]).value
    assert found["result"]["name"] == "none"
    done, lines = command(installation, "corrections", "--settle-seconds", "0")
    assert done.returncode == 0, done.stderr
    case, = insurer.get("/v1/counter-cases").value["cases"]
    assert (case["receipt"], case["cause"], case["care_day"]) == (found["receipt"], "cause.withheld", found["care_day"])
    assert insurer.get(f"/v1/counter-cases?after={case['receipt']}").value["cases"] == []
    assert insurer.get("/v1/counter-cases?after=x").code == "check.receipt"
    assert connect("desk").get("/v1/counter-cases").code == "role.missing"
    # The insurer corrects itself: the clinic is told, and nobody has to look for the case any more.
    fields["name"], fields["kana"] = person.name, person.kana
    file.write_text(",".join(fields) + "\n" + ",".join(fields.values()) + "\n")
    done, report = take(installation, file)
    assert report["results"]["changed"] == 1, (tmp_path / "other.result.csv").read_text()
    assert command(installation, "corrections", "--settle-seconds", "0")[0].returncode == 0
    assert insurer.get("/v1/counter-cases").value["cases"] == []


def test_another_facility_does_not_see_it(hub, connect):
    assert connect("desk-2").get("/v1/corrections").value["corrections"] == []
