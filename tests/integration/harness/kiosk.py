"""The kiosk's page as a script, over the terminal's local interface."""

import http.client
import json
import time

import jsonschema

from harness.contract import ROOT

SCHEMA = json.loads((ROOT / "contracts" / "kiosk_state.schema.json").read_text())


def check_state(text):
    state = json.loads(text)
    jsonschema.validate(state, SCHEMA)
    return state


class Page:
    def __init__(self, desk):
        self.desk = desk
        self.port = desk.ready["kiosk_port"]
        self.cookie = None

    def token(self):
        return (self.desk.terminal.folder / "kiosk.token").read_text()

    def send(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            fields = {name.replace("_", "-"): text for name, text in headers.items()}
            if self.cookie:
                fields["cookie"] = self.cookie
            connection.request(method, path, None if body is None else json.dumps(body), fields)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def open(self):
        status, headers, body = self.send("POST", "/kiosk/session", {"token": self.token()})
        assert status == 200, body
        cookie = {name.lower(): text for name, text in headers.items()}["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
        self.cookie = cookie.split(";")[0]
        return check_state(body)

    def event(self, revision, event, **more):
        status, _, body = self.send("POST", "/kiosk/event", {"rev": revision, "event": event, **more})
        return status, check_state(body) if status in (200, 409) else body

    def pin(self, digits):
        return self.digits("pin", digits)

    def number_b(self, digits):
        return self.digits("number-b", digits)

    def digits(self, what, digits):
        """They go their own way, as the body of a request of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", f"/kiosk/{what}?rev={self.state()['rev']}", digits, {"cookie": self.cookie})
            response = connection.getresponse()
            body = response.read()
            return response.status, check_state(body) if response.status in (200, 409) else json.loads(body)
        finally:
            connection.close()

    def visual(self, **said):
        status, _, body = self.send("POST", "/kiosk/visual", {"rev": self.state()["rev"], **said})
        return status, json.loads(body)

    def state(self):
        """The present one: an event for no state is refused with it."""
        status, body = self.event(0, "touch")
        assert status in (200, 409), body
        return body

    def wait_for(self, *states, seconds=20):
        ends_at = time.monotonic() + seconds
        while (state := self.state())["state"] not in states:
            assert time.monotonic() < ends_at, f"still {state}"
            time.sleep(0.02)
        return state

    def touch(self, event, **more):
        """An event for whatever is on the screen now."""
        while True:
            status, state = self.event(self.state()["rev"], event, **more)
            if status != 409:
                assert status == 200, state
                return state

    def listen(self):
        """The stream's states, one after another."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", "/kiosk/events", headers={"cookie": self.cookie})
        response = connection.getresponse()
        assert response.status == 200 and response.getheader("content-type") == "text/event-stream"
        try:
            while line := response.readline():
                if line.startswith(b"data: "):
                    yield check_state(line[6:])
        finally:
            connection.close()
