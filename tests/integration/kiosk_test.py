"""The kiosk's local interface: one page with a one-time token, states as server-sent events, events with a revision."""

import json
import stat

import pytest

from harness.desk import DeskProcess
from harness.installation import onshi
from harness.kiosk import Page, check_state

@pytest.fixture(scope="module")
def desk(hub, tmp_path_factory):
    with DeskProcess(hub.installation, hub, tmp_path_factory.mktemp("kiosk"), "--kiosk-port", 0, "--kiosk-reader", "none") as running:
        yield running


@pytest.fixture
def page(desk):
    return Page(desk)


def test_a_page_opens_with_the_token_once(page):
    assert stat.S_IMODE((page.desk.terminal.folder / "kiosk.token").stat().st_mode) == 0o600
    used = page.token()
    assert page.open()["state"] == "IDLE"
    assert page.send("POST", "/kiosk/session", {"token": used})[0] == 403
    assert page.send("POST", "/kiosk/session", {"token": ""})[0] == 403
    assert page.token() != used


def test_without_a_session_nothing_is_told_or_taken(page):
    assert page.event(0, "help")[0] == 403
    assert page.send("GET", "/kiosk/events")[0] == 403
    page.cookie = "onshi-kiosk=wrong"
    assert page.event(0, "help")[0] == 403


def test_another_host_and_another_page_are_refused(page):
    page.open()
    assert page.send("POST", "/kiosk/event", {"rev": 0, "event": "help"}, Host="evil.example")[0] >= 400
    assert page.send("POST", "/kiosk/event", {"rev": 0, "event": "help"}, Origin="http://evil.example")[0] >= 400


def test_a_newer_page_ends_the_session_of_the_older(page):
    page.open()
    newer = Page(page.desk)
    state = newer.open()
    assert page.event(state["rev"], "touch")[0] == 403
    assert newer.event(state["rev"], "mode", mode="big")[0] == 200


def test_every_change_is_sent_and_an_event_for_an_older_state_is_refused(page):
    state = page.open()
    stream = page.listen()
    assert next(stream)["rev"] == state["rev"]
    status, slow = page.event(state["rev"], "mode", mode="slow")
    assert status == 200 and slow["modes"]["slow"] is True and slow["rev"] > state["rev"]
    assert next(stream) == slow
    status, present = page.event(state["rev"], "mode", mode="voice")
    assert status == 409 and present == slow
    status, helped = page.event(slow["rev"], "help")
    assert status == 200 and helped["overlay"] == "HELP_CALLED" and helped["allow"] == []
    assert next(stream)["overlay"] == "HELP_CALLED"


@pytest.mark.parametrize("body", [
    {"rev": 1, "event": "pin.ok"}, {"rev": 1, "event": "card.in"}, {"rev": 1, "event": "help.release"},
    {"rev": 1, "event": "pin.submit", "pin": "1234"}, {"event": "help"}, {"rev": 1}, [], {"rev": 1, "event": "x"},
])
def test_a_page_cannot_play_card_or_staff(page, body):
    page.open()
    status, _, answer = page.send("POST", "/kiosk/event", body)
    assert status in (400, 422) and json.loads(answer)["code"].startswith("request.")


def test_a_script_drives_the_screens(tmp_path):
    script = tmp_path / "script"
    lines = [{"event": "ready"}, {"event": "card.in"}, {"event": "read.ok"}, {"event": "pin"}, {"event": "pin.submit"},
             {"event": "pin.ok"}, {"event": "checked", "result": "ok", "forty_or_older": True}, {"event": "all"},
             {"event": "submitted"}, {"after_ms": 10_000, "event": "tick"}, {"event": "card.out"}]
    script.write_text("".join(json.dumps(line) + "\n" for line in lines))
    shown = onshi("terminal", "simulate", "--script", script, "--json")
    assert shown.returncode == 0, shown.stderr
    states = [check_state(line) for line in shown.stdout.splitlines()]
    assert [state["state"] for state in states] == [
        "IDLE", "READING", "METHOD", "PIN", "PIN", "CHECKING", "CONSENT", "SUBMITTING", "DONE", "CARD_LEFT", "IDLE"]
    assert states[6]["params"]["items"] == ["surgery", "care_and_medicine", "checkups"]
    for wrong in ("{}", "{", '{"event":"nothing"}'):
        script.write_text(wrong)
        assert onshi("terminal", "simulate", "--script", script).returncode != 0
