"""One hub, one terminal with its kiosk and its card reader: what patients and staff meet."""

import contextlib
import json
import random
import shutil
import sqlite3
from xml.etree import ElementTree

from harness.desk import DeskProcess, list_folder
from harness.hub import Hub
from harness.installation import onshi
from harness.kiosk import Page
from harness.reader import Reader

PIN = "1234"
PASSWORD = "by their face"


class Counter:
    """One hub, one terminal with a kiosk and its reader."""

    def __init__(self, installation, work, folder, *settings):
        self.hub = Hub(installation, work / "hub").start()
        self.installation = installation
        self.work = work
        self.reader_folder = folder
        self.reader = None
        self.desk = DeskProcess(installation, self.hub, work / "desk", "--kiosk-port", 0,
                                "--oqs-subsidies", "json", *settings, env={"PCSCLITE_CSOCK_NAME": str(folder / "pcscd.comm")})
        self.page = None

    def set_password(self):
        file = self.work / "password"
        file.write_text(PASSWORD + "\n")
        file.chmod(0o600)
        set_it = self.command("visual-account", "--account", "staff-1", "--password-file", file)
        assert set_it.returncode == 0, set_it.stderr

    def command(self, verb, *words):
        return onshi("terminal", verb, "--terminal", self.desk.terminal.folder, "--hub",
                     f"https://127.0.0.1:{self.hub.port}", *words)

    def deferred(self, *words):
        return self.command("deferred", "--terminal-store-folder", self.desk.work / "store", "--json", *words)

    def kept_visit(self):
        """The one that is open; a machine that gives up waiting may say so a moment before it is on disk."""
        self.desk.wait_until(lambda: self.open_visits() != [])
        visit, = self.open_visits()
        return visit

    def open_visits(self):
        listed = self.deferred()
        assert listed.returncode == 0, listed.stderr
        return [json.loads(line) for line in listed.stdout.splitlines()]

    def start(self):
        self.desk.start()
        self.desk.wait_until(self.holds_challenges)
        return self

    def holds_challenges(self):
        """Whether it could have a card sign while the hub is away; what the rows say is sealed."""
        with contextlib.closing(sqlite3.connect(self.desk.work / "store" / "ledger.db")) as store:
            return store.execute("SELECT count(*) FROM local_record WHERE kind = 5").fetchone()[0] > 0

    def open_page(self):
        self.page = Page(self.desk)
        self.page.open()
        return self.page

    def put_card(self, kind):
        """A fresh copy of the demo's card of that kind, so that no patient finds the tries that another used up."""
        found = next(card for card in self.installation.description["cards"] if card["kind"] == kind)
        image = self.work / f"{kind}-{random.getrandbits(32):08x}.json"
        shutil.copy(self.installation.folder / "cards" / found["file"], image)
        image.chmod(0o600)
        self.put_image(image)

    def put_image(self, image):
        self.reader = Reader(image, self.reader_folder).__enter__()

    def put_card_of(self, person):
        image = self.work / f"{person.key}.json"
        made = onshi("card", "new-test", "--installation", self.installation.folder, "--person", person.key - 1, "--out", image)
        assert made.returncode == 0, made.stderr
        self.put_image(image)
        self.page.wait_for("METHOD")
        self.by_pin()

    def take_card(self):
        self.reader.__exit__()
        self.reader = None

    def until_method(self, kind):
        self.put_card(kind)
        return self.page.wait_for("METHOD")

    def by_pin(self, digits=PIN):
        self.page.touch("pin")
        status, state = self.page.pin(digits)
        assert status == 200, state

    def faces(self):
        return list_folder(self.desk.face)

    def new_face(self, before):
        self.desk.wait_until(lambda: len(self.faces()) > len(before))
        name, = set(self.faces()) - set(before)
        return ElementTree.fromstring((self.desk.face / name).read_bytes())

    def stop(self):
        if self.reader:
            self.take_card()
        if self.desk.process.poll() is None:
            self.desk.stop()
        if self.hub.process.poll() is None:
            self.hub.stop()
