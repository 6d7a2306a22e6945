"""What clients were told against what is on record. Pure: no process, no clock."""

import collections
from dataclasses import dataclass, field


@dataclass
class Comparison:
    acknowledged: int = 0  # checks with at least one answer
    lost: int = 0  # of these: an answer whose record is not there, or another one
    duplicated: int = 0  # two records of one check, or two different answers
    notes: list = field(default_factory=list)  # whatever else is wrong


def compare(asked, records, known=frozenset()):
    """`asked`: by check id, each with its `places` (lane, sequence, hash, receipt), empty when it was refused for good or
    `given_up` without an answer (that one may be on record). `records`: (lane, sequence, hash, check id) of all answers on record. `known`: check ids of earlier comparisons."""
    by_place = {(lane, sequence): (digest, check_id) for lane, sequence, digest, check_id in records}
    times = collections.Counter(check_id for *_, check_id in records)
    found = Comparison()
    receipts = collections.Counter()
    for check_id, entry in asked.items():
        kept = {by_place.get(place[:2]) == (place[2], check_id) for place in entry.places}
        found.acknowledged += bool(entry.places)
        found.lost += False in kept
        found.duplicated += times[check_id] > 1 or len(entry.places) > 1
        receipts.update({receipt for *_, receipt in entry.places})
        if not entry.places and not entry.given_up and times[check_id]:
            found.notes.append("a check that was refused for good is on record")
    strangers = set(times) - set(asked) - set(known)
    if strangers:
        found.notes.append(f"{len(strangers)} records of checks that nobody asked for")
    if any(count > 1 for count in receipts.values()):
        found.notes.append("one receipt for two checks")
    return found


def newest_heads(asked):
    """The newest place of each lane that anybody was told, as a witness holds it."""
    newest = {}
    for entry in asked.values():
        for lane, sequence, digest, _ in entry.places:
            newest[lane] = max(newest.get(lane, (0, "")), (sequence, digest))
    return [{"lane": lane, "sequence": sequence, "hash": digest} for lane, (sequence, digest) in sorted(newest.items())]
