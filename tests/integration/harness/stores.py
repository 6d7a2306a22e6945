"""The stores of an installation as another program sees them, on the engine that the tests run on.

SQLite files in its folder or, when ONSHI_TEST_POSTGRES names the folder of a running cluster (tests/postgres/cluster.py),
two schemas of a database there.
"""

import itertools
import os
import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

CLUSTER = os.environ.get("ONSHI_TEST_POSTGRES")
NUMBERS = itertools.count(1)
# What the tests' SQL takes from SQLite.
ZEROBLOB = """CREATE FUNCTION public.zeroblob(size BIGINT) RETURNS BYTEA LANGUAGE sql IMMUTABLE
              AS $$ SELECT decode(repeat('00', CAST(size AS INT)), 'hex') $$"""


class SqliteStore:
    def __init__(self, file):
        self.file = Path(file)

    def change(self, statement, parameters=()):
        with closing(sqlite3.connect(self.file, timeout=5)) as connection, connection:
            return connection.execute(statement, parameters).rowcount

    def rows(self, statement, parameters=()):
        with closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=5)) as connection:
            return connection.execute(statement, parameters).fetchall()

    def content(self):
        """Every byte on disk."""
        return b"".join(file.read_bytes() for file in self.file.parent.glob(f"{self.file.name}*"))


class PostgresStore:
    def __init__(self, address, schema):
        self.address = address
        self.schema = schema

    def execute(self, statement, parameters, fetch):
        import psycopg2  # only where the engine is in use

        text = statement.replace("%", "%%").replace("?", "%s")
        with closing(psycopg2.connect(self.address, options=f"-csearch_path={self.schema},public")) as connection:
            with connection, connection.cursor() as cursor:
                cursor.execute(text, tuple(parameters))
                return fetch(cursor)

    def change(self, statement, parameters=()):
        return self.execute(statement, parameters, lambda cursor: cursor.rowcount)

    def rows(self, statement, parameters=()):
        def plain(value):
            return bytes(value) if isinstance(value, memoryview) else value

        return self.execute(statement, parameters, lambda cursor: [tuple(map(plain, row)) for row in cursor.fetchall()])

    def content(self):
        """Every value of every row; binary ones as their bytes."""
        dumped = subprocess.run(["pg_dump", "--data-only", f"--schema={self.schema}", self.address],
                                capture_output=True, check=True).stdout
        return dumped + b"\n".join(bytes.fromhex(found.decode()) for found in re.findall(rb"\\x([0-9a-f]+)", dumped))


def psql(address, statement):
    subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", address, "-c", statement], check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def new_database(template=None):
    """The address of a new database in the cluster, a copy of another one's."""
    base = (Path(CLUSTER) / "address").read_text().strip()
    name = f"i_{os.getpid()}_{next(NUMBERS)}"
    psql(base, f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template.rsplit("/", 1)[1]}"' if template else ""))
    address = base.rsplit("/", 1)[0] + "/" + name
    if not template:
        psql(address, ZEROBLOB)
    return address
