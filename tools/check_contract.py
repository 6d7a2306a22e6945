#!/usr/bin/python3
"""Holds the hub's routes against contracts/openapi.yaml: every route of the API is described, and everything described is
served. Health and metrics live on a port of their own and are no part of the API."""
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROUTE = re.compile(r'\b(?:server\.route|add)\(\s*(?:http::)?Method::(\w+),\s*"(/v1/[^"]*)"')
METHODS = {"get", "put", "post", "delete", "patch", "head", "options"}


def served():
    return {(method, path) for file in sorted((ROOT / "src" / "hub").glob("*.cpp"))
            for method, path in ROUTE.findall(file.read_text(encoding="utf-8"))}


def described():
    document = yaml.safe_load((ROOT / "contracts" / "openapi.yaml").read_text(encoding="utf-8"))
    return {(method, path) for path, entry in document["paths"].items() for method in entry if method in METHODS}


def main():
    routes, paths = served(), described()
    wrong = [f"{method} {path} is served, but not described" for method, path in sorted(routes - paths)]
    wrong += [f"{method} {path} is described, but not served" for method, path in sorted(paths - routes)]
    if not routes:
        wrong.append("no route was found in src/hub: has their form changed?")
    if wrong:
        sys.exit("contracts/openapi.yaml: " + "; ".join(wrong))


if __name__ == "__main__":
    main()
