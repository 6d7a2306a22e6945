"""What the patient pays: files of cases at the command line, estimates of a hub."""

import csv
import io
import json
from pathlib import Path

import pytest

from harness.installation import onshi

VECTORS = Path(__file__).resolve().parent.parent / "vectors" / "payments"
SOME_FAILED = 8
USAGE = 2
RESULTS = {
    "claims.csv": ["patient_total", "share_before_first_public", "insurer_uncovered"],
    "limits.csv": ["limit"],
    "households.csv": ["paid", "refund_A", "refund_B", "refund_C", "refund_total", "net_burden"],
    "counter.csv": ["raw_yen", "counter_yen"],
}


# --- onshi payments evaluate


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.csv")), ids=lambda path: path.name)
def test_a_file_of_right_results_comes_back_as_it_is(path):
    done = onshi("payments", "evaluate", path)
    assert (done.returncode, done.stdout) == (0, path.read_text(encoding="utf-8")), done.stderr


@pytest.mark.parametrize("name", sorted(RESULTS))
def test_results_may_be_empty_or_absent(name, tmp_path):
    text = (VECTORS / name).read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    for kind in ("empty", "absent"):
        fields = [field for field in rows[0] if kind == "empty" or field not in RESULTS[name]]
        out = io.StringIO()
        writer = csv.DictWriter(out, fields, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, **{field: "" for field in RESULTS[name]}} for row in rows)
        file = tmp_path / f"{kind}.csv"
        file.write_text(out.getvalue(), encoding="utf-8")
        done = onshi("payments", "evaluate", file)
        assert done.returncode == 0, done.stderr
        assert list(csv.DictReader(io.StringIO(done.stdout))) == rows


def test_a_result_that_disagrees_is_exit_8_and_named(tmp_path):
    file = tmp_path / "limits.csv"
    file.write_text("table,band,category,medical_cost,setting,many,m75,limit\n"
                    "T2026,u70,ウ,1000000,in,0,0,87430\nT2026,u70,ウ,1000000,in,0,0,92940\n", encoding="utf-8")
    done = onshi("payments", "evaluate", file)
    assert done.returncode == SOME_FAILED
    assert done.stdout.splitlines()[1:] == ["T2026,u70,ウ,1000000,in,0,0,92940"] * 2
    assert "line 2" in done.stderr and "87430" in done.stderr and "92940" in done.stderr
    assert "2 cases, 1 disagree, 0 cannot be calculated" in done.stderr


def test_an_impossible_case_is_named_and_gets_no_zero(tmp_path):
    file = tmp_path / "claims.csv"
    file.write_text("id,band,category,rate,setting,parts\nX,u70,III,3,in,1000\nY,u70,ウ,3,in,1000@54\n", encoding="utf-8")
    done = onshi("payments", "evaluate", file)
    assert done.returncode == SOME_FAILED
    assert done.stdout.splitlines()[1:] == ["X,u70,III,3,in,1000,,,", "Y,u70,ウ,3,in,1000@54,,,"]
    assert "payments.category" in done.stderr and "payments.cap_missing" in done.stderr


def test_what_is_taken_as_given_is_said(tmp_path):
    file = tmp_path / "claims.csv"
    file.write_text("id,band,category,rate,setting,parts\nS,o70,一般,3,out,10000\nB,u70,blank,3,in,100000\n", encoding="utf-8")
    done = onshi("payments", "evaluate", file)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1:] == ["S,o70,一般,3,out,10000,18000,,18000", "B,u70,blank,3,in,100000,300000,,300000"]
    assert "line 2 S: ratio and category do not fit each other" in done.stderr and "line 3 B: ratio" not in done.stderr


@pytest.mark.parametrize("header, row, code", [
    ("band,category,medical_cost,setting", "u70,ウ,1000000,in", "field.missing"),
    ("household_category,items", "ウ,a:u:in:100000:30", "field.missing"),
    ("care_month,table,band,category,medical_cost,setting", "2026-11,T2018,u70,ウ,1000000,in", "field.value"),
    ("table,band,category,medical_cost,setting,many", "T2026,u70,ウ,1000000,in,2026-10 2026-09 2026-08", "field.missing"),
    ("points,rate_tenths", "288,0", "payments.ratio"),
    ("points,rate_tenths", "288,4", "payments.ratio"),
    ("band,category,rate,setting,parts", "u70,0,3,in,1000", "payments.category"),
    ("points,rate_tenths,counter_yen", '288,3,"8,60"', "counter_yen"),
    ("table,household_category,items", "T2026,ウ,a:u:in:100000:30 a:o:in:100000:20", "payments.household"),
    ("table,household_category,items", "T2026,ウ,a:u:in:100000:30 a:u:in:100000:20", "payments.household"),
    ("table,household_category,items", "T2026,ウ,a:u:in:100000:30:h a:u:in:100000:30", "payments.household"),
    ("band,category,rate,setting,parts", "u70,ウ,3,out,1000@54/5000;1000@54/2500+38/10", "payments.parts"),
    ("band,category,rate,setting,parts", "u70,ウ,3,out,1000@54/5000;1000@54/5000", "payments.parts"),
])
def test_cases_that_do_not_say_enough_or_contradict_themselves_are_refused(tmp_path, header, row, code):
    file = tmp_path / "cases.csv"
    file.write_text(f"{header}\n{row}\n", encoding="utf-8")
    done = onshi("payments", "evaluate", file)
    assert done.returncode == SOME_FAILED and code in done.stderr, done.stderr


def test_a_payers_cap_is_of_the_month_and_not_of_a_part(tmp_path):
    file = tmp_path / "claims.csv"
    file.write_text("band,category,rate,setting,parts\nu70,ウ,3,out,30000@54/5000;30000@54/5000+38/10000\n", encoding="utf-8")
    assert ",5000," in onshi("payments", "evaluate", file).stdout.splitlines()[1]


def test_cases_as_json():
    done = onshi("payments", "evaluate", VECTORS / "households.csv", "--json")
    assert done.returncode == 0, done.stderr
    cases = [json.loads(line) for line in done.stdout.splitlines()]
    assert cases[0]["id"] == "HH01" and cases[0]["agrees"] and cases[0]["results"]["net_burden"] == 57600


def test_files_that_are_none_are_refused(tmp_path):
    assert onshi("payments", "evaluate", tmp_path / "none.csv").returncode != 0
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    done = onshi("payments", "evaluate", other)
    assert done.returncode not in (0, SOME_FAILED) and "file.malformed" in done.stderr


# --- onshi payments explain


def test_a_claim_is_explained_with_its_law():
    done = onshi("payments", "explain", "--category", "ウ", "--rate", "3", "--setting", "in", "--parts", "100000",
                 "--month", "2026-11")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("to pay: 92,940 yen\n")
    assert "健康保険法第115条" in done.stdout


def test_a_household_is_explained_in_easy_japanese():
    done = onshi("payments", "explain", "--household", "エ", "--items", "a:o:in:350000:20 b:u:in:100000:30",
                 "--month", "2026-11", "--easy", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["paid"], answer["refund_total"], answer["net_burden"]) == (100000, 38500, 61500)
    assert [step["rule"] for step in answer["steps"]] == ["copay", "copay", "household_elderly", "household_all"]
    assert answer["steps"][-1]["sentence"] == "家族 みんなで 61,500円 までです。"


def test_explain_takes_a_claim_or_a_household():
    assert onshi("payments", "explain").returncode == USAGE
    assert onshi("payments", "explain", "--parts", "100", "--category", "ウ", "--rate", "3", "--household", "ウ").returncode == USAGE
    assert onshi("payments", "explain", "--items", "a:u:in:1:30", "--household", "ウ", "--category", "ウ").returncode == USAGE
    for words in (["--half-month"], ["--relief"], ["--rate", "3"], ["--band", "u70"], ["--setting", "in"], ["--special-disease", "10000"]):
        assert onshi("payments", "explain", "--items", "a:u:in:1:30", "--household", "ウ", *words).returncode == USAGE, words


def test_the_band_of_a_claim_is_that_of_its_category():
    words = ("payments", "explain", "--rate", "2", "--parts", "20000", "--month", "2026-11", "--json")
    assert json.loads(onshi(*words, "--category", "一般").stdout)["patient_total"] == 22000
    done = onshi(*words, "--category", "blank")
    assert done.returncode != 0 and "band" in done.stderr, done.stderr


def test_a_half_month_and_a_payer_that_changes_nothing_are_explained():
    words = ("payments", "explain", "--band", "o70", "--category", "一般", "--rate", "2", "--month", "2026-11", "--json")
    steps = json.loads(onshi(*words, "--half-month", "--parts", "9800@54/20000").stdout)["steps"]
    assert [step["rule"] for step in steps] == ["half_month", "copay", "payer_limit", "payer_share"]
    assert steps[1]["percent"] == 20
    assert steps[-1]["sentence"] == "With public payer 54 you still pay 11,000 yen."


def test_a_household_is_told_whose_money_comes_back():
    words = ("payments", "explain", "--household", "エ", "--items", "a:o:in:350000:20 b:u:in:100000:30", "--month", "2026-11")
    told = json.loads(onshi(*words, "--json").stdout)
    assert [item["paid"] for item in told["items"]] == [70000, 30000]
    assert sum(item["refund"] for item in told["items"]) == told["refund_total"] == 38500
    assert "a:o:in:350000:20: paid 70,000 yen, refund" in onshi(*words).stdout


def test_the_fourth_month_follows_from_the_months_of_the_benefits():
    words = ("payments", "explain", "--category", "ウ", "--rate", "3", "--setting", "in", "--parts", "100000", "--month", "2026-11")
    for months, total in (("2026-10 2026-06 2025-12", "44,400"), ("2026-10 2026-06 2025-11", "92,940")):
        done = onshi(*words, "--benefit-months", months)
        assert done.stdout.startswith(f"to pay: {total} yen\n"), done.stderr
    assert onshi(*words, "--many", "--benefit-months", "2026-10").returncode == USAGE


# --- onshi payments ratio


@pytest.mark.parametrize("words, group, lawful, finding", [
    (["--birth", "2021-06-01"], "preschool", 20, None),
    (["--birth", "1985-04-12", "--stored", "30"], "general", 30, "plausible"),
    (["--birth", "1985-04-12", "--stored", "20"], "general", 30, "suspect_age"),
    (["--birth", "1956-11-02", "--day", "2026-11-30"], "general", 30, None),
    (["--birth", "1956-11-01", "--day", "2026-11-30", "--taxable", "0"], "seventy", 20, None),
    (["--birth", "1955-02-01", "--scheme", "employees", "--pay", "280000", "--income", "4000000", "--stored", "20"],
     "seventy", 30, "other_income"),
    (["--birth", "1940-01-01", "--taxable", "280000", "--income", "2000000"], "late_elderly", 20, None),
    (["--birth", "1940-01-01", "--taxable", "280000", "--income", "2000000", "--several"], "late_elderly", 10, None),
    (["--birth", "1940-01-01", "--taxable", "1450000", "--income", "3830000", "--stored", "30", "--category", "B10"],
     "late_elderly", 30, "suspect_category"),
])
def test_the_ratio_that_the_law_gives(words, group, lawful, finding):
    day = [] if "--day" in words else ["--day", "2026-11-23"]
    done = onshi("payments", "ratio", *words, *day, "--json")
    assert done.returncode == (SOME_FAILED if finding not in (None, "plausible") else 0), done.stderr
    told = json.loads(done.stdout)
    assert (told["age_group"], told["lawful_percent"], told.get("finding")) == (group, lawful, finding)
    said = onshi("payments", "ratio", *words, *day).stdout.splitlines()
    assert said[0].startswith(f"{lawful} % (") and len(said) == (2 if finding else 1)


@pytest.mark.parametrize("words", [
    ["--birth", "2027-01-01"], ["--birth", "1980-01-01", "--scheme", "late-elderly"], ["--birth", "1940-01-01", "--category", "B10"],
])
def test_people_who_cannot_be_are_refused(words):
    assert onshi("payments", "ratio", *words, "--day", "2026-11-23").returncode == USAGE


@pytest.mark.parametrize("words, lawful, finding, code", [
    (["--birth", "1955-02-01", "--scheme", "employees", "--pay", "280000"], 30, None, 0),
    (["--birth", "1955-02-01", "--stored", "20"], 30, "income_needed", 0),
    (["--birth", "1940-01-01", "--taxable", "280000", "--stored", "30"], 20, "other_income", SOME_FAILED),
])
def test_an_income_that_was_not_given_is_not_guessed(words, lawful, finding, code):
    done = onshi("payments", "ratio", *words, "--day", "2026-11-23", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["lawful_percent"], told["certain"], told.get("finding")) == (code, lawful, False, finding)
    assert "--income" in onshi("payments", "ratio", *words, "--day", "2026-11-23").stdout


# --- POST /v1/payments/estimate

CLAIM = {"care_day": "2026-11-23", "limit_category": "A03", "copay_percent": 30, "setting": "inpatient",
         "parts": [{"points": 100000}]}


def test_an_estimate_says_what_who_pays_and_why(desk):
    estimate = desk.post("/v1/payments/estimate", CLAIM).value
    assert (estimate["limit_table"], estimate["limit_category"]) == ("T2026", "ウ")
    assert (estimate["patient_total"], estimate["counter_amount"], estimate["insurer_total"]) == (92940, 92940, 907060)
    assert [step["rule"] for step in estimate["steps"]] == ["copay", "monthly_limit"]
    assert set(estimate["steps"][1]["sentences"]) == {"ja", "ja_easy", "en"}


@pytest.mark.parametrize(("day", "limit"), [("2026-07-31", 87430), ("2026-08-01", 92940)])
def test_the_law_is_that_of_the_day_of_care(desk, day, limit):
    assert desk.post("/v1/payments/estimate", {**CLAIM, "care_day": day}).value["patient_total"] == limit


def test_without_a_category_nobody_guesses_a_limit(desk):
    blank = {name: value for name, value in CLAIM.items() if name != "limit_category"}
    estimate = desk.post("/v1/payments/estimate", {**blank, "birth_date": "1985-04-12"}).value
    assert estimate["patient_total"] == 300000 and "limit_category" not in estimate
    assert [step["rule"] for step in estimate["steps"]] == ["copay", "no_category"]
    later = desk.post("/v1/payments/estimate", {**blank, "birth_date": "1985-04-12", "care_day": "2027-08-01"})
    assert later.value["patient_total"] == 300000
    assert desk.post("/v1/payments/estimate", blank).field_codes() == {"/limit_category": "field.missing"}
    # Late-elderly with a certified disability: younger than seventy, and over70 all the same.
    disabled = {**blank, "copay_percent": 10, "birth_date": "1958-05-01", "age_band": "over70"}
    assert desk.post("/v1/payments/estimate", disabled).value["patient_total"] == 100000
    wrong = desk.post("/v1/payments/estimate", {**disabled, "birth_date": "1985-04-12"})
    assert wrong.field_codes() == {"/age_band": "field.value"}


def test_a_ratio_that_is_none_of_the_age_is_said(desk):
    for change in ({"copay_percent": 20, "birth_date": "1980-01-01"}, {"copay_percent": 30, "birth_date": "2023-01-01"},
                   {"limit_category": "B09", "copay_percent": 10, "birth_date": "1940-01-01"}):
        steps = desk.post("/v1/payments/estimate", {**CLAIM, **change}).value["steps"]
        assert steps[-1]["rule"] == "ratio_suspect", change
    steps = desk.post("/v1/payments/estimate", {**CLAIM, "birth_date": "1980-01-01"}).value["steps"]
    assert "ratio_suspect" not in [step["rule"] for step in steps]


def test_a_step_of_a_category_is_told_back(desk):
    later = desk.post("/v1/payments/estimate", {**CLAIM, "care_day": "2027-08-01", "limit_category": "440000"}).value
    assert (later["limit_category"], later["patient_total"]) == ("ウ1", 116720)


def test_the_month_of_the_75th_birthday_follows_from_the_birth_date(desk):
    elderly = {**CLAIM, "limit_category": "B04", "copay_percent": 20, "birth_date": "1951-11-15"}
    assert desk.post("/v1/payments/estimate", elderly).value["patient_total"] == 30750
    assert desk.post("/v1/payments/estimate", {**elderly, "half_month": False}).value["patient_total"] == 61500
    assert desk.post("/v1/payments/estimate", {**elderly, "birth_date": "1951-11-01"}).value["patient_total"] == 61500


def test_public_payers_share_the_rest(desk):
    parts = [{"points": 5000, "payers": [{"law_code": 83, "cap": 500}, {"law_code": 54, "cap": 2500}]}]
    estimate = desk.post("/v1/payments/estimate", {**CLAIM, "setting": "outpatient", "parts": parts}).value
    assert (estimate["insurer_total"], estimate["payers_total"], estimate["patient_total"]) == (35000, 14500, 500)
    assert [step.get("payer") for step in estimate["steps"]] == [None, 54, 83]


@pytest.mark.parametrize(("payer", "patient"), [
    ({"law_code": 54, "income_class": "low_2"}, 5000),
    ({"law_code": 54, "income_class": "middle_1", "severity": "long"}, 5000),
    ({"law_code": 54, "cap": 10000, "others": [{"cap": 10000}]}, 5000),
    ({"law_code": 54, "income_class": "middle_1", "others": [{"cap": 5000}]}, 6660),
    ({"law_code": 21, "income_class": "middle_1"}, 10000),  # no cap but the insurer's limit: 10 % of the cost
])
def test_a_cap_follows_from_the_income_class_and_is_shared_in_the_household(desk, payer, patient):
    claim = {**CLAIM, "setting": "outpatient", "parts": [{"points": 10000, "payers": [payer]}]}
    assert desk.post("/v1/payments/estimate", claim).value["patient_total"] == patient


def test_the_fourth_month_is_counted_from_the_benefits(desk):
    months = [{"month": month} for month in ("2026-10", "2026-06", "2025-12")]
    assert desk.post("/v1/payments/estimate", {**CLAIM, "benefit_months": months}).value["patient_total"] == 44400
    assert desk.post("/v1/payments/estimate", {**CLAIM, "benefit_months": months[:2]}).value["patient_total"] == 92940


@pytest.mark.parametrize(("change", "code"), [
    ({"copay_percent": 10}, "payments.ratio"),
    ({"special_disease_cap": 20000}, "payments.special_disease"),
    ({"relief": True}, "payments.relief"),
    ({"parts": [{"points": 1}, {"points": 2}]}, "payments.parts"),
    ({"parts": [{"points": 1, "payers": [{"law_code": 54}]}]}, "payments.cap_missing"),
    ({"parts": [{"points": 1, "payers": [{"law_code": 77}]}]}, "payments.payer"),
])
def test_impossible_combinations_are_refused_by_name(desk, change, code):
    reply = desk.post("/v1/payments/estimate", {**CLAIM, **change})
    assert (reply.status, reply.code) == (422, code)


@pytest.mark.parametrize(("change", "pointer", "code"), [
    ({"limit_category": "Z99"}, "/limit_category", "payments.category"),
    ({"care_day": "2018-07-31"}, "/care_day", "payments.care_month"),
    ({"care_day": "2027-08-01"}, "/limit_category", "payments.category"),  # a step is needed from then on
    ({"limit_category": "B04", "copay_percent": 20, "birth_date": "2018-05-01"}, "/limit_category", "payments.category"),
    ({"birth_date": "1950-05-01"}, "/limit_category", "payments.category"),
    ({"birth_date": "2026-11-24"}, "/birth_date", "field.value"),
    ({"birth_date": "1985-04-12", "half_month": True}, "/half_month", "field.value"),
    ({"age_band": "under70"}, "/age_band", "field.value"),
    ({"care_day": "2026-02-30"}, "/care_day", "date.no_such_day"),
    ({"limit_category": "0"}, "/limit_category", "payments.category"),
    ({"setting": "somewhere"}, "/setting", "field.value"),
    ({"fourth_month": 1}, "/fourth_month", "field.type"),
    ({"parts": []}, "/parts", "field.range"),
    ({"parts": [{"points": -1}]}, "/parts/0/points", "field.range"),
    ({"parts": [{"points": 1, "payers": [{"law_code": 100}]}]}, "/parts/0/payers/0/law_code", "field.range"),
    ({"name": "x"}, "/name", "field.unknown"),
    ({"fourth_month": True, "benefit_months": [{"month": "2026-10"}]}, "/fourth_month", "field.value"),
    ({"benefit_months": [{"month": "2026-13"}]}, "/benefit_months/0/month", "date.no_such_day"),
    ({"benefit_months": [{"month": "2026-10-01"}]}, "/benefit_months/0/month", "field.length"),
    ({"parts": [{"points": 1, "payers": [{"law_code": 54, "income_class": "rich"}]}]},
     "/parts/0/payers/0/income_class", "field.value"),
    ({"parts": [{"points": 1, "payers": [{"law_code": 54, "cap": 1, "income_class": "low_1"}]}]},
     "/parts/0/payers/0/income_class", "field.value"),
    ({"parts": [{"points": 1, "payers": [{"law_code": 10, "income_class": "low_1"}]}]},
     "/parts/0/payers/0/income_class", "payments.income_class"),
    ({"parts": [{"points": 1, "payers": [{"law_code": 21, "income_class": "upper"}]}]},
     "/parts/0/payers/0/income_class", "payments.income_class"),
    ({"parts": [{"points": 1, "payers": [{"law_code": 54, "cap": 1, "severity": "long"}]}]},
     "/parts/0/payers/0/severity", "field.value"),
])
def test_wrong_fields_are_pointed_at(desk, change, pointer, code):
    reply = desk.post("/v1/payments/estimate", {**CLAIM, **change})
    assert reply.field_codes() == {pointer: code}
