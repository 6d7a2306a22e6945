"""Billing systems as scripts, each with the reading habits of one that is in use (oqs §4.1). A client puts one request
into the folder and gives what it made of the result; None when it never noticed one."""

import os
import re
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

from harness.desk import elements, message, search_info, single_request

PATIENCE_SECONDS = 20
PATH = "MessageBody/ResultList/ResultOfQualificationConfirmation"


def names(folder):
    return {entry.name for entry in os.scandir(folder)}


def wait_for(look, pause):
    """What `look` gives as soon as it gives something."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends_at:
        found = look()
        if found is not None:
            return found
        time.sleep(pause)
    return None


@dataclass
class Client:
    desk: object
    number: str

    def request_name(self, prefix="OQSsiquc01"):
        return f"{prefix}req_{self.number}.xml"

    def result_name(self, prefix="OQSsiquc01"):
        return f"{prefix}res_{self.number}.xml"

    def write_in_place(self, name, data):
        (self.desk.req / name).write_bytes(data)

    def write_and_rename(self, name, data):
        temporary = self.desk.req / (name + ".tmp")
        temporary.write_bytes(data)
        os.rename(temporary, self.desk.req / name)


class Myclinic(Client):
    """UTF-8 only; throws without a ResultList, on empty containers and without the fields it insists on."""

    def run(self, terms):
        self.write_and_rename(self.request_name(), single_request(self.desk, terms).encode())
        path = self.desk.res / self.result_name()
        if wait_for(lambda: path.exists() or None, 0.02) is None:
            return None
        root = ElementTree.fromstring(path.read_bytes().decode("utf-8"))
        for element in root.iter():
            assert len(element) or element.text, f"{element.tag} is empty"
        header = root.find("MessageHeader")
        for tag in ("ProcessExecutionTime", "QualificationConfirmationDate", "MedicalInstitutionCode",
                    "ReferenceClassification", "SegmentOfResult", "CharacterCodeIdentifier"):
            assert header.find(tag) is not None, tag
        assert root.find("MessageBody/ProcessingResultStatus") is not None
        record, = root.findall(PATH)
        wanted = ("InsuredCardClassification", "Name", "Sex1", "Birthdate", "InsurerName", "InsuredCardValidDate")
        return {tag: record.find(tag).text for tag in wanted}


class ResWatcher(Client):
    """Sees a file only when its time changes after it appeared; acts on SegmentOfResult 1; deletes the file."""

    def run(self, terms):
        known = names(self.desk.res)
        self.write_in_place(self.request_name(), single_request(self.desk, terms).encode())
        times = {}

        def changed():
            for entry in os.scandir(self.desk.res):
                if entry.name in known or not entry.name.endswith(".xml"):
                    continue
                mtime = entry.stat().st_mtime_ns
                if times.setdefault(entry.name, mtime) != mtime:
                    return entry.path
            return None

        path = wait_for(changed, 0.005)
        if path is None:
            return None
        root = ElementTree.fromstring(open(path, "rb").read().decode("utf-8"))
        assert root.find("MessageHeader/SegmentOfResult").text == "1"
        os.unlink(path)
        return {child.tag: child.text for child in root.find(PATH)}


class EmrCloud(Client):
    """Reads a file at the moment of its creation, whatever its name, and knows it by the literal tag of its request."""

    def run(self, terms, identifier="EMR 7/&amp;", answered=True):
        known = names(self.desk.res)
        text = single_request(self.desk, terms, identifier)
        tag = re.search(r"<ArbitraryFileIdentifier>.*?</ArbitraryFileIdentifier>", text).group().encode()
        self.write_in_place(self.request_name(), text.encode())
        seen = set(known)

        def created():
            for name in names(self.desk.res) - seen:
                seen.add(name)
                data = (self.desk.res / name).read_bytes()
                assert data.endswith(b"</XmlMsg>\n"), "not whole at its creation"
                if tag in data:
                    return data
            return None

        if not answered:
            # It gives up: takes its own request back.
            (self.desk.req / self.request_name()).unlink(missing_ok=True)
            return None
        data = wait_for(created, 0.001)
        return data and {"Name": ElementTree.fromstring(data.decode()).find(PATH + "/Name").text}


class SmartTest(Client):
    """Many persons; nested lists; the moment in exactly fourteen digits, messages in a column of sixty."""

    def run(self, terms):
        self.write_and_rename(self.request_name(), single_request(self.desk, terms).encode())
        path = self.desk.res / self.result_name()
        if wait_for(lambda: path.exists() or None, 0.05) is None:
            return None
        root = ElementTree.fromstring(path.read_bytes().decode("utf-8"))
        assert re.fullmatch(r"\d{14}", root.find("MessageHeader/ProcessExecutionTime").text)
        for text in root.iter("ErrorMessage"):
            assert len(text.text) <= 60
        return [child.find("Name").text for child in root.findall(PATH)]


class OqsDrug(Client):
    """Requests in Shift_JIS, the bulk inquiry by two messages; decodes results as Shift_JIS whatever they declare, unless
    they begin with a byte-order mark."""

    def run(self, terms_of_many):
        header = {"QualificationConfirmationDate": time.strftime("%Y%m%d"),
                  "MedicalInstitutionCode": self.desk.terminal.facility, "ArbitraryFileIdentifier": "od2"}
        infos = "".join(map(search_info, terms_of_many))
        self.write_in_place(self.request_name("OQSmuquc01"), message(header, infos, "Shift_JIS").encode("cp932"))
        first = self.wait_and_read("OQSmuquc01")
        if first is None:
            return None
        reception = re.search(r"<ReceptionNumber>(.*?)</ReceptionNumber>", first).group(1)
        for attempt in range(100):
            self.number = f"{self.number}{attempt}"
            text = message({"MedicalInstitutionCode": self.desk.terminal.facility},
                           elements({"ReceptionNumber": reception}), "Shift_JIS")
            self.write_in_place(self.request_name("OQSmuquc02"), text.encode("cp932"))
            second = self.wait_and_read("OQSmuquc02")
            if second is None:
                return None
            root = ElementTree.fromstring(second.split("?>", 1)[1])
            if root.find("MessageHeader/SegmentOfResult").text != "2":
                units = root.findall("MessageBody/BulkConfirmUnit")
                return [unit.findtext("ResultOfQualificationConfirmation/Name") for unit in units]
        return None

    def wait_and_read(self, prefix):
        path = self.desk.res / self.result_name(prefix)
        if wait_for(lambda: path.exists() or None, 0.05) is None:
            return None
        data = path.read_bytes()
        return data.decode("utf-8-sig") if data.startswith(b"\xef\xbb\xbf") else data.decode("cp932")


class MynaReception(Client):
    """Writes under a temporary name; reads twice, a poll apart, and believes two equal readings; wants its institution and
    identifier exactly once, and takes offence at doubled elements."""

    POLL_SECONDS = 0.3

    def run(self, terms):
        text = single_request(self.desk, terms, "myna-1", "Shift_JIS")
        self.write_and_rename(self.request_name(), text.encode("cp932"))
        path = self.desk.res / self.result_name()
        last = []

        def stable():
            if not path.exists():
                return None
            data = path.read_bytes()
            last.append(data)
            return data if len(last) > 1 and last[-2] == data else None

        data = wait_for(stable, self.POLL_SECONDS)
        if data is None:
            return None
        root = ElementTree.fromstring(data.decode("utf-8"))
        for tag, wanted in (("MedicalInstitutionCode", self.desk.terminal.facility),
                            ("ArbitraryFileIdentifier", "myna-1"), ("SegmentOfResult", "1"),
                            ("ProcessingResultStatus", "1")):
            found, = root.iter(tag)
            assert found.text == wanted, tag
        record, = root.findall(PATH)
        tags = [child.tag for child in record]
        assert len(tags) == len(set(tags))
        return {tag: record.findtext(tag) for tag in ("Name", "NameKana", "Birthdate", "ReferenceNumber")}


class Sanox(Client):
    """Tags with a blank before `>`, an empty branch, thirteen digits in the name."""

    def run(self, terms):
        text = single_request(self.desk, {**terms, "InsuredBranchNumber": ""})
        text = re.sub(r"<(/?\w+)>", r"<\1 >", text)
        self.write_in_place(self.request_name(), text.encode())
        path = self.desk.res / self.result_name()
        if wait_for(lambda: path.exists() or None, 0.05) is None:
            return None
        return {child.tag: child.text for child in ElementTree.fromstring(path.read_bytes().decode()).find(PATH)}
