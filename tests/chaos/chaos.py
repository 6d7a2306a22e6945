#!/usr/bin/env python3
"""Faults under load against real processes: nothing that was acknowledged is lost, nothing is doubled, the audit chain
verifies, and service comes back by itself.

    chaos.py [--short] [--store sqlite|postgres|all] [--only FAULT]… [--rounds N] [--seed N] [--json]

The last line of --json is one object: faults, acknowledged, lost, duplicated, chain_ok, recovery_s_max. Ends with 1 when
something was not as it has to be. The binary under test is $ONSHI_BINARY.
"""

import argparse
import faulthandler
import json
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "integration")]

from faults import catalogue  # noqa: E402
from stores import STORES  # noqa: E402
from world import World, make_installation  # noqa: E402

SHORT, LONG = 0, 1
REST_SECONDS = 0.2, 0.8  # of undisturbed work before each injection


@dataclass
class Outcome:
    store: str
    fault: str
    injected: int = 0
    acknowledged: int = 0
    lost: int = 0
    duplicated: int = 0
    chain_ok: bool = False
    recovery_s: float = 0.0
    notes: tuple = ()

    @property
    def good(self):
        return self.chain_ok and not (self.lost or self.duplicated or self.notes)

    def line(self):
        return (f"{self.store:<9} {self.fault:<24} {self.injected:>5} {self.acknowledged:>8} {self.lost:>5} "
                f"{self.duplicated:>5}  {'ok' if self.chain_ok else 'BROKEN':<7} {self.recovery_s:>7.2f}")


HEADING = f"{'store':<9} {'fault':<24} {'times':>5} {'answers':>8} {'lost':>5} {'twice':>5}  {'chain':<7} {'back, s':>7}"


def run_fault(world, fault, rounds, hold):
    """All rounds of one fault, and the comparison behind them."""
    outcome = Outcome(world.store.name, fault.name)
    world.given_up_at = fault.given_up_at
    fault.prepare(world)
    world.begin_work()
    try:
        world.wait_served(time.monotonic())
        for _ in range(rounds):
            time.sleep(world.random.uniform(*REST_SECONDS))
            outcome.injected += 1
            outcome.recovery_s = max(outcome.recovery_s, fault.inject(world, hold))
            world.tend()
    finally:
        world.end_work()
    world.wait_ready()
    found, outcome.chain_ok = world.compare()
    outcome.acknowledged, outcome.lost, outcome.duplicated = found.acknowledged, found.lost, found.duplicated
    if not found.acknowledged:
        found.notes.append("there was no load")
    if fault.sign and fault.sign not in world.watch.codes:
        found.notes.append(f"no sign of the fault: {fault.sign} was expected, {sorted(world.watch.codes)} was seen")
    outcome.notes = tuple(dict.fromkeys(found.notes))
    fault.finish(world)
    return outcome


def run_store(name, folder, arguments):
    template = make_installation(folder / "template")
    store = STORES[name](template, folder, arguments.seed)
    try:
        world = World(store, folder, arguments.seed)
    except Exception:
        store.stop()
        raise
    form = SHORT if arguments.short else LONG
    outcomes = []
    try:
        world.start_hub()
        world.wait_ready()
        for fault in arguments.faults:
            if name not in fault.stores:
                continue
            world.random = random.Random(f"{arguments.seed} {fault.name}")  # each fault can be replayed alone
            outcome = run_fault(world, fault, arguments.rounds or fault.rounds[form], fault.hold[form])
            outcomes.append(outcome)
            print(outcome.line(), flush=True)
            for note in outcome.notes:
                print(f"    {note}", flush=True)
    finally:
        world.close()
    return outcomes


def summary(outcomes):
    return {"faults": sum(outcome.injected for outcome in outcomes),
            "acknowledged": sum(outcome.acknowledged for outcome in outcomes),
            "lost": sum(outcome.lost for outcome in outcomes),
            "duplicated": sum(outcome.duplicated for outcome in outcomes),
            "chain_ok": all(outcome.chain_ok for outcome in outcomes),
            "recovery_s_max": round(max(outcome.recovery_s for outcome in outcomes), 2)}


def parse():
    known = {fault.name: fault for fault in catalogue()}
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--short", action="store_true", help="each fault once or a few times, in one to three minutes")
    parser.add_argument("--store", choices=[*STORES, "all"], default="all")
    parser.add_argument("--only", action="append", choices=sorted(known), metavar="FAULT", help=", ".join(known))
    parser.add_argument("--rounds", type=int, default=0, help="how often each fault is injected")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--json", action="store_true", help="ends with one line of JSON")
    arguments = parser.parse_args()
    arguments.faults = [known[name] for name in arguments.only] if arguments.only else list(known.values())
    arguments.stores = list(STORES) if arguments.store == "all" else [arguments.store]
    return arguments


def main():
    arguments = parse()
    print(f"seed {arguments.seed}", flush=True)
    faulthandler.register(signal.SIGUSR1)  # where does it wait?
    print(HEADING, flush=True)
    outcomes, broken = [], False
    for name in arguments.stores:
        folder = Path(tempfile.mkdtemp(prefix="onshi-chaos-"))
        folder.chmod(0o755)  # a database server may run as another user
        try:
            outcomes += run_store(name, folder, arguments)
        except Exception:  # pylint: disable=broad-except  # what was found until now is told all the same
            traceback.print_exc()
            broken = True
        failed = broken or not all(outcome.good for outcome in outcomes)
        if failed:
            print(f"what it left: {folder}", flush=True)
        else:
            shutil.rmtree(folder)
    good = bool(outcomes) and not broken and all(outcome.good for outcome in outcomes)
    print("all acknowledged checks are on record once" if good else f"FAILED, seed {arguments.seed}", flush=True)
    if arguments.json and outcomes:
        print(json.dumps(summary(outcomes)), flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
