#!/usr/bin/python3
"""What ./dev run does after the build: a demo nation, a hub, a virtual card behind a real PC/SC reader, one real check, a
terminal that serves a folder as billing systems share it, one request file in that folder.
Keeps running until Ctrl-C; with --once ends with exit code 0 and the answer as one JSON object on the last line."""
import argparse
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from xml.sax.saxutils import escape

ROOT = pathlib.Path(__file__).resolve().parent.parent
ONSHI = ROOT / "build/release/src/onshi"
CLUSTER = ROOT / "tests/postgres/cluster.py"
READY_SECONDS = 60
PIN = "1234"  # of the demo's cards only


class Failure(Exception):
    def __init__(self, what, cause, hint):
        super().__init__(what)
        self.what, self.cause, self.hint = what, cause, hint


def say(text):
    print(text, file=sys.stderr, flush=True)


def step(text):
    say(f"\033[1m▸ {text}\033[0m" if sys.stderr.isatty() else f"▸ {text}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def port_is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Processes:
    """What this script started; ended by its id, in reverse order."""

    def __init__(self):
        self.running = []

    def start(self, command, log, **more):
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **more)
        self.running.append(process)
        return process

    def stop(self):
        for process in reversed(self.running):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        self.running.clear()


def wait_ready(process, ready_file, log, what):
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if ready_file.exists():
            return json.loads(ready_file.read_text())
        if process.poll() is not None:
            break
        time.sleep(0.05)
    tail = pathlib.Path(log.name).read_text(errors="replace").splitlines()[-8:]
    raise Failure(f"{what} did not start", "; ".join(tail) or "no output", f"look at {log.name}")


class Cluster:
    """A private PostgreSQL beside the demo, ended with it."""

    def __init__(self, folder):
        self.folder = folder

    def call(self, *words):
        done = subprocess.run([sys.executable, CLUSTER, *words[:1], self.folder, *words[1:]], stdout=subprocess.PIPE,
                              text=True, check=False)
        if done.returncode != 0:
            raise Failure("the private PostgreSQL failed", "see the lines above", f"log: {self.folder}")
        return done.stdout.strip()

    def start(self, is_new):
        """The address of its database, which is empty for a new demo."""
        step(f"starting a private PostgreSQL in {shown(self.folder)}")
        if is_new:
            self.call("remove")
        return self.call("start")

    def stop(self):
        self.call("stop")


def make_demo(options, folder, store):
    folder.parent.mkdir(parents=True, exist_ok=True)
    step(f"making a demo nation of {options.persons} synthetic persons in {folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder}")
    port = 8443 if port_is_free(8443) else free_port()
    metrics = 9464 if port_is_free(9464) else free_port()
    made = subprocess.run([ONSHI, "demo", "init", folder, "--persons", str(options.persons), "--port", str(port),
                           "--metrics-port", str(metrics), "--json", *(["--store", store] if store else [])], stdout=subprocess.PIPE, check=False)
    if made.returncode != 0:
        raise Failure("the demo nation could not be made", "see the lines above", f"remove {folder} and try again")
    return json.loads(made.stdout.splitlines()[-1])


def ports_of(folder):
    """Those of the demo's settings; where another program has one meanwhile, a free one for this run."""
    settings = tomllib.loads((folder / "hub.toml").read_text(encoding="utf-8"))
    ports = []
    for key in ("port", "metrics_port"):
        port = settings[key]
        if port == 0 or not port_is_free(port):
            free = free_port()
            if port != 0:
                say(f"note: {key} {port} of {folder / 'hub.toml'} is taken; this run uses {free}")
            port = free
        ports.append(port)
    return ports


def link_socket_folder(run_folder, socket_folder):
    """A socket's path must be short and so lies elsewhere; this name stays the same."""
    link = run_folder / "reader"
    link.unlink(missing_ok=True)
    link.symlink_to(socket_folder)
    return link / "pcscd.comm"


def shown(path):
    return path.relative_to(pathlib.Path.cwd()) if path.is_relative_to(pathlib.Path.cwd()) else path


def card_of(demo, kind):
    for card in demo["cards"]:
        if card["kind"] == kind:
            return card["file"]
    raise Failure(f"the demo has no card of kind {kind}", "too few persons?", "./dev run --persons 10000")


def check(folder, hub, reader_socket, as_json):
    environment = dict(os.environ, PCSCLITE_CSOCK_NAME=reader_socket)
    with tempfile.NamedTemporaryFile("w", prefix="onshi-pin-") as pin:
        pin.write(PIN + "\n")
        pin.flush()
        command = [ONSHI, "eligibility", "get", "--card", "--pin-file", pin.name, "--terminal", folder / "terminals/desk",
                   "--hub", hub]
        if as_json:
            command.append("--json")
        return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)


def folder_of(options):
    if options.folder is not None:
        return pathlib.Path(options.folder)
    return ROOT / ("var/demo" if options.store == "sqlite" else "var/demo-postgres")


def run_on_store(options, processes):
    folder = folder_of(options)
    if options.store == "sqlite":
        return run(options, processes, folder, None)
    cluster = Cluster(folder.with_name(folder.name + "-cluster").absolute())
    try:
        return run(options, processes, folder, cluster.start(is_new=not (folder / "installation.json").exists()))
    finally:
        processes.stop()
        cluster.stop()


def request_file(facility, answer):
    """What a billing system would write to ask for the patient of the check (README: the shared folder)."""
    coverage, person = answer["coverage"], answer["person"]
    terms = {"InsurerNumber": coverage["insurer"]["number"].rjust(8), "InsuredCardSymbol": coverage.get("symbol"),
             "InsuredIdentificationNumber": coverage["number"], "InsuredBranchNumber": coverage.get("branch"),
             "Birthdate": person["birth_date"].replace("-", ""), "LimitApplicationCertificateRelatedConsFlg": "1"}
    header = {"QualificationConfirmationDate": answer["care_day"].replace("-", ""), "MedicalInstitutionCode": facility,
              "ArbitraryFileIdentifier": "demo-1"}
    tags = lambda values: "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items() if value)
    return ('<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
            f"<XmlMsg><MessageHeader>{tags(header)}</MessageHeader><MessageBody><QualificationConfirmSearchInfo>"
            f"{tags(terms)}</QualificationConfirmSearchInfo></MessageBody></XmlMsg>\n")


def ask_by_file(exchange, facility, answer):
    """Puts one request into the folder and waits for its result."""
    name = f"OQSsiquc01req_{time.strftime('%Y%m%d%H%M%S')}.xml"
    result = exchange / "res" / name.replace("req_", "res_")
    temporary = exchange / "req" / (name + ".tmp")
    temporary.write_text(request_file(facility, answer), encoding="utf-8")
    os.rename(temporary, exchange / "req" / name)
    deadline = time.monotonic() + READY_SECONDS
    while not result.exists():
        if time.monotonic() > deadline:
            raise Failure("the terminal did not answer a request file", "see its log", f"look into {exchange}")
        time.sleep(0.01)
    return result


def run(options, processes, folder, store):
    demo = make_demo(options, folder, store)
    run_folder = folder / "run"
    run_folder.mkdir(mode=0o700, exist_ok=True)
    hub_ready, reader_ready, desk_ready = (run_folder / f"{name}.json" for name in ("hub", "reader", "desk"))
    for file in (hub_ready, reader_ready, desk_ready):
        file.unlink(missing_ok=True)
    with open(run_folder / "hub.log", "w", encoding="utf-8") as hub_log, \
            open(run_folder / "reader.log", "w", encoding="utf-8") as reader_log, \
            open(run_folder / "desk.log", "w", encoding="utf-8") as desk_log, \
            tempfile.TemporaryDirectory(prefix="onshi-reader-") as socket_folder:
        step("starting the hub")
        port, metrics_port = ports_of(folder)
        hub = processes.start([ONSHI, "server", "run", "--config", folder / "hub.toml", "--port", str(port), "--metrics-port",
                               str(metrics_port), "--ready-file", hub_ready], hub_log)
        ready = wait_ready(hub, hub_ready, hub_log, "the hub")
        step("putting a virtual My Number Card into a PC/SC reader of our own")
        reader = processes.start([ONSHI, "demo", "reader", card_of(demo, "eligible"), "--run-folder", socket_folder,
                                  "--ready-file", reader_ready], reader_log)
        reader_socket = wait_ready(reader, reader_ready, reader_log, "the reader")["socket"]
        step("one real check: PIN at the card, signature, hub, audit record")
        hub_address = f"https://127.0.0.1:{port}"
        answer = check(folder, hub_address, reader_socket, options.once)
        if answer.returncode != 0:
            raise Failure("the check failed", "see the lines above", f"logs: {run_folder}")
        step("starting the terminal: it serves the folder that billing systems share")
        exchange = folder / "exchange"
        desk = processes.start([ONSHI, "terminal", "run", "--terminal", folder / "terminals/desk", "--hub", hub_address,
                                "--exchange-folder", exchange, "--ready-file", desk_ready], desk_log)
        wait_ready(desk, desk_ready, desk_log, "the terminal")
        if options.once:
            given = json.loads(answer.stdout.splitlines()[-1])
            facility = tomllib.loads((folder / "terminals/desk/terminal.toml").read_text(encoding="utf-8"))["facility"]
            result = ask_by_file(exchange, facility, given)
            say(f"the same patient by file: {shown(result)}")
        print(answer.stdout.rstrip("\n"), flush=True)
        if options.once:
            return
        say("")
        say(f"hub      {json.dumps(ready)}")
        socket_name = shown(link_socket_folder(run_folder, socket_folder))
        say(f"again    PCSCLITE_CSOCK_NAME={socket_name} {shown(ONSHI)} eligibility get --card --terminal "
            f"{shown(folder / 'terminals/desk')} --hub {hub_address}     (PIN {PIN})")
        say(f"files    {shown(exchange)}/req for requests of a billing system, {shown(exchange)}/res for their results")
        say("stop     Ctrl-C")
        while all(process.poll() is None for process in processes.running):
            time.sleep(0.5)
        raise Failure("a part of the demo ended", "hub or reader stopped by itself", f"logs: {run_folder}")


def main():
    parser = argparse.ArgumentParser(prog="./dev run", description=__doc__)
    parser.add_argument("--once", action="store_true", help="one check, then end; the answer as JSON on the last line")
    parser.add_argument("--persons", type=int, default=10_000)
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite",
                        help="the embedded default, or a private PostgreSQL beside the demo")
    parser.add_argument("--folder", help="where the demo lives (default var/demo, var/demo-postgres)")
    options = parser.parse_args()
    processes = Processes()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        run_on_store(options, processes)
    except Failure as failure:
        say(f"error: {failure.what}\ncause: {failure.cause}\nhint: {failure.hint}")
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        processes.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
