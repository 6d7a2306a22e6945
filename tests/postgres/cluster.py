#!/usr/bin/env python3
"""A private PostgreSQL cluster for tests and for `./dev run --store postgres`.

    cluster.py start FOLDER    make it when it is missing, start it, print its address
                               --fast: without fsync, for tests that lose nothing by it
                               --tls: only over TLS, with a certificate that it makes itself
    cluster.py stop FOLDER     stop it (immediately with --now)
    cluster.py remove FOLDER   end it at once and remove it
    cluster.py address FOLDER  print the address of a running one

It listens on a free port of 127.0.0.1. PostgreSQL refuses to run as root; then it runs as the
user `postgres` of Debian's package. Ends only what it started, by the cluster's own process id.
"""
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

BIN = Path("/usr/lib/postgresql/15/bin")
DATABASE = "onshi"


def as_owner(folder: Path) -> dict:
    if os.geteuid() != 0:
        return {}
    owner = pwd.getpwnam("postgres")
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def data_of(folder: Path) -> Path:
    place = folder / "place"
    return Path(place.read_text(encoding="utf-8")) if place.exists() else folder / "data"


def choose_place(folder: Path) -> None:
    """PostgreSQL's own user must reach its files; a checkout in somebody's home may be closed to it."""
    closed = os.geteuid() == 0 and any(not parent.stat().st_mode & 0o001 for parent in folder.parents)
    if closed and not (folder / "place").exists():
        (folder / "place").write_text(tempfile.mkdtemp(prefix="onshi-postgres-") + "/data", encoding="utf-8")
        os.chmod(data_of(folder).parent, 0o755)


def port_for(folder: Path) -> int:
    """The port of last time, because settings name it; another one where somebody has taken it meanwhile."""
    remembered = folder / "port"
    for wish in (int(remembered.read_text()) if remembered.exists() else 0, 0):
        with socket.socket() as probe:
            # Connections of just now do not keep anybody from listening again.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", wish))
            except OSError:
                continue
            port = probe.getsockname()[1]
            remembered.write_text(str(port), encoding="utf-8")
            return port
    sys.exit("error: no free port")


def run(arguments: list, identity: dict) -> None:
    done = subprocess.run([str(a) for a in arguments], cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, **identity)
    if done.returncode != 0:
        sys.exit(f"error: {Path(arguments[0]).name} failed\ncause: {done.stdout.strip()[-2000:]}\n"
                 "hint: look at the file log beside the cluster's data")


def address(folder: Path) -> str:
    lines = (data_of(folder) / "postmaster.pid").read_text().splitlines()
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    return f"postgresql://{user}@127.0.0.1:{lines[3]}/{DATABASE}"


def is_running(folder: Path) -> bool:
    done = subprocess.run([BIN / "pg_ctl", "status", "-D", data_of(folder)], capture_output=True, check=False,
                          cwd="/", **as_owner(data_of(folder).parent))
    return done.returncode == 0


def make_certificate(data: Path, identity: dict) -> None:
    run(["openssl", "req", "-new", "-x509", "-days", "3650", "-nodes", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
         data / "server.key", "-out", data / "server.crt"], identity)
    run(["chmod", "600", data / "server.key"], identity)


def start(folder: Path, durable: bool, tls: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    choose_place(folder)
    data = data_of(folder)
    identity = as_owner(data.parent)
    if not (data / "PG_VERSION").exists():
        shutil.rmtree(data, ignore_errors=True)
        run([BIN / "initdb", "-D", data, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"], identity)
    if tls and not (data / "server.crt").exists():
        make_certificate(data, identity)
        (data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 trust\n", encoding="utf-8")
    if not is_running(folder):
        settings = {"port": port_for(folder), "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
                    "max_connections": 100, "shared_buffers": "128MB", "logging_collector": "off"}
        if tls:
            settings |= {"ssl": "on"}
        if not durable:
            settings |= {"fsync": "off", "full_page_writes": "off"}
        options = " ".join(f"-c {name}={value!s}" if value != "" else f"-c {name}=''" for name, value in
                           settings.items())
        run([BIN / "pg_ctl", "start", "-w", "-D", data, "-l", data.parent / "log", "-o", options], identity)
    at = address(folder)
    exists = subprocess.run(["psql", "-XAtq", at.rsplit("/", 1)[0] + "/postgres", "-c",
                             f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"], capture_output=True, text=True,
                            check=False)
    if exists.stdout.strip() != "1":
        run(["createdb", "--maintenance-db", at.rsplit("/", 1)[0] + "/postgres", DATABASE], {})
    (folder / "address").write_text(at + "\n", encoding="utf-8")
    print(at)


def stop(folder: Path, mode: str) -> None:
    if is_running(folder):
        run([BIN / "pg_ctl", "stop", "-w", "-m", mode, "-D", data_of(folder)], as_owner(data_of(folder).parent))


def remove(folder: Path) -> None:
    data = data_of(folder)
    if not (data / "PG_VERSION").exists():
        return
    stop(folder, "immediate")
    shutil.rmtree(data)
    if data.parent != folder:
        shutil.rmtree(data.parent)  # made by choose_place
    for name in ("log", "address", "place", "port"):
        (data.parent / name).unlink(missing_ok=True)
        (folder / name).unlink(missing_ok=True)


def main() -> None:
    if len(sys.argv) < 3 or sys.argv[1] not in ("start", "stop", "remove", "address"):
        sys.exit(__doc__)
    folder = Path(sys.argv[2]).resolve()
    if sys.argv[1] == "start":
        start(folder, durable="--fast" not in sys.argv, tls="--tls" in sys.argv)
    elif sys.argv[1] == "stop":
        stop(folder, "immediate" if "--now" in sys.argv else "fast")
    elif sys.argv[1] == "remove":
        remove(folder)
    else:
        print(address(folder))


if __name__ == "__main__":
    main()
