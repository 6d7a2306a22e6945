"""Checks by number against a real hub, and persons whose answers must not give them away."""

import json
import uuid
from datetime import timedelta

import pytest

from harness.cards import today
from harness.client import Client, eventually
from harness.hub import Hub
from harness.lookups import MY_NUMBER, number_terms, planted, terms_of, without


# --- by number


def test_every_padding_of_an_insurer_number_finds_the_same_person(municipal, look_up):
    _, person, by_card = municipal
    issued = by_card["coverage"]["insurer"]["number"]
    assert len(issued) == 6
    for padded in (issued, "00" + issued, "  " + issued):
        answer = look_up(number_terms(by_card, person, insurer_number=padded, limit_consent=True)).value
        assert answer["result"]["name"] == "valid", padded
        assert answer["person"]["name"] == person.name
        assert answer["coverage"] == by_card["coverage"]


def test_by_number_shows_no_address_and_no_medical_data(municipal, look_up):
    _, person, by_card = municipal
    answer = look_up(number_terms(by_card, person)).value
    assert answer["reference_kind"] == "number"
    assert "address" not in answer["person"] and "next_challenge" not in answer and "method" not in answer
    assert answer["medical_data"] == {"available": False, "reason": "by_number"}


@pytest.mark.parametrize("padding", ["0", "000", " ", "   ", "\u3000\u3000"])
def test_other_paddings_are_no_insurer_numbers(municipal, look_up, padding):
    _, person, by_card = municipal
    number = padding + by_card["coverage"]["insurer"]["number"]
    reply = look_up(number_terms(by_card, person, insurer_number=number))
    assert reply.code == "request.field"
    assert reply.field_codes() == {"/insurer_number": "number.format"}


def test_a_wrong_branch_is_corrected_and_said(municipal, look_up):
    _, person, by_card = municipal
    branch = f"{(int(by_card['coverage']['branch']) + 40) % 100:02}"
    answer = look_up(number_terms(by_card, person, branch=branch)).value
    assert answer["result"]["name"] == "valid"
    assert "note.branch_corrected" in {note["code"] for note in answer["notes"]}
    assert answer["coverage"]["branch"] == by_card["coverage"]["branch"]
    assert look_up(number_terms(by_card, person)).value["notes"] == []


def test_full_width_digits_and_other_dashes_are_the_same_number(municipal, look_up):
    _, person, by_card = municipal
    wide = by_card["coverage"]["number"].translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)})
    assert look_up(number_terms(by_card, person, number=wide)).value["result"]["name"] == "valid"


def test_another_birth_date_finds_nobody(municipal, look_up):
    _, person, by_card = municipal
    answer = look_up(number_terms(by_card, person, birth_date="1901-02-03")).value
    assert answer["result"] == {"code": 4, "name": "none", "cause": "cause.no_match"}
    assert "person" not in answer and "coverage" not in answer


@pytest.mark.parametrize("change, field, code", [
    ({"birth_date": (today() + timedelta(days=1)).isoformat()}, "/birth_date", "date.out_of_range"),
    ({"birth_date": "2025-02-29"}, "/birth_date", "date.no_such_day"),
    ({"birth_date": "19850412"}, "/birth_date", "date.format"),
    ({"insurer_number": "06139464"}, "/insurer_number", "number.check_digit"),
    ({"insurer_number": "0613946A"}, "/insurer_number", "number.format"),
    ({"branch": "1"}, "/branch", "number.format"),
    ({"number": ""}, "/number", "field.missing"),
    ({"number": None}, "/number", "field.missing"),
    ({"number": "1" * 81}, "/number", "field.length"),
    ({"number": 3456}, "/number", "field.type"),
    ({"number": None, "symbol": None, "numbre": "1"}, "/numbre", "field.unknown"),
    ({"check_id": "nonsense"}, "/check_id", "number.format"),
    ({"check_id": "00000000-0000-0000-0000-000000000000"}, "/check_id", "number.format"),
])
def test_a_wrong_term_is_named_with_its_reason(municipal, look_up, change, field, code):
    _, person, by_card = municipal
    reply = look_up(number_terms(by_card, person, **change))
    assert reply.code == "request.field"
    assert reply.field_codes()[field] == code


def test_days_of_care_have_their_bounds(municipal, look_up):
    _, person, by_card = municipal
    for day in (today() - timedelta(days=6 * 365), today() + timedelta(days=32)):
        assert look_up(number_terms(by_card, person, care_day=day.isoformat())).code == "check.care_day"
    assert look_up(number_terms(by_card, person, care_day=(today() + timedelta(days=27)).isoformat())).status == 200


@pytest.mark.parametrize("field", ["number", "symbol", "insurer_number"])
@pytest.mark.parametrize("spelling", [MY_NUMBER, "1234 5678 9018", "1234-5678-9018",
                                      "".join(chr(0xFF10 + int(digit)) for digit in MY_NUMBER), f"記号{MY_NUMBER}"])
def test_an_individual_number_is_refused_and_appears_nowhere(hub, municipal, look_up, field, spelling):
    _, person, by_card = municipal
    reply = look_up(number_terms(by_card, person, **{field: spelling}))
    if field == "insurer_number" and len(spelling.encode()) > 16:
        assert reply.code == "request.field"
    else:
        assert reply.code == "request.my_number"
    shown = reply.body.decode() + json.dumps(reply.headers)
    for trace in (MY_NUMBER, spelling, MY_NUMBER[:8], MY_NUMBER[4:]):
        assert trace not in shown
    assert MY_NUMBER not in hub.log_text()


def test_a_repeated_look_up_gives_the_same_answer_and_other_terms_are_refused(municipal, look_up):
    _, person, by_card = municipal
    terms = number_terms(by_card, person)
    assert look_up(terms).value == look_up(terms).value
    assert look_up({**terms, "birth_date": "1901-02-03"}).code == "challenge.used"

# --- the table of domain-rules §2.4, column "by number"


def outcome(answer):
    return answer["result"]["name"], answer["result"].get("cause")


@pytest.fixture(scope="module")
def siblings(wallet):
    """Two people of one household, born on the same day, insured under one symbol and number: (key, key)."""
    for one, other in planted(wallet.installation, "same_birth_siblings"):
        both = [terms_of(wallet.installation, wallet.persons[key]) for key in (one, other)]
        same = [without(terms, "check_id", "branch") for terms in both]
        if same[0] == same[1] and "branch" in both[0] and both[0]["branch"] != both[1]["branch"]:
            return one, other
    raise AssertionError("no siblings share a number")


def test_siblings_born_on_the_same_day_are_told_apart_by_branch_only(wallet, look_up, siblings):
    terms = [terms_of(wallet.installation, wallet.persons[key]) for key in siblings]
    both = look_up(without(terms[0], "branch")).value
    assert both["result"] == {"code": 5, "name": "several", "cause": "cause.ambiguous"}
    assert "person" not in both and "coverage" not in both
    assert {"audience": "clerk", "code": "next.give_branch"} in both["next"]
    for key, one in zip(siblings, terms):
        answer = look_up({**one, "check_id": str(uuid.uuid4())}).value
        assert answer["person"]["name"] == wallet.persons[key].name
        assert answer["coverage"]["branch"] == one["branch"]
        assert "note.branch_corrected" not in {note["code"] for note in answer["notes"]}


def test_a_number_of_an_earlier_insurer_tells_of_a_newer_one_and_not_which(wallet, look_up):
    installation = wallet.installation
    movers = installation.rows(
        installation.registry, "SELECT person_key, max(insurer_number) FROM coverage_number GROUP BY person_key "
        "HAVING count(DISTINCT insurer_number) = 2 AND count(*) = 2 ORDER BY person_key LIMIT 100")
    for key, _ in movers:
        earlier, later = (terms_of(installation, wallet.persons[key], record=record) for record in (0, 1))
        reply = look_up(earlier)
        if outcome(reply.value) != ("invalid_newer", "cause.newer_coverage"):
            continue
        answer = reply.value
        assert answer["result"]["code"] == 3
        assert answer["coverage"]["number"] == earlier["number"] and answer["coverage"]["lost_on"] <= answer["care_day"]
        shown = json.dumps(without(answer, "audit", "check_id", "receipt"))
        assert f'"{later["insurer_number"]}"' not in shown and f'"{later["number"]}"' not in shown
        assert {"audience": "clerk", "code": "next.use_new_coverage"} in answer["next"]
        assert outcome(look_up(later).value)[0] == "valid"
        return
    raise AssertionError("nobody moved")


def test_a_number_that_ended_is_lapsed_with_its_last_record(wallet, look_up):
    person = wallet.persons[wallet.card("lapsed").person_key]
    answer = look_up(terms_of(wallet.installation, person)).value
    assert answer["result"] == {"code": 2, "name": "invalid", "cause": "cause.lapsed"}
    assert answer["coverage"]["lost_on"] <= answer["care_day"]
    assert {"audience": "clerk", "code": "next.ask_insurer"} in answer["next"]


def test_a_withheld_record_by_number_names_the_insurer_and_nothing_else(wallet, look_up):
    person = wallet.persons[wallet.card("withheld").person_key]
    answer = look_up(terms_of(wallet.installation, person)).value
    assert answer["result"] == {"code": 4, "name": "none", "cause": "cause.withheld"}
    assert answer["coverage"].keys() == {"insurer"}


def test_both_numbers_of_an_overlap_are_good_and_neither_shows_the_other(wallet, look_up, overlapping):
    _, person, by_card = overlapping
    for coverage in (by_card["coverage"], *by_card["overlaps"]):
        answer = look_up(number_terms({"coverage": coverage}, person, limit_consent=True)).value
        assert outcome(answer) == ("valid", None)
        # A certificate of the limit comes with the coverage that counts, by card the newer one.
        assert without(answer["coverage"], "limit_certificate") == without(coverage, "limit_certificate")
        assert "note.overlap" in {note["code"] for note in answer["notes"]}
        assert "overlaps" not in answer


def test_a_lost_row_is_told_to_the_operator_and_keeps_no_sibling_from_an_answer(hub, wallet, look_up, siblings):
    """Last of its kind: it removes a person from the hub's registry and puts them back."""
    one, other = siblings
    installation = hub.installation
    place = "WHERE person_key = ? AND section IN (1, 2)"
    kept = installation.rows(installation.registry, f"SELECT section, version, bytes FROM person_now {place}", (other,))
    assert installation.change(installation.registry, f"DELETE FROM person_now {place}", (other,)) == 2
    terms = without(terms_of(installation, wallet.persons[one]), "branch")
    answer = look_up(terms).value
    assert answer["person"]["name"] == wallet.persons[one].name
    assert eventually(lambda: hub.metric("onshi_lost_holders_total") == 1)
    assert "eligibility.holder_lost" in hub.log_text()
    for section, version, packed in kept:
        installation.change(installation.registry, "INSERT INTO person_now (person_key, section, version, bytes) "
                            "VALUES (?, ?, ?, ?)", (other, section, version, packed))
    assert look_up({**terms, "check_id": str(uuid.uuid4())}).value["result"]["name"] == "several"


# --- undisclosed persons (design §9.10)


def trios(installation):
    """(flagged, plain twin, unregistered twin) as person keys."""
    found = {}
    for line in (installation.folder / "truth.ndjson").read_text().splitlines():
        fault = json.loads(line)
        if fault["fault"] == "protection_plain_twin":
            found.setdefault(fault["other"], {})["plain"] = fault["person"]
        if fault["fault"] == "protection_unregistered_twin":
            found.setdefault(fault["other"], {})["unregistered"] = fault["person"]
    return [(flagged + 1, twins["plain"] + 1, twins["unregistered"] + 1) for flagged, twins in sorted(found.items())]


def unnamed(answer):
    """What is left of an answer when everything that is a name of somebody or something is taken out."""
    rest = without(answer, "receipt", "check_id", "answered_at", "audit", "next_challenge")
    rest["freshness"] = without(answer["freshness"], "as_of")
    if "person" in rest:
        rest["person"] = without(answer["person"], "person_ref")
    if "coverage" in rest:
        rest["coverage"] = without(answer["coverage"], "symbol", "number", "branch")
    return rest


def test_an_undisclosed_person_answers_by_number_like_anybody(hub, wallet, look_up):
    checked = 0
    for flagged, plain, _ in trios(hub.installation):
        answers = [look_up(terms_of(hub.installation, wallet.persons[key])) for key in (flagged, plain)]
        assert [answer.status for answer in answers] == [200, 200]
        assert unnamed(answers[0].value) == unnamed(answers[1].value)
        assert answers[0].headers.keys() == answers[1].headers.keys()
        checked += 1
    assert checked >= 3


def test_a_blocked_persons_card_answers_like_an_unregistered_one(hub, wallet, check):
    checked = 0
    for flagged, plain, unregistered in trios(hub.installation):
        cards = {key: wallet.issue(key) for key in (flagged, plain, unregistered)}
        if not wallet.persons[flagged].blocked:
            # Hidden from the portal's log only: an ordinary card.
            both = [unnamed(check(cards[key]).value) for key in (flagged, plain)]
            assert both[0] == both[1]
            continue
        for blocked_wish, twin_wish in (({}, {}), ({"registration": "declined"},) * 2,
                                        ({"registration": "agreed"}, {"registration": "declined"})):
            both = [check(cards[flagged], blocked_wish), check(cards[unregistered], twin_wish)]
            assert unnamed(both[0].value) == unnamed(both[1].value)
            assert len(both[0].body) == len(both[1].body)
        checked += 1
    assert checked >= 1


# --- many at once


def bulk(desk, *terms):
    return desk.post("/v1/checks/by-number/bulk", {"checks": list(terms)})


def test_a_list_is_answered_person_by_person_in_its_order(municipal, overlapping, desk, look_up):
    _, person, by_card = municipal
    _, other, other_card = overlapping
    good, second = number_terms(by_card, person), number_terms(other_card, other)
    wrong = number_terms(by_card, person, insurer_number="06139464")
    reply = bulk(desk, good, wrong, second, number_terms(by_card, person, birth_date="1901-02-03"))
    assert reply.status == 200
    first, problem, third, nobody = reply.value["answers"]
    assert first["answer"]["person"]["name"] == person.name and "problem" not in first
    assert problem == {"check_id": wrong["check_id"],
                       "problem": {"code": "number.check_digit", "retry": {"advice": "after_change"}}}
    assert third["answer"]["person"]["name"] == other.name and third["check_id"] == second["check_id"]
    assert nobody["answer"]["result"]["cause"] == "cause.no_match"
    # The same as alone, and the same id again is the same answer.
    alone = look_up({**good, "check_id": str(uuid.uuid4())}).value
    ours = ("receipt", "check_id", "answered_at", "audit", "freshness")
    assert without(first["answer"], *ours) == without(alone, *ours)
    again = bulk(desk, good).value["answers"][0]["answer"]
    assert again["receipt"] == first["answer"]["receipt"]


@pytest.mark.parametrize("change, code", [
    ({"insurer_number": None}, "number.format"), ({"number": None}, "number.format"),
    ({"birth_date": "1985"}, "date.format"), ({"care_day": "2026-13-01"}, "date.no_such_day"),
    ({"branch": "1"}, "number.format"), ({"number": MY_NUMBER}, "request.my_number"),
    ({"care_day": "1999-01-01"}, "check.care_day"),
])
def test_what_is_wrong_with_one_person_of_a_list_is_that_persons_problem(municipal, desk, change, code):
    _, person, by_card = municipal
    wrong, good = bulk(desk, number_terms(by_card, person, **change), number_terms(by_card, person)).value["answers"]
    assert wrong["problem"]["code"] == code
    assert good["answer"]["result"]["name"] == "valid"


def test_a_list_has_one_to_five_hundred_persons(municipal, desk):
    _, person, by_card = municipal
    terms = number_terms(by_card, person)
    assert bulk(desk).code == "request.field"
    many = [{**terms, "check_id": str(uuid.uuid4())} for _ in range(500)]
    answers = bulk(desk, *many).value["answers"]
    assert [one["check_id"] for one in answers] == [one["check_id"] for one in many]
    assert {one["answer"]["result"]["name"] for one in answers} == {"valid"}
    assert bulk(desk, *many, terms).code == "request.field"
    assert bulk(desk, {**terms, "extra": "x"}).code == "request.field"
    assert bulk(desk, {**terms, "check_id": "x"}).code == "request.field"


# --- the budget of misses, last because it spends it


def test_misses_by_number_have_a_budget_and_repeats_cost_nothing(new_installation, tmp_path, contract, municipal):
    _, person, by_card = municipal
    with Hub(new_installation(), tmp_path, "--misses-per-hour", 2) as own:
        with Client(contract, own, own.installation.terminal("desk")) as desk:
            miss = number_terms(by_card, person, birth_date="1901-02-03")
            replies = [desk.post("/v1/checks/by-number", miss) for _ in range(3)]
            assert [reply.status for reply in replies] == [200, 200, 200], "one miss, asked three times"
            assert replies[0].value == replies[1].value == replies[2].value
            second = number_terms(by_card, person, birth_date="1901-02-03")
            assert desk.post("/v1/checks/by-number", second).status == 200
            assert desk.post("/v1/checks/by-number", number_terms(by_card, person)).code == "check.misses"
            repeated = desk.post("/v1/checks/by-number", second)
            assert repeated.status == 200, "an answer that was given is given again"
        with Client(contract, own, own.installation.terminal("desk-2")) as other:
            assert other.post("/v1/checks/by-number", number_terms(by_card, person)).status == 200
