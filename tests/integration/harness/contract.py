"""Holds every answer of a hub against contracts/openapi.yaml and contracts/errors.toml."""

import copy
import json
import re
import tomllib
from pathlib import Path

import jsonschema
import yaml

ROOT = Path(__file__).resolve().parents[3]
SCHEMA_PREFIX = "#/components/schemas/"


def _close(node):
    """An answer may grow only together with the document: members that it does not name are a defect of either."""
    if isinstance(node, list):
        for item in node:
            _close(item)
    if isinstance(node, dict):
        if node.get("type") == "object" and "properties" in node:
            node.setdefault("additionalProperties", False)
        for item in node.values():
            _close(item)


class Contract:
    def __init__(self):
        self.text = (ROOT / "contracts" / "openapi.yaml").read_bytes()
        self.document = yaml.safe_load(self.text)
        areas = tomllib.loads((ROOT / "contracts" / "errors.toml").read_text())
        self.errors = {f"{area}.{reason}": entry
                       for area, reasons in areas.items() for reason, entry in reasons.items()}
        closed = copy.deepcopy(self.document)
        _close(closed["components"]["schemas"])
        self._resolver = jsonschema.RefResolver("", closed)
        self._paths = [(re.compile("^" + re.sub(r"\{[^}]+\}", "[^/]+", path) + "$"), path)
                       for path in sorted(self.document["paths"], key=lambda path: "{" in path)]

    def validate(self, schema, value):
        validator = jsonschema.Draft202012Validator({"$ref": schema}, resolver=self._resolver)
        failures = sorted(validator.iter_errors(value), key=lambda failure: list(failure.absolute_path))
        assert not failures, f"{schema}: " + "; ".join(f"{failure.json_path} {failure.message}" for failure in failures)

    def is_valid_request(self, schema_name, value):
        validator = jsonschema.Draft202012Validator({"$ref": SCHEMA_PREFIX + schema_name}, resolver=self._resolver)
        return validator.is_valid(value)

    def check_problem(self, status, headers, body):
        assert headers.get("content-type") == "application/problem+json", headers.get("content-type")
        problem = json.loads(body.decode("utf-8", errors="strict"))
        self.validate(SCHEMA_PREFIX + "Problem", problem)
        entry = self.errors[problem["code"]]
        assert problem["status"] == status == entry["status"]
        assert problem["retry"]["advice"] == entry["retry"]
        assert (problem["retry"]["after_ms"] > 0) == ("after_ms" in entry)
        assert problem["trace_id"] == headers.get("trace-id")
        for field in problem.get("fields", []):
            assert field["code"] in self.errors
        assert "{" not in "".join(problem["sentences"].values()), "a sentence with an open parameter"
        return problem

    def check(self, method, path, status, headers, body):
        """The parsed body, or the bytes when it is no JSON."""
        assert headers.get("cache-control") == "no-store"
        if status >= 400:
            return self.check_problem(status, headers, body)
        template = next(name for pattern, name in self._paths if pattern.match(path.partition("?")[0]))
        responses = self.document["paths"][template][method.lower()]["responses"]
        assert str(status) in responses, f"{method} {template} may not answer {status}"
        (media_type, content), = responses[str(status)]["content"].items()
        assert headers.get("content-type") == media_type
        if media_type != "application/json":
            return body
        value = json.loads(body.decode("utf-8", errors="strict"))
        self.validate(content["schema"]["$ref"], value)
        return value
