#!/usr/bin/env python3
"""A private PostgreSQL cluster for tests and for `./dev run --store postgres`.

    cluster.py start FOLDER    make it when it is missing, start it, print its address
    cluster.py stop FOLDER     stop it (immediately with --now)
    cluster.py address FOLDER  print the address of a running one

It listens on a socket in FOLDER and on a free port of 127.0.0.1. PostgreSQL refuses to run as root; then it runs as the
user `postgres` of Debian's package. Ends only what it started, by the cluster's own process id.
"""
import os
import pwd
import shutil
import socket
import subprocess
import sys
from pathlib import Path

BIN = Path("/usr/lib/postgresql/15/bin")
DATABASE = "onshi"


def as_owner(folder: Path) -> dict:
    if os.geteuid() != 0:
        return {}
    owner = pwd.getpwnam("postgres")
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(arguments: list, identity: dict, folder: Path) -> None:
    done = subprocess.run([str(a) for a in arguments], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, **identity)
    if done.returncode != 0:
        sys.exit(f"error: {Path(arguments[0]).name} failed\ncause: {done.stdout.strip()[-2000:]}\n"
                 f"hint: the folder must be reachable for the user that PostgreSQL runs as: {folder}")


def address(folder: Path) -> str:
    lines = (folder / "data" / "postmaster.pid").read_text().splitlines()
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    return f"postgresql://{user}@127.0.0.1:{lines[3]}/{DATABASE}"


def is_running(folder: Path) -> bool:
    done = subprocess.run([BIN / "pg_ctl", "status", "-D", folder / "data"], capture_output=True, check=False,
                          cwd=folder, **as_owner(folder))
    return done.returncode == 0


def start(folder: Path, durable: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    identity = as_owner(folder)
    data = folder / "data"
    if not (data / "PG_VERSION").exists():
        shutil.rmtree(data, ignore_errors=True)
        run([BIN / "initdb", "-D", data, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"], identity,
            folder)
    if not is_running(folder):
        settings = {"port": free_port(), "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
                    "max_connections": 100, "shared_buffers": "128MB", "logging_collector": "off"}
        if not durable:
            settings |= {"fsync": "off", "full_page_writes": "off"}
        options = " ".join(f"-c {name}={value!s}" if value != "" else f"-c {name}=''" for name, value in
                           settings.items())
        run([BIN / "pg_ctl", "start", "-w", "-D", data, "-l", folder / "log", "-o", options], identity, folder)
    at = address(folder)
    exists = subprocess.run(["psql", "-XAtq", at.rsplit("/", 1)[0] + "/postgres", "-c",
                             f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"], capture_output=True, text=True,
                            check=False)
    if exists.stdout.strip() != "1":
        run(["createdb", "--maintenance-db", at.rsplit("/", 1)[0] + "/postgres", DATABASE], {}, folder)
    print(at)


def stop(folder: Path, mode: str) -> None:
    if is_running(folder):
        run([BIN / "pg_ctl", "stop", "-w", "-m", mode, "-D", folder / "data"], as_owner(folder), folder)


def main() -> None:
    if len(sys.argv) < 3 or sys.argv[1] not in ("start", "stop", "address"):
        sys.exit(__doc__)
    folder = Path(sys.argv[2]).resolve()
    if sys.argv[1] == "start":
        start(folder, durable="--fast" not in sys.argv)
    elif sys.argv[1] == "stop":
        stop(folder, "immediate" if "--now" in sys.argv else "fast")
    else:
        print(address(folder))


if __name__ == "__main__":
    main()
