"""Every kind of billing system gets its answer from one folder, alone and all at once."""

import os

import pytest

from harness.billing_clients import EmrCloud, Myclinic, MynaReception, OqsDrug, ResWatcher, Sanox, SmartTest
from harness.client import at_once
from harness.desk import DeskProcess, insured_persons, list_folder, search_terms


@pytest.fixture(scope="module")
def folder(hub, tmp_path_factory):
    # One of them cannot read UTF-8 bulk results.
    with DeskProcess(hub.installation, hub, tmp_path_factory.mktemp("desk"), "--oqs-encodings",
                     "OQSmuquc02=cp932,OQSmuquc01=cp932") as running:
        yield running


@pytest.fixture(scope="module")
def person(municipal):
    return municipal[1]


@pytest.fixture(scope="module")
def terms(person, hub):
    return search_terms(hub.installation, person)


@pytest.mark.parametrize("kind", [Myclinic, ResWatcher, EmrCloud, MynaReception, Sanox])
def test_a_client_gets_its_patient(folder, kind, terms, person):
    got = kind(folder, f"20261123-{kind.__name__}").run(terms)
    assert got is not None, "never noticed the result"
    assert got["Name"] == person.name.replace(" ", "　")
    assert got.get("Birthdate", terms["Birthdate"]) == terms["Birthdate"]


def test_a_client_that_takes_many_persons_gets_the_one(folder, terms, person):
    assert SmartTest(folder, "st1").run(terms) == [person.name.replace(" ", "　")]


def test_a_client_that_decodes_everything_as_shift_jis_gets_its_list(folder, wallet):
    persons = insured_persons(wallet, 30)
    got = OqsDrug(folder, "od").run([search_terms(folder.installation, one) for one in persons])
    assert got is not None and len(got) == 30
    assert sum(name is not None for name in got) > 20


def test_clients_side_by_side_all_get_their_own_answer(folder, wallet):
    kinds = [Myclinic, EmrCloud, MynaReception, Sanox] * 3
    persons = insured_persons(wallet, 400)
    valid = []
    for place, one in enumerate(persons):
        if len(valid) == len(kinds):
            break
        got = SmartTest(folder, f"pick{place}").run(search_terms(folder.installation, one))
        if got:
            valid.append(one)
    calls = [lambda kind=kind, one=one, place=place: kind(folder, f"side{place}").run(
        search_terms(folder.installation, one), *([f"id-{place}"] if kind is EmrCloud else []))
        for place, (kind, one) in enumerate(zip(kinds, valid))]
    answers = at_once(calls)
    assert [got and got["Name"] for got in answers] == [one.name.replace(" ", "　") for one in valid]
    assert list_folder(folder.req) == []


def test_a_client_that_gives_up_and_takes_its_request_back_leaves_nothing_behind(folder, terms):
    EmrCloud(folder, "gone").run(terms, answered=False)
    assert Myclinic(folder, "after").run(terms) is not None
    assert "OQSsiquc01req_gone.xml" not in os.listdir(folder.req)
