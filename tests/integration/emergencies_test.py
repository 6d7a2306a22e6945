"""Parts of the hub that are declared away, and disasters: through the API, the command line and a real terminal."""

import json
import uuid
import xml.etree.ElementTree as ElementTree
from datetime import timedelta

import pytest

from harness.cards import today
from harness.client import eventually
from harness.desk import DeskProcess, insured_persons, search_terms, single_request
from harness.installation import onshi
from harness.kiosk import Page


def parse(data):
    return ElementTree.fromstring(data.decode("utf-8"))


def value(root, name):
    found = root.findall(f".//{name}")
    assert len(found) <= 1, name
    return found[0].text if found else None


def command(hub, *words):
    done = onshi(*words, "--config", hub.installation.settings, "--json")
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def centre(connect):
    return connect("operator")


@pytest.fixture(scope="module")
def place(hub, desk):
    """The municipality of the desk's facility, as the registry has it."""
    rows = hub.installation.rows(
        hub.installation.registry,
        "SELECT p.municipality FROM organisation_place p JOIN organisation o ON o.organisation_key = p.organisation_key "
        f"WHERE o.kind = 1 AND o.code = {int(desk.terminal.facility)}")
    return f"{rows[0][0]:06}"


def days(first, last):
    return {"first_day": (today() + timedelta(days=first)).isoformat(),
            "last_day": (today() + timedelta(days=last)).isoformat()}


# --- outages


def test_an_outage_is_told_to_every_terminal_until_it_is_lifted(centre, desk):
    assert desk.get("/v1/modes").value["outages"] == []
    order = {"dependency": "insurer_files", "operator": "sato"}
    told, = centre.post("/v1/outages", order).value["outages"]
    assert (told["dependency"], told["mode"], told["declared"]) == ("insurer_files", "answers_late", True)
    eventually(lambda: desk.get("/v1/modes").value["outages"] == [told])
    assert centre.post("/v1/outages", {**order, "operator": "suzuki"}).value["outages"] == [told], "the same again"
    assert centre.post("/v1/outages/lift", order).value["outages"] == []
    eventually(lambda: desk.get("/v1/modes").value["outages"] == [])


@pytest.mark.parametrize("path, body", [
    ("/v1/outages", {"dependency": "ledger"}), ("/v1/outages/lift", {"dependency": "ledger"}),
    ("/v1/disasters", {"municipality": "131016", **days(0, 1)}), ("/v1/disasters/1/confirm", {}),
    ("/v1/disasters/1/end", {})])
def test_only_the_centre_decides_and_by_people_whom_it_has_named(centre, desk, path, body):
    assert desk.post(path, {**body, "operator": "sato"}).code == "role.missing"
    assert centre.post(path, {**body, "operator": "nobody"}).code == "account.unknown"
    assert centre.post(path, body).field_codes() == {"/operator": "field.missing"}


def test_a_part_that_nobody_knows_is_refused(centre):
    reply = centre.post("/v1/outages", {"dependency": "weather", "operator": "sato"})
    assert reply.field_codes() == {"/dependency": "field.value"}


def test_cards_are_answered_with_coverage_only_while_their_status_is_away(hub, check, eligible):
    assert check(eligible).value["medical_data"]["available"]
    code, told = command(hub, "outage", "declare", "card_status", "--operator", "sato")
    assert code == 0 and [outage["mode"] for outage in told] == ["coverage_only"]
    eventually(lambda: check(eligible).value["medical_data"] == {"available": False, "reason": "card_status_old"})
    assert command(hub, "outage", "list")[1] == told
    assert command(hub, "outage", "lift", "card_status", "--operator", "suzuki") == (0, [])
    eventually(lambda: check(eligible).value["medical_data"]["available"])


def test_a_terminal_enters_and_leaves_the_modes_by_itself(hub, tmp_path, wallet):
    with DeskProcess(hub.installation, hub, tmp_path / "desk", "--modes-seconds", "1", "--kiosk-port", "0",
                     "--kiosk-reader", "none") as running:
        page = Page(running)
        assert "desk" not in page.open()
        person, = insured_persons(wallet, 1)
        terms = search_terms(hub.installation, person)
        ask = lambda number: parse(running.ask(str(number), single_request(running, terms)))
        assert value(ask(1), "QualificationValidity") == "1"
        status = ("terminal", "status", "--terminal", running.terminal.folder, "--hub", f"https://127.0.0.1:{hub.port}",
                  "--terminal-store-folder", running.work / "store", "--json")
        assert command(hub, "outage", "declare", "ledger", "--operator", "sato")[0] == 0
        running.wait_until(lambda: '"kind":"without_hub"' in running.log_text())
        assert page.state()["desk"] == "without_hub", "the kiosk's page says so, too"
        root = ask(2)
        assert value(root, "SegmentOfResult") == "9"
        assert "センター" in value(root, "ErrorMessage")
        seen = json.loads(onshi(*status).stdout)
        modes, = [check for check in seen["checks"] if check["name"] == "modes"]
        assert modes["code"] == "outage.declared" and "ledger" in modes["detail"] and "without_hub" in modes["detail"]
        assert command(hub, "outage", "lift", "ledger", "--operator", "sato")[0] == 0
        running.wait_until(lambda: '"kind":"normal"' in running.log_text())
        assert "desk" not in page.state()
        running.wait_until(lambda: (running.res / "OQSsiquc01res_2-late.xml").exists())
        late = parse((running.res / "OQSsiquc01res_2-late.xml").read_bytes())
        assert value(late, "QualificationValidity") == "1", "what was deferred is made up for by itself"
        seen = json.loads(onshi(*status).stdout)
        assert [check for check in seen["checks"] if check["name"] in ("modes", "records") and not check["ok"]] == []


def test_while_answers_are_late_the_result_of_whom_nobody_knows_says_so(hub, tmp_path, wallet):
    with DeskProcess(hub.installation, hub, tmp_path / "desk", "--modes-seconds", "1") as running:
        person, = insured_persons(wallet, 1)
        terms = {**search_terms(hub.installation, person), "Birthdate": "19010203"}
        assert command(hub, "outage", "declare", "resident_register", "--operator", "sato")[0] == 0
        running.wait_until(lambda: '"kind":"answers_late"' in running.log_text())
        root = parse(running.ask("1", single_request(running, terms)))
        assert value(root, "QualificationValidity") == "4"
        assert "申立書" in value(root, "ProcessingResultMessage")
        assert command(hub, "outage", "lift", "resident_register", "--operator", "sato")[0] == 0
        running.wait_until(lambda: '"kind":"normal"' in running.log_text())


# --- disasters


def ask_in_disaster(desk, person, **changes):
    return desk.post("/v1/checks/disaster", {
        "check_id": str(uuid.uuid4()), "kana": person.kana or person.name, "birth_date": person.birth_date,
        "sex": person.sex, "address": person.address, "ground": "agreed", "operator": "staff-1", **changes})


def test_a_disaster_opens_look_ups_without_the_card_by_two_persons_and_ends(centre, desk, place, municipal):
    _, person, by_card = municipal
    assert ask_in_disaster(desk, person).code == "disaster.not_open"
    declared = centre.post("/v1/disasters", {"municipality": place, "operator": "sato", **days(0, 6)})
    assert declared.status == 201 and declared.value["state"] == "waiting"
    path = f"/v1/disasters/{declared.value['disaster']}"
    assert ask_in_disaster(desk, person).code == "disaster.not_open"
    assert centre.post(f"{path}/confirm", {"operator": "sato"}).code == "disaster.second_person"
    assert centre.post(f"{path}/confirm", {"operator": "suzuki"}).value["state"] == "open"
    assert centre.post(f"{path}/confirm", {"operator": "suzuki"}).code == "disaster.state"
    answer = ask_in_disaster(desk, person).value
    assert answer["reference_kind"] == "disaster" and answer["disaster"] == {"ground": "agreed"}
    assert answer["result"]["name"] == "valid" and answer["medical_data"]["available"]
    assert answer["person"]["name"] == person.name and "address" not in answer["person"]
    assert answer["coverage"]["insurer"] == by_card["coverage"]["insurer"]
    assert answer["coverage"]["number"] == by_card["coverage"]["number"]
    assert answer["coverage"]["limit_category_state"] == "not_shown", "nobody has agreed to tell it"
    eventually(lambda: desk.get("/v1/modes").value.get("disaster", {}).get("municipality") == place)
    assert ask_in_disaster(desk, person, ground="impossible").value["disaster"] == {"ground": "impossible"}
    assert ask_in_disaster(desk, person, operator="nobody").code == "account.unknown"
    assert ask_in_disaster(desk, person, birth_date="1901-02-03").value["result"]["name"] == "none"
    assert centre.post(f"{path}/end", {"operator": "sato"}).value["state"] == "over"
    assert ask_in_disaster(desk, person).code == "disaster.not_open"
    listed = centre.get("/v1/disasters").value["disasters"]
    assert listed[0]["confirmed_by"] == "suzuki" and listed[0]["ended_by"] == "sato"


def test_another_municipality_opens_nothing_here(hub, desk, place, municipal):
    elsewhere = next(code for code in ("131016", "271004") if code != place)
    code, declared = command(hub, "disaster", "declare", "--municipality", elsewhere, "--from", today().isoformat(),
                             "--to", today().isoformat(), "--operator", "sato")
    assert code == 0
    number = declared[0]["disaster"]
    assert command(hub, "disaster", "confirm", number, "--operator", " Sato ")[0] != 0, "the same person"
    assert command(hub, "disaster", "confirm", number, "--operator", "suzuki")[1][0]["state"] == "open"
    assert ask_in_disaster(desk, municipal[1]).code == "disaster.not_open"
    assert command(hub, "disaster", "end", number, "--operator", "suzuki")[1][0]["state"] == "over"
    assert number in {disaster["disaster"] for disaster in command(hub, "disaster", "list")[1]}


def test_a_facility_is_placed_in_another_municipality_and_its_disasters_are_that_ones(hub, desk, place, municipal):
    facility = desk.terminal.facility
    code, shown = command(hub, "facility", "show", facility)
    assert code == 0 and (shown[0]["facility"], shown[0]["municipality"]) == (facility, place) and shown[0]["name"]
    elsewhere = next(other for other in ("131016", "271004") if other != place)
    number = command(hub, "disaster", "declare", "--municipality", elsewhere, "--from", today().isoformat(), "--to",
                     today().isoformat(), "--operator", "sato")[1][0]["disaster"]
    assert command(hub, "disaster", "confirm", number, "--operator", "suzuki")[0] == 0
    assert ask_in_disaster(desk, municipal[1]).code == "disaster.not_open"
    put = ("facility", "place", facility, "--municipality")
    assert command(hub, *put, elsewhere, "--operator", "sato")[1][0]["municipality"] == elsewhere
    assert ask_in_disaster(desk, municipal[1]).value["result"]["name"] == "valid", "with the next look-up"
    assert command(hub, *put, place, "--operator", "sato")[1][0]["municipality"] == place
    assert ask_in_disaster(desk, municipal[1]).code == "disaster.not_open"
    moves = lambda: hub.installation.rows(hub.installation.ledger,
                                          "SELECT count(*) FROM audit_record WHERE actor = 'sato' AND event IN (8, 55)")
    before = moves()
    assert command(hub, *put, place, "--operator", "sato")[0] == 0 and moves() == before, "nothing has changed"
    assert before[0][0] >= 2, "both moves are on record"
    assert command(hub, "disaster", "end", number, "--operator", "suzuki")[0] == 0
    assert onshi(*put, "131017", "--operator", "sato", "--config", hub.installation.settings).returncode != 0
    assert onshi("facility", "show", "0110113719", "--config", hub.installation.settings, "--json").returncode != 0


@pytest.mark.parametrize("first, last", [(1, 0), (-3, -1), (0, 92)])
def test_a_period_that_is_over_backwards_or_too_long_is_refused(centre, place, first, last):
    reply = centre.post("/v1/disasters", {"municipality": place, "operator": "sato", **days(first, last)})
    assert reply.code == "disaster.period"


def test_what_is_announced_is_not_open_yet(centre, desk, place, municipal):
    declared = centre.post("/v1/disasters", {"municipality": place, "operator": "sato", **days(1, 2)}).value
    path = f"/v1/disasters/{declared['disaster']}"
    assert centre.post(f"{path}/confirm", {"operator": "suzuki"}).value["state"] == "announced"
    assert ask_in_disaster(desk, municipal[1]).code == "disaster.not_open"
    centre.post(f"{path}/end", {"operator": "sato"})


def test_everything_that_was_decided_is_in_the_chain(hub):
    events = {event for event, in hub.installation.rows(hub.installation.ledger, "SELECT event FROM audit_record")}
    assert {50, 51, 52, 53, 54} <= events
