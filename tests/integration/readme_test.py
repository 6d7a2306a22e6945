"""What the README tells a reader to type does what it says: its walk-throughs are run word for word."""

import json
import re
import socket
import subprocess

import pytest

from harness.contract import ROOT
from harness.hub import Hub
from harness.installation import binary

SECONDS_MAX = 120
NETWORK = "---- over the network ----"
MARK = re.compile(r"<!-- walk-through: (?P<name>[^\n]*) -->\n```\n(?P<commands>.*?)\n```\n", re.DOTALL)


def walk_through(name):
    blocks = {match["name"]: match["commands"] for match in MARK.finditer((ROOT / "README.md").read_text())}
    assert name in blocks, blocks.keys()
    return blocks[name]


@pytest.fixture
def shell(new_installation, tmp_path):
    """Runs commands where `./dev run` has been: its program, its demo, a hub on the demo's port."""
    place = tmp_path / "checkout"
    (place / "build/release/src").mkdir(parents=True)
    (place / "build/release/src/onshi").symlink_to(binary())
    installation = new_installation()
    (place / "var").mkdir()
    (place / "var/demo").symlink_to(installation.folder)
    with Hub(installation, tmp_path / "hub") as hub:
        installation.point_terminals_at(hub.port)

        def run(commands):
            return subprocess.run(["bash", "-euo", "pipefail", "-c", commands], cwd=place, text=True, check=False,
                                  env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(tmp_path)},
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS_MAX)

        yield run


def test_an_insurers_file_from_planted_faults_to_the_clinic_that_is_told_and_the_same_over_the_network(shell):
    # One shell: the second walk-through goes on where the first one ends.
    done = shell("\n".join([walk_through("an insurer's file"), f"printf '\\n{NETWORK}\\n'",
                            walk_through("the same over the network")]))
    assert done.returncode == 0, done.stdout + done.stderr
    told, _, network = done.stdout.partition(f"\n{NETWORK}\n")
    check_the_commands(told)
    check_the_network(network)


def check_the_commands(told):
    assert len(re.findall(r",withheld,cause\.", told)) == 3, "three withheld rows, each with its code"
    record, = re.findall(r"✔ (\d+) waiting", told)
    assert f"✔ {record} confirmed" in told, "released by the second person"
    assert "eligible on" in told
    corrections = json.loads(told.splitlines()[-1])["corrections"]
    assert [correction["claim_hint"] for correction in corrections] == ["ask_again"], json.dumps(corrections)
    assert corrections[0]["told"] == "valid" and corrections[0]["now"] == "invalid", corrections


def check_the_network(told):
    lines = told.splitlines()
    assert len([line for line in lines if ",withheld,cause." in line]) == 3, told
    answers = []
    for line in lines:
        for part in re.sub(r"\}\{", "}\n{", line).splitlines():
            if part.startswith("{"):
                answers.append(json.loads(part))
    assert [answer["code"] for answer in answers if "code" in answer] == [], "no call was refused"
    assert [answer["state"] for answer in answers if answer.get("state") in ("waiting", "confirmed")][-2:] == \
        ["waiting", "confirmed"], told
    flags = [(answer["block_self_information"], answer["waiting_for_second_person"]) for answer in answers
             if "block_self_information" in answer]
    assert flags == [(True, []), (True, ["block_self_information"]), (False, [])], told
    assert any("cases" in answer for answer in answers) and any("orders" in answer for answer in answers), told
