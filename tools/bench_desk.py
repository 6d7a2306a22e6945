#!/usr/bin/python3
"""./dev bench desk: how long a billing system waits for the file that it asked for. A demo nation, a real hub and a real
terminal on this machine; requests are put into the shared folder as clients do. Ends with one line of figures (--json)."""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
ONSHI = pathlib.Path(os.environ.get("ONSHI_BINARY", ROOT / "build/release/src/onshi"))
sys.path.insert(0, str(ROOT / "tests/integration"))
os.environ.setdefault("ONSHI_BINARY", str(ONSHI))

from harness.cards import Wallet, today  # noqa: E402
from harness.desk import DeskProcess, elements, insured_persons, message, search_info, search_terms, single_request  # noqa: E402
from harness.hub import Hub  # noqa: E402
from harness.installation import Installation, onshi  # noqa: E402

POLL_SECONDS = 0.001
WAIT_SECONDS_MAX = 120


def say(text):
    print(text, file=sys.stderr, flush=True)


def make_installation(folder, persons):
    """A demo nation with an own folder for this bench, made once."""
    if not (folder / "installation.json").exists():
        say(f"▸ making a nation of {persons} persons in {folder}")
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = onshi_long("demo", "init", folder, "--persons", persons, "--seed", 1, "--facilities", 200, "--desks", 2,
                          "--card-keys", 4, "--port", 0, "--metrics-port", 0)
        assert made.returncode == 0, made.stderr
    return Installation(folder)


def onshi_long(*words):
    settings = {"LANG": "C.UTF-8", "PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    return subprocess.run([str(ONSHI), *map(str, words)], env=settings, capture_output=True, text=True, timeout=1200, check=False)


def wait_for(path):
    ends_at = time.monotonic() + WAIT_SECONDS_MAX
    while not path.exists():
        if time.monotonic() > ends_at:
            raise SystemExit(f"error: {path} never came")
        time.sleep(POLL_SECONDS)


def time_singles(desk, persons, count):
    """One after another, each from the moment its request lies in `req` to the moment its result lies in `res`."""
    took = []
    for number in range(count):
        text = single_request(desk, search_terms(desk.installation, persons[number % len(persons)]))
        result = desk.res / f"OQSsiquc01res_b{number}.xml"
        begun = time.monotonic()
        desk.drop(f"OQSsiquc01req_b{number}.xml", text)
        wait_for(result)
        took.append((time.monotonic() - begun) * 1000)
    return sorted(took)


def time_bulk(desk, persons):
    """From the upload to the result of everybody, downloads repeated as clients do; and the glyphs that were damaged."""
    infos = "".join(search_info(search_terms(desk.installation, person)) for person in persons)
    header = {"QualificationConfirmationDate": today().strftime("%Y%m%d"),
              "MedicalInstitutionCode": desk.terminal.facility, "ArbitraryFileIdentifier": "bench"}
    text = message(header, infos)
    begun = time.monotonic()
    desk.drop("OQSmuquc01req_bench.xml", text)
    wait_for(desk.res / "OQSmuquc01res_bench.xml")
    reception = re.search(rb"<ReceptionNumber>(.*?)<", (desk.res / "OQSmuquc01res_bench.xml").read_bytes()).group(1).decode()
    ask = message({"MedicalInstitutionCode": desk.terminal.facility}, elements({"ReceptionNumber": reception}))
    for attempt in range(10_000):
        desk.drop(f"OQSmuquc02req_bench{attempt}.xml", ask)
        result = desk.res / f"OQSmuquc02res_bench{attempt}.xml"
        wait_for(result)
        data = result.read_bytes()
        if b"<SegmentOfResult>1<" in data:
            seconds = time.monotonic() - begun
            decoded = data.decode("cp932")
            assert decoded.count("<BulkConfirmUnit>") == len(persons)
            answered = decoded.count("<QualificationValidity>")
            return seconds, decoded.count("●"), answered
        time.sleep(0.05)
    raise SystemExit("error: the bulk inquiry never ended")


def time_offline(desk, hub, persons):
    """From a request that meets no hub to the file that says so; then the hub is back and the next request is answered."""
    hub.kill()
    begun = time.monotonic()
    desk.drop("OQSsiquc01req_off.xml", single_request(desk, search_terms(desk.installation, persons[0])))
    wait_for(desk.res / "OQSsiquc01res_off.xml")
    seconds = time.monotonic() - begun
    assert b"<SegmentOfResult>9<" in (desk.res / "OQSsiquc01res_off.xml").read_bytes()
    hub.wanted_port = hub.port
    hub.start()
    desk.drop("OQSsiquc01req_on.xml", single_request(desk, search_terms(desk.installation, persons[0])))
    wait_for(desk.res / "OQSsiquc01res_on.xml")
    assert b"<SegmentOfResult>1<" in (desk.res / "OQSsiquc01res_on.xml").read_bytes()
    wait_for(desk.res / "OQSsiquc01res_off-late.xml")
    desk.stop()
    listed = onshi("terminal", "deferred", "--terminal", desk.terminal.folder, "--hub", f"https://127.0.0.1:{hub.port}",
                   "--terminal-store-folder", desk.work / "store", "--json")
    assert listed.returncode == 0, listed.stderr
    return seconds, len(listed.stdout.splitlines())


def main():
    parser = argparse.ArgumentParser(prog="./dev bench desk", description=__doc__)
    parser.add_argument("--json", action="store_true", help="the figures as one JSON object on the last line")
    parser.add_argument("--folder", default=str(ROOT / "var/bench"), help="where the bench keeps its nation")
    parser.add_argument("--persons", type=int, default=30_000)
    parser.add_argument("--requests", type=int, default=500)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    template = make_installation(pathlib.Path(options.folder) / "desk-nation", options.persons)
    work = pathlib.Path(options.folder) / "desk-run"
    shutil.rmtree(work, ignore_errors=True)
    installation = template.copy_to(work / "demo")
    wallet = Wallet(installation)
    persons = insured_persons(wallet, 5_000)
    with Hub(installation, work / "hub", "--misses-per-hour", 100_000) as hub, \
            DeskProcess(installation, hub, work / "desk", "--oqs-encodings", "OQSmuquc02=cp932") as desk:
        time_singles(desk, persons, 20)
        for path in desk.res.iterdir():
            path.unlink()
        say(f"▸ {options.requests} single requests, one after another")
        singles = time_singles(desk, persons, options.requests)
        say("▸ one bulk inquiry of 5,000 persons")
        bulk, bad_glyphs, answered = time_bulk(desk, persons)
        say("▸ the hub is killed and comes back")
        offline, left_open = time_offline(desk, hub, persons)
    figures = {"schema": "onshi.bench_desk/1", "request_to_result_ms_p50": round(statistics.median(singles), 1),
               "request_to_result_ms_p99": round(singles[int(len(singles) * 0.99)], 1), "bulk_5000_s": round(bulk, 2),
               "bulk_answered": answered, "offline_detected_s": round(offline, 2),
               "deferred_left_open": left_open, "bad_glyphs": bad_glyphs}
    if options.json:
        print(json.dumps(figures))
    else:
        for name, figure in figures.items():
            print(f"{name:28} {figure}")


if __name__ == "__main__":
    main()
