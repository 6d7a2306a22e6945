"""Checks by face: an engine behind a socket compares, the card signs without its PIN, the hub counts only engines that
it admits. The engine here is a script that speaks docs/face-engine.md and signs what it says."""

import base64
import contextlib
import itertools
import json
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from harness.counter import Counter
from harness.face_engine import FaceEngine
from harness.installation import Installation, onshi


@pytest.fixture(scope="module")
def admitting(tmp_path_factory):
    """A demo whose hub admits the engine."""
    return Installation.make(tmp_path_factory.mktemp("faces") / "demo", "--face-engine", FaceEngine.NAME)


numbers = itertools.count(1)


@contextlib.contextmanager
def counter_of(installation, work, folder, *settings):
    made = Counter(installation, work, folder, *settings)
    made.start()
    made.open_page()
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def folder():
    """A socket's path is short, so it cannot lie below pytest's folders."""
    made = Path(tempfile.mkdtemp(prefix="onshi-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def engine(folder):
    made = FaceEngine(folder)
    yield made
    made.close()


@pytest.fixture
def installation(admitting, tmp_path):
    return admitting.copy_to(tmp_path / f"demo-{next(numbers)}")


@pytest.fixture
def counter(installation, engine, tmp_path, folder):
    with counter_of(installation, tmp_path, folder, *engine.settings()) as made:
        yield made


def image_of(counter, kind="eligible"):
    found = next(card for card in counter.installation.description["cards"] if card["kind"] == kind)
    return json.loads((counter.installation.folder / "cards" / found["file"]).read_text())


def number_b_of(counter, kind="eligible"):
    return image_of(counter, kind)["credentials"]["surface_number_b"]["clear_for_tests"]


def answered_checks(counter):
    rows = counter.installation.rows(counter.installation.ledger,
                                     "SELECT payload FROM audit_record WHERE event = 1 ORDER BY lane, sequence")
    return [bytes(row[0]) for row in rows]


def test_a_face_that_is_recognised_leads_to_an_answer(counter, engine):
    engine.number_b = number_b_of(counter)
    state = counter.until_method("eligible")
    assert "face" in state["allow"] and "number_b" not in state["params"]
    counter.page.touch("face")
    counter.page.wait_for("CONSENT")
    before = counter.faces()
    counter.page.touch("all")
    counter.page.wait_for("DONE")
    counter.new_face(before)
    assert engine.photos == [base64.b64decode(image_of(counter)["surface"]["photo_jp2"])], "the chip's own photo"
    assert engine.asked.index("match") < engine.asked.index("forget"), "and nothing of it stays"
    assert FaceEngine.NAME.encode() in answered_checks(counter)[-1], "who compared stands in the record"
    assert engine.number_b not in counter.desk.log_text()
    status = counter.command("status", "--json", *engine.settings())
    assert {"name": "face_engine", "seen": FaceEngine.NAME}.items() <= next(
        one for one in json.loads(status.stdout)["checks"] if one["name"] == "face_engine").items()


def test_number_b_is_typed_where_nobody_can_scan_it_and_a_wrong_one_locks_nothing(counter, engine):
    state = counter.until_method("eligible")
    assert state["params"]["number_b"] is True
    counter.page.touch("face")
    assert counter.page.state()["state"] == "METHOD", "without it there is no photo to compare with"
    status, problem = counter.page.number_b("123")
    assert status == 422 and problem["code"] == "card.pin_format"
    right = number_b_of(counter)
    wrong = right[:-1] + str((int(right[-1]) + 1) % 10)
    for _ in range(2):
        assert counter.page.number_b(wrong)[0] == 200
        while (state := counter.page.wait_for("METHOD"))["params"].get("code") != "K-E004":
            pass
        assert state["params"]["number_b"] is True and engine.photos == []
    assert counter.page.number_b(right)[0] == 200
    counter.page.wait_for("CONSENT")
    assert right not in counter.desk.log_text()


def test_a_face_that_is_not_recognised_ten_times_is_locked_until_the_pin_is_known(counter, engine):
    engine.number_b = number_b_of(counter)
    engine.verdict = "not_matched"
    counter.until_method("eligible")
    image = counter.reader.image
    for failure in range(1, 11):
        state = counter.page.wait_for("METHOD", "FACE_FAIL")
        if state["state"] == "FACE_FAIL" and "retry" not in state["allow"]:
            counter.take_card()
            counter.page.wait_for("IDLE", "OUT_OF_SERVICE")
            counter.put_image(image)
            state = counter.page.wait_for("METHOD")
        counter.page.touch("retry" if "retry" in state["allow"] else "face")
        state = counter.page.wait_for("FACE_FAIL")
        assert len(engine.photos) == failure
    assert state["params"]["code"] == "K-E008" and "retry" not in state["allow"] and "pin" in state["allow"]
    counter.take_card()
    counter.page.wait_for("IDLE", "OUT_OF_SERVICE")
    counter.put_image(image)
    state = counter.page.wait_for("METHOD")
    assert state["params"]["code"] == "K-E008" and "face" not in state["allow"]
    counter.by_pin()
    counter.page.wait_for("CONSENT")
    counter.take_card()
    counter.page.wait_for("IDLE", "OUT_OF_SERVICE")
    counter.put_image(image)
    assert "face" in counter.page.wait_for("METHOD")["allow"]


def test_pictures_that_say_nothing_count_against_nobody(counter, engine):
    engine.number_b = number_b_of(counter)
    engine.verdict = "unusable"
    counter.until_method("eligible")
    counter.page.touch("face")
    assert "code" not in counter.page.wait_for("FACE_FAIL")["params"]
    engine.verdict = "matched"
    counter.page.touch("retry")
    counter.page.wait_for("CONSENT")


def test_a_decision_of_another_key_or_of_too_few_frames_opens_no_card(counter, engine, tmp_path):
    engine.number_b = number_b_of(counter)
    engine.frames = 2
    counter.until_method("eligible")
    counter.page.touch("face")
    while (state := counter.page.wait_for("METHOD", "FACE_AIM", "FACE_MATCH"))["params"].get("code") != "K-E030":
        pass
    assert "face" not in state["allow"] and "pin" in state["allow"]
    engine.frames = 3
    engine.key = ec.generate_private_key(ec.SECP256R1())
    counter.take_card()
    counter.page.wait_for("IDLE", "OUT_OF_SERVICE")
    counter.until_method("eligible")
    counter.page.touch("face")
    while counter.page.wait_for("METHOD", "FACE_AIM", "FACE_MATCH")["params"].get("code") != "K-E030":
        pass
    assert len(engine.photos) == 2 and answered_checks(counter) == []


def test_looking_ends_when_the_patient_turns_away(counter, engine):
    engine.number_b = number_b_of(counter)
    engine.good = False
    counter.until_method("eligible")
    counter.page.touch("face")
    while counter.page.wait_for("FACE_AIM")["params"].get("hint") != "closer":
        pass
    counter.page.touch("pin")
    engine.wait_for("stop")
    assert counter.page.pin("1234")[0] == 200, "the card is free for the PIN at once"
    counter.page.wait_for("CONSENT")
    assert "match" not in engine.asked


def test_an_engine_that_is_away_hides_the_face_and_is_found_when_it_is_back(installation, tmp_path, folder):
    gone = FaceEngine(folder)
    settings = gone.settings()
    gone.close()
    gone.socket_file.unlink()
    with counter_of(installation, tmp_path, folder, *settings) as counter:
        state = counter.until_method("eligible")
        assert state["params"]["code"] == "K-E030" and "face" not in state["allow"] and "pin" in state["allow"]
        status = counter.command("status", "--json", *settings)
        assert status.returncode != 0 and "face_engine" in status.stdout
        counter.take_card()
        counter.page.wait_for("IDLE", "OUT_OF_SERVICE")
        back = FaceEngine(folder)
        back.number_b = number_b_of(counter)
        assert "face" in counter.until_method("eligible")["allow"]
        back.close()


def test_a_hub_that_does_not_admit_the_engine_refuses_its_word(admitting, engine, tmp_path, folder):
    other = admitting.copy_to(tmp_path / "demo-other")
    text = other.settings.read_text()
    assert FaceEngine.NAME in text
    other.settings.write_text(text.replace(FaceEngine.NAME, "another-engine"))
    with counter_of(other, tmp_path, folder, *engine.settings()) as counter:
        engine.number_b = number_b_of(counter)
        counter.until_method("eligible")
        counter.page.touch("face")
        assert counter.page.wait_for("ASK_DESK")["params"]["code"] == "K-E015"
        assert answered_checks(counter) == []


def test_while_the_hub_is_away_a_face_is_kept_and_checked_afterwards(counter, engine):
    engine.number_b = number_b_of(counter)
    counter.until_method("eligible")
    counter.hub.kill()
    counter.page.touch("face")
    assert counter.page.wait_for("NET_ERROR")["params"]["code"] == "K-E020"
    counter.kept_visit()
    counter.hub.wanted_port = counter.hub.port
    counter.hub.start()
    counter.desk.wait_until(lambda: counter.open_visits() == [])
    assert FaceEngine.NAME.encode() in answered_checks(counter)[-1]


def test_a_simulation_says_so_on_every_screen_and_production_does_not_admit_it(tmp_path, folder):
    demo = Installation.make(tmp_path / "demo", "--face-engine", "simulated")
    with counter_of(demo, tmp_path, folder, "--face-engine", "simulated") as counter:
        assert counter.page.state()["face_demo"] is True
        counter.until_method("eligible")
        counter.page.touch("face")
        assert counter.page.wait_for("CONSENT")["face_demo"] is True
    checked = onshi("server", "check", "--config", demo.settings, "--profile", "production", "--json")
    found = next(one for one in json.loads(checked.stdout)["checks"] if one["name"] == "face_engines")
    assert found["code"] == "config.test_parts"


def test_a_script_drives_a_face_through_a_card_and_the_hub(counter, engine, tmp_path):
    engine.number_b = None
    card = next(one for one in counter.installation.description["cards"] if one["kind"] == "eligible")
    number = tmp_path / "number-b"
    number.write_text(number_b_of(counter) + "\n")
    number.chmod(0o600)
    script = tmp_path / "script"
    script.write_text("".join(json.dumps(line) + "\n" for line in (
        {"event": "ready"}, {"event": "card.in"}, {"event": "face", "number_b_given": True}, {"event": "all"})))
    done = onshi("terminal", "simulate", "--script", script, "--card-image", counter.installation.folder / "cards" / card["file"],
                 "--number-b-file", number, "--terminal", counter.desk.terminal.folder, "--hub",
                 f"https://127.0.0.1:{counter.hub.port}", "--exchange-folder", tmp_path / "share",
                 "--terminal-store-folder", tmp_path / "simulated", "--json", *engine.settings())
    assert done.returncode == 0, done.stderr
    states = [json.loads(line)["state"] for line in done.stdout.splitlines()]
    assert {"METHOD", "FACE_AIM", "FACE_MATCH", "CHECKING", "CONSENT"} <= set(states), states
    assert re.search(r"DONE|END|THANKS|SUBMITTING", states[-1])
