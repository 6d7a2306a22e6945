"""The audit chain, as the command line and as the database show it."""

import hashlib
import json
import struct
import uuid

from harness.installation import binary, run


def verify(installation, *words, inside=()):
    """(exit status, report) of `onshi audit verify`; `inside` is a command that enters another place first."""
    ended = run(*inside, binary(), "audit", "verify", "--config", installation.settings, "--json", *words)
    assert ended.stdout, ended.stderr
    report = json.loads(ended.stdout)
    assert report["schema"] == "onshi.audit_report/1"
    assert report["seal_signatures_checked"]
    return ended.returncode, report


def write_witness(file, place):
    """What a terminal holds after its newest answer."""
    head = {name: place[name] for name in ("lane", "sequence", "hash")}
    file.write_text(json.dumps({"schema": "onshi.witness/1", "heads": [head], "seal_keys": []}))
    return file


def records(installation):
    """(hash in hex, payload) of the hub's lane by sequence."""
    rows = installation.rows(installation.ledger, "SELECT sequence, hash, payload FROM audit_record WHERE lane = 0")
    return {sequence: (digest.hex(), payload) for sequence, digest, payload in rows}


def check_id_in(payload):
    """Behind salt (16 bytes), layout, source and a flag stand its 16 bytes (src/domain/eligibility/model.cpp)."""
    return str(uuid.UUID(bytes=payload[19:35]))


def hash_of(lane, sequence, previous, recorded_at, event, organisation, terminal, actor, payload_digest):
    """The hash of a record, as src/domain/audit/rules.cpp takes it."""
    actor = actor.encode()
    header = struct.pack(">Bqq", 1, lane, sequence) + previous
    header += struct.pack(">qIqqB", recorded_at, event, organisation, terminal, len(actor)) + actor + payload_digest
    return hashlib.sha256(header).digest()


def rewrite(installation, change):
    """A forger who knows the code, but not the seal key: `change` alters a record given as a dictionary, and every hash
    and the head are computed anew."""
    columns = ("sequence", "recorded_at", "event", "organisation_key", "terminal_key", "actor", "payload_digest")
    rows = installation.rows(installation.ledger, f"SELECT {', '.join(columns)} FROM audit_record WHERE lane = 0 "
                             "ORDER BY sequence")
    previous = bytes(32)
    for row in rows:
        record = dict(zip(columns, row))
        change(record)
        previous = hash_of(0, record["sequence"], previous, *(record[name] for name in columns[1:]))
        installation.change(installation.ledger, "UPDATE audit_record SET recorded_at = ?, actor = ?, hash = ? "
                            "WHERE lane = 0 AND sequence = ?",
                            (record["recorded_at"], record["actor"], previous, record["sequence"]))
    installation.change(installation.ledger, "UPDATE chain_lane SET head_hash = ? WHERE lane = 0", (previous,))


ANSWERS = "SELECT payload FROM audit_record WHERE lane = 0 AND event = 1 ORDER BY sequence"


def answered_checks(installation):
    """Check ids of the answers on record, in the order of their records."""
    return [check_id_in(payload) for payload, in installation.rows(installation.ledger, ANSWERS)]
