#!/usr/bin/python3
"""Checks every include direction (design §1, §9.1): base ← platform ← domain ← exchange ← hub … ← cli ← main, slices in
one line from left to right, rules and model free of stores, no `"../`, and heavy headers only where they belong."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
LAYERS = ["base", "platform", "domain", "exchange", "hub", "synth", "installation", "bench", "terminal", "cli", "main",
          "face_sface", "face_sface_main"]
# What each layer may see beside what lies to its left.
SEES = {
    "base": set(),
    "platform": {"base"},
    "domain": {"base", "platform"},
    "exchange": {"base", "platform", "domain"},
    "hub": {"base", "platform", "domain", "exchange"},
    "terminal": {"base", "platform", "domain", "exchange"},
    "synth": {"base"},
    "installation": {"base", "platform", "domain", "exchange", "hub", "synth"},
    "bench": {"base", "platform", "domain", "exchange", "hub", "synth", "installation"},
    "cli": {"base", "platform", "domain", "exchange", "hub", "synth", "installation", "bench", "terminal"},
    "main": {"base", "cli"},
    "face_sface": {"base", "platform", "exchange"},
    "face_sface_main": {"base", "face_sface"},
}
SLICES = ["audit", "organisations", "cases", "identity", "cards", "coverage", "payments", "consent", "eligibility",
          "records", "prescriptions", "claims"]
# Which platform folders a platform folder may see.
PLATFORM = {
    "event_loop": set(), "telemetry": set(), "text_formats": set(), "pki": set(), "settings": {"telemetry"},
    "folders": set(), "sql": {"event_loop"}, "http": {"event_loop", "telemetry"}, "smartcard": {"pki"}, "cose": {"pki"},
}
HEAVY = re.compile(r'#include <(boost/(asio|beast|json)|openssl|sqlite3|libpq|winscard|PCSC)')
INCLUDE = re.compile(r'^\s*#include "([^"]+)"')

errors = []


def fail(path, line, message):
    errors.append(f"{path.relative_to(ROOT)}:{line}: {message}")


def check_line(path, number, target):
    parts = path.relative_to(SRC).parts
    layer = parts[0].removesuffix(".cpp") if len(parts) == 1 else parts[0]
    if target.startswith(("..", "/")):
        return fail(path, number, f'"{target}": includes name a folder from src/, never ..')
    there = target.split("/")
    if there[0] not in LAYERS:
        return fail(path, number, f'"{target}": unknown folder')
    test = path.name.endswith("_test.cpp") or "test_support" in path.name
    if there[0] != layer and there[0] not in SEES[layer]:
        return fail(path, number, f"{layer} must not include {there[0]}")
    if layer == "platform" and there[0] == "platform" and there[1] != parts[1]:
        if not test and there[1] not in PLATFORM.get(parts[1], set()):
            fail(path, number, f"platform/{parts[1]} must not include platform/{there[1]}")
    if layer != "domain":
        return
    if there[0] == "domain" and SLICES.index(there[1]) > SLICES.index(parts[1]):
        fail(path, number, f"slice {parts[1]} must not include {there[1]}: it stands to its right")
    if re.match(r"(rules|model)", path.name):
        own_kind = there[0] == "base" or (there[0] == "domain" and re.match(r"(rules|model)", there[2]))
        if not own_kind:
            fail(path, number, f'rules and model include only base and other rules and models, not "{target}"')


def main():
    for path in sorted(SRC.rglob("*")):
        if path.suffix not in (".h", ".cpp"):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = INCLUDE.match(line)
            if found:
                check_line(path, number, found.group(1))
            if path.suffix == ".h" and path.parts[-2] != "base" and HEAVY.search(line):
                public = not re.search(r"Inside this folder only", path.read_text(encoding="utf-8"))
                if public:
                    fail(path, number, "a heavy header in a public header; hide it behind a pimpl or mark the header "
                                       "`Inside this folder only`")
    for folder in sorted({p.parent for p in SRC.rglob("*.cpp")} - {SRC}):
        readme = folder / "README.md"
        if not readme.exists():
            errors.append(f"{folder.relative_to(ROOT)}: has no README.md")
        elif len(readme.read_text(encoding="utf-8").splitlines()) > 10:
            errors.append(f"{readme.relative_to(ROOT)}: more than ten lines")
    for error in errors:
        print(error)
    sys.exit(1 if errors else 0)


main()
