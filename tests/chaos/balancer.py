"""HAProxy (Debian) before several hubs: TCP only, so TLS and the client's certificate go through to a hub."""

import socket
import subprocess
import time

CONFIGURATION = """\
global
    stats socket {control} mode 600 level admin
    maxconn 5000
defaults
    mode tcp
    timeout connect 1s
    timeout client 90s
    timeout server 90s
    timeout check 1s
    retries 3
    option redispatch 1
frontend terminals
    bind fd@{descriptor}
    default_backend hubs
backend hubs
    balance leastconn
    option httpchk GET /readyz
    default-server inter 100 fastinter 50 rise 1 fall 1 on-marked-down shutdown-sessions
{servers}
"""
START_SECONDS_MAX = 10


class Balancer:
    """Runs from the constructor to stop(), and ends with its parent. Hubs may come and go, each with new ports."""

    def __init__(self, folder, names):
        self.control = folder / "haproxy.sock"
        # The socket is ours before the process is there: no port has to be guessed.
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        servers = "\n".join(f"    server {name} 127.0.0.1:1 check port 1 disabled" for name in names)
        file = folder / "haproxy.cfg"
        file.write_text(CONFIGURATION.format(control=self.control, descriptor=self.listener.fileno(), servers=servers))
        self.log = (folder / "haproxy.log").open("ab")
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", "/usr/sbin/haproxy", "-db", "-f", str(file)],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, pass_fds=[self.listener.fileno()])
        self.wait(lambda: self.control.exists())

    def wait(self, is_so):
        ends_at = time.monotonic() + START_SECONDS_MAX
        while not is_so():
            assert self.process.poll() is None and time.monotonic() < ends_at, "haproxy: see its log"
            time.sleep(0.02)

    def command(self, text):
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(START_SECONDS_MAX)
            control.connect(str(self.control))
            control.sendall(text.encode() + b"\n")
            answer = b""
            while piece := control.recv(65536):
                answer += piece
        return answer.decode()

    def is_up(self, name):
        for line in self.command("show servers state hubs").splitlines():
            fields = line.split()
            if len(fields) > 5 and fields[3] == name:
                return fields[5] == "2"
        return False

    def add(self, name, hub):
        """Sends terminals to that hub as soon as it says that it is ready."""
        self.command(f"set server hubs/{name} addr 127.0.0.1 port {hub.port}")
        self.command(f"set server hubs/{name} check-port {hub.metrics_port}")
        self.command(f"enable server hubs/{name}")
        self.wait(lambda: self.is_up(name))

    def take_out(self, name):
        """New connections go elsewhere; open ones stay until the hub closes them."""
        self.command(f"set server hubs/{name} state drain")

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.listener.close()
        self.log.close()
