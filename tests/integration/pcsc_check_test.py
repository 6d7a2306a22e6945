"""The whole way of a check: a card in a PC/SC reader, the command line as a terminal, a hub."""

import json
import os
import shutil

import pytest

from harness.cards import today
from harness.installation import onshi
from harness.reader import Reader

PIN = "1234"


@pytest.fixture(scope="module")
def place(hub):
    hub.installation.point_terminals_at(hub.port)
    return hub.installation


@pytest.fixture
def put_in(place, tmp_path):
    """A reader with a fresh copy of the image of that kind, so that no test sees the tries that another used up."""
    open_readers = []

    def run(kind):
        found = next(card for card in place.description["cards"] if card["kind"] == kind)
        image = tmp_path / found["file"]
        shutil.copy(place.folder / "cards" / found["file"], image)
        image.chmod(0o600)
        open_readers.append(Reader(image).__enter__())
        return open_readers[-1]

    yield run
    for reader in open_readers:
        reader.__exit__()


@pytest.fixture
def pin_file(tmp_path):
    def write(pin, mode=0o600):
        file = tmp_path / f"pin-{pin}-{mode:o}"
        file.write_text(pin + "\n")
        file.chmod(mode)
        return file

    return write


def get(reader, place, *words, terminal="desk"):
    return onshi("eligibility", "get", "--terminal", place.folder / "terminals" / terminal, "--json", *words,
                 env={"PCSCLITE_CSOCK_NAME": reader.socket} if reader else {})


def problem(ended):
    """The problem object is the last line; notes come before it."""
    return json.loads(ended.stderr.splitlines()[-1])


def test_a_card_in_a_reader_is_checked(contract, wallet, place, put_in, pin_file):
    ended = get(put_in("eligible"), place, "--card", "--pin-file", pin_file(PIN))
    assert ended.returncode == 0, ended.stderr
    answer = json.loads(ended.stdout)
    contract.validate("#/components/schemas/Answer", answer)
    assert answer["result"] == {"code": 1, "name": "valid"}
    assert answer["person"]["name"] == wallet.persons[wallet.card("eligible").person_key].name
    assert answer["care_day"] == today().isoformat()


def test_the_answer_reads_well_without_json(wallet, place, put_in, pin_file):
    reader = put_in("rare_name")
    ended = onshi("eligibility", "get", "--card", "--pin-file", pin_file(PIN), "--terminal",
                  place.folder / "terminals" / "desk",
                  env={"PCSCLITE_CSOCK_NAME": reader.socket, "LANG": "ja_JP.UTF-8"})
    assert ended.returncode == 0, ended.stderr
    assert wallet.persons[wallet.card("rare_name").person_key].name in ended.stdout
    assert ended.stdout.startswith("✔")
    assert "\x1b" not in ended.stdout, "no colours into a pipe"


def test_a_wrong_pin_is_reported_with_the_tries_left_and_the_last_try_is_kept(place, put_in, pin_file):
    reader = put_in("eligible")
    wrong, right = pin_file("0000"), pin_file(PIN)
    for tries_left in ("2", "1"):
        ended = get(reader, place, "--card", "--pin-file", wrong)
        assert problem(ended)["code"] == "card.pin_wrong"
        assert tries_left in problem(ended)["detail"]
        assert ended.returncode == 1 and ended.stdout == ""
    kept = get(reader, place, "--card", "--pin-file", wrong)
    assert problem(kept)["code"] == "card.pin_last_try", "a script does not lock a card"
    assert get(reader, place, "--card", "--pin-file", right, "--spend-last-try").returncode == 0
    again = get(reader, place, "--card", "--pin-file", wrong)
    assert problem(again)["detail"].endswith("2"), "a right PIN gives the tries back"


def test_a_card_is_locked_by_its_last_wrong_try_only_when_that_was_wished(place, put_in, pin_file):
    reader = put_in("eligible")
    wrong = pin_file("0000")
    for _ in range(2):
        get(reader, place, "--card", "--pin-file", wrong)
    spent = get(reader, place, "--card", "--pin-file", wrong, "--spend-last-try")
    assert problem(spent)["code"] in ("card.pin_locked", "card.pin_wrong")
    locked = get(reader, place, "--card", "--pin-file", pin_file(PIN), "--spend-last-try")
    assert problem(locked)["code"] == "card.pin_locked"


def test_an_unregistered_card_is_offered_and_taken(place, put_in, pin_file):
    reader = put_in("not_registered")
    pin = pin_file(PIN)
    offered = get(reader, place, "--card", "--pin-file", pin)
    assert json.loads(offered.stdout)["result"]["cause"] == "cause.card_not_registered"
    assert offered.returncode == 3, "nothing was found"
    agreed = get(reader, place, "--card", "--pin-file", pin, "--register", "agreed")
    assert agreed.returncode == 0, agreed.stderr
    assert json.loads(agreed.stdout)["result"]["name"] == "valid"


def test_other_outcomes_have_their_exit_codes(place, put_in, pin_file):
    pin = pin_file(PIN)
    suspended = get(put_in("suspended"), place, "--card", "--pin-file", pin)
    assert (suspended.returncode, problem(suspended)["code"]) == (4, "card.suspended")
    face_only = get(put_in("without_pin"), place, "--card", "--pin-file", pin)
    assert problem(face_only)["code"] == "card.pin_missing" and face_only.returncode == 1


def test_a_pin_that_is_none_never_reaches_the_card(place, put_in, pin_file):
    reader = put_in("eligible")
    for typed in ("12", "12345", "abcd", ""):
        ended = get(reader, place, "--card", "--pin-file", pin_file(typed or "empty") if typed else pin_file(""))
        assert ended.returncode != 0 and problem(ended)["code"] in ("card.pin_format", "secret.malformed"), typed
    assert get(reader, place, "--card", "--pin-file", pin_file(PIN)).returncode == 0
    ended = get(reader, place, "--card", "--pin-file", pin_file("0000"))
    assert problem(ended)["detail"].endswith("2"), "no try was used up before"


def test_a_pin_file_that_others_may_read_is_refused(place, put_in, pin_file):
    ended = get(put_in("eligible"), place, "--card", "--pin-file", pin_file(PIN, 0o644))
    assert (ended.returncode, problem(ended)["code"]) == (7, "secret.permissions")


def test_no_reader_and_no_hub_say_try_again(place, put_in, pin_file, hub):
    nobody = onshi("eligibility", "get", "--card", "--pin-file", pin_file(PIN), "--json", "--terminal",
                   place.folder / "terminals" / "desk", env={"PCSCLITE_CSOCK_NAME": "/nonexistent/pcscd.comm"})
    assert (nobody.returncode, problem(nobody)["code"]) == (6, "reader.unavailable")
    reader = put_in("eligible")
    place.point_terminals_at(1)
    try:
        away = get(reader, place, "--card", "--pin-file", pin_file(PIN))
        assert (away.returncode, problem(away)["code"]) == (6, "peer.unavailable")
    finally:
        place.point_terminals_at(hub.port)


def test_a_card_is_suspended_from_the_reader_and_resumed(place, put_in, pin_file):
    reader = put_in("eligible")
    environment = {"PCSCLITE_CSOCK_NAME": reader.socket}
    call_center = place.folder / "terminals" / "call_center"
    suspended = onshi("card", "suspend", "--card", "--terminal", call_center, "--yes", "--json", env=environment)
    assert suspended.returncode == 0, suspended.stderr
    assert json.loads(suspended.stdout)["suspended"]
    refused = get(reader, place, "--card", "--pin-file", pin_file(PIN))
    assert (refused.returncode, problem(refused)["code"]) == (4, "card.suspended")
    assert onshi("card", "resume", "--card", "--terminal", call_center, "--json", env=environment).returncode == 0
    assert get(reader, place, "--card", "--pin-file", pin_file(PIN)).returncode == 0


def test_a_look_up_by_number_needs_no_card(contract, place, put_in, pin_file):
    by_card = json.loads(get(put_in("eligible"), place, "--card", "--pin-file", pin_file(PIN)).stdout)
    coverage = by_card["coverage"]
    words = ["--insurer", coverage["insurer"]["number"], "--number", coverage["number"], "--birth",
             by_card["person"]["birth_date"], "--limit-consent"]
    if "symbol" in coverage:
        words += ["--symbol", coverage["symbol"]]
    if "branch" in coverage:
        words += ["--branch", coverage["branch"]]
    ended = get(None, place, *words)
    assert ended.returncode == 0, ended.stderr
    answer = json.loads(ended.stdout)
    contract.validate("#/components/schemas/Answer", answer)
    assert answer["coverage"] == coverage and "address" not in answer["person"]


def test_nothing_of_the_readers_is_left(put_in):
    reader = put_in("eligible")
    folder = reader.folder
    process = reader.process
    reader.__exit__()
    assert process.returncode == 0
    assert not folder.exists()
    assert not os.path.exists(reader.socket)


def test_a_card_without_a_pin_is_checked_by_eye(contract, wallet, place, put_in):
    reader = put_in("without_pin")
    refused = get(reader, place, "--card")
    assert problem(refused)["code"] == "card.pin_missing"
    ended = get(reader, place, "--card", "--method", "visual", "--operator", "staff-1", "--reason", "顔認証カード",
                "--register", "agreed")
    assert ended.returncode == 0, ended.stderr
    answer = json.loads(ended.stdout)
    contract.validate("#/components/schemas/Answer", answer)
    assert answer["method"] == "visual" and answer["result"]["name"] == "valid"
    assert answer["person"]["name"] == wallet.persons[wallet.card("without_pin").person_key].name


@pytest.mark.parametrize("words, code", [
    (["--method", "visual"], "command.usage"),
    (["--method", "visual", "--operator", "staff-1"], "command.usage"),
    (["--operator", "staff-1", "--reason", "x"], "command.usage"),
    (["--method", "visual", "--operator", "nobody", "--reason", "x"], "account.unknown"),
])
def test_a_check_by_eye_names_who_looked_and_why(place, put_in, words, code):
    ended = get(put_in("eligible"), place, "--card", *words)
    assert problem(ended)["code"] == code


def test_a_terminal_that_cards_do_not_know_checks_by_pin_only(place, put_in, tmp_path):
    desk = place.folder / "terminals" / "desk"
    (tmp_path / "desk").mkdir()
    lines = [line for line in (desk / "terminal.toml").read_text().splitlines() if not line.startswith("card_")]
    (tmp_path / "desk" / "terminal.toml").write_text("\n".join(lines) + "\n")
    ended = onshi("eligibility", "get", "--terminal", tmp_path / "desk", "--card", "--json", "--method", "visual",
                  "--operator", "staff-1", "--reason", "x", env={"PCSCLITE_CSOCK_NAME": put_in("eligible").socket})
    assert problem(ended)["code"] == "config.missing"
