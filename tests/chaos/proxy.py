"""A TCP proxy on loopback that misbehaves on command: between terminals and hub, or between hub and database.

As a program: `proxy.py PORT SEED` prints its own port, then takes one command per line and answers `ok`:

    target PORT   where new connections go
    pass          bytes go through (the state at the start)
    cut           resets every connection and, until `pass`, every new one
    delay MS      bytes arrive that much later, in order
    half_open     connections of now stay open and silent for ever, as when the other machine has lost its power; so do new
                  ones that come before `pass`
    corrupt       about every 20th piece has one bit turned
    lose_commit WHICH MARK [half_open]   the next COMMIT of a PostgreSQL session that has sent the bytes MARK (hex) before
                  is lost with its connection: `request` before the server has it, `answer` behind that; with `half_open`
                  by silence, that of new connections too. Without TLS only.
"""

import asyncio
import contextlib
import random
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

PIECE_BYTES = 64 * 1024
COMMIT = b"COMMIT"  # in a statement's text and, behind it, in the server's answer
CORRUPT_ONE_IN = 20


class Proxy:
    """One event loop, one thread."""

    def __init__(self, target, seed):
        self.target = target
        self.random = random.Random(seed)
        self.mode = "pass"
        self.delay = 0.0
        self.lose, self.mark = None, b""  # which side of a COMMIT, and whose
        self.lose_by = "reset"
        self.pairs = set()

    async def serve(self):
        server = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        return server, server.sockets[0].getsockname()[1]

    async def accept(self, reader, writer):
        if self.mode == "cut":
            reset(writer)
            return
        pair = Pair(self, reader, writer)
        self.pairs.add(pair)
        try:
            await pair.run()
        finally:
            self.pairs.discard(pair)

    def command(self, word, *values):
        if word == "target":
            self.target = int(values[0])
            return
        if word == "lose_commit":
            self.lose, self.mark = values[0], bytes.fromhex(values[1])
            self.lose_by = values[2] if len(values) > 2 else "reset"
            return
        self.mode = word
        if word == "cut":
            for pair in list(self.pairs):
                pair.reset()
        if word == "half_open":
            for pair in self.pairs:
                pair.silent = True
        self.delay = int(values[0]) / 1000 if word == "delay" else 0.0


def reset(writer):
    """A close that the other side sees as `connection reset`."""
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):  # it may be closed by now
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Pair:
    """A connection that came and the one that it goes on with."""

    def __init__(self, proxy, reader, writer):
        self.proxy = proxy
        self.near = reader, writer
        self.far = None
        self.silent = proxy.mode == "half_open"
        self.marked = False  # whether the mark of `lose_commit` went through here

    def reset(self):
        for side in (self.near, self.far):
            if side is not None:
                reset(side[1])

    async def run(self):
        if self.silent:
            await self.near[0].read()  # until the other side gives up
            reset(self.near[1])
            return
        try:
            self.far = await asyncio.open_connection("127.0.0.1", self.proxy.target)
        except OSError:
            self.reset()
            return
        for side in (self.near, self.far):
            side[1].get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.gather(self.pump(self.near[0], self.far[1]), self.pump(self.far[0], self.near[1]))

    async def pump(self, reader, writer):
        try:
            while piece := await reader.read(PIECE_BYTES):
                if self.proxy.delay > 0:
                    await asyncio.sleep(self.proxy.delay)
                if self.silent:
                    continue
                if self.proxy.lose and self.loses(piece, reader is self.near[0]):
                    self.proxy.lose = None
                    if self.proxy.lose_by == "half_open":
                        self.proxy.command("half_open")
                        continue
                    self.reset()
                    return
                writer.write(self.spoilt(piece) if self.proxy.mode == "corrupt" else piece)
                await writer.drain()
            if not self.silent:
                writer.close()
        except OSError:
            reset(writer)

    def loses(self, piece, is_request):
        if is_request:
            self.marked = self.marked or self.proxy.mark in piece
        return self.marked and COMMIT in piece and is_request == (self.proxy.lose == "request")

    def spoilt(self, piece):
        if self.proxy.random.randrange(CORRUPT_ONE_IN) != 0:
            return piece
        changed = bytearray(piece)
        changed[self.proxy.random.randrange(len(changed))] ^= 1 << self.proxy.random.randrange(8)
        return bytes(changed)


class RunningProxy:
    """A proxy as a process of its own, so that its work is nobody else's delay. It ends with its parent. One thread."""

    def __init__(self, target, seed):
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", "/usr/bin/python3", str(Path(__file__)), str(target), str(seed)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def tell(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer == "ok\n", answer

    def stop(self):
        self.process.kill()
        self.process.wait()


async def main():
    proxy = Proxy(int(sys.argv[1]), int(sys.argv[2]))
    server, port = await proxy.serve()
    print(port, flush=True)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def obey(words):
        proxy.command(*words)
        print("ok", flush=True)

    def listen():
        for line in sys.stdin:
            loop.call_soon_threadsafe(obey, line.split())
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=listen, daemon=True).start()
    async with server:
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(main())
