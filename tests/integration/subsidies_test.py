"""Certificates of limits, diseases and subsidies: imported, offered with a check, chosen at the kiosk, capped over all
facilities."""

import csv
import json
import uuid
import xml.etree.ElementTree as ElementTree

import pytest

from harness.cards import CheckOrder
from harness.client import Client
from harness.hub import Hub
from harness.installation import onshi
from harness.lookups import number_terms

SOME_FAILED = 8
USAGE = 2
SUBSIDY_CHOSEN = 41  # src/domain/audit/model.h
HEADER = ("operation,kind,individual_number,valid_from,valid_to,payer_number,recipient_number,name,monthly_cap,"
          "income_class,refund_only,issued_on,limit_kind,long_term_on,disease")
ORDINANCES = """
[[municipalities]]
code = "130001"
name = "東京都"
connected_from = 2026-04-01
"""
NUMBER = "123456789018"  # passes its check digit, belongs to nobody


@pytest.fixture(scope="module")
def sick(hub, find_covered):
    """A person whom the nation gave a certificate of a specific disease, with the answer by card."""
    rows = hub.installation.rows(hub.installation.registry, "SELECT person_key, packed FROM person_certificate")
    keys = {key for key, packed in rows if packed[1] == 2}
    assert keys, "nobody has a certificate of a specific disease"
    return find_covered(lambda person: person.key in keys)


@pytest.fixture(scope="module")
def subsidised(find_covered):
    """A person who is offered a subsidy with a monthly cap (a national programme of a prefecture)."""
    return find_covered(lambda person: True, lambda answer: any(
        "特定医療費" in offer["name"] or "自立支援" in offer["name"]
        for offer in answer.get("subsidies", {"offered": []})["offered"]))


def capped_offer(answer):
    return next(offer["offer"] for offer in answer["subsidies"]["offered"]
                if "特定医療費" in offer["name"] or "自立支援" in offer["name"])


def path(answer, what):
    return f"/v1/checks/{answer['receipt']}/{what}"


def posting(share, **more):
    return {"posting_id": str(uuid.uuid4()), "setting": "outpatient", "share": share, **more}


# --- what a check tells


def test_every_answer_by_card_says_whether_subsidies_are_known(eligible, check):
    answer = check(eligible).value
    assert answer["subsidies"]["state"] in ("known", "unknown")
    for offer in answer["subsidies"]["offered"]:
        assert set(offer) <= {"offer", "name", "municipality", "connection", "valid_from", "valid_to"}


def test_diseases_come_with_their_consent_only(desk, check, sick):
    card, _, answer = sick
    assert "specific_diseases" not in str(answer)
    refused = desk.post(path(answer, "consents"), {"consents": [{"item": "specific_disease", "choice": "refused"}]})
    assert refused.status == 200 and "specific_diseases" not in refused.value
    answer = check(card).value
    agreed = desk.post(path(answer, "consents"), {"consents": [{"item": "specific_disease", "choice": "agreed"}]}).value
    (disease,) = agreed["specific_diseases"]
    assert disease["disease"] in (1, 2, 3) and disease["self_pay"] in (10000, 20000)


def test_by_number_the_limit_needs_a_recorded_consent(look_up, municipal):
    _, person, by_card = municipal
    silent = look_up(number_terms(by_card, person)).value
    assert silent["coverage"]["limit_category_state"] == "not_shown"
    assert "limit_category" not in silent["coverage"] and "limit_certificate" not in silent["coverage"]
    assert "subsidies" not in silent
    told = look_up(number_terms(by_card, person, limit_consent=True)).value
    assert told["coverage"]["limit_category"] == by_card["coverage"]["limit_category"]
    assert told["coverage"]["limit_category_state"] == "present"


def test_the_command_line_says_that_a_limit_is_kept_back(hub, municipal):
    _, person, by_card = municipal
    terms = number_terms(by_card, person)
    hub.installation.point_terminals_at(hub.port)
    words = ["--insurer", terms["insurer_number"], "--number", terms["number"], "--birth", person.birth_date,
             "--terminal", hub.installation.folder / "terminals" / "desk"]
    words += ["--symbol", terms["symbol"]] if "symbol" in terms else []
    silent = onshi("eligibility", "get", *words)
    assert silent.returncode == 0, silent.stderr
    assert "not shown without the patient's consent" in silent.stdout
    told = onshi("eligibility", "get", *words, "--limit-consent")
    assert told.returncode == 0 and "not shown" not in told.stdout, told.stderr


# --- the choice, and the book of monthly caps


def test_a_choice_is_told_in_full_and_the_same_again(desk, check, subsidised):
    card, _, _ = subsidised
    answer = check(card).value
    offer = capped_offer(answer)
    chosen = desk.post(path(answer, "subsidies"), {"chosen": [{"offer": offer}]}).value
    (one,) = chosen["chosen"]
    assert one["offer"] == offer and one["payer_number"][:2] in ("21", "54")
    assert one["cap_book"]["cap"] == one["monthly_cap"] > 0
    assert desk.post(path(answer, "subsidies"), {"chosen": [{"offer": offer}]}).value == chosen
    other = desk.post(path(answer, "subsidies"), {"none": True})
    assert (other.status, other.code) == (409, "subsidy.chosen")


def test_a_patient_may_use_none(desk, check, subsidised):
    answer = check(subsidised[0]).value
    assert desk.post(path(answer, "subsidies"), {"none": True}).value["chosen"] == []
    late = desk.post(path(answer, "payments"), posting(100, offer=capped_offer(answer)))
    assert (late.status, late.code) == (409, "subsidy.not_chosen")


@pytest.mark.parametrize(("body", "pointer", "code"), [
    ({}, "/none", "field.value"),
    ({"none": True, "chosen": [{"offer": 1}]}, "/none", "field.value"),
    ({"chosen": []}, "/chosen", "field.range"),
    ({"chosen": [{"offer": 0}]}, "/chosen/0/offer", "field.range"),
    ({"chosen": [{"offer": 1}, {"offer": 1}]}, "/chosen/1/offer", "field.value"),
    ({"none": True, "name": "x"}, "/name", "field.unknown"),
])
def test_wrong_choices_are_pointed_at(desk, check, subsidised, body, pointer, code):
    answer = check(subsidised[0]).value
    assert desk.post(path(answer, "subsidies"), body).field_codes().get(pointer) == code


def test_the_cap_holds_over_two_facilities(desk, connect, check, order, subsidised):
    card, _, _ = subsidised
    answer = check(card).value
    offer = capped_offer(answer)
    (one,) = desk.post(path(answer, "subsidies"), {"chosen": [{"offer": offer}]}).value["chosen"]
    left = one["cap_book"]["remaining"]
    first = desk.post(path(answer, "payments"), posting(left - 100, offer=offer)).value
    assert first["collect"] == left - 100 and first["cap_book"]["remaining"] == 100

    second_desk = connect("desk-2")
    elsewhere = order(card).but(terminal=second_desk.terminal, challenge=second_desk.challenge())
    there = second_desk.post("/v1/checks", elsewhere.body()).value
    second_desk.post(path(there, "subsidies"), {"chosen": [{"offer": offer}]})
    last = posting(1000, offer=offer)
    second = second_desk.post(path(there, "payments"), last).value
    assert (second["collect"], second["cap_book"]["remaining"]) == (100, 0)
    assert second["sentences"]["en"]
    assert second["year"]["paid"] >= left
    # A repeat is the same payment, other contents are another one.
    again = second_desk.post(path(there, "payments"), last).value
    assert (again["collect"], again["receipt"]) == (100, second["receipt"])
    used = second_desk.post(path(there, "payments"), {**last, "share": 1})
    assert (used.status, used.code) == (409, "payments.posting_used")
    # Nobody takes back what another facility posted.
    reversal = {"posting_id": last["posting_id"]}
    foreign = desk.post(path(answer, "payments/reverse"), reversal)
    assert (foreign.status, foreign.code) == (404, "payments.posting_unknown")
    back = second_desk.post(path(there, "payments/reverse"), reversal).value
    assert back["reversed"] and back["cap_book"]["remaining"] == 100


def test_choices_and_payments_belong_to_their_facility(connect, check, subsidised):
    answer = check(subsidised[0]).value
    other = connect("desk-2")
    for what, body in (("subsidies", {"none": True}), ("payments", posting(1))):
        reply = other.post(path(answer, what), body)
        assert (reply.status, reply.code) == (404, "check.receipt")


# --- at a counter, through the terminal's own way to the hub


@pytest.fixture(scope="module")
def pin(tmp_path_factory):
    file = tmp_path_factory.mktemp("pin") / "pin"
    file.write_text("1234\n")
    file.chmod(0o600)
    return file


@pytest.fixture(scope="module")
def get_by_card(hub, pin, tmp_path_factory):
    """`onshi eligibility get` with the person's card at the desk."""
    hub.installation.point_terminals_at(hub.port)

    def get(person, *words):
        image = tmp_path_factory.mktemp("card") / "card.json"
        made = onshi("card", "new-test", "--installation", hub.installation.folder, "--person", person.key - 1, "--out", image)
        assert made.returncode == 0, made.stderr
        return onshi("eligibility", "get", "--card-image", image, "--pin-file", pin, "--terminal",
                     hub.installation.folder / "terminals" / "desk", *words)

    return get


def choices_on_record(installation):
    (count,), = installation.rows(installation.ledger, "SELECT count(*) FROM audit_record WHERE event = ?",
                                  (SUBSIDY_CHOSEN,))
    return count


def test_a_choice_at_the_counter_goes_with_the_check_and_is_on_record(hub, get_by_card, subsidised):
    _, person, by_card = subsidised
    offer = capped_offer(by_card)
    before = choices_on_record(hub.installation)
    done = get_by_card(person, "--subsidies", str(offer), "--json")
    assert done.returncode == 0, done.stderr
    answer, chosen = map(json.loads, done.stdout.splitlines())
    assert (answer["schema"], chosen["schema"]) == ("onshi.eligibility/1", "onshi.subsidies/1")
    (one,) = chosen["chosen"]
    assert one["offer"] == offer and one["recipient_number"] and one["cap_book"]["cap"] > 0
    assert choices_on_record(hub.installation) == before + 1
    told = get_by_card(person, "--subsidies", str(offer))
    assert told.returncode == 0 and one["payer_number"] in told.stdout and "left this month" in told.stdout, told.stderr
    none = get_by_card(person, "--subsidies", "none", "--json")
    assert none.returncode == 0 and json.loads(none.stdout.splitlines()[1])["chosen"] == []
    assert choices_on_record(hub.installation) == before + 3
    audited = onshi("audit", "verify", "--config", hub.installation.settings)
    assert audited.returncode == 0, audited.stderr
    wrong = get_by_card(person, "--subsidies", "60")
    assert wrong.returncode != 0 and "subsidy.not_offered" in wrong.stderr


def test_the_face_file_has_the_disease_and_the_limit_with_their_consents(get_by_card, sick, tmp_path):
    _, person, by_card = sick
    done = get_by_card(person, "--consent", "specific_disease", "--consent", "medicines", "--face-file", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    consents = json.loads(done.stdout.splitlines()[1])
    (disease,) = consents["specific_diseases"]
    (file,) = (tmp_path / "face").glob("*.xml")
    record = ElementTree.fromstring(file.read_bytes()).find(".//ResultOfQualificationConfirmation")
    block = record.find("SpecificDiseasesCertificateList/SpecificDiseasesCertificateInfo")
    assert record.findtext("SpecificDiseasesCertificateRelatedConsFlg") == "1"
    assert block.findtext("SpecificDiseasesDiseaseCategory") == str(disease["disease"])
    assert block.findtext("SpecificDiseasesSelfPay") == str(disease["self_pay"])
    assert block.findtext("SpecificDiseasesCertificateDate") == disease["issued_on"].replace("-", "")
    assert record.findtext("PharmacistsInfoConsFlg") == "1" and record.findtext("DiagnosisInfoConsFlg") == "0"
    info = record.find("LimitApplicationCertificateRelatedInfo")
    assert info.findtext("LimitApplicationCertificateClassificationFlag") == by_card["coverage"]["limit_category"]
    without = get_by_card(person, "--face-file", tmp_path / "other")
    assert without.returncode == 0, without.stderr
    (file,) = (tmp_path / "other" / "face").glob("*.xml")
    text = file.read_text(encoding="utf-8")
    assert "<SpecificDiseasesCertificateRelatedConsFlg>0<" in text and "SpecificDiseasesCertificateInfo" not in text


def test_consents_and_choices_are_of_checks_by_card(get_by_card, subsidised, hub):
    _, person, _ = subsidised
    for words in (("--subsidies", "x"), ("--subsidies", "1,"), ("--subsidies", "0"), ("--consent", "everything"),
                  ("--consent", "visits", "--consent", "visits")):
        assert get_by_card(person, *words).returncode == USAGE, words
    by_number = onshi("eligibility", "get", "--insurer", "06139463", "--number", "1", "--birth", "1985-04-12",
                      "--subsidies", "1", "--terminal", hub.installation.folder / "terminals" / "desk")
    assert by_number.returncode == USAGE


def test_a_choice_outlives_a_killed_hub(contract, new_installation, tmp_path_factory, subsidised):
    """What was told is on record: the same choice gives the same answer, another one is refused."""
    card, person, _ = subsidised
    installation = new_installation()
    with Hub(installation, tmp_path_factory.mktemp("killed")) as hub:
        with Client(contract, hub, installation.terminal("desk")) as desk:
            order = CheckOrder(desk.terminal, card, desk.challenge())
            answer = desk.post("/v1/checks", order.body()).value
            chosen = desk.post(path(answer, "subsidies"), {"chosen": [{"offer": capped_offer(answer)}]}).value
            posted = posting(1000, offer=capped_offer(answer))
            paid = desk.post(path(answer, "payments"), posted).value
        hub.kill()
        hub.start()
        with Client(contract, hub, installation.terminal("desk")) as desk:
            assert desk.post(path(answer, "subsidies"), {"none": True}).code == "subsidy.chosen"
            again = desk.post(path(answer, "payments"), posted).value
            assert (again["collect"], again["receipt"], again["cap_book"]) == (paid["collect"], paid["receipt"], paid["cap_book"])
            same = desk.post(path(answer, "subsidies"), {"chosen": [{"offer": capped_offer(answer)}]}).value
            assert same["receipt"] == chosen["receipt"]


# --- onshi subsidy import, onshi payments ordinances


@pytest.fixture(scope="module")
def member_number(hub, tmp_path_factory):
    """The individual number of somebody in the registry, as an insurer's file has it."""
    file = tmp_path_factory.mktemp("members") / "members.csv"
    made = onshi("demo", "members", file, "--folder", hub.installation.folder, "--additions", 0, "--changes", 1)
    assert made.returncode == 0, made.stderr
    (row,) = csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    return row["individual_number"]


def import_rows(hub, file, rows, *issuer):
    file.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    done = onshi("subsidy", "import", file, *issuer, "--operator", "sato", "--config", hub.installation.settings)
    return done, file.with_suffix(".result.csv")


def test_a_prefectures_file_is_imported_once_and_cancelled(hub, member_number, tmp_path):
    row = f"put,subsidy,{member_number},2026-04-01,,54136015,0123455,架空特定医療費,5000,low_2,0,,,,"
    issuer = ("--municipality", "130001")
    for words, expected in ((row, "added 1"), (row, "unchanged 1"), (row.replace("5000", "2500"), "changed 1"),
                            (row.replace("put,", "cancel,"), "cancelled 1")):
        done, result = import_rows(hub, tmp_path / "subsidies.csv", [words], *issuer)
        assert done.returncode == 0 and expected in done.stdout, done.stderr
        assert member_number not in result.read_text(encoding="utf-8")
    checked = onshi("db", "check", "--config", hub.installation.settings)
    assert checked.returncode == 0, checked.stderr
    audited = onshi("audit", "verify", "--config", hub.installation.settings)
    assert audited.returncode == 0, audited.stderr


def test_rows_that_cannot_be_are_named(hub, tmp_path):
    rows = [f"put,subsidy,{NUMBER},2026-04-01,,54136015,0123455,助成,5000,,,,,,",
            f"put,limit,{NUMBER},2026-08-01,,,,,,,,2026-08-01,1,,"]
    done, result = import_rows(hub, tmp_path / "wrong.csv", rows, "--municipality", "130001")
    assert done.returncode == SOME_FAILED, done.stderr
    told = result.read_text(encoding="utf-8")
    assert "certificates.person" in told and "certificates.issuer" in told and NUMBER not in told
    assert import_rows(hub, tmp_path / "wrong.csv", rows, "--municipality", "130002")[0].returncode not in (0, SOME_FAILED)
    assert import_rows(hub, tmp_path / "wrong.csv", rows)[0].returncode == 2


def test_ordinances_are_checked_and_listed(hub, tmp_path):
    good = tmp_path / "ordinances.toml"
    good.write_text(ORDINANCES, encoding="utf-8")
    done = onshi("payments", "ordinances", good, "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert "130001,東京都,yes" in done.stdout
    listed = onshi("payments", "ordinances", "--config", hub.installation.settings, "--format", "csv")
    assert listed.returncode == 0 and ",83,架空こども医療費助成," in listed.stdout, listed.stderr
    bad = tmp_path / "bad.toml"
    bad.write_text(ORDINANCES.replace("130001", "130002"), encoding="utf-8")
    refused = onshi("payments", "ordinances", bad)
    assert refused.returncode != 0 and "payments.municipality" in refused.stderr


# --- POST /v1/payments/estimate with a local subsidy

CLAIM = {"care_day": "2026-11-23", "limit_category": "A03", "copay_percent": 30, "setting": "outpatient",
         "parts": [{"points": 1000}]}


@pytest.fixture(scope="module")
def connected_municipality(hub):
    """One with an ordinance for children: 200 yen for each of two visits a month."""
    listed = onshi("payments", "ordinances", "--config", hub.installation.settings, "--format", "csv")
    return next(row["municipality"] for row in csv.DictReader(listed.stdout.splitlines()) if row["law_code"] == "83")


def test_an_ordinance_leaves_its_fee(desk, connected_municipality):
    child = {"municipality": connected_municipality, "law_code": 83, "birth_date": "2018-05-01"}
    estimate = desk.post("/v1/payments/estimate", {**CLAIM, "subsidy": child}).value
    assert estimate["patient_total"] == 3000
    assert estimate["subsidy"] == {"answer": "applies", "patient": 200, "refund_later": 0, "subsidy": 2800}
    assert estimate["counter_amount"] == 200, "what the counter collects"
    step = estimate["steps"][-1]
    assert (step["rule"], step["payer"], step["of"], step["amount"]) == ("subsidy", 83, 3000, 200)
    third = desk.post("/v1/payments/estimate", {**CLAIM, "subsidy": {**child, "payments_before": 2}}).value
    assert third["subsidy"]["patient"] == 0
    grown = desk.post("/v1/payments/estimate", {**CLAIM, "subsidy": {**child, "birth_date": "1985-04-12"}}).value
    assert grown["subsidy"] == {"answer": "other_age", "patient": 3000, "refund_later": 0, "subsidy": 0}
    unknown = desk.post("/v1/payments/estimate", {**CLAIM, "subsidy": {**child, "law_code": 99}})
    assert (unknown.status, unknown.code) == (422, "payments.payer")
    far = desk.post("/v1/payments/estimate", {**CLAIM, "subsidy": {**child, "municipality": "018228"}}).value
    assert far["subsidy"]["answer"] == "municipality_unknown", "unknown, never none"
    assert far["counter_amount"] == 3000
    twice = {**CLAIM, "parts": [{"points": 1000, "payers": [{"law_code": 83, "cap": 300}]}], "subsidy": child}
    assert desk.post("/v1/payments/estimate", twice).code == "payments.parts"
    other = desk.post("/v1/payments/estimate", {**CLAIM, "birth_date": "2018-05-02", "subsidy": child})
    assert other.field_codes() == {"/subsidy/birth_date": "field.value"}
    elderly = desk.post("/v1/payments/estimate", {**CLAIM, "limit_category": "B04", "copay_percent": 20, "subsidy": child})
    assert elderly.field_codes() == {"/limit_category": "payments.category"}
    wrong = desk.post("/v1/payments/estimate", {**CLAIM, "subsidy": {**child, "municipality": "131017"}})
    assert wrong.field_codes() == {"/subsidy/municipality": "number.check_digit"}
