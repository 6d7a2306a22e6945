"""Checks by card, registrations, suspensions and consents against a real hub. By number: number_checks_test.py."""

import base64
import functools
import hmac
import json
import os
import re
import time
import uuid
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from harness import audit
from harness.cards import Card, CheckOrder, base64url, today
from harness.client import at_once, eventually
from harness.lookups import MY_NUMBER, number_terms, planted, without

RECEIPT = re.compile(r"^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]$")
VARIATION_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


# --- by card


def test_an_eligible_card_is_answered_in_full(wallet, desk, eligible, order):
    person = wallet.persons[eligible.person_key]
    asked = order(eligible)
    reply = desk.post("/v1/checks", asked.body())
    assert reply.status == 200, reply.body
    answer = reply.value
    assert RECEIPT.match(answer["receipt"])
    assert answer["check_id"] == asked.check_id
    assert answer["result"] == {"code": 1, "name": "valid"}
    assert (answer["reference_kind"], answer["method"], answer["care_day"]) == ("card", "pin", today().isoformat())
    assert answer["facility"]["code"] == desk.terminal.facility
    assert answer["facility"]["terminal"] == desk.terminal.id
    assert answer["person"]["name"] == person.name
    assert answer["person"]["kana"] == person.kana
    assert answer["person"]["address"] == person.address
    assert answer["person"]["birth_date"] == person.birth_date
    assert answer["person"]["sex"] == person.sex
    assert answer["medical_data"] == {"available": True}
    assert answer["coverage"]["acquired_on"] <= answer["care_day"]
    assert answer["coverage"]["insurer"]["name"]
    assert answer["next"] == [{"audience": audience, "code": "next.nothing"} for audience in ("patient", "clerk")]
    assert answer["audit"]["sequence"] >= 1
    issued = datetime.strptime(answer["next_challenge"]["expires_at"], "%Y-%m-%dT%H:%M:%S.%fZ")
    left = issued.replace(tzinfo=timezone.utc) - datetime.now(timezone.utc)
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)


def test_a_name_with_variation_selectors_arrives_undamaged(find_covered):
    _, person, answer = find_covered(lambda person: VARIATION_SELECTORS.search(person.name))
    assert answer["person"]["name"] == person.name


def test_the_pseudonym_holds_at_one_facility_and_differs_at_another(connect, check, eligible):
    other = connect("desk-2")
    again = [check(eligible).value["person"]["person_ref"] for _ in range(2)]
    elsewhere = other.post("/v1/checks", CheckOrder(other.terminal, eligible, other.challenge()).body())
    assert again[0] == again[1] != elsewhere.value["person"]["person_ref"]


def test_the_next_challenge_of_an_answer_is_good_for_the_next_check(desk, check, eligible):
    challenge = check(eligible).value["next_challenge"]["challenge"]
    assert desk.post("/v1/checks", CheckOrder(desk.terminal, eligible, challenge).body()).status == 200


def test_the_same_check_again_gives_the_same_answer_and_no_second_record(hub, desk, eligible, order):
    body = order(eligible).body()
    first, second = (desk.post("/v1/checks", body).value for _ in range(2))
    assert without(first, "next_challenge") == without(second, "next_challenge")
    assert first["next_challenge"] != second["next_challenge"]
    assert audit.answered_checks(hub.installation).count(body["check_id"]) == 1


def test_one_check_sent_by_many_at_once_is_recorded_once(desk, eligible, order):
    body = order(eligible).body()
    replies = at_once([lambda: desk.post_alone("/v1/checks", body)] * 8)
    assert [reply.status for reply in replies] == [200] * 8
    assert len({json.dumps(without(reply.value, "next_challenge"), sort_keys=True) for reply in replies}) == 1


def test_a_used_challenge_is_refused_for_another_check(desk, eligible, order):
    asked = order(eligible)
    assert desk.post("/v1/checks", asked.body()).status == 200
    again = asked.but(check_id=str(uuid.uuid4()))
    assert desk.post("/v1/checks", again.body()).code == "challenge.used"


def test_a_signature_over_another_challenge_is_refused(desk, eligible, order):
    asked, other = order(eligible), order(eligible)
    body = {**other.body(), "check_id": asked.check_id, "challenge": asked.challenge}
    assert desk.post("/v1/checks", body).code == "signature.invalid"


@pytest.mark.parametrize("change", [{"method": "visual", "operator": "staff-1", "visual_reason": "card reader broken"},
                                    {"operator": "staff-1"}, {"check_id": "00000000-0000-4000-8000-000000000009"}])
def test_what_the_card_signed_cannot_be_changed_afterwards(desk, eligible, order, change):
    assert desk.post("/v1/checks", {**order(eligible).body(), **change}).code == "signature.invalid"


def test_a_signature_made_for_another_terminal_or_hub_is_refused(desk, eligible, order):
    asked = order(eligible)
    for place in ({"id": "T9"}, {"hub_id": "other"}, {"facility": "0000000000"}):
        elsewhere = type(desk.terminal)(**{**vars(desk.terminal), **place})
        assert desk.post("/v1/checks", asked.but(terminal=elsewhere).body()).code == "signature.invalid"


def test_the_challenge_of_another_terminal_is_refused(connect, desk, eligible):
    stolen = connect("desk-2").challenge()
    assert desk.post("/v1/checks", CheckOrder(desk.terminal, eligible, stolen).body()).code == "challenge.invalid"


def test_a_challenge_for_deferred_checks_is_no_challenge_for_present_ones(desk, eligible):
    deferred = desk.challenge(purpose="deferred")
    asked = CheckOrder(desk.terminal, eligible, deferred)
    assert desk.post("/v1/checks", asked.body()).code == "challenge.invalid"
    reply = desk.post("/v1/checks", asked.but(purpose="deferred").body())
    assert reply.status == 200
    assert reply.value["result"]["name"] == "valid"
    assert reply.value["medical_data"] == {"available": False, "reason": "deferred"}


def issue_deferred(installation, terminal, hours_ago):
    """A challenge for deferred checks as the hub issued it some hours ago (src/domain/eligibility/challenges.cpp)."""
    key = (installation.folder / "secrets" / "challenge.1.key").read_bytes()
    nonce = os.urandom(16)
    expires = int((time.time() + (72 - hours_ago) * 3600) * 1e6).to_bytes(8, "big")
    covered = b"onshi-challenge-v1\n" + int(terminal.id[1:]).to_bytes(8, "big") + b"\x02" + nonce + expires
    mac = hmac.digest(key, covered, "sha256")[:16]
    return base64url(nonce + expires + (1).to_bytes(4, "big") + mac)


def test_a_deferred_check_is_for_the_day_of_the_visit(hub, desk, eligible):
    """The hub was away over midnight: the terminal signed yesterday and is heard today."""
    def ask(hours_ago, days):
        challenge = issue_deferred(hub.installation, desk.terminal, hours_ago)
        care_day = (today() - timedelta(days=days)).isoformat()
        asked = CheckOrder(desk.terminal, eligible, challenge, purpose="deferred", care_day=care_day)
        return desk.post("/v1/checks", asked.body())

    answer = ask(48, 1)
    assert answer.status == 200, answer.body
    assert answer.value["care_day"] == (today() - timedelta(days=1)).isoformat()
    assert ask(48, 2).status == 200
    assert ask(48, 4).code == "check.care_day", "before the terminal held the challenge"
    assert ask(1, -1).code == "check.care_day"
    assert ask(73, 1).code == "challenge.expired"


@pytest.mark.parametrize("spoil, code", [
    (lambda body: body["challenge"][:-2], "challenge.invalid"),
    (lambda body: "", "challenge.invalid"),
    (lambda body: ("B" if body["challenge"][0] != "B" else "C") + body["challenge"][1:], "challenge.invalid"),
])
def test_a_challenge_that_is_not_the_hubs_is_refused(desk, eligible, order, spoil, code):
    body = order(eligible).body()
    body["challenge"] = spoil(body)
    assert desk.post("/v1/checks", body).code == code


def test_a_signature_of_the_newer_scheme_is_accepted_and_of_another_key_kind_refused(desk, eligible, order):
    asked = order(eligible)
    salted = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    value = eligible.private_key.sign(asked.signed_text().encode(), salted, hashes.SHA256())
    body = asked.body()
    for algorithm, code in (("ecdsa_p384_sha384", "signature.algorithm"), ("rsa_pkcs1_sha256", "signature.invalid"),
                            ("rsa_pss_sha256", None)):
        signature = {"algorithm": algorithm, "value": base64url(value)}
        assert desk.post("/v1/checks", {**body, "signature": signature}).code == code


def test_a_check_id_is_signed_in_lower_case_however_it_is_sent(desk, eligible, order):
    asked = order(eligible, check_id=str(uuid.uuid4()))
    reply = desk.post("/v1/checks", {**asked.body(), "check_id": asked.check_id.upper()})
    assert reply.status == 200 and reply.value["check_id"] == asked.check_id


def test_a_person_whose_row_is_damaged_is_refused_and_others_are_served(hub, wallet, desk, order, eligible):
    card = wallet.usable_cards[60]
    installation, registry = hub.installation, hub.installation.registry
    for section, spoil in ((1, "zeroblob(1)"), (2, "substr(bytes, 1, length(bytes) - 1)"), (2, "bytes || zeroblob(1)")):
        place = (card.person_key, section)
        before = installation.rows(registry, "SELECT bytes FROM person_now WHERE person_key = ? AND section = ?",
                                   place)[0]
        installation.change(registry, f"UPDATE person_now SET bytes = CAST({spoil} AS BLOB) "
                            "WHERE person_key = ? AND section = ?", place)
        reply = desk.post("/v1/checks", order(card).body())
        assert reply.code == "store.corrupt" and reply.status == 500
        assert desk.post("/v1/checks", order(eligible).body()).status == 200
        installation.change(registry, "UPDATE person_now SET bytes = ? WHERE person_key = ? AND section = ?",
                            before + place)
    assert desk.post("/v1/checks", order(card).body()).status == 200


def test_by_card_only_today_can_be_asked(check, eligible):
    for days in (-3, 1):
        assert check(eligible, care_day=(today() + timedelta(days=days)).isoformat()).code == "check.care_day"


def test_other_outcomes_of_a_card_have_their_cause(wallet, check):
    expected = {"lapsed": ("invalid", "cause.lapsed"), "withheld": ("none", "cause.withheld"),
                "not_registered": ("none", "cause.card_not_registered")}
    for kind, outcome in expected.items():
        result = check(wallet.card(kind)).value["result"]
        assert (result["name"], result["cause"]) == outcome


def test_an_overlap_is_valid_by_the_latest_acquisition_and_lists_the_others(overlapping):
    _, _, answer = overlapping
    assert answer["result"] == {"code": 1, "name": "valid"}
    assert "note.overlap" in {note["code"] for note in answer["notes"]}
    for other in answer["overlaps"]:
        assert other["acquired_on"] <= answer["coverage"]["acquired_on"]
        assert other["insurer"]["number"] and other["number"]


def test_a_card_of_somebody_whom_no_insurer_registered_says_so(wallet, check):
    insured = {key for key, in wallet.installation.rows(wallet.installation.registry,
                                                        "SELECT DISTINCT person_key FROM coverage_number")}
    card = next(card for card in wallet.usable_cards if card.person_key not in insured)
    answer = check(card, {"registration": "agreed"}).value
    assert answer["result"] == {"code": 4, "name": "none", "cause": "cause.unregistered"}
    assert answer["person"]["name"] == wallet.persons[card.person_key].name
    assert "coverage" not in answer and answer["medical_data"] == {"available": False, "reason": "not_eligible"}
    assert {"insurer", "clerk", "patient"} == {step["audience"] for step in answer["next"]}


@pytest.mark.parametrize("fault, code", [("certificate_revoked", "card.revoked"),
                                         ("certificate_beyond_grace", "card.expired")])
def test_a_card_that_its_issuer_or_its_age_has_ended_is_refused(wallet, check, fault, code):
    refused = 0
    for key, _ in planted(wallet.installation, fault):
        if key not in wallet.persons or not wallet.holds_card(key):
            continue
        reply = check(wallet.issue(key))
        assert reply.code == code, reply.body
        assert "person" not in reply.value and "coverage" not in reply.value
        refused += 1
        if refused == 3:
            return
    raise AssertionError("too few such cards")


def test_a_withheld_record_names_the_insurer_and_nothing_else(wallet, check):
    answer = check(wallet.card("withheld")).value
    assert answer["coverage"].keys() == {"insurer"}


def test_a_card_in_grace_gives_coverage_without_medical_data(wallet, check):
    answer = check(wallet.card("grace")).value
    assert answer["result"]["name"] == "valid"
    assert answer["medical_data"] == {"available": False, "reason": "certificate_grace"}
    note = next(note for note in answer["notes"] if note["code"] == "note.certificate_grace")
    assert note["parameters"]["usable_until"] > answer["care_day"]


def test_a_card_that_its_holder_suspended_is_refused_until_it_is_resumed(wallet, connect, check):
    card = wallet.card("suspended")
    assert check(card).code == "card.suspended"
    assert connect("call_center").post("/v1/cards/resume", card.name()).value["changed"]
    assert check(card).value["result"]["name"] in ("valid", "invalid", "none")


@pytest.mark.parametrize("field", ["operator", "visual_reason"])
def test_an_individual_number_in_free_text_of_a_card_check_is_refused(desk, eligible, order, field):
    reply = desk.post("/v1/checks", {**order(eligible).body(), field: f"no. {MY_NUMBER}"})
    assert reply.code == "request.my_number"
    assert MY_NUMBER not in reply.body.decode()


def test_opaque_echoes_may_look_like_an_individual_number(desk, eligible, order):
    asked = order(eligible, check_id="00000000-0000-4000-8000-" + MY_NUMBER)
    assert desk.post("/v1/checks", asked.body()).status == 200


# --- certificates


@pytest.fixture
def unseen(hub, eligible):
    """The eligible card as one whose key the registry does not hold yet."""
    changed = hub.installation.change(hub.installation.registry, "UPDATE card SET public_key = NULL, tag = NULL "
                                      "WHERE ca_id = ? AND serial = ?", (eligible.ca_id, eligible.serial))
    assert changed == 1
    return eligible


def forged(der, key, *, serial=None):
    """The same certificate, signed by somebody else who calls himself the same."""
    real = x509.load_der_x509_certificate(der)
    builder = (x509.CertificateBuilder().subject_name(real.subject).issuer_name(real.issuer)
               .public_key(real.public_key()).serial_number(serial or real.serial_number)
               .not_valid_before(real.not_valid_before).not_valid_after(real.not_valid_after))
    for extension in real.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_an_unseen_card_is_asked_for_its_certificate_once(desk, unseen, order):
    asked = order(unseen)
    assert desk.post("/v1/checks", asked.body()).code == "certificate.needed"
    first = desk.post("/v1/checks", asked.body(certificate=base64url(unseen.certificate)))
    assert first.value["result"]["name"] == "valid"
    assert eventually(lambda: desk.post("/v1/checks", order(unseen).body()).status == 200)


def test_a_certificate_of_a_foreign_authority_is_refused(desk, unseen, order):
    foreign = forged(unseen.certificate, rsa.generate_private_key(65537, 2048))
    assert desk.post("/v1/checks", order(unseen).body(certificate=base64url(foreign))).code == "certificate.untrusted"


def test_a_certificate_for_signing_documents_is_refused(wallet, desk, unseen, order):
    signing = base64.b64decode(wallet.image("eligible")["signature"]["certificate"])
    reply = desk.post("/v1/checks", order(unseen).body(certificate=base64url(signing)))
    assert reply.code == "certificate.policy"


def test_the_certificate_of_another_card_is_refused(wallet, desk, unseen, order):
    other = wallet.card("rare_name")
    reply = desk.post("/v1/checks", order(unseen).body(certificate=base64url(other.certificate)))
    assert reply.code == "certificate.mismatch"


@pytest.mark.parametrize("spoil", [lambda der: der + b"\0", lambda der: der[:-1], lambda der: der + der,
                                   lambda der: b"", lambda der: b"0" * 8192])
def test_bytes_that_are_not_one_certificate_are_refused(desk, unseen, order, spoil):
    reply = desk.post("/v1/checks", order(unseen).body(certificate=base64url(spoil(unseen.certificate))))
    assert reply.code in ("certificate.malformed", "certificate.needed")
    assert desk.post("/v1/checks", order(unseen).body(certificate=base64url(unseen.certificate))).status == 200
    # The key is stored behind the answer; the next test takes it away again.
    assert eventually(lambda: desk.post("/v1/checks", order(unseen).body()).status == 200)


def test_a_key_that_somebody_wrote_into_the_database_is_not_believed(hub, desk, eligible, order):
    other = rsa.generate_private_key(65537, 2048)
    modulus = other.public_key().public_numbers().n.to_bytes(256, "big")
    hub.installation.change(hub.installation.registry, "UPDATE card SET public_key = ? WHERE ca_id = ? AND serial = ?",
                            (b"\x01\x03\x01\x00\x01" + modulus, eligible.ca_id, eligible.serial))
    forger = Card(**{**vars(eligible), "private_key": other})
    assert desk.post("/v1/checks", order(forger).body()).code == "certificate.needed"
    stolen = order(forger).body(certificate=base64url(eligible.certificate))
    assert desk.post("/v1/checks", stolen).code == "signature.invalid"
    assert desk.post("/v1/checks", order(eligible).body(certificate=base64url(eligible.certificate))).status == 200


def test_an_unseen_card_of_a_merged_person_is_asked_for_its_certificate_once(hub, wallet, desk, order):
    card = wallet.card("rare_name")
    current = 9_000_000_001
    change = hub.installation.change
    registry, ledger = hub.installation.registry, hub.installation.ledger
    change(registry, "INSERT INTO person_alias (person_key, current_key) VALUES (?, ?)", (card.person_key, current))
    change(registry, "UPDATE person_now SET person_key = ? WHERE person_key = ?", (current, card.person_key))
    change(ledger, "UPDATE use_registration SET person_key = ? WHERE person_key = ?", (current, card.person_key))
    change(registry, "UPDATE card SET public_key = NULL, tag = NULL WHERE ca_id = ? AND serial = ?",
           (card.ca_id, card.serial))
    first = desk.post("/v1/checks", order(card).body(certificate=base64url(card.certificate)))
    assert first.value["result"]["name"] == "valid"
    assert eventually(lambda: desk.post("/v1/checks", order(card).body()).status == 200)


# --- registration as insurance card


def test_a_card_registers_on_the_spot_when_the_patient_agrees(wallet, check):
    card = wallet.card("not_registered")
    declined = check(card, {"registration": "declined"}).value
    assert "person" not in declined and "coverage" not in declined
    assert "next.register_card" not in {step["code"] for step in declined["next"]}
    offered = check(card).value
    assert offered["result"] == {"code": 4, "name": "none", "cause": "cause.card_not_registered"}
    assert {"audience": "patient", "code": "next.register_card"} in offered["next"]
    assert "person" not in offered and "coverage" not in offered
    agreed = check(card, {"registration": "agreed"}).value
    assert agreed["result"]["name"] == "valid"
    assert [note["code"] for note in agreed["notes"]][0] == "note.registered_now"
    assert agreed["person"]["name"] == wallet.persons[card.person_key].name
    assert "note.registered_now" not in {note["code"] for note in check(card).value["notes"]}


def test_a_repeated_registration_gives_the_same_answer(wallet, desk, order):
    shown = wallet.card("not_registered").person_key
    card = wallet.issue(next(key for key in wallet.usable if key not in wallet.registered and key != shown))
    body = order(card).body(registration="agreed", certificate=base64url(card.certificate))
    first, second = (desk.post("/v1/checks", body).value for _ in range(2))
    assert first["notes"][0]["code"] == "note.registered_now"
    assert without(first, "next_challenge") == without(second, "next_challenge")


def test_two_desks_register_one_card_at_the_same_time(connect, wallet):
    shown = wallet.card("not_registered").person_key
    person_key = [key for key in wallet.usable if key not in wallet.registered and key != shown][1]
    card = wallet.issue(person_key)
    desks = [connect("desk"), connect("desk-2")] * 2
    more = {"registration": "agreed", "certificate": base64url(card.certificate)}
    bodies = [CheckOrder(desk.terminal, card, desk.challenge()).body(**more) for desk in desks]
    replies = at_once([functools.partial(desk.post_alone, "/v1/checks", body) for desk, body in zip(desks, bodies)])
    assert [reply.value["result"]["name"] for reply in replies] == ["valid"] * 4
    notes = [note["code"] for reply in replies for note in reply.value["notes"]]
    assert notes.count("note.registered_now") == 1


# --- suspension


def test_a_suspension_counts_for_the_next_check_and_can_be_lifted(connect, check, eligible):
    call_center = connect("call_center")
    suspended = call_center.post("/v1/cards/suspend", eligible.name()).value
    assert suspended["suspended"] and suspended["changed"] and RECEIPT.match(suspended["receipt"])
    again = call_center.post("/v1/cards/suspend", eligible.name()).value
    assert again == {"suspended": True, "changed": False, "since": suspended["since"]}
    assert check(eligible).code == "card.suspended"
    resumed = call_center.post("/v1/cards/resume", eligible.name()).value
    assert not resumed["suspended"] and resumed["changed"]
    assert check(eligible).status == 200


def test_many_callers_suspend_or_resume_one_card_once(connect, wallet):
    card = wallet.card("rare_name")
    call_center = connect("call_center")
    for path in ("/v1/cards/suspend", "/v1/cards/resume") * 3:
        replies = at_once([functools.partial(call_center.post_alone, path, card.name())] * 6)
        assert [reply.status for reply in replies] == [200] * 6
        assert sum(reply.value["changed"] for reply in replies) == 1


def test_a_card_that_nobody_holds_cannot_be_suspended(connect, eligible):
    call_center = connect("call_center")
    unknown = {**eligible.name(), "serial": "7f" * 20}
    assert call_center.post("/v1/cards/suspend", unknown).code == "card.unknown"
    foreign = {**eligible.name(), "authority_key_id": base64url(b"x" * 20)}
    assert call_center.post("/v1/cards/suspend", foreign).code == "card.authority_unknown"


# --- consents


CHOICES = [{"item": "medicines", "choice": "agreed"}, {"item": "visits", "choice": "refused"}]


def test_consents_are_recorded_once_and_a_repeat_gives_the_same_answer(desk, check, eligible):
    receipt = check(eligible).value["receipt"]
    path = f"/v1/checks/{receipt}/consents"
    first = desk.post(path, {"consents": CHOICES})
    assert first.status == 200, first.body
    given = first.value["consents"]
    assert [{name: one[name] for name in ("item", "choice")} for one in given] == CHOICES
    begins, ends = (datetime.strptime(given[0][name], "%Y-%m-%dT%H:%M:%S.%fZ") for name in ("given_at", "expires_at"))
    assert ends - begins == timedelta(hours=24)
    assert desk.post(path, {"consents": CHOICES}).value == first.value
    other = [{"item": "medicines", "choice": "refused"}]
    assert desk.post(path, {"consents": other}).code == "consent.given"


def test_the_same_choices_in_another_order_are_a_repeat(desk, check, eligible):
    path = f"/v1/checks/{check(eligible).value['receipt']}/consents"
    first = desk.post(path, {"consents": CHOICES})
    again = desk.post(path, {"consents": CHOICES[::-1]})
    assert again.status == 200, again.body
    assert again.value == first.value


def test_a_receipt_may_be_typed_loosely(desk, check, eligible):
    receipt = check(eligible).value["receipt"]
    path = f"/v1/checks/{receipt.replace('-', '').lower()}/consents"
    assert desk.post(path, {"consents": CHOICES}).status == 200


def test_consents_belong_to_the_terminal_that_asked(connect, desk, check, eligible):
    receipt = check(eligible).value["receipt"]
    assert connect("desk-2").post(f"/v1/checks/{receipt}/consents", {"consents": CHOICES}).code == "check.receipt"
    assert desk.post(f"/v1/checks/{receipt}/consents", {"consents": CHOICES}).status == 200


def test_a_receipt_that_is_none_is_refused(desk, check, eligible):
    receipt = check(eligible).value["receipt"]
    last = "2" if receipt[-1] != "2" else "3"
    for wrong in (receipt[:-1] + last, "1", "A" * 40, "%F0%9F%98%80", "..%2f..%2fetc"):
        assert desk.post(f"/v1/checks/{wrong}/consents", {"consents": CHOICES}).code == "check.receipt"


def test_what_is_not_an_answer_to_a_card_takes_no_consents(wallet, desk, municipal, look_up, check):
    _, person, by_card = municipal
    by_number = look_up(number_terms(by_card, person)).value["receipt"]
    lapsed = check(wallet.card("lapsed")).value["receipt"]
    for receipt in (by_number, lapsed):
        assert desk.post(f"/v1/checks/{receipt}/consents", {"consents": CHOICES}).code == "consent.not_available"
    grace = check(wallet.card("grace")).value["receipt"]
    path = f"/v1/checks/{grace}/consents"
    assert desk.post(path, {"consents": CHOICES}).code == "consent.not_available"
    allowed = [{"item": "limit_certificate", "choice": "agreed"}]
    assert desk.post(path, {"consents": allowed}).status == 200


@pytest.mark.parametrize("consents", [[], CHOICES + CHOICES[:1], [{"item": "everything", "choice": "agreed"}],
                                      [{"item": "visits", "choice": "yes"}], [{"item": "visits"}], ["visits"],
                                      "visits"])
def test_malformed_consents_are_refused_and_leave_the_receipt_usable(desk, check, eligible, consents):
    path = f"/v1/checks/{check(eligible).value['receipt']}/consents"
    assert desk.post(path, {"consents": consents}).code == "request.field"
    assert desk.post(path, {"consents": CHOICES}).status == 200


# --- roles and methods


def test_each_role_opens_its_own_routes_only(connect, eligible, municipal):
    _, person, by_card = municipal
    order_of_terminal = {"facility": connect("desk").terminal.facility, "name": "t", "roles": [{"role": "check_card"}],
                         "methods": [{"method": "pin"}]}
    requests = {"check_card": ("/v1/challenges", {"count": 1}),
                "check_number": ("/v1/checks/by-number", number_terms(by_card, person)),
                "card_desk": ("/v1/cards/resume", eligible.name()),
                "administer": ("/v1/terminals", order_of_terminal)}
    holders = {"desk": {"check_card", "check_number"}, "call_center": {"card_desk"}, "operator": {"administer"}}
    for name, roles in holders.items():
        for role, (path, body) in requests.items():
            reply = connect(name).post(path, body)
            assert (reply.code == "role.missing") == (role not in roles), (name, role, reply.body)


def test_a_method_that_the_terminal_may_not_use_is_refused(check, eligible):
    assert check(eligible, method="face", more={"face_engine": "acme-9"}).code == "method.not_allowed"
    assert check(eligible, method="face").code == "request.field"
    assert check(eligible, more={"face_engine": "acme-9"}).code == "method.not_allowed"


def test_no_terminal_is_added_for_faces_where_no_engine_is_admitted(connect):
    operator = connect("operator")
    order = {"facility": connect("desk").terminal.facility, "name": "t", "roles": [{"role": "check_card"}],
             "methods": [{"method": "pin"}, {"method": "face"}]}
    assert operator.post("/v1/terminals", order).code == "method.not_allowed"


def test_a_named_operator_is_a_known_one_whatever_the_method(check, eligible):
    assert check(eligible, operator="nobody").code == "account.unknown"
    assert check(eligible, operator="staff-1").status == 200


def test_by_eye_needs_an_account_a_reason_and_stays_within_its_budget(hub, desk, check, eligible, order):
    reason = {"visual_reason": "PIN forgotten"}
    for given, missing in (({}, {"/operator", "/visual_reason"}), ({"operator": "staff-1"}, {"/visual_reason"})):
        reply = check(eligible, method="visual", **given)
        assert reply.code == "request.field"
        assert {(field["pointer"], field["code"]) for field in reply.value["fields"]} == {
            (pointer, "field.missing") for pointer in missing}
    assert check(eligible, reason, method="visual", operator="nobody").code == "account.unknown"
    installation = hub.installation
    changed = installation.change(
        installation.registry, "UPDATE account SET visual_checks_per_day = 2 WHERE reference = 'staff-1' AND "
        "organisation_key = (SELECT organisation_key FROM terminal WHERE terminal_key = ?)",
        (int(desk.terminal.id[1:]),))
    assert changed == 1
    assert check(eligible, reason, method="visual", operator="staff-1").value["method"] == "visual"
    last = order(eligible, method="visual", operator="staff-1").body(**reason)
    answer = desk.post("/v1/checks", last).value
    assert check(eligible, reason, method="visual", operator="staff-1").code == "account.visual_budget"
    repeated = desk.post("/v1/checks", last)
    assert repeated.status == 200, "a repeat of an answered check uses no budget"
    assert without(repeated.value, "next_challenge") == without(answer, "next_challenge")


def test_checks_by_eye_at_the_same_time_are_all_counted(hub, connect, wallet):
    desk = connect("desk-2")
    orders = [CheckOrder(desk.terminal, card, desk.challenge(), method="visual", operator="staff-1")
              for card in wallet.usable_cards[40:46]]
    bodies = [asked.body(visual_reason="queue") for asked in orders]
    replies = at_once([functools.partial(desk.post_alone, "/v1/checks", body) for body in bodies])
    assert [reply.status for reply in replies] == [200] * 6
    used = hub.installation.rows(hub.installation.ledger, "SELECT used FROM visual_use WHERE reference = 'staff-1' "
                                 "ORDER BY used DESC LIMIT 1")
    assert used == [(6,)]
