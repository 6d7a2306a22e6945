"""A real hub process on free loopback ports."""

import http.client
import json
import signal
import subprocess
import time

from harness.installation import binary

START_SECONDS_MAX = 20
STOP_SECONDS_MAX = 20
POLL_SECONDS = 0.01


class Hub:
    """Runs from start() to stop() or kill(). A test that breaks off leaves nothing: it dies with its parent."""

    def __init__(self, installation, run_folder, *settings, launcher=()):
        self.installation = installation
        self.run_folder = run_folder
        self.settings = settings
        self.launcher = launcher
        self.ready_file = run_folder / "ready.json"
        self.log = run_folder / "hub.log"
        self.process = None
        self.wanted_port = 0  # a test that starts it again where its clients look for it sets this
        self.port = None
        self.metrics_port = None

    def command(self):
        return [binary(), "server", "run", "--quiet", "--config", str(self.installation.settings), "--port", str(self.wanted_port),
                "--metrics-port", "0", "--ready-file", str(self.ready_file), *map(str, self.settings)]

    def start(self):
        self.run_folder.mkdir(parents=True, exist_ok=True)
        self.ready_file.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *self.launcher, *self.command()],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        ends_at = time.monotonic() + START_SECONDS_MAX
        while not self.ready_file.exists():
            failed = self.process.poll() is not None or time.monotonic() > ends_at
            if failed:
                self.kill()
                raise AssertionError(f"the hub did not start: {self.log.read_text()[-2000:]}")
            time.sleep(POLL_SECONDS)
        ready = json.loads(self.ready_file.read_text())
        self.port, self.metrics_port = ready["port"], ready["metrics_port"]
        return self

    @property
    def pid(self):
        return self.process.pid

    def terminate(self):
        """Asks it to end and does not wait."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self):
        try:
            return self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def stop(self):
        """Its exit status."""
        if self.process.poll() is None:
            self.terminate()
        return self.wait()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()

    def log_text(self):
        return self.log.read_text(encoding="utf-8")

    def health(self, path):
        """(status, headers, body) of the plain listener for health and metrics."""
        connection = http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        finally:
            connection.close()

    def metric(self, name):
        """The sum over all label sets of one metric."""
        lines = self.health("/metrics")[2].decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.split("{")[0].split(" ")[0] == name)
