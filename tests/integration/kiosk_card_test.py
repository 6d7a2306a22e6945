"""Whole check-ins at the kiosk: a card in a PC/SC reader, PIN or eye, the hub's answer, consents, the billing system's
file; and the same while the hub is away."""

import contextlib
import json
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.counter import PASSWORD, PIN, Counter


def value(root, name):
    found = root.find(f".//{name}")
    return None if found is None else found.text


@pytest.fixture
def counter(new_installation, tmp_path):
    # A socket's path is short, so it cannot lie below pytest's folders.
    folder = Path(tempfile.mkdtemp(prefix="onshi-"))
    made = Counter(new_installation(), tmp_path, folder)
    made.set_password()
    made.start()
    made.open_page()
    yield made
    made.stop()
    shutil.rmtree(folder, ignore_errors=True)


def consents_of(counter):
    return dict(counter.installation.rows(counter.installation.ledger, "SELECT item, choice FROM consent ORDER BY item"))


def test_without_a_reader_the_kiosk_says_that_it_is_out_of_service(counter):
    assert counter.page.wait_for("OUT_OF_SERVICE")["screen"] == "K-00"
    counter.until_method("eligible")
    counter.take_card()
    counter.page.wait_for("OUT_OF_SERVICE", "IDLE")


def test_a_patient_checks_in_by_pin_and_agrees_to_everything(counter, wallet):
    assert counter.until_method("eligible")["params"]["tries_left"] == 3
    counter.by_pin()
    asked = counter.page.wait_for("CONSENT")
    assert "surgery" in asked["params"]["items"] and "care_and_medicine" in asked["params"]["items"]
    before = counter.faces()
    counter.page.touch("all")
    counter.page.wait_for("DONE")
    root = counter.new_face(before)
    person = wallet.persons[wallet.card("eligible").person_key]
    assert value(root, "Name") == person.name.replace(" ", "　")
    assert {value(root, stem + "ConsFlg") for stem in ("PharmacistsInfo", "DiagnosisInfo", "OperationInfo")} == {"1"}
    recorded = consents_of(counter)
    assert recorded[4] == recorded[5] == recorded[6] == 1, "medicines, visits, surgery"
    counter.take_card()
    counter.page.wait_for("IDLE", "OUT_OF_SERVICE")
    assert counter.open_visits() == []


def test_what_was_not_agreed_to_is_refused_and_told_so(counter):
    counter.until_method("eligible")
    counter.by_pin()
    counter.page.wait_for("CONSENT")
    counter.page.touch("pick")
    before = counter.faces()
    counter.page.touch("next", picked=[{"item": "surgery"}])
    counter.page.wait_for("DONE")
    root = counter.new_face(before)
    assert value(root, "OperationInfoConsFlg") == "1" and value(root, "PharmacistsInfoConsFlg") == "0"
    recorded = consents_of(counter)
    assert (recorded[4], recorded[5], recorded[6]) == (0, 0, 1)


def test_a_card_that_is_pulled_during_the_questions_agrees_to_nothing_and_the_desk_has_its_answer(counter):
    counter.until_method("eligible")
    counter.by_pin()
    counter.page.wait_for("CONSENT")
    before = counter.faces()
    counter.take_card()
    root = counter.new_face(before)
    assert value(root, "QualificationValidity") == "1" and value(root, "OperationInfoConsFlg") == "0"
    assert 1 not in consents_of(counter).values()


def test_a_wrong_pin_costs_one_try_and_the_right_one_follows(counter):
    counter.until_method("eligible")
    counter.by_pin("0000")
    while (state := counter.page.state())["params"].get("tries_left") != 2:
        assert state["state"] == "PIN"
    status, problem = counter.page.pin("12")
    assert status == 422 and problem["code"] == "card.pin_format"
    assert counter.page.pin(PIN)[0] == 200
    counter.page.wait_for("CONSENT")


def test_the_last_try_is_confirmed_twice(counter):
    counter.until_method("eligible")
    counter.by_pin("0000")
    while counter.page.state()["params"].get("tries_left") != 2:
        pass
    counter.page.pin("0000")
    while not counter.page.state()["params"].get("last_try"):
        pass
    counter.page.pin(PIN)
    assert counter.page.state()["state"] == "PIN", "the first tap only says that the warning was seen"
    counter.page.pin(PIN)
    counter.page.wait_for("CONSENT")


def test_an_unregistered_card_is_registered_at_the_kiosk(counter):
    counter.until_method("not_registered")
    counter.by_pin()
    counter.page.wait_for("REGISTER")
    before = counter.faces()
    counter.page.touch("yes")
    counter.page.wait_for("CONSENT")
    counter.page.touch("none")
    counter.page.wait_for("DONE")
    assert value(counter.new_face(before), "QualificationValidity") == "1"


def test_a_stopped_card_ends_at_the_desk(counter):
    counter.until_method("suspended")
    counter.by_pin()
    assert counter.page.wait_for("CERT_DEAD")["params"]["code"] == "K-E006"


def test_a_member_of_staff_confirms_by_eye_with_a_password_of_their_own(counter):
    state = counter.until_method("without_pin")
    assert "pin" not in state["allow"] and "visual" in state["allow"]
    counter.page.touch("visual")
    said = {"operator": "staff-1", "reason": "暗証番号なし", "same_person": True}
    assert counter.page.visual(password="wrong password", **said)[1]["state"] == "VISUAL"
    assert counter.page.visual(password=PASSWORD, **{**said, "operator": "staff-2"})[1]["state"] == "VISUAL"
    counter.page.visual(password=PASSWORD, **said)
    counter.page.wait_for("CONSENT", "REGISTER")
    assert PASSWORD not in counter.desk.log_text()


def test_nothing_of_the_pin_is_logged_or_sent(counter):
    counter.until_method("eligible")
    counter.by_pin("9876")
    while counter.page.state()["params"].get("tries_left") != 2:
        pass
    assert "9876" not in counter.desk.log_text() and "9876" not in counter.hub.log_text()


# --- certificates


def answer_questions(counter, replies):
    """Each question by its state, until the check-in is done; what was asked, in order."""
    asked = []
    while (state := counter.page.wait_for("CONSENT", "SPECIFIED", "SUBSIDY", "NOTICE", "DONE"))["state"] != "DONE":
        asked.append(state)
        counter.page.touch(replies[state["state"]])
        while counter.page.state()["rev"] == state["rev"]:
            pass
    return asked


@pytest.fixture(scope="module")
def subsidised(find_covered):
    return find_covered(lambda person: True, lambda answer: answer.get("subsidies", {}).get("offered"))


@pytest.fixture(scope="module")
def sick(hub, find_covered):
    rows = hub.installation.rows(hub.installation.registry, "SELECT person_key, packed FROM person_certificate")
    keys = {key for key, packed in rows if packed[1] == 2}
    return find_covered(lambda person: person.key in keys)


def subsidy_files(counter):
    return [json.loads((counter.desk.face / name).read_text()) for name in counter.faces() if name.endswith(".json")]


@pytest.mark.parametrize("reply", ["yes", "no"])
def test_a_patient_is_asked_which_subsidies_are_used(counter, subsidised, reply):
    _, person, by_card = subsidised
    counter.put_card_of(person)
    asked = answer_questions(counter, {"CONSENT": "none", "SUBSIDY": reply, "SPECIFIED": "no", "NOTICE": "next"})
    asked = [state["params"] for state in asked if state["state"] == "SUBSIDY"]
    offered = by_card["subsidies"]["offered"]
    assert asked == [{"programme": offer["name"], "number": number, "count": len(offered)}
                     for number, offer in enumerate(offered, 1)]
    (chosen,) = subsidy_files(counter)
    assert chosen["schema"] == "onshi.subsidies/1"
    wanted = [offer["offer"] for offer in offered] if reply == "yes" else []
    assert [one["offer"] for one in chosen["chosen"]] == wanted
    assert all(one["payer_number"] and one["recipient_number"] for one in chosen["chosen"])


def test_a_card_that_is_pulled_leaves_the_choice_of_subsidies_to_the_counter(counter, subsidised):
    counter.put_card_of(subsidised[1])
    while (state := counter.page.wait_for("CONSENT", "SPECIFIED", "SUBSIDY", "NOTICE"))["state"] != "SUBSIDY":
        counter.page.touch("next" if state["state"] == "NOTICE" else "no" if state["state"] == "SPECIFIED" else "none")
        while counter.page.state()["rev"] == state["rev"]:
            pass
    before = counter.faces()
    counter.take_card()
    counter.new_face(before)
    assert subsidy_files(counter) == []


@pytest.mark.parametrize("reply", ["yes", "no"])
def test_only_who_has_a_certificate_of_a_disease_is_asked_about_it(counter, sick, reply):
    _, person, by_card = sick
    assert by_card["specific_disease_certificate"] is True
    before = counter.faces()
    counter.put_card_of(person)
    asked = answer_questions(counter, {"CONSENT": "none", "SUBSIDY": "no", "SPECIFIED": reply, "NOTICE": "next"})
    assert [state["params"] for state in asked if state["state"] == "SPECIFIED"] == [{}]
    name, = [one for one in set(counter.faces()) - set(before) if one.endswith(".xml")]
    root = ElementTree.fromstring((counter.desk.face / name).read_bytes())
    assert value(root, "SpecificDiseasesCertificateRelatedConsFlg") == ("1" if reply == "yes" else "0")
    assert (root.find(".//SpecificDiseasesCertificateInfo") is not None) == (reply == "yes")
    assert consents_of(counter)[2] == (1 if reply == "yes" else 0), "a refusal is on record, too"


# --- while the hub is away


def check_in(counter, kind="eligible"):
    counter.until_method(kind)
    counter.by_pin()
    counter.page.wait_for("CONSENT")
    counter.page.touch("none")
    counter.page.wait_for("DONE")
    counter.take_card()
    counter.page.wait_for("IDLE", "OUT_OF_SERVICE")


class DeafLine:
    """Between terminal and hub; while it is deaf, what the hub answers reaches nobody."""

    def __init__(self, hub):
        self.deaf = False
        self.hub_port = hub.port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                near = self.listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", self.hub_port))
                threading.Thread(target=self.carry, args=(near, far, False), daemon=True).start()
                threading.Thread(target=self.carry, args=(far, near, True), daemon=True).start()

    def carry(self, source, sink, from_hub):
        lost = False
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                lost = lost or (from_hub and self.deaf)
                if not lost:
                    sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.close()


def revive(counter):
    counter.hub.wanted_port = counter.hub.port
    counter.hub.start()


def test_a_return_visit_without_the_hub_rests_on_the_last_one_and_is_closed_by_itself(counter, wallet):
    check_in(counter)
    counter.hub.kill()
    counter.until_method("eligible")
    counter.by_pin()
    assert counter.page.wait_for("NET_ERROR")["params"]["code"] == "K-E020"
    visit = counter.kept_visit()
    assert (visit["state"], visit["row"], visit["for"]) == ("open", "last_visit", "none")
    while not counter.page.state()["params"].get("kept"):
        assert counter.page.state()["state"] == "NET_ERROR"
    shown = counter.deferred("--show", visit["id"])
    assert json.loads(shown.stdout)["person"]["name"] == wallet.persons[wallet.card("eligible").person_key].name
    before = counter.faces()
    revive(counter)
    counter.desk.wait_until(lambda: counter.open_visits() == [])
    assert value(counter.new_face(before), "QualificationValidity") == "1"


def test_an_answer_that_nobody_heard_is_given_again_and_the_visit_has_one_record(counter):
    checks = lambda: counter.installation.rows(counter.installation.ledger,
                                               "SELECT count(*) FROM audit_record WHERE event = 1")[0][0]
    counter.desk.stop()
    line = counter.desk.hub = DeafLine(counter.hub)
    try:
        counter.start()
        counter.open_page()
        before = checks()
        counter.until_method("eligible")
        line.deaf = True
        counter.by_pin()
        assert counter.page.wait_for("NET_ERROR")["params"]["code"] == "K-E020"
        counter.kept_visit()
        assert checks() == before + 1, "the hub has recorded what it could not tell"
        faces = counter.faces()
        line.deaf = False
        counter.desk.wait_until(lambda: counter.open_visits() == [])
        assert checks() == before + 1
        assert value(counter.new_face(faces), "QualificationValidity") == "1"
    finally:
        counter.desk.stop()
        line.close()


def test_a_first_visit_without_the_hub_survives_the_terminal(counter):
    counter.hub.kill()
    counter.until_method("eligible")
    counter.by_pin()
    counter.page.wait_for("NET_ERROR")
    counter.kept_visit()
    counter.desk.kill()
    visit, = counter.open_visits()
    assert (visit["state"], visit["row"]) == ("open", "declaration")
    before = counter.faces()
    revive(counter)
    counter.start()
    counter.desk.wait_until(lambda: counter.open_visits() == [])
    assert value(counter.new_face(before), "QualificationValidity") == "1"
    assert len(counter.faces()) == len(before) + 1


def test_an_answer_that_comes_out_otherwise_is_the_staffs(counter):
    counter.hub.kill()
    counter.until_method("lapsed")
    counter.by_pin()
    counter.page.wait_for("NET_ERROR")
    counter.kept_visit()
    revive(counter)
    counter.desk.wait_until(lambda: [visit["state"] for visit in counter.open_visits()] == ["differs"])
    visit, = counter.open_visits()
    assert visit["why"] == "result" and visit["for"] == "staff" and visit["receipt"]
    assert counter.deferred("--done", visit["id"]).returncode == 0
    assert counter.open_visits() == []
    assert counter.deferred("--done", visit["id"]).returncode == 3


def test_a_refusal_stays_open_with_its_reason(counter):
    counter.hub.kill()
    counter.until_method("suspended")
    counter.by_pin()
    counter.page.wait_for("NET_ERROR")
    counter.kept_visit()
    revive(counter)
    counter.desk.wait_until(lambda: [visit["state"] for visit in counter.open_visits()] == ["refused"])
    assert counter.open_visits()[0]["why"] == "card.suspended"


def test_a_script_does_a_whole_check_in(counter, tmp_path):
    script = tmp_path / "script"
    lines = [{"event": "ready"}, {"event": "card.in"}, {"event": "pin"}, {"event": "pin.submit"}, {"event": "all"}]
    script.write_text("".join(json.dumps(line) + "\n" for line in lines))
    pin = tmp_path / "pin"
    pin.write_text(PIN + "\n")
    pin.chmod(0o600)
    found = next(card for card in counter.installation.description["cards"] if card["kind"] == "eligible")
    before = counter.faces()
    shown = counter.command("simulate", "--script", script, "--card-image",
                            counter.installation.folder / "cards" / found["file"], "--pin-file", pin,
                            "--exchange-folder", counter.desk.share, "--terminal-store-folder", tmp_path / "store")
    assert shown.returncode == 0, shown.stderr
    states = [line.split()[3] for line in shown.stdout.splitlines()]
    assert states[-1] == "DONE" and "CONSENT" in states, states
    assert value(counter.new_face(before), "OperationInfoConsFlg") == "1"
