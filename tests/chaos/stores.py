"""The two kinds of store that a hub may stand on, seen from outside."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import audit, stores
from harness.installation import Installation, onshi

from proxy import RunningProxy

ANSWER_EVENT = 1
ANSWERS = f"SELECT lane, sequence, hash, payload FROM audit_record WHERE event = {ANSWER_EVENT}"
CLUSTER = Path(__file__).resolve().parents[1] / "postgres" / "cluster.py"
RESTART_SECONDS_MAX = 30


def answers(installation):
    """(lane, sequence, hash, check id) of each answer on record."""
    return [(lane, sequence, digest.hex(), audit.check_id_in(payload))
            for lane, sequence, digest, payload in installation.rows(installation.ledger, ANSWERS)]


class SqliteStore:
    """Files in the installation's own folder."""

    name = "sqlite"

    def __init__(self, template, folder, seed):
        del seed
        self.template = template
        self.installation = template.copy_to(folder / "sqlite")

    def hub_words(self):
        return []

    def disk_folder(self):
        return self.installation.store

    def answers(self):
        return answers(self.installation)

    def empty_store(self, folder):
        """What `onshi db` takes to find a store that nobody has made yet."""
        return ["--store", tempfile.mkdtemp(dir=folder)]

    def is_locked(self):
        """Whether somebody is inside a commit."""
        for path in self.installation.store.glob("*.db"):
            connection = sqlite3.connect(path, timeout=0, isolation_level=None)
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
            except sqlite3.OperationalError:
                return True
            finally:
                connection.close()
        return False

    def stop(self):
        pass


class PostgresStore:
    """A cluster of its own, over TLS (a turned bit is then a broken connection, not other data), behind a proxy. The
    rows come from the template by `onshi db copy`."""

    name = "postgres"

    def __init__(self, template, folder, seed, tls=True):
        self.template = template
        self.folder = folder / "cluster"
        self.start_words = ["start", "--tls"] if tls else ["start"]
        self.environment = {}  # of the server
        address = self.cluster(*self.start_words)
        self.base, database = address.rsplit("/", 1)
        copied = onshi("db", "copy", "--from", template.store, "--to", address)
        assert copied.returncode == 0, copied.stderr
        self.proxy = RunningProxy(int(self.base.rsplit(":", 1)[1]), seed)
        self.hub_address = f"postgresql://postgres@127.0.0.1:{self.proxy.port}/{database}"
        self.hub_address += "?sslmode=require" if tls else ""
        if os.geteuid() != 0:
            self.hub_address = self.hub_address.replace("postgres@", self.base.split("//")[1].split("@")[0] + "@")
        self.installation = self.installed(folder / "postgres", address)

    def installed(self, folder, address):
        """Who looks at it from outside goes to the database itself, the hub through the proxy."""
        made = self.template.copy_to(folder)
        made.settings.write_text(made.settings.read_text().replace(str(made.store), address))
        description = made.folder / "installation.json"
        description.write_text(json.dumps({**made.description, "store": address}))
        return Installation(folder)

    def cluster(self, *words):
        done = subprocess.run([sys.executable, str(CLUSTER), words[0], str(self.folder), *words[1:]],
                              capture_output=True, text=True, check=False, env={**os.environ, **self.environment})
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def hub_words(self):
        return ["--store", self.hub_address]

    def answers(self):
        return answers(self.installation)

    def empty_store(self, folder):
        """What `onshi db` takes to find a store that nobody has made yet."""
        del folder
        name = f"empty_{time.monotonic_ns()}"
        stores.psql(f"{self.base}/postgres", f"CREATE DATABASE {name}")
        return ["--store", f"{self.base}/{name}"]

    def is_locked(self):
        """The server ends a transaction whose client is silent."""
        return False

    # --- what can happen to it

    def data_folder(self):
        place = self.folder / "place"
        return Path(place.read_text()) if place.exists() else self.folder / "data"

    def disk_folder(self):
        return self.data_folder()

    def server_process(self):
        return int((self.data_folder() / "postmaster.pid").read_text().splitlines()[0])

    def kill_server(self):
        """All its processes go with the first one."""
        os.kill(self.server_process(), signal.SIGKILL)

    def kill_session(self):
        """One of the hub's; the server then ends all the others and recovers. Returns when it has."""
        before = self.sessions()
        os.kill(before[-1], signal.SIGKILL)
        while set(before) & set(self.sessions()):
            time.sleep(0.01)

    def sessions(self):
        """The server's processes for hubs."""
        import psycopg2

        ends_at = time.monotonic() + RESTART_SECONDS_MAX
        while True:
            try:
                rows = self.installation.rows(self.installation.ledger, "SELECT pid FROM pg_stat_activity "
                                              "WHERE application_name LIKE 'onshi%' ORDER BY pid")
            except psycopg2.OperationalError:  # it recovers
                rows = []
            if rows:
                return [pid for pid, in rows]
            assert time.monotonic() < ends_at, "no session of a hub"
            time.sleep(0.01)

    def start_server(self):
        """As a supervisor would: again until the old processes are gone and the log is played back."""
        ends_at = time.monotonic() + RESTART_SECONDS_MAX
        while True:
            try:
                return self.try_server()
            except AssertionError as error:
                assert time.monotonic() < ends_at, f"the database does not start: {error}"
                time.sleep(0.1)

    def try_server(self):
        return self.cluster(*self.start_words)

    def restart_server(self, environment):
        self.stop_server()
        self.environment = environment
        self.start_server()

    def stop_server(self):
        self.cluster("stop")

    def stop(self):
        self.proxy.stop()
        self.cluster("remove")


STORES = {store.name: store for store in (SqliteStore, PostgresStore)}
