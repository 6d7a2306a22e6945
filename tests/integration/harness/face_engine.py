"""An engine that compares faces, as a vendor's device would be: it says what the test wants, and signs it."""

import base64
import hashlib
import json
import socket
import threading
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class FaceEngine:
    NAME = "acme-9"

    def __init__(self, folder):
        self.socket_file = folder / "face.sock"
        self.key_file = folder / "face.pub"
        self.number_b = None     # scanned from the card's face; None: it cannot scan
        self.verdict = "matched"
        self.frames = 3
        self.hints = ["closer"]
        self.good = True         # somebody stands well; False: it looks until it is stopped
        self.ready = True
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.photos = []
        self.asked = []
        self.key_file.write_bytes(self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.socket_file))
        self.listener.listen(4)
        self.threads = [threading.Thread(target=self.accept, daemon=True)]
        self.threads[0].start()

    def settings(self):
        return ["--face-engine", "socket", "--face-engine-name", self.NAME, "--face-engine-socket", self.socket_file,
                "--face-engine-key", self.key_file]

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.talk, args=(connection,), daemon=True)
            thread.start()

    def talk(self, connection):
        with connection, connection.makefile("rwb") as lines:
            for line in lines:
                request = json.loads(line)
                self.asked.append(request["ask"])
                for reply in self.replies(request):
                    lines.write(json.dumps(reply).encode() + b"\n")
                    lines.flush()

    def replies(self, request):
        ask = request["ask"]
        if ask == "hello":
            assert request["protocol"] == "onshi-face/1"
            return [{"reply": "hello", "engine": self.NAME, "ready": self.ready, "scans": self.number_b is not None}]
        if ask == "scan":
            return [{"reply": "scan", "number_b": self.number_b} if self.number_b else {"reply": "scan"}]
        if ask == "aim":
            hints = [{"reply": "hint", "hint": hint} for hint in self.hints]
            return hints + ([{"reply": "aim", "good": True}] if self.good else [])
        if ask == "stop":
            return [{"reply": "aim", "good": False}] if not self.good else []
        if ask == "match":
            return [self.decision(request)]
        assert ask == "forget"
        return [{"reply": "forgotten"}]

    def decision(self, request):
        photo = from_base64url(request["photo"])
        self.photos.append(photo)
        lines = "\n".join(["onshi-face-v1", self.NAME, request["nonce"], hashlib.sha256(photo).hexdigest(), self.verdict,
                           str(self.frames), "100", ""])
        r, s = decode_dss_signature(self.key.sign(lines.encode(), ec.ECDSA(hashes.SHA256())))
        return {"reply": "decision", "verdict": self.verdict, "frames": self.frames, "age_ms": 100,
                "signature": base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))}

    def wait_for(self, ask, seconds=10):
        end = time.monotonic() + seconds
        while ask not in self.asked:
            assert time.monotonic() < end, f"never asked to {ask}: {self.asked}"
            time.sleep(0.02)

    def close(self):
        self.listener.close()
