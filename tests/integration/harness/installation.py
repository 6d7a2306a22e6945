"""A demo installation on disk: made once, copied for every hub that changes it."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from harness.contract import ROOT
from harness.stores import CLUSTER, PostgresStore, SqliteStore, new_database

PERSONS = 10_000  # five trios of undisclosed persons and their twins
SEED = 1
COMMAND_SECONDS_MAX = 60


def binary():
    found = Path(os.environ.get("ONSHI_BINARY", ROOT / "build" / "dev" / "src" / "onshi"))
    assert os.access(found, os.X_OK), f"{found}: build the target onshi first, or set ONSHI_BINARY"
    return str(found)


def run(*words, env=None, seconds=COMMAND_SECONDS_MAX):
    """Runs one program to its end."""
    settings = {"LANG": "C.UTF-8", "PATH": os.environ["PATH"], "HOME": "/nonexistent", **(env or {})}
    return subprocess.run([*map(str, words)], env=settings, capture_output=True, text=True, timeout=seconds,
                          stdin=subprocess.DEVNULL, check=False)


def onshi(*words, env=None):
    return run(binary(), *words, env=env)


@dataclass(frozen=True)
class Terminal:
    folder: Path
    hub_id: str
    facility: str
    id: str

    @property
    def certificate(self):
        return self.folder / "terminal.crt"

    @property
    def key(self):
        return self.folder / "terminal.key"


class Installation:
    """The folder that `onshi demo init` makes; see src/installation/layout.h."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.description = json.loads((self.folder / "installation.json").read_text())
        self.settings = self.folder / "hub.toml"
        self.store = self.folder / "store"
        self.database = self.description["store"]
        if self.database:
            self.registry = PostgresStore(self.database, "registry")
            self.ledger = PostgresStore(self.database, "ledger")
        else:
            self.registry = SqliteStore(self.store / "registry.db")
            self.ledger = SqliteStore(self.store / "ledger.db")
        self.server_ca = self.folder / "pki" / "server_ca.crt"

    @classmethod
    def make(cls, folder, *more):
        made = onshi("demo", "init", folder, "--persons", PERSONS, "--seed", SEED, "--facilities", 200, "--desks", 2,
                     "--card-keys", 4, "--port", 0, "--metrics-port", 0,
                     *(["--store", new_database()] if CLUSTER else []), *more)
        assert made.returncode == 0, made.stderr
        return cls(folder)

    def copy_to(self, folder):
        """Its settings name full paths, so they are written anew."""
        shutil.copytree(self.folder, folder)
        database = new_database(self.database) if self.database else ""
        for file in [Path(folder) / "hub.toml", *Path(folder).glob("terminals/*/terminal.toml")]:
            file.write_text(file.read_text().replace(str(self.folder), str(folder)))
        for file in (Path(folder) / "hub.toml", Path(folder) / "installation.json"):
            if self.database:
                file.write_text(file.read_text().replace(self.database, database))
        return Installation(folder)

    def terminal(self, name):
        folder = self.folder / "terminals" / name
        profile = tomllib.loads((folder / "terminal.toml").read_text())
        return Terminal(folder, profile["hub_id"], profile["facility"], profile["terminal"])

    def point_terminals_at(self, port):
        """Their files say where the hub is; a hub of a test chooses its port itself."""
        for file in self.folder.glob("terminals/*/terminal.toml"):
            file.write_text(re.sub(r"^hub_port = \d+$", f"hub_port = {port}", file.read_text(), flags=re.MULTILINE))

    def change(self, store, statement, parameters=()):
        """One statement by another program's hand; gives the number of rows."""
        return store.change(statement, parameters)

    def rows(self, store, statement, parameters=()):
        return store.rows(statement, parameters)
