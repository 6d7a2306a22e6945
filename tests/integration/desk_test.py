"""The exchange folder against a real terminal and a real hub: what billing systems put in and what they find."""

import contextlib
import json
import os
import re
import sqlite3
import unicodedata
import xml.etree.ElementTree as ElementTree
from datetime import date, timedelta

import pytest

from harness.cards import today
from harness.client import eventually
from harness.desk import (DeskProcess, elements, insured_persons, list_folder, message, reference_info, search_info,
                          search_terms, single_request)
from harness.hub import Hub
from harness.installation import onshi


@pytest.fixture(scope="module")
def folder(hub, tmp_path_factory):
    """One terminal for the tests of this file."""
    with DeskProcess(hub.installation, hub, tmp_path_factory.mktemp("desk")) as running:
        yield running


@pytest.fixture(scope="module")
def patient(municipal, hub):
    """Terms of a valid person, insured by a municipality."""
    _, person, by_card = municipal
    coverage = by_card["coverage"]
    return {"InsurerNumber": coverage["insurer"]["number"].rjust(8), "InsuredCardSymbol": coverage.get("symbol"),
            "InsuredIdentificationNumber": coverage["number"], "InsuredBranchNumber": coverage["branch"],
            "Birthdate": person.birth_date.replace("-", ""), "LimitApplicationCertificateRelatedConsFlg": "1",
            "ArbitraryIdentifier": "42_1"}


def parse(data):
    return ElementTree.fromstring(data.decode("utf-8"))


def value(root, name):
    found = root.findall(f".//{name}")
    assert len(found) <= 1, name
    return found[0].text if found else None


# --- one person


def test_a_valid_patient_is_answered_with_everything_that_clients_insist_on(folder, patient, municipal):
    _, person, by_card = municipal
    data = folder.ask("1", single_request(folder, patient, "demo-0000000042"))
    assert data.startswith(b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>')
    root = parse(data)
    assert [child.tag for child in root] == ["MessageHeader", "MessageBody"]
    for name, wanted in {"QualificationConfirmationDate": today().strftime("%Y%m%d"), "ReferenceClassification": "2",
                         "MedicalInstitutionCode": folder.terminal.facility, "SegmentOfResult": "1",
                         "ArbitraryFileIdentifier": "demo-0000000042", "CharacterCodeIdentifier": "0",
                         "ProcessingResultStatus": "1", "QualificationValidity": "1"}.items():
        assert value(root, name) == wanted, name
    assert re.fullmatch(r"\d{14}", value(root, "ProcessExecutionTime"))
    record, = root.findall("MessageBody/ResultList/ResultOfQualificationConfirmation")
    assert record.findtext("InsurerNumber") == patient["InsurerNumber"]
    assert record.findtext("InsurerName") == by_card["coverage"]["insurer"]["name"]
    assert record.findtext("Name") == person.name.replace(" ", "　")
    assert record.findtext("Sex1") == str(person.sex)
    assert record.findtext("Birthdate") == patient["Birthdate"]
    assert record.findtext("InsuredCardClassification") and record.findtext("InsuredCardValidDate")
    assert record.find("Address") is None, "by number nobody's address is shown"
    kana = record.findtext("NameKana") or ""
    assert unicodedata.normalize("NFKC", kana).replace(" ", "") == person.kana.replace(" ", "").replace("　", "")
    # The request's terms come back as they were sent.
    echo = root.find("MessageBody/QualificationConfirmSearchInfo")
    assert {child.tag: child.text for child in echo} == {name: text for name, text in patient.items() if text}
    assert folder.req.exists() and list_folder(folder.req) == []


def limits_agreed_to(hub, person):
    """Consents to tell the limit category (item 1) that the hub has on record."""
    (count,), = hub.installation.rows(hub.installation.ledger,
                                      "SELECT count(*) FROM consent WHERE person_key = ? AND item = 1 AND choice = 1",
                                      (person.key,))
    return count


def test_the_limit_stands_in_the_file_with_its_consent_only(hub, folder, patient, municipal):
    _, person, by_card = municipal
    coverage = by_card["coverage"]
    before = limits_agreed_to(hub, person)
    record = parse(folder.ask("1a", single_request(folder, patient))).find(".//ResultOfQualificationConfirmation")
    assert record.findtext("LimitApplicationCertificateRelatedConsFlg") == "1"
    assert re.fullmatch(r"\d{14}", record.findtext("LimitApplicationCertificateRelatedConsTime"))
    info = record.find("LimitApplicationCertificateRelatedInfo")
    assert info.findtext("LimitApplicationCertificateClassificationFlag") == coverage["limit_category"]
    certificate = coverage["limit_certificate"]
    assert info.findtext("LimitApplicationCertificateClassification") == f"{certificate['kind']:02}"
    for element, name in (("Date", "issued_on"), ("ValidStartDate", "valid_from"), ("ValidEndDate", "valid_to")):
        told = info.findtext("LimitApplicationCertificate" + element)
        assert told == (certificate[name].replace("-", "") if name in certificate else None)
    # What staff wrote down as agreed to is on record; without it nothing is told, and nothing is written.
    assert limits_agreed_to(hub, person) == before + 1
    silent = {**patient, "LimitApplicationCertificateRelatedConsFlg": "0"}
    record = parse(folder.ask("1b", single_request(folder, silent))).find(".//ResultOfQualificationConfirmation")
    assert record.findtext("LimitApplicationCertificateRelatedConsFlg") == "0"
    assert record.find("LimitApplicationCertificateRelatedInfo") is None
    assert record.find("LimitApplicationCertificateRelatedConsTime") is None
    assert limits_agreed_to(hub, person) == before + 1


def test_nobody_is_found_and_the_result_says_why(folder, patient):
    root = parse(folder.ask("2", single_request(folder, {**patient, "Birthdate": "19010203"})))
    assert value(root, "SegmentOfResult") == "1" and value(root, "ProcessingResultStatus") == "1"
    assert value(root, "QualificationValidity") == "4"
    assert root.find(".//ResultList") is None
    assert value(root, "ProcessingResultCode") == "ONSHI1003" and value(root, "ProcessingResultMessage")


@pytest.mark.parametrize("number, change, code", [
    ("3a", {"InsurerNumber": "06139464"}, "ONSHI4001"),
    ("3b", {"InsuredIdentificationNumber": None}, "ONSHI4003"),
    ("3c", {"Birthdate": "20250230"}, "ONSHI4002"),
    ("3d", {"Birthdate": "1985"}, "ONSHI4002"),
    ("3e", {"InsuredIdentificationNumber": "123456789018"}, "ONSHI4012"),
])
def test_a_wrong_value_is_answered_with_its_reason(folder, patient, number, change, code):
    root = parse(folder.ask(number, single_request(folder, {**patient, **change})))
    assert value(root, "SegmentOfResult") == "9" and value(root, "ProcessingResultStatus") == "2"
    assert value(root, "ErrorCode") == value(root, "ProcessingResultCode") == code
    assert 0 < len(value(root, "ErrorMessage")) <= 60
    assert root.find(".//ResultList") is None


@pytest.mark.parametrize("number, change", [
    ("4a", lambda terms: {"InsurerNumber": terms["InsurerNumber"].strip()}),
    ("4b", lambda terms: {"InsurerNumber": terms["InsurerNumber"].strip().rjust(8, "0")}),
    ("4c", lambda terms: {"InsuredIdentificationNumber": terms["InsuredIdentificationNumber"].translate(
        {ord("0") + digit: 0xFF10 + digit for digit in range(10)})}),
    ("4d", lambda terms: {"InsuredBranchNumber": ""}),
    ("4e", lambda terms: {"InsuredBranchNumber": None}),
    ("4f", lambda terms: {"LimitApplicationCertificateRelatedConsFlg": "0"}),
])
def test_every_way_of_writing_the_terms_is_understood(folder, patient, number, change):
    root = parse(folder.ask(number, single_request(folder, {**patient, **change(patient)})))
    assert value(root, "QualificationValidity") == "1"


def test_elements_may_come_in_any_order_and_with_blanks_in_their_tags(folder, patient):
    text = single_request(folder, dict(reversed(patient.items())))
    text = re.sub(r"<(\w+)>", r"<\1 >", text)
    assert value(parse(folder.ask("5", text)), "QualificationValidity") == "1"


@pytest.mark.parametrize("number, encoding, codec, mark", [
    ("6a", "Shift_JIS", "cp932", b""), ("6b", "Windows-31J", "cp932", b""), ("6c", "UTF-8", "utf-8", b"\xef\xbb\xbf"),
])
def test_requests_are_read_in_every_encoding_of_clients(folder, patient, number, encoding, codec, mark):
    text = single_request(folder, patient, "架空－１", encoding)
    folder.drop(f"OQSsiquc01req_{number}.xml", mark + text.encode(codec))
    data = folder.result(f"OQSsiquc01res_{number}.xml")
    assert value(parse(data), "QualificationValidity") == "1"
    assert "<ArbitraryFileIdentifier>架空－１</ArbitraryFileIdentifier>".encode() in data


def test_the_identifier_comes_back_letter_for_letter(folder, patient):
    data = folder.ask("7", single_request(folder, patient, "a&amp;b &#x41; ''"))
    assert b"<ArbitraryFileIdentifier>a&amp;b &#x41; ''</ArbitraryFileIdentifier>" in data


def test_the_care_day_is_that_of_the_request(folder, patient):
    day = today() + timedelta(days=7)
    root = parse(folder.ask("8", single_request(folder, patient, day=day)))
    assert value(root, "QualificationConfirmationDate") == day.strftime("%Y%m%d")
    assert value(root, "QualificationValidity") == "1"
    far = parse(folder.ask("8b", single_request(folder, patient, day=today() + timedelta(days=90))))
    assert value(far, "ErrorCode") == "ONSHI4010"


def test_the_same_name_again_is_answered_again(folder, patient):
    first = parse(folder.ask("9", single_request(folder, patient, "first")))
    assert value(first, "ArbitraryFileIdentifier") == "first"
    folder.drop("OQSsiquc01req_9.xml", single_request(folder, patient, "second"))
    folder.wait_until(lambda: b"second" in (folder.res / "OQSsiquc01res_9.xml").read_bytes())


# --- what is no request


def test_temporary_and_foreign_files_are_left_alone(folder, patient):
    text = single_request(folder, patient)
    names = ["OQSsiquc01req_10.xml.tmp", "~OQSsiquc01req_10.xml", "OQSsiquc01req_10.tmp", "notes.txt",
             "OQSsiquc01res_10.xml", "EPSsiquc01req_10.xml"]
    for name in names:
        (folder.req / name).write_text(text)
    folder.ask("10", text)
    assert list_folder(folder.req) == sorted(names)
    for name in names:
        (folder.req / name).unlink()


@pytest.mark.parametrize("number, data", [
    ("11a", b"<XmlMsg><MessageHeader>"), ("11b", b""), ("11c", b"<XmlMsg/>"),
    ("11d", "<?xml version='1.0' encoding='UTF-8'?><XmlMsg>見本</XmlMsg>".encode("cp932")),
])
def test_what_cannot_be_read_comes_back_with_a_reason(folder, number, data):
    name = f"OQSsiquc01req_{number}"
    folder.drop(name + ".xml", data)
    assert folder.result(name + ".xml") == data
    assert re.fullmatch(r"\d{14},ONSHI\d{4},[^\r\n]+\r\n", (folder.res / (name + ".err")).read_bytes().decode())
    assert list_folder(folder.req) == []


def test_another_institutions_request_is_rejected(folder, patient):
    text = single_request(folder, patient).replace(folder.terminal.facility, "1319999999")
    folder.drop("OQSsiquc01req_12.xml", text)
    folder.result("OQSsiquc01req_12.xml")
    assert (folder.res / "OQSsiquc01req_12.err").exists()


def test_a_file_that_is_written_slowly_is_waited_for(folder, patient):
    text = single_request(folder, patient).encode()
    path = folder.req / "OQSsiquc01req_13.xml"
    with path.open("wb", buffering=0) as out:
        out.write(text[:100])
        # Meanwhile others are served, so the half of it was seen.
        folder.ask("13b", text.decode())
        assert path.exists() and not (folder.res / "OQSsiquc01res_13.xml").exists()
        out.write(text[100:])
    assert value(parse(folder.result("OQSsiquc01res_13.xml")), "QualificationValidity") == "1"


# --- many, and things that vanish


def test_a_thousand_requests_at_once_are_all_answered(folder, wallet):
    persons = insured_persons(wallet, 500)
    texts = [single_request(folder, search_terms(folder.installation, person)) for person in persons]
    for number in range(1_000):
        folder.drop(f"OQSsiquc01req_m{number}.xml", texts[number % len(texts)])
    folder.wait_until(lambda: sum(name.startswith("OQSsiquc01res_m") for name in os.listdir(folder.res)) == 1_000, 60)
    roots = [parse((folder.res / f"OQSsiquc01res_m{number}.xml").read_bytes()) for number in range(1_000)]
    assert {value(root, "SegmentOfResult") for root in roots} == {"1"}
    assert sum(value(root, "QualificationValidity") == "1" for root in roots) > 900
    assert list_folder(folder.req) == []


def test_requests_and_results_that_vanish_disturb_nobody(folder, patient):
    text = single_request(folder, patient)
    for number in range(50):
        folder.drop(f"OQSsiquc01req_v{number}.xml", text)
        (folder.req / f"OQSsiquc01req_v{number}.xml").unlink(missing_ok=True)
    for path in folder.res.iterdir():
        path.unlink()
    assert value(parse(folder.ask("14", text)), "QualificationValidity") == "1"


def test_a_folder_that_cannot_be_used_is_waited_for(folder, patient):
    aside = folder.share / "res.aside"
    os.rename(folder.res, aside)
    folder.res.write_text("not a folder")
    folder.drop("OQSsiquc01req_15.xml", single_request(folder, patient))
    folder.wait_until(lambda: "folder.unusable" in folder.log_text())
    assert (folder.req / "OQSsiquc01req_15.xml").exists(), "kept until it can be answered"
    folder.res.unlink()
    os.rename(aside, folder.res)
    assert value(parse(folder.result("OQSsiquc01res_15.xml")), "QualificationValidity") == "1"
    assert list_folder(folder.req) == []


# --- reference numbers


def test_a_reference_number_comes_back_with_later_results(folder, patient, tmp_path):
    header = {"MedicalInstitutionCode": folder.terminal.facility, "ArbitraryFileIdentifier": "ref-1"}
    root = parse(folder.ask("16", message(header, reference_info(patient, "K-42")), message="OQSsiimm01"))
    assert value(root, "SegmentOfResult") == value(root, "ProcessingResultStatus") == "1"
    assert value(root, "ReferenceNumber") == "K-42"
    assert value(root, "InsurerNumber") == patient["InsurerNumber"]
    assert value(parse(folder.ask("16b", single_request(folder, patient))), "ReferenceNumber") == "K-42"
    wrong = parse(folder.ask("16c", message(header, reference_info({**patient, "InsurerNumber": "1"}, "K-43")),
                             message="OQSsiimm01"))
    assert value(wrong, "ProcessingResultStatus") == "2" and value(wrong, "ProcessingResultCode") == "ONSHI4001"
    # Nothing of it can be read from the terminal's disk.
    disk = b"".join(path.read_bytes() for path in (folder.work / "store").iterdir() if path.is_file())
    assert b"K-42" not in disk


# --- by card


def test_a_check_by_card_leaves_a_face_file(hub, folder, wallet, tmp_path):
    pin = tmp_path / "pin"
    pin.write_text("1234\n")
    pin.chmod(0o600)
    before = set(list_folder(folder.face))
    shown = onshi("eligibility", "get", "--card-image", wallet.image_file("eligible"), "--pin-file", pin, "--terminal",
                  folder.terminal.folder, "--hub", f"https://127.0.0.1:{hub.port}", "--face-file", folder.share, "--json")
    assert shown.returncode == 0, shown.stderr
    answer = json.loads(shown.stdout)
    name, = set(list_folder(folder.face)) - before
    assert re.fullmatch(rf"OQSsiquc01res_face_{folder.terminal.facility}[0-9a-f]{{20}}_\d{{14}}\.xml", name)
    root = parse((folder.face / name).read_bytes())
    assert value(root, "ReferenceClassification") == "1" and root.find(".//QualificationConfirmSearchInfo") is None
    assert value(root, "Name") == answer["person"]["name"].replace(" ", "　")
    assert value(root, "Address") == answer["person"]["address"]
    assert {value(root, stem + "ConsFlg") for stem in ("PharmacistsInfo", "DiagnosisInfo", "OperationInfo",
                                                       "SpecificHealthCheckupsInfo")} == {"0"}


# --- bulk


def bulk_request(folder, infos, identifier="bulk-1"):
    header = {"QualificationConfirmationDate": today().strftime("%Y%m%d"),
              "MedicalInstitutionCode": folder.terminal.facility, "ArbitraryFileIdentifier": identifier}
    return message(header, "".join(infos))


def download(folder, number, reception, prefix="OQSmuquc02", encoding="utf-8"):
    """Asks again until it is done, as clients do."""
    text = message({"MedicalInstitutionCode": folder.terminal.facility}, elements({"ReceptionNumber": reception}))
    for attempt in range(200):
        root = ElementTree.fromstring(folder.ask(f"{number}-{attempt}", text, prefix))
        if value(root, "SegmentOfResult") != "2":
            return root
    raise AssertionError("never done")


def test_a_list_of_patients_is_taken_in_and_handed_out(folder, wallet, patient):
    infos = [search_info(search_terms(folder.installation, person, ArbitraryIdentifier=f"p{place}"))
             for place, person in enumerate(insured_persons(wallet, 300))]
    infos[7] = search_info({**patient, "InsurerNumber": "06139464", "ArbitraryIdentifier": "p7"})
    root = parse(folder.ask("17", bulk_request(folder, infos), "OQSmuquc01"))
    reception = value(root, "ReceptionNumber")
    assert value(root, "ArbitraryFileIdentifier") == "bulk-1" and re.fullmatch(r"R\d{17}", reception)
    assert re.fullmatch(r"\d{14}", value(root, "ReceptionDateTime"))
    done = download(folder, "17", reception)
    header = {child.tag: child.text for child in done.find("MessageHeader")}
    assert header["ReceptionNumber"] == reception and header["ArbitraryFileIdentifier"] == "bulk-1"
    assert (header["NumberOfProcessingResult"], header["NumberOfNormalProcessing"], header["NumberOfError"]) == (
        "300", "299", "1")
    units = done.findall("MessageBody/BulkConfirmUnit")
    assert [unit.findtext("QualificationConfirmSearchInfo/ArbitraryIdentifier") for unit in units] == [
        f"p{place}" for place in range(300)]
    assert units[7].findtext("ProcessingResultCode") == "ONSHI4001"
    valid = [unit for unit in units if unit.findtext("QualificationValidity") == "1"]
    assert len(valid) > 250
    assert all(unit.find("ResultOfQualificationConfirmation/Name") is not None and unit.find("ResultList") is None
               for unit in valid)
    again = download(folder, "17b", reception)
    assert len(again.findall("MessageBody/BulkConfirmUnit")) == 300


def test_an_unknown_reception_number_is_answered_as_such(folder):
    for prefix in ("OQSmuquc02", "OQSmuimm02", "OQSmutic02", "OQSmuhvq02", "OQSmuonq02"):
        root = download(folder, "18" + prefix[5:8], "R20200101000000001", prefix)
        assert value(root, "SegmentOfResult") == "9" and value(root, "ErrorCode") == "ONSHI4006"


@pytest.mark.parametrize("prefix, terms", [
    ("OQSmutic", {"MedicalTreatmentMonth": "202611"}),
    ("OQSmuhvq", {"ConsentDateFrom": "20261001", "ConsentDateTo": "20261101", "MedicalTreatmentFlag": "2"}),
    ("OQSmuonq", {"ExaminationDateFrom": "20261001", "ExaminationDateTo": "20261003", "MedicalTreatmentFlag": "3"}),
])
def test_lists_that_this_system_does_not_keep_are_empty_and_complete(folder, prefix, terms):
    root = parse(folder.ask("19", bulk_request(folder, [search_info(terms)], "tic-1"), prefix + "01"))
    done = download(folder, "19", value(root, "ReceptionNumber"), prefix + "02")
    assert value(done, "SegmentOfResult") == "1" and value(done, "NumberOfProcessingResult") == "0"
    assert done.find("MessageBody") is None and value(done, "ArbitraryFileIdentifier") == "tic-1"


@pytest.mark.parametrize("prefix, terms, code", [
    ("OQSmutic", {"MedicalTreatmentMonth": "202613"}, "ONSHI4002"),
    ("OQSmuhvq", {"ConsentDateFrom": "20261101"}, "ONSHI4003"),
    ("OQSmuonq", {"ExaminationDateFrom": "20261003", "ExaminationDateTo": "20261001"}, "ONSHI4003"),
])
def test_a_list_is_not_made_of_wrong_terms(folder, prefix, terms, code):
    root = parse(folder.ask("19w", bulk_request(folder, [search_info(terms)], "tic-2"), prefix + "01"))
    assert value(root, "SegmentOfResult") == "9" and value(root, "ErrorCode") == code and value(root, "ErrorMessage")
    assert value(root, "ReceptionNumber") is None and value(root, "ArbitraryFileIdentifier") == "tic-2"


def test_a_facility_can_hear_that_a_list_is_not_kept(hub, tmp_path):
    with DeskProcess(hub.installation, hub, tmp_path / "desk", "--oqs-lists", "refused") as desk:
        terms = search_info({"MedicalTreatmentMonth": "202611"})
        root = parse(desk.ask("1", bulk_request(desk, [terms]), "OQSmutic01"))
        assert value(root, "SegmentOfResult") == "9" and value(root, "ErrorCode") == "ONSHI4005"
        assert "扱っていません" in value(root, "ErrorMessage") and value(root, "ReceptionNumber") is None


def test_reference_numbers_are_registered_in_a_list(folder, wallet):
    persons = insured_persons(wallet, 100)[50:]
    terms = [search_terms(folder.installation, person) for person in persons]
    infos = [reference_info(one, f"B{place}") for place, one in enumerate(terms)]
    root = parse(folder.ask("20", bulk_request(folder, infos, "imm-1"), "OQSmuimm01"))
    done = download(folder, "20", value(root, "ReceptionNumber"), "OQSmuimm02")
    units = done.findall("MessageBody/BulkRegistrationUnit")
    assert [unit.findtext("ProcessingResultStatus") for unit in units] == ["1"] * len(persons)
    assert [unit.findtext("ReferenceNumberRegistrationInfo/ReferenceNumber") for unit in units] == [
        f"B{place}" for place in range(len(persons))]


# --- the hub goes away, the terminal dies


def test_while_the_hub_is_away_requests_are_answered_as_failed_and_then_well_again(
        new_installation, tmp_path, patient):
    with Hub(new_installation(), tmp_path / "hub") as hub:
        with DeskProcess(hub.installation, hub, tmp_path / "desk") as desk:
            assert value(parse(desk.ask("1", single_request(desk, patient))), "QualificationValidity") == "1"
            hub.kill()
            root = parse(desk.ask("2", single_request(desk, {**patient, "Birthdate": "19010203"})))  # never here before
            assert value(root, "SegmentOfResult") == "9" and value(root, "ErrorCode") in ("ONSHI9001", "ONSHI9003",
                                                                                        "ONSHI9005")
            hub.wanted_port = hub.port
            hub.start()
            assert value(parse(desk.ask("3", single_request(desk, patient))), "QualificationValidity") == "1"


def has_kept_visits(desk, count):
    """Whether so many answers are remembered by number; what they say is sealed."""
    with contextlib.closing(sqlite3.connect(desk.work / "store" / "ledger.db")) as store:
        return store.execute("SELECT count(*) FROM local_record WHERE kind = 9").fetchone()[0] == count


def report_loss(installation, by_card, person, folder):
    """The insurer says that the person's coverage has ended; no hub is needed for that."""
    coverage = by_card["coverage"]
    fields = {"operation": "lose", "insurer_number": coverage["insurer"]["number"].strip(),
              "symbol": coverage.get("symbol", ""), "number": coverage["number"], "branch": coverage.get("branch", ""),
              "birth_date": person.birth_date, "lost_on": (today() - timedelta(days=3)).isoformat(), "loss_reason": "99"}
    file = folder / "loss.csv"
    file.write_text(",".join(fields) + "\n" + ",".join(fields.values()) + "\n")
    done = onshi("member", "import", file, "--all-insurers", "--operator", "sato", "--config", installation.settings,
                 "--json")
    assert done.returncode == 0 and json.loads(done.stdout.splitlines()[0])["results"]["ended"] == 1, done.stderr


def test_a_look_up_by_number_without_the_hub_is_told_of_the_last_visit_and_how_old_it_is(
        new_installation, tmp_path, patient, municipal):
    _, person, by_card = municipal
    installation = new_installation()
    with Hub(installation, tmp_path / "hub") as hub:
        with DeskProcess(installation, hub, tmp_path / "desk") as desk:
            online = parse(desk.ask("1", single_request(desk, patient)))
            desk.wait_until(lambda: has_kept_visits(desk, 1))
            # Another day's look-up is no visit, nor is one that finds nobody.
            desk.ask("1b", single_request(desk, {**patient, "InsuredBranchNumber": ""}, day=today() + timedelta(days=1)))
            desk.ask("1c", single_request(desk, {**patient, "Birthdate": "19010203"}))
            hub.kill()
            root = parse(desk.ask("2", single_request(desk, patient, "second")))
            assert value(root, "SegmentOfResult") == "9" and value(root, "ProcessingResultStatus") == "2"
            assert value(root, "ErrorCode") == value(root, "ProcessingResultCode") == "ONSHI2005"
            assert f"{today().isoformat()}（0日前）" in value(root, "ErrorMessage")
            assert len(value(root, "ErrorMessage")) <= 60 and value(root, "QualificationValidity") is None
            record, = root.findall("MessageBody/ResultList/ResultOfQualificationConfirmation")
            before, = online.findall("MessageBody/ResultList/ResultOfQualificationConfirmation")
            for name in ("Name", "InsurerNumber", "InsuredCardSymbol", "InsuredIdentificationNumber", "Birthdate"):
                assert record.findtext(name) == before.findtext(name), name
            assert record.find("Address") is None
            assert record.findtext("LimitApplicationCertificateRelatedConsFlg") == "0", "nobody can record a consent now"
            for number, change in (("3", {"Birthdate": "19010203"}), ("4", {"InsuredBranchNumber": ""})):
                stranger = parse(desk.ask(number, single_request(desk, {**patient, **change})))
                assert stranger.find(".//ResultList") is None and value(stranger, "ErrorCode").startswith("ONSHI9")
            far = parse(desk.ask("5", single_request(desk, patient, day=parse_day(by_card["coverage"]["acquired_on"], -1))))
            assert far.find(".//ResultList") is None, "not on a day that the coverage does not hold"
            report_loss(installation, by_card, person, tmp_path)
            hub.wanted_port = hub.port
            hub.start()
            late = parse(desk.result("OQSsiquc01res_2-late.xml"))
            assert value(late, "ArbitraryFileIdentifier") == "second" and value(late, "QualificationValidity") == "2"
            desk.wait_until(lambda: {check["state"] for check in open_checks(desk)} == {"differs"})
            difference, = open_checks(desk)
            assert (difference["row"], difference["why"], difference["for"]) == ("last_visit", "result", "staff")
            assert difference["receipt"]
            # The next visit is answered by the hub, and ends what was remembered.
            assert value(parse(desk.ask("6", single_request(desk, patient))), "QualificationValidity") == "2"
            desk.wait_until(lambda: has_kept_visits(desk, 0))


def parse_day(text, days):
    return date.fromisoformat(text) + timedelta(days=days)


@pytest.mark.parametrize("use, segment, validity", [("answered", "1", "1"), ("none", "9", None)])
def test_what_is_told_of_the_last_visit_is_a_setting(new_installation, tmp_path, patient, use, segment, validity):
    with Hub(new_installation(), tmp_path / "hub") as hub:
        with DeskProcess(hub.installation, hub, tmp_path / "desk", "--oqs-last-visit", use, "--oqs-result-codes",
                         "note.last_visit=OWN1") as desk:
            desk.ask("1", single_request(desk, patient))
            desk.wait_until(lambda: has_kept_visits(desk, 1))
            desk.kill()
            hub.kill()
            desk.start()
            root = parse(desk.ask("2", single_request(desk, patient)))
            assert value(root, "SegmentOfResult") == segment and value(root, "QualificationValidity") == validity
            assert (value(root, "ProcessingResultCode") == "OWN1") == (use == "answered")
            assert (root.find(".//ResultList") is not None) == (use == "answered")
            assert len(open_checks(desk)) == 1, "the check follows whatever was told"


def test_a_terminal_that_is_killed_answers_everything_after_its_next_start_and_nothing_twice(
        new_installation, tmp_path, wallet):
    with Hub(new_installation(), tmp_path / "hub") as hub:
        desk = DeskProcess(hub.installation, hub, tmp_path / "desk").start()
        persons = insured_persons(wallet, 200)
        for number, person in enumerate(persons):
            desk.drop(f"OQSsiquc01req_{number}.xml", single_request(desk, search_terms(desk.installation, person)))
        for _ in range(5):
            answered = len(os.listdir(desk.res))
            desk.wait_until(lambda: len(os.listdir(desk.res)) > answered or not os.listdir(desk.req))
            desk.kill()
            desk.start()
        desk.wait_until(lambda: len(os.listdir(desk.res)) == len(persons) and not os.listdir(desk.req))
        desk.stop()
        recorded = hub.metric("onshi_eligibility_requests_total")
        rows = hub.installation.rows(hub.installation.ledger, "SELECT count(*) FROM used_check")
        assert rows == [(len(persons),)], "one disclosure per person, however often the terminal asked"
        assert recorded >= len(persons)


def open_checks(desk):
    listed = onshi("terminal", "deferred", "--terminal", desk.terminal.folder, "--hub", f"https://127.0.0.1:{desk.hub.port}",
                   "--terminal-store-folder", desk.work / "store", "--json")
    assert listed.returncode == 0, listed.stderr
    return [json.loads(line) for line in listed.stdout.splitlines()]


def test_what_met_no_hub_is_made_up_for_once_whatever_happens_to_the_terminal(new_installation, tmp_path, wallet):
    with Hub(new_installation(), tmp_path / "hub") as hub:
        desk = DeskProcess(hub.installation, hub, tmp_path / "desk").start()
        hub.kill()
        persons = insured_persons(wallet, 200)
        for number, person in enumerate(persons):
            desk.drop(f"OQSsiquc01req_{number}.xml", single_request(desk, search_terms(desk.installation, person), f"id-{number}"))
        desk.wait_until(lambda: len(os.listdir(desk.res)) == len(persons))
        assert all(b"<SegmentOfResult>9<" in (desk.res / f"OQSsiquc01res_{number}.xml").read_bytes()
                   for number in range(len(persons))), "every counter was told that it failed"
        desk.kill()
        listed = open_checks(desk)
        assert len(listed) == len(persons) and {check["for"] for check in listed} == {"none"}
        desk.start()
        hub.wanted_port = hub.port
        hub.start()
        late = lambda: sum(name.endswith("-late.xml") for name in os.listdir(desk.res))
        desk.wait_until(lambda: late() > 0)
        desk.kill()  # in the middle of it, or behind it
        desk.start()
        desk.wait_until(lambda: late() == len(persons), 60)
        roots = [parse((desk.res / f"OQSsiquc01res_{number}-late.xml").read_bytes()) for number in range(len(persons))]
        assert [value(root, "ArbitraryFileIdentifier") for root in roots] == [f"id-{n}" for n in range(len(persons))]
        assert {value(root, "SegmentOfResult") for root in roots} == {"1"}
        desk.wait_until(lambda: open_checks(desk) == [])
        assert desk.stop() == 0
        rows = hub.installation.rows(hub.installation.ledger, "SELECT count(*) FROM used_check")
        assert rows == [(len(persons),)], "each was recorded once"


def test_a_hub_that_dies_and_comes_back_during_200_check_ins_costs_nobody_their_answer(new_installation, tmp_path, wallet):
    """Every patient has an answer or was told that there is none yet; what was kept is closed; nothing happens twice."""
    with Hub(new_installation(), tmp_path / "hub") as hub:
        with DeskProcess(hub.installation, hub, tmp_path / "desk") as desk:
            persons = insured_persons(wallet, 200)
            hub.wanted_port = hub.port
            results = lambda: [name for name in os.listdir(desk.res) if not name.endswith("-late.xml")]
            for number, person in enumerate(persons):
                desk.drop(f"OQSsiquc01req_{number}.xml",
                          single_request(desk, search_terms(desk.installation, person), f"id-{number}"))
                if number in (60, 140):
                    hub.kill()
                if number in (100, 180):
                    hub.start()
            desk.wait_until(lambda: len(results()) == len(persons), 60)
            desk.wait_until(lambda: open_checks(desk) == [], 90)
            for number in range(len(persons)):
                root = parse((desk.res / f"OQSsiquc01res_{number}.xml").read_bytes())
                late = desk.res / f"OQSsiquc01res_{number}-late.xml"
                assert (value(root, "SegmentOfResult") == "1") != late.exists(), "answered at once or afterwards, not both"
                if late.exists():
                    assert value(parse(late.read_bytes()), "SegmentOfResult") == "1"
            rows = hub.installation.rows(hub.installation.ledger, "SELECT count(*) FROM used_check")
            assert rows == [(len(persons),)], "each was recorded once"


def test_status_names_the_broken_hop(hub, folder, tmp_path):
    def look(*words, env=None):
        shown = onshi("terminal", "status", "--terminal", folder.terminal.folder, "--json", *words,
                      env={"PCSCLITE_CSOCK_NAME": str(tmp_path / "none"), **(env or {})})
        return {check["name"]: check.get("code", "ok") for check in json.loads(shown.stdout)["checks"]}

    good = look("--hub", f"https://127.0.0.1:{hub.port}", "--exchange-folder", folder.share)
    assert good == {"folder": "ok", "pcscd": "reader.unavailable", "certificate": "ok", "address": "ok", "tls": "ok",
                    "hub": "ok", "database": "ok", "modes": "ok"}
    assert look("--hub", "https://127.0.0.1:1")["address"] == "peer.unavailable"
    assert "hub" not in look("--hub", "https://127.0.0.1:1")
    (tmp_path / "file").write_text("")
    assert look("--hub", f"https://127.0.0.1:{hub.port}", "--exchange-folder", tmp_path / "file")["folder"] == "folder.unusable"


def test_a_bulk_inquiry_survives_the_terminal(new_installation, tmp_path, wallet):
    with Hub(new_installation(), tmp_path / "hub") as hub:
        desk = DeskProcess(hub.installation, hub, tmp_path / "desk").start()
        infos = [search_info(search_terms(desk.installation, person)) for person in insured_persons(wallet, 50)]
        reception = value(parse(desk.ask("1", bulk_request(desk, infos), "OQSmuquc01")), "ReceptionNumber")
        desk.kill()
        desk.start()
        assert len(download(desk, "2", reception).findall("MessageBody/BulkConfirmUnit")) == 50
        assert desk.stop() == 0


# --- names


def test_rare_glyphs_are_whole_in_utf8_and_have_their_substitute_in_cp932(new_installation, tmp_path, wallet):
    with Hub(new_installation(), tmp_path / "hub") as hub:
        desk = DeskProcess(hub.installation, hub, tmp_path / "desk", "--oqs-encodings", "OQSmuquc02=cp932")
        with desk:
            rare = [person for person in insured_persons(wallet, 2_500) if not is_cp932(person.name)]
            assert len(rare) >= 10
            infos = [search_info(search_terms(desk.installation, person)) for person in rare]
            reception = value(parse(desk.ask("1", bulk_request(desk, infos), "OQSmuquc01")), "ReceptionNumber")
            text = message({"MedicalInstitutionCode": desk.terminal.facility}, elements({"ReceptionNumber": reception}))
            assert eventually(lambda: b"<SegmentOfResult>1<" in desk.ask("2", text, "OQSmuquc02"))
            data = (desk.res / "OQSmuquc02res_2.xml").read_bytes()
            decoded = data.decode("cp932")
            assert 'encoding="Shift_JIS"' in decoded and "<CharacterCodeIdentifier>1<" in decoded
            names = re.findall(r"<Name>(.*?)</Name>", decoded)
            assert len(names) > len(rare) * 0.8 and "●" not in decoded and "?" not in "".join(names)
            for number, person in enumerate(rare[:20]):
                root = parse(desk.ask(f"u{number}", single_request(desk, search_terms(desk.installation, person))))
                if value(root, "QualificationValidity") == "1":
                    assert root.find(".//Name").text == person.name.replace(" ", "　"), "with its variation selectors"


def is_cp932(name):
    try:
        name.encode("cp932")
        return True
    except UnicodeEncodeError:
        return False


def test_records_that_cannot_be_read_are_told_and_kept_until_somebody_has_seen_to_them(hub, tmp_path):
    with DeskProcess(hub.installation, hub, tmp_path / "desk"):
        pass
    desk = DeskProcess(hub.installation, hub, tmp_path / "desk")
    with sqlite3.connect(desk.work / "store" / "ledger.db") as store:
        # A visit (6) as another terminal's key sealed it.
        store.execute("INSERT INTO local_record (kind, record_key, written_at, content) VALUES (6, 'lost', 1, x'00')")
    store.close()
    at = ("--terminal", desk.terminal.folder, "--hub", f"https://127.0.0.1:{hub.port}", "--terminal-store-folder",
          desk.work / "store", "--json")

    def records():
        found, = [check for check in json.loads(onshi("terminal", "status", *at).stdout)["checks"]
                  if check["name"] == "records"]
        return found

    assert records()["code"] == "terminal.records_unreadable" and records()["detail"] == "1 offline_visit"
    row, = open_checks(desk)
    assert (row["id"], row["state"], row["row"], row["for"]) == ("lost", "unreadable", "visit", "insurer")
    with desk:
        desk.wait_until(lambda: "terminal.records_unreadable" in desk.log_text())
        assert "lost" in {check["id"] for check in open_checks(desk)}, "a start forgets nothing"
    assert onshi("terminal", "deferred", "--done", "lost", *at).returncode == 0
    assert records()["ok"] and open_checks(desk) == []
