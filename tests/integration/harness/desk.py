"""A real terminal process that serves an exchange folder, and what billing systems put into that folder."""

import json
import os
import subprocess
import time
from pathlib import Path

from harness.cards import today
from harness.installation import binary
from harness.lookups import terms_of

START_SECONDS_MAX = 30
ANSWER_SECONDS_MAX = 30


class DeskProcess:
    """Runs from start() to stop() or kill(); dies with its parent."""

    def __init__(self, installation, hub, work, *settings, terminal="desk", env=None):
        self.installation = installation
        self.terminal = installation.terminal(terminal)
        self.hub = hub
        self.settings = settings
        self.env = env
        self.work = work
        self.share = work / "share"
        self.req, self.res, self.face = (self.share / name for name in ("req", "res", "face"))
        self.ready_file = work / "desk-ready.json"
        self.log = work / "desk.log"
        self.process = None

    def start(self):
        self.work.mkdir(parents=True, exist_ok=True)
        self.ready_file.unlink(missing_ok=True)
        command = [binary(), "terminal", "run", "--quiet", "--terminal", str(self.terminal.folder), "--hub",
                   f"https://127.0.0.1:{self.hub.port}", "--exchange-folder", str(self.share), "--ready-file",
                   str(self.ready_file), "--terminal-store-folder", str(self.work / "store"), *map(str, self.settings)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *command],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **(self.env or {})})
        self.wait_until(lambda: self.ready_file.exists() and self.req.is_dir(), START_SECONDS_MAX)
        self.ready = json.loads(self.ready_file.read_text())
        return self

    def wait_until(self, is_so, seconds=ANSWER_SECONDS_MAX):
        ends_at = time.monotonic() + seconds
        while not is_so():
            assert self.process.poll() is None, f"the terminal ended: {self.log_text()[-2000:]}"
            assert time.monotonic() < ends_at, f"in vain: {self.log_text()[-2000:]}"
            time.sleep(0.01)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(20)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.stop()

    def log_text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def drop(self, name, data):
        """Written under another name and moved in, as careful clients do."""
        if isinstance(data, str):
            data = data.encode("utf-8")
        temporary = self.req / ("~" + name + ".tmp")
        temporary.write_bytes(data)
        os.rename(temporary, self.req / name)

    def result(self, name, seconds=ANSWER_SECONDS_MAX):
        """The bytes of a result file, once it is there."""
        path = self.res / name
        self.wait_until(path.exists, seconds)
        return path.read_bytes()

    def ask(self, number, text, message="OQSsiquc01", encoding="utf-8"):
        self.drop(f"{message}req_{number}.xml", text.encode(encoding))
        return self.result(f"{message}res_{number}.xml")


def declaration(encoding="UTF-8"):
    return f'<?xml version="1.0" encoding="{encoding}" standalone="no"?>\n'


def elements(values):
    return "".join(f"<{name}>{value}</{name}>" for name, value in values.items() if value is not None)


def message(header, body, encoding="UTF-8"):
    return (declaration(encoding) + f"<XmlMsg><MessageHeader>{elements(header)}</MessageHeader>"
            f"<MessageBody>{body}</MessageBody></XmlMsg>")


def search_terms(installation, person, **changes):
    """QualificationConfirmSearchInfo of a person, as the patient's document has it."""
    terms = terms_of(installation, person)
    number = terms["insurer_number"]
    values = {"InsurerNumber": number.rjust(8), "InsuredCardSymbol": terms.get("symbol"),
              "InsuredIdentificationNumber": terms["number"], "InsuredBranchNumber": terms.get("branch"),
              "Birthdate": terms["birth_date"].replace("-", ""), "LimitApplicationCertificateRelatedConsFlg": "1"}
    return {**values, **changes}


def search_info(values):
    return f"<QualificationConfirmSearchInfo>{elements(values)}</QualificationConfirmSearchInfo>"


def single_request(desk, values, identifier="demo-1", encoding="UTF-8", day=None):
    header = {"QualificationConfirmationDate": (day or today()).strftime("%Y%m%d"),
              "MedicalInstitutionCode": desk.terminal.facility, "ArbitraryFileIdentifier": identifier}
    return message(header, search_info(values), encoding)


def reference_info(values, number):
    kept = {name: values.get(name) for name in ("InsurerNumber", "InsuredCardSymbol", "InsuredIdentificationNumber",
                                                "InsuredBranchNumber")}
    return f"<ReferenceNumberRegistrationInfo>{elements({'ReferenceNumber': number, **kept})}</ReferenceNumberRegistrationInfo>"


def insured_persons(wallet, count):
    """Persons of whom one record is on file, in the order of their keys; most of those are valid today."""
    rows = wallet.installation.rows(wallet.installation.registry,
                                    "SELECT person_key FROM coverage_number GROUP BY person_key HAVING count(*) = 1 "
                                    "ORDER BY person_key LIMIT ?", (count * 2,))
    found = [wallet.persons[key] for key, in rows if key in wallet.persons]
    assert len(found) >= count
    return found[:count]


def list_folder(folder):
    return sorted(path.name for path in Path(folder).iterdir())
