"""The two kinds of store that a hub may stand on, seen from outside."""

from harness import audit

ANSWER_EVENT = 1


class SqliteStore:
    """Files in the installation's own folder."""

    name = "sqlite"

    def __init__(self, template, folder, seed):
        del seed
        self.template = template
        self.installation = template.copy_to(folder / "sqlite")

    def hub_words(self):
        return []

    def answers(self):
        """(lane, sequence, hash, check id) of each answer on record."""
        rows = self.installation.rows(self.installation.ledger, "SELECT lane, sequence, hash, payload FROM audit_record "
                                      f"WHERE event = {ANSWER_EVENT}")
        return [(lane, sequence, digest.hex(), audit.check_id_in(payload)) for lane, sequence, digest, payload in rows]

    def empty_store(self, folder):
        """What `onshi db` takes to find a store that nobody has made yet."""
        (folder / "empty").mkdir()
        return ["--store", folder / "empty"]

    def stop(self):
        pass


STORES = {store.name: store for store in (SqliteStore,)}
