"""A gate that could not fail would prove nothing: each loss and each doubling is found."""

from types import SimpleNamespace

from books import compare, newest_heads


def place(sequence, lane=0, digest=None, receipt=None):
    return lane, sequence, digest or f"hash-{lane}-{sequence}", receipt or f"receipt-{lane}-{sequence}"


def asked(**places):
    return {check_id: SimpleNamespace(places=set(given), given_up=False) for check_id, given in places.items()}


def record(sequence, check_id, lane=0):
    return lane, sequence, f"hash-{lane}-{sequence}", check_id


def test_answers_that_are_on_record_once_are_fine():
    found = compare(asked(a=[place(1)], b=[place(2)]), [record(1, "a"), record(2, "b")])
    assert (found.acknowledged, found.lost, found.duplicated, found.notes) == (2, 0, 0, [])


def test_an_answer_without_its_record_is_lost():
    assert compare(asked(a=[place(1)], b=[place(2)]), [record(1, "a")]).lost == 1


def test_a_record_with_another_hash_or_of_another_check_is_not_the_one():
    assert compare(asked(a=[place(1, digest="other")]), [record(1, "a")]).lost == 1
    found = compare(asked(a=[place(1)]), [record(1, "b")])
    assert found.lost == 1 and found.notes


def test_two_records_of_one_check_are_a_doubling():
    assert compare(asked(a=[place(1)]), [record(1, "a"), record(2, "a")]).duplicated == 1
    assert compare(asked(a=[place(1)]), [record(1, "a"), record(1, "a", lane=1)]).duplicated == 1


def test_two_different_answers_to_one_check_are_a_doubling():
    assert compare(asked(a=[place(1), place(1, receipt="other")]), [record(1, "a")]).duplicated == 1


def test_a_refused_check_on_record_is_named():
    assert compare(asked(a=[]), [record(1, "a")]).notes
    assert not compare(asked(a=[]), []).notes


def test_a_check_that_was_given_up_may_be_on_record_once():
    entries = asked(a=[])
    entries["a"].given_up = True
    assert not compare(entries, []).notes and not compare(entries, [record(1, "a")]).notes
    assert compare(entries, [record(1, "a"), record(2, "a")]).duplicated == 1


def test_a_record_that_nobody_asked_for_is_named_unless_it_is_of_an_earlier_comparison():
    assert compare({}, [record(1, "a")]).notes
    assert not compare({}, [record(1, "a")], {"a"}).notes


def test_one_receipt_for_two_checks_is_named():
    assert compare(asked(a=[place(1, receipt="r")], b=[place(2, receipt="r")]), [record(1, "a"), record(2, "b")]).notes


def test_the_witness_holds_the_newest_place_of_each_lane():
    heads = newest_heads(asked(a=[place(1)], b=[place(7)], c=[place(3, lane=2)]))
    assert [(head["lane"], head["sequence"]) for head in heads] == [(0, 7), (2, 3)]
