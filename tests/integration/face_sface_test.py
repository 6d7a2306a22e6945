"""The engine that compares faces with OpenCV, as a process on a socket. Its models know no faces (harness/face_models.py) and
its faces are drawn (face_sface_drawer.cpp): what is tested is all that lies between camera, models and terminal."""

import base64
import hashlib
import json
import os
import signal
import socket
import subprocess
import time

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from harness import face_models

ENGINE = os.environ["ONSHI_FACE_SFACE"]
DRAWER = os.environ["ONSHI_FACE_DRAWER"]
THRESHOLD = "0.6"  # of the drawn faces: the same WHO is above 0.9, another one below 0.4
LINE_MAX = 96 * 1024
WAIT = 30  # seconds until a test gives up; what is waited for takes far less


def draw(what, path, which):
    subprocess.run([DRAWER, what, str(path), str(which)], check=True)
    return path


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def encoded(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    face_models.write_detector(folder / "detector.onnx")
    face_models.write_recognizer(folder / "recognizer.onnx")
    return folder


@pytest.fixture(scope="session")
def video(tmp_path_factory):
    """The path of a video of this scene."""
    folder = tmp_path_factory.mktemp("videos")

    def path(scene):
        file = folder / f"{scene}.y4m"
        return file if file.exists() else draw("video", file, scene)

    return path


@pytest.fixture(scope="session")
def photo(tmp_path_factory):
    """A card's photo of this WHO, JPEG 2000."""
    folder = tmp_path_factory.mktemp("photos")
    return lambda who: draw("photo", folder / f"{who}.jp2", who).read_bytes()


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(WAIT)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("rb")

    def send(self, line):
        self.socket.sendall(line + b"\n")

    def say(self, **request):
        self.send(json.dumps(request).encode())

    def hear(self):
        """The next reply, or None at the end of the connection."""
        try:
            line = self.lines.readline()
        except ConnectionError:
            return None
        return json.loads(line) if line else None

    def ask(self, **request):
        self.say(**request)
        return self.hear()

    def close(self):
        self.lines.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Engine:
    """Runs from its start to stop(); dies with the test."""

    def __init__(self, folder, models, camera, **changed):
        self.socket = folder / "face.sock"
        self.key = folder / "engine.key"
        self.log = folder / "engine.log"
        options = {"socket": self.socket, "key": self.key, "camera": camera, "threshold": THRESHOLD,
                   "detector": models / "detector.onnx", "recognizer": models / "recognizer.onnx",
                   "detector-sha256": sha256(models / "detector.onnx"),
                   "recognizer-sha256": sha256(models / "recognizer.onnx")} | changed
        arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", ENGINE, "serve", *arguments],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def started(self):
        """Waits until it listens."""
        ends_at = time.monotonic() + WAIT
        while b"listens on" not in self.log.read_bytes():
            assert self.process.poll() is None and time.monotonic() < ends_at, self.log.read_text()
            time.sleep(0.01)
        return self

    def connect(self):
        return Client(self.socket)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(WAIT)

    def __enter__(self):
        return self.started()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop(signal.SIGKILL)


@pytest.fixture
def engine(tmp_path, models, video):
    """Starts one on the video of this scene; a scene that is a path is the camera itself."""
    running = []

    def start(scene="near", **changed):
        camera = video(scene) if isinstance(scene, str) else scene
        running.append(Engine(tmp_path, models, camera, **changed))
        return running[-1].started()

    yield start
    for one in running:
        one.__exit__()


def hello(client):
    return client.ask(ask="hello", protocol="onshi-face/1")


def aim(client):
    """Everything that is said until the aim has ended."""
    replies = [client.ask(ask="aim")]
    while replies[-1]["reply"] == "hint":
        replies.append(client.hear())
    return replies


def match(client, picture, nonce=b"n" * 32):
    return client.ask(ask="match", nonce=encoded(nonce), photo=encoded(picture))


def signed_by(engine, decision, picture, nonce=b"n" * 32):
    key = serialization.load_pem_public_key((engine.key.with_name("engine.key.pub")).read_bytes())
    text = "\n".join(["onshi-face-v1", "opencv-sface", encoded(nonce), hashlib.sha256(picture).hexdigest(),
                      decision["verdict"], str(decision["frames"]), str(decision["age_ms"]), ""])
    raw = decoded(decision["signature"])
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    try:
        key.verify(der, text.encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


# --- what it says about people


def test_somebody_who_stands_well_is_matched_with_their_photo_and_with_no_other(engine, photo):
    running = engine("near")
    with running.connect() as client:
        assert hello(client) == {"reply": "hello", "engine": "opencv-sface", "ready": True, "scans": False}
        assert aim(client)[-1] == {"reply": "aim", "good": True}
        began = time.monotonic()
        decision = match(client, photo(1))
        assert time.monotonic() - began < 3
        assert (decision["verdict"], decision["frames"]) == ("matched", 3)
        assert 0 <= decision["age_ms"] < 3000
        assert signed_by(running, decision, photo(1))
        assert not signed_by(running, decision, photo(1), nonce=b"o" * 32)
        assert not signed_by(running, decision | {"verdict": "not_matched"}, photo(1))

        other = match(client, photo(2))
        assert (other["verdict"], other["frames"]) == ("not_matched", 3)
        assert signed_by(running, other, photo(2))
        assert client.ask(ask="forget") == {"reply": "forgotten"}
    assert "0." not in running.log.read_text(), "no score is ever written"


def test_a_picture_that_stands_still_is_never_matched(engine, photo):
    running = engine("frozen")
    with running.connect() as client:
        decision = match(client, photo(1))
        assert decision["verdict"] == "unusable"
        assert signed_by(running, decision, photo(1))


@pytest.mark.parametrize("scene, hint", [("none", "no_face"), ("far", "closer"), ("two", "single"), ("dark", "light")])
def test_what_is_not_good_has_its_hint_and_stop_ends_the_aim(engine, photo, scene, hint):
    with engine(scene).connect() as client:
        assert client.ask(ask="aim") == {"reply": "hint", "hint": hint}
        client.say(ask="stop")
        reply = client.hear()
        while reply["reply"] == "hint":
            reply = client.hear()
        assert reply == {"reply": "aim", "good": False}
        if scene in ("none", "two"):
            assert match(client, photo(1))["verdict"] == "unusable"
        assert hello(client)["ready"]


@pytest.mark.parametrize("picture", [b"x", b"\xff\x4f\xff\x51" + bytes(60), b"\x89PNG\r\n\x1a\n" + bytes(60)])
def test_what_is_no_photo_is_unusable(engine, picture):
    with engine().connect() as client:
        decision = match(client, picture)
        assert (decision["verdict"], decision["frames"]) == ("unusable", 0)


def test_every_piece_of_a_photo_is_unusable_or_the_photo(engine, photo):
    whole = photo(1)
    with engine("none").connect() as client:
        for size in range(40, len(whole), len(whole) // 12):
            assert match(client, whole[:size])["verdict"] == "unusable"
            broken = bytearray(whole)
            broken[size] ^= 0xFF
            assert match(client, bytes(broken))["verdict"] == "unusable"
        assert hello(client)["ready"]


# --- what is missing


def test_without_its_models_it_starts_and_says_so(engine, tmp_path, photo):
    running = engine(detector=tmp_path / "none.onnx")
    with running.connect() as client:
        assert hello(client) == {"reply": "hello", "engine": "opencv-sface", "ready": False, "scans": False,
                                 "note": "detector: model missing"}
        assert client.ask(ask="aim") == {"reply": "fault", "note": "detector: model missing"}
        assert match(client, photo(1)) == {"reply": "fault", "note": "detector: model missing"}
    assert "not ready: detector: model missing" in running.log.read_text()


def test_a_model_of_another_digest_is_not_loaded(engine):
    with engine(**{"recognizer-sha256": "00" * 32}).connect() as client:
        assert hello(client)["note"] == "recogniser: model of another SHA-256"


def test_a_file_that_is_no_model_is_not_used(engine, tmp_path):
    wrong = tmp_path / "wrong.onnx"
    wrong.write_bytes(b"this is not a model")
    with engine(detector=wrong, **{"detector-sha256": sha256(wrong)}).connect() as client:
        assert hello(client)["note"].startswith("loading the detector: OpenCV's error -")


def test_a_model_whose_answer_is_too_short_is_not_used(engine, tmp_path):
    short = tmp_path / "short.onnx"
    face_models.write_detector(short, {8: 3, 16: 2})
    with engine(detector=short, **{"detector-sha256": sha256(short)}).connect() as client:
        assert "2022mar" in hello(client)["note"]


def test_a_camera_that_is_missing_is_said_and_may_come_back(engine, tmp_path, video):
    camera = tmp_path / "camera.y4m"
    with engine(camera).connect() as client:
        assert hello(client)["note"] == "camera missing"
        assert client.ask(ask="aim") == {"reply": "fault", "note": "camera missing"}
        camera.write_bytes(video("near").read_bytes())
        assert hello(client)["ready"]
        assert aim(client)[-1] == {"reply": "aim", "good": True}


# --- lines and connections


def test_wrong_lines_are_faults_and_the_next_one_is_answered(engine):
    with engine().connect() as client:
        for line in (b"", b"x", b"{}", b"[]", b'{"ask":"dance"}', b'{"ask":"hello"}', b'{"ask":"hello","protocol":"onshi-face/2"}',
                     b'{"ask":"match"}', b'{"ask":"match","nonce":"AAAA","photo":"AAAA"}', b"\xff\xfe"):
            client.send(line)
            assert client.hear()["reply"] == "fault", line
        assert client.ask(ask="scan")["reply"] == "fault"
        assert hello(client)["ready"]


def test_too_many_wrong_lines_end_the_connection(engine):
    running = engine()
    with running.connect() as client:
        client.send(b"\n" * 15)
        assert [client.hear()["reply"] for _ in range(16)] == ["fault"] * 16
        assert client.hear() is None
    with running.connect() as client:
        assert hello(client)["ready"]


def test_a_line_that_is_too_long_ends_the_connection(engine):
    running = engine()
    with running.connect() as client:
        try:
            client.send(b"x" * (LINE_MAX + 1))
        except BrokenPipeError:
            pass
        assert client.hear() == {"reply": "fault", "note": "line too long"}
        assert client.hear() is None
    with running.connect() as client:
        client.send(b" " * (LINE_MAX - 40) + b'{"ask":"forget"}')
        assert client.hear() == {"reply": "forgotten"}


def test_only_stop_may_be_said_while_somebody_aims(engine):
    running = engine("none")
    with running.connect() as client:
        client.ask(ask="aim")
        client.say(ask="forget")
        reply = client.hear()
        while reply["reply"] == "hint":
            reply = client.hear()
        assert reply["reply"] == "fault"
        assert client.hear() is None


def test_a_second_client_is_sent_away_and_served_when_the_first_has_gone(engine):
    running = engine()
    with running.connect() as first:
        assert hello(first)["ready"]
        with running.connect() as second:
            assert second.hear() == {"reply": "fault", "note": "another client is being served"}
            assert second.hear() is None
        assert hello(first)["ready"]
    with running.connect() as third:
        assert hello(third)["ready"]


def test_a_terminal_that_hangs_up_in_the_middle_does_no_harm(engine, photo):
    running = engine()
    for request in ({"ask": "aim"}, {"ask": "match", "nonce": encoded(b"n" * 32), "photo": encoded(photo(1))}):
        with running.connect() as client:
            client.say(**request)
        deadline = time.monotonic() + WAIT
        reply = {"reply": "fault"}
        while reply["reply"] == "fault" and time.monotonic() < deadline:
            with running.connect() as client:
                client.say(ask="hello", protocol="onshi-face/1")
                reply = client.hear()
        assert reply["ready"]


# --- the process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_takes_the_socket_away(engine, number):
    running = engine("none")
    with running.connect() as client:
        assert client.ask(ask="aim")["reply"] == "hint"
        began = time.monotonic()
        assert running.stop(number) == 0
        assert time.monotonic() - began < 10
        assert not running.socket.exists()


def test_a_socket_that_a_killed_engine_left_is_replaced(engine, tmp_path, models, video):
    first = engine()
    key = first.key.read_bytes()
    first.stop(signal.SIGKILL)
    assert first.socket.exists()
    second = engine()
    with second.connect() as client:
        assert hello(client)["ready"]
    assert second.key.read_bytes() == key

    third = Engine(tmp_path, models, video("near"))
    assert third.process.wait(WAIT) == 1
    assert "listens on" in third.log.read_text() and "already" in third.log.read_text()
    with second.connect() as client:
        assert hello(client)["ready"]


def test_socket_and_key_are_for_their_owner_alone(engine):
    running = engine()
    assert running.socket.stat().st_mode & 0o777 == 0o600
    assert running.key.stat().st_mode & 0o777 == 0o600
    assert running.key.with_name("engine.key.pub").read_text().startswith("-----BEGIN PUBLIC KEY-----")


def test_a_key_that_others_can_read_is_refused(engine, tmp_path, models, video):
    first = engine()
    first.stop()
    first.key.chmod(0o644)
    second = Engine(tmp_path, models, video("near"))
    assert second.process.wait(WAIT) == 1
    assert "secret.permissions" in second.log.read_text()
    assert not second.socket.exists()


# --- tools


def run(*arguments):
    return subprocess.run([ENGINE, *map(str, arguments)], capture_output=True, text=True, timeout=WAIT)


def test_models_check_says_what_they_are_and_that_they_run(models):
    options = ("--detector", models / "detector.onnx", "--recognizer", models / "recognizer.onnx")
    plain = run("models", "check", *options)
    assert plain.returncode == 0, plain.stderr
    assert sha256(models / "detector.onnx") in plain.stdout
    assert "2022mar" in plain.stdout and "4.8" in plain.stdout
    told = json.loads(run("models", "check", *options, "--json").stdout)
    assert [model["runs"] for model in told["models"]] == [True, True]
    assert told["models"][1]["sha256"] == sha256(models / "recognizer.onnx")

    swapped = run("models", "check", "--detector", models / "recognizer.onnx", "--recognizer", models / "detector.onnx")
    assert swapped.returncode == 1
    assert all(word in swapped.stderr for word in ("error: ", "cause: ", "hint: "))


def test_aim_says_which_hint_each_frame_gets(models, video, persons, tmp_path):
    told = [json.loads(line) for line in
            run("aim", video("far"), "--detector", models / "detector.onnx", "--json").stdout.splitlines()]
    assert [frame["hint"] for frame in told[:-1]] == ["closer"] * 25
    assert told[-1] == {"good": False}
    assert "good" in run("aim", persons / "p1_a.png", "--detector", models / "detector.onnx").stdout
    wrong = tmp_path / "wrong.png"
    wrong.write_text("no picture")
    assert run("aim", wrong, "--detector", models / "detector.onnx").returncode == 1


@pytest.fixture(scope="session")
def persons(tmp_path_factory):
    folder = tmp_path_factory.mktemp("persons")
    return draw("persons", folder, 18)


def test_calibrate_gives_a_threshold_with_its_rates(models, persons):
    options = ("calibrate", "--detector", models / "detector.onnx", "--recognizer", models / "recognizer.onnx",
               "--genuine", persons, "--impostor", persons)
    found = json.loads(run(*options, "--far", "0.01", "--json").stdout)
    assert 0.2 <= float(found["threshold"]) <= 0.95
    assert found["far"]["trials"] == 18 * 17 and found["far"]["errors"] == 0
    assert found["frr"] == {"errors": 0, "trials": 18, "rate": "0", "low": "0", "high": found["frr"]["high"]}
    assert 0.18 < float(found["frr"]["high"]) < 0.19
    assert "95 % between" in run(*options, "--far", "0.01").stdout

    refused = run(*options, "--far", "1e-4")
    assert refused.returncode == 1
    assert "30000 pairs" in refused.stderr and refused.stdout == ""


def test_calibrate_names_pictures_without_a_face(models, persons, tmp_path, video):
    for who in (1, 2):
        for letter in "ab":
            (tmp_path / f"p{who}_{letter}.png").write_bytes((persons / f"p{who}_{letter}.png").read_bytes())
    (tmp_path / "p2_b.png").write_text("no picture")
    ran = run("calibrate", "--detector", models / "detector.onnx", "--recognizer", models / "recognizer.onnx",
              "--genuine", tmp_path, "--impostor", persons, "--far", "0.01")
    assert ran.returncode == 0, ran.stderr
    assert "without one single face, left out with their pair: 1 — p2_b.png" in ran.stderr
    (tmp_path / "p2_b.png").unlink()
    ran = run("calibrate", "--detector", models / "detector.onnx", "--recognizer", models / "recognizer.onnx",
              "--genuine", tmp_path, "--impostor", persons, "--far", "0.01")
    assert ran.returncode == 1 and "p2_b.* is missing" in ran.stderr
