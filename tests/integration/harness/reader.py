"""A real PC/SC reader of our own with a virtual card in it."""

import json
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from harness.hub import POLL_SECONDS
from harness.installation import binary

READER_SECONDS_MAX = 20


class Reader:
    """`onshi demo reader`: a pcscd that only clients with its socket see, with a virtual card in it."""

    def __init__(self, image, folder=None):
        # A socket's path is short, so it cannot lie below pytest's folders. One that is given stays: whoever knows the
        # socket finds the next card there, too.
        self.keeps_folder = folder is not None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="onshi-"))
        self.image = image
        self.socket = None

    def __enter__(self):
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        with (self.folder / "reader.log").open("wb") as log:
            command = [binary(), "demo", "reader", str(self.image), "--run-folder", str(self.folder), "--ready-file",
                       str(ready)]
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "--", *command],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        ends_at = time.monotonic() + READER_SECONDS_MAX
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > ends_at:
                log = (self.folder / "reader.log").read_text()
                self.__exit__()
                raise AssertionError(f"the reader did not start: {log}")
            time.sleep(POLL_SECONDS)
        self.socket = json.loads(ready.read_text())["socket"]
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(READER_SECONDS_MAX)
        finally:
            self.process.kill()
            if not self.keeps_folder:
                shutil.rmtree(self.folder, ignore_errors=True)
