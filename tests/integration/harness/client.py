"""An HTTPS client of a hub. It validates every answer against the contract."""

import copy
import http.client
import json
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

ANSWER_SECONDS_MAX = 20
EVENTUALLY_SECONDS_MAX = 20
BUSY_ANSWERS_MAX = 20


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict
    body: bytes
    value: object  # the parsed JSON, or the body

    @property
    def code(self):
        """Of a problem; None for a good answer."""
        return self.value["code"] if self.status >= 400 else None

    def field_codes(self):
        return {field["pointer"]: field["code"] for field in self.value.get("fields", [])}


def tls_context(installation, certificate=None, key=None):
    context = ssl.create_default_context(cafile=installation.server_ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context


def parse_response(sock, method="POST"):
    response = http.client.HTTPResponse(sock, method=method)
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return response.status, headers, response.read()


def at_once(calls):
    """The results of calls that run side by side, each in a thread of its own, in their order."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def eventually(is_so):
    """Whether it becomes so within EVENTUALLY_SECONDS_MAX; asked again and again."""
    ends_at = time.monotonic() + EVENTUALLY_SECONDS_MAX
    while not is_so():
        if time.monotonic() > ends_at:
            return False
        time.sleep(0.05)
    return True


class Client:
    """One kept-alive connection, opened on first use and again after the hub closed it. Not thread-safe."""

    def __init__(self, contract, hub, terminal=None, *, certificate=None, key=None):
        self.contract = contract
        self.hub = hub
        self.terminal = terminal
        if terminal is not None:
            certificate, key = terminal.certificate, terminal.key
        self.context = tls_context(hub.installation, certificate, key)
        self.connection = None

    def another(self):
        """The same caller on a connection of its own."""
        made = copy.copy(self)
        made.connection = None
        return made

    def post_alone(self, path, body):
        with self.another() as own:
            return own.post(path, body)

    def open(self, session=None):
        """A TLS connection for a test that writes its own bytes."""
        plain = socket.create_connection(("127.0.0.1", self.hub.port), timeout=ANSWER_SECONDS_MAX)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.context.wrap_socket(plain, server_hostname="127.0.0.1", session=session)

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, method, path, body, headers=None):
        """A busy machine may make the hub shed load; like a terminal, the client comes back when it was told to."""
        for _ in range(BUSY_ANSWERS_MAX):
            reply = self.send_once(method, path, body, headers)
            if reply.code != "overload.busy":
                break
            time.sleep(reply.value["retry"]["after_ms"] / 1000)
        return reply

    def send_once(self, method, path, body, headers=None):
        """OSError or HTTPException when no whole answer came."""
        if self.connection is None:
            self.connection = http.client.HTTPSConnection("127.0.0.1", self.hub.port, context=self.context,
                                                          timeout=ANSWER_SECONDS_MAX)
        if isinstance(body, (dict, list)):
            body = json.dumps(body, ensure_ascii=False).encode()
        try:
            self.connection.request(method, path, body, headers or {})
            response = self.connection.getresponse()
            reply = response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        if response.will_close:
            self.close()
        return self.judge(method, path, *reply)

    def judge(self, method, path, status, headers, body):
        return Reply(status, headers, body, self.contract.check(method, path, status, headers, body))

    def post(self, path, body, **headers):
        return self.send("POST", path, body, {name.replace("_", "-"): value for name, value in headers.items()})

    def get(self, path):
        return self.send("GET", path, None)

    def challenge(self, **wishes):
        return self.challenges(1, **wishes)[0]

    def challenges(self, count, **wishes):
        reply = self.post("/v1/challenges", {"count": count, **wishes})
        assert reply.status == 200, reply.body
        assert len(reply.value["challenges"]) == count
        return [issued["challenge"] for issued in reply.value["challenges"]]
