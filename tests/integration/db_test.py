"""Stores are moved, saved and put back, and a hub goes on with what comes out."""

import json
import threading

import pytest

from harness import audit
from harness.cards import CheckOrder
from harness.client import Client
from harness.hub import Hub
from harness.installation import Installation, onshi
from harness.stores import CLUSTER, PostgresStore, SqliteStore, new_database

CHECKS = 12


def check(client, card):
    order = CheckOrder(client.terminal, card, client.challenge())
    reply = client.post("/v1/checks", order.body())
    assert reply.status == 200, reply.body
    return order.check_id, reply.value["audit"]


def moved(installation, folder, store):
    """The same installation on other stores."""
    other = installation.copy_to(folder)
    settings = other.settings.read_text()
    own = other.database or str(other.store)
    assert own in settings
    other.settings.write_text(settings.replace(own, store))
    description = other.folder / "installation.json"
    is_folder = not store.startswith("postgresql:")
    description.write_text(json.dumps({**other.description, "store": "" if is_folder else store}))
    made = Installation(folder)
    if is_folder:
        made.registry, made.ledger = SqliteStore(f"{store}/registry.db"), SqliteStore(f"{store}/ledger.db")
    return made


def empty_store(folder, engine):
    return new_database() if engine == "postgresql" else str(folder)


def serves(contract, installation, wallet, run_folder, newest):
    """A hub on it answers, its lane goes on behind `newest`, and the chain is whole."""
    with Hub(installation, run_folder) as hub, Client(contract, hub, installation.terminal("desk")) as desk:
        _, place = check(desk, wallet.card("eligible"))
        assert place["sequence"] > newest["sequence"]
    witness = audit.write_witness(run_folder / "witness.json", newest)
    status, report = audit.verify(installation, "--witness", witness)
    assert (status, report["ok"]) == (0, True), report


def test_persons_of_an_older_registry_are_found_by_birth_date_and_reading_again(new_installation):
    installation = new_installation()
    readings = lambda: installation.rows(installation.registry, "SELECT birth, reading, person_key FROM person_reading "
                                         "ORDER BY birth, reading, person_key")
    whole = readings()
    assert len(whole) >= 10_000
    index = lambda: onshi("db", "index", "--config", installation.settings, "--json")
    assert json.loads(index().stdout)["indexed"] == 0, "a new registry is complete"
    # As a registry is that was filled before there was an index.
    installation.change(installation.registry, "DELETE FROM person_reading")
    installation.change(installation.registry, "UPDATE person_reading_pass SET after_key = 0, after_known = 0, done = 0")
    report = json.loads(index().stdout)
    assert report["indexed"] == len(whole) and report["unreadable"] == 0
    assert readings() == whole
    assert json.loads(index().stdout)["indexed"] == len(whole), "and nothing is left to do"


def test_a_compacted_store_is_smaller_holds_the_same_and_serves_on(contract, new_installation, wallet, tmp_path):
    installation = new_installation()
    compact = lambda: onshi("db", "compact", "--config", installation.settings, "--json")
    with Hub(installation, tmp_path / "run-1") as hub, Client(contract, hub, installation.terminal("desk")) as desk:
        if not installation.database:
            refused = compact()
            assert refused.returncode != 0 and json.loads(refused.stderr)["code"] == "store.unavailable"
        newest = check(desk, wallet.card("eligible"))[1]
    # Room between the rows, as a long life leaves it.
    assert installation.change(installation.registry, "DELETE FROM person_reading WHERE person_key % 10 <> 0") > 5_000
    everything = lambda: [installation.rows(store, f"SELECT * FROM {table} ORDER BY 1, 2, 3") for store, table in (
        (installation.registry, "person_now"), (installation.registry, "coverage"), (installation.registry, "person_reading"),
        (installation.ledger, "audit_record"))]
    before = everything()
    done = compact()
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["bytes_after"] < 0.97 * report["bytes_before"], report
    assert everything() == before
    serves(contract, installation, wallet, tmp_path / "run-2", newest)


@pytest.fixture(scope="module")
def used(contract, new_installation, wallet, tmp_path_factory):
    """An installation with answers, stopped; and the place of the newest."""
    installation = new_installation()
    with Hub(installation, tmp_path_factory.mktemp("run")) as hub:
        with Client(contract, hub, installation.terminal("desk")) as desk:
            places = [check(desk, wallet.card("eligible"))[1] for _ in range(CHECKS)]
    return installation, places[-1]


def store_of(installation):
    return installation.database or str(installation.store)


@pytest.mark.parametrize("engine", ["sqlite", *(["postgresql"] if CLUSTER else [])])
def test_a_copy_on_either_engine_serves_on(contract, used, wallet, tmp_path, engine):
    installation, newest = used
    target = empty_store(tmp_path / "copy", engine)
    copied = onshi("db", "copy", "--from", store_of(installation), "--to", target, "--json")
    assert copied.returncode == 0, copied.stderr
    report = json.loads(copied.stdout)
    rows = {table["table"]: table["rows"] for table in report["tables"]}
    assert rows["person"] >= installation.description["persons"] and report["rows"] == sum(rows.values())
    assert report["audit_records"] >= CHECKS
    again = onshi("db", "copy", "--from", store_of(installation), "--to", target, "--json")
    assert json.loads(again.stderr.splitlines()[-1])["code"] == "store.not_empty"
    checked = onshi("db", "check", "--store", target)
    assert checked.returncode == 0, checked.stderr
    serves(contract, moved(installation, tmp_path / "moved", target), wallet, tmp_path / "run", newest)


def test_a_backup_beside_a_working_hub_comes_back_whole(contract, new_installation, wallet, tmp_path):
    installation = new_installation()
    card = wallet.card("eligible")
    ended = threading.Event()
    placed = []
    with Hub(installation, tmp_path / "run", "--requests-per-second", 100_000) as hub:
        with Client(contract, hub, installation.terminal("desk")) as desk:
            placed.append(check(desk, card))

            def load():
                with Client(contract, hub, installation.terminal("desk-2")) as other:
                    while not ended.is_set():
                        check(other, card)

            thread = threading.Thread(target=load)
            thread.start()
            try:
                saved = onshi("db", "backup", tmp_path / "backup", "--config", installation.settings, "--json")
            finally:
                ended.set()
                thread.join()
            assert saved.returncode == 0, saved.stderr
            check(desk, card)  # the hub works on
    engine = json.loads(saved.stdout)["engine"]
    assert engine == ("postgresql" if installation.database else "sqlite")
    target = empty_store(tmp_path / "restored", engine)
    restored = onshi("db", "restore", tmp_path / "backup", "--store", target, "--json")
    assert restored.returncode == 0, restored.stderr
    assert json.loads(restored.stdout)["witnesses"] >= 1
    other = moved(installation, tmp_path / "moved", target)
    check_id, place = placed[0]
    assert audit.answered_checks(other).count(check_id) == 1
    serves(contract, other, wallet, tmp_path / "again", place)


def test_a_backup_goes_into_an_empty_place_of_its_engine_only(used, tmp_path):
    installation, _ = used
    assert onshi("db", "backup", tmp_path / "backup", "--store", store_of(installation)).returncode == 0

    def code_of(*words):
        failed = onshi("db", *words, "--json")
        assert failed.returncode != 0
        return json.loads(failed.stderr.splitlines()[-1])["code"]

    assert code_of("restore", tmp_path / "backup", "--store", store_of(installation)) == "store.not_empty"
    assert code_of("backup", tmp_path / "backup", "--store", store_of(installation)) == "file.exists"
    other = tmp_path / "folder" if installation.database else "postgresql://127.0.0.1:1/none"
    assert code_of("restore", tmp_path / "backup", "--store", other) == "file.malformed"
    (tmp_path / "backup" / "backup.json").unlink()
    assert code_of("restore", tmp_path / "backup", "--store", tmp_path / "new") == "file.unreadable"


def test_a_damaged_backup_is_not_put_back(used, tmp_path):
    installation, _ = used
    assert onshi("db", "backup", tmp_path / "backup", "--store", store_of(installation)).returncode == 0
    file = tmp_path / "backup" / ("onshi.dump" if installation.database else "registry.db")
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle:middle + 4096] = bytes(4096)
    file.write_bytes(content)
    target = empty_store(tmp_path / "target", "postgresql" if installation.database else "sqlite")
    assert onshi("db", "restore", tmp_path / "backup", "--store", target).returncode != 0
    if installation.database:
        assert not PostgresStore(target, "public").rows("SELECT 1 FROM pg_namespace WHERE nspname = 'registry'")
    else:
        assert not (tmp_path / "target" / "registry.db").exists()
