"""What a desk types for a look-up by number, and what is compared of two answers."""

import json
import uuid

from harness.cards import today

MY_NUMBER = "123456789018"  # domain-rules: passes its check digit, belongs to nobody


def without(answer, *names):
    return {name: value for name, value in answer.items() if name not in names}


def number_terms(answer, person, **changes):
    """The look-up that a desk would type from what the patient's document says."""
    coverage = answer["coverage"]
    terms = {"check_id": str(uuid.uuid4()), "care_day": today().isoformat(),
             "insurer_number": coverage["insurer"]["number"], "number": coverage["number"],
             "birth_date": person.birth_date}
    for name in ("symbol", "branch"):
        if name in coverage:
            terms[name] = coverage[name]
    return {name: value for name, value in {**terms, **changes}.items() if value is not None}


def terms_of(installation, person, *, record=-1):
    """Terms of one of the person's records, in the order in which they were acquired."""
    rows = installation.rows(
        installation.registry, "SELECT insurer_number, number, symbol, branch FROM coverage_number "
        "WHERE person_key = ? ORDER BY coverage_key", (person.key,))
    insurer, number, symbol, branch = rows[record]
    digits, value = divmod(insurer, 100_000_000)
    terms = {"check_id": str(uuid.uuid4()), "care_day": today().isoformat(), "insurer_number": f"{value:0{digits}}",
             "number": number, "birth_date": person.birth_date}
    if symbol:
        terms["symbol"] = symbol
    if 0 <= branch <= 99:
        terms["branch"] = f"{branch:02}"
    return terms


def planted(installation, fault):
    """What `onshi synth` planted (src/synth/person.h): keys of the persons, each with that of the other one, if any."""
    lines = map(json.loads, (installation.folder / "truth.ndjson").read_text().splitlines())
    return [(line["person"] + 1, line["other"] + 1 if "other" in line else None)
            for line in lines if line["fault"] == fault]
