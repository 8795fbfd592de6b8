"""SARIF against the parts of its 2.1.0 schema that are used here (OASIS, sections 3.13 to 3.58), transcribed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lifesigns.lints.read import Job, lint_here
from lifesigns.lints.rules import lint_rules
from lifesigns.report.sarif import to_sarif, uri


def closed(required: str = "", **properties: Any) -> dict[str, Any]:
    """An object with these properties and no others, as every object of the schema is."""
    return {"type": "object", "properties": properties, "required": required.split(), "additionalProperties": False}


def listed(of: dict[str, Any], fewest: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": of, "minItems": fewest}


TEXT, POSITIVE = {"type": "string"}, {"type": "integer", "minimum": 1}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
MESSAGE = closed("text", text=TEXT, markdown=TEXT)
REGION = closed(
    startLine=POSITIVE, startColumn=POSITIVE, endLine=POSITIVE, endColumn=POSITIVE, snippet=closed(text=TEXT)
)
ARTIFACT = closed(uri={"type": "string", "format": "uri-reference"})
LOCATION = closed(physicalLocation=closed(artifactLocation=ARTIFACT, region=REGION))
RULE = closed(
    "id", id=TEXT, name=TEXT, shortDescription=MESSAGE, fullDescription=MESSAGE, help=MESSAGE,
    defaultConfiguration=closed(level=LEVEL), properties={"type": "object"},
)  # fmt: skip
RESULT = closed(
    "message", ruleId=TEXT, ruleIndex={"type": "integer", "minimum": -1}, level=LEVEL, message=MESSAGE,
    locations=listed(LOCATION), properties={"type": "object"},
    suppressions=listed(closed("kind", kind={"enum": ["inSource", "external"]}, justification=TEXT)),
)  # fmt: skip
NOTIFICATION = closed("message", level=LEVEL, message=MESSAGE, locations=listed(LOCATION))
RUN = closed(
    "tool",
    tool=closed("driver", driver=closed("name", name=TEXT, version=TEXT, rules=listed(RULE))),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    invocations=listed(
        closed(
            "executionSuccessful",
            executionSuccessful={"type": "boolean"},
            toolExecutionNotifications=listed(NOTIFICATION),
        )
    ),
    results=listed(RESULT),
)
LOG = closed("version runs", **{"$schema": TEXT}, version={"const": "2.1.0"}, runs=listed(RUN))

WRONG = (
    "import gymnasium as gym\nobs, reward, terminated, truncated, info = env.step('é'){}\nif terminated:\n    pass\n"
)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("sarif")
    (folder / "a b.py").write_text(WRONG.format(""))
    (folder / "ignored.py").write_text(WRONG.format("  # lifesigns: ignore[L501] no limit"))
    (folder / "bad.py").write_text("import torch\nx = = 1\n")
    cells = [{"cell_type": "code", "source": "x = 1"}, {"cell_type": "code", "source": WRONG.format("")}]
    (folder / "n.ipynb").write_text(json.dumps({"cells": cells}))
    names = ("a b.py", "ignored.py", "bad.py", "n.ipynb")
    reports = lint_here(Job(tuple((folder / n, n) for n in names)))
    return to_sarif(reports, lint_rules(), "1.0")


def test_it_keeps_to_the_schema(log: dict[str, Any]) -> None:
    jsonschema.validate(json.loads(json.dumps(log)), LOG, jsonschema.Draft7Validator)


def test_what_it_says(log: dict[str, Any]) -> None:
    (run,) = log["runs"]
    plain, ignored, cell = run["results"]
    place = plain["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "a%20b.py"
    assert (place["region"]["startLine"], place["region"]["startColumn"], place["region"]["endColumn"]) == (2, 26, 35)
    assert ignored["suppressions"] == [{"kind": "inSource", "justification": "no limit"}]
    assert cell["properties"] == {"cell": 2}
    assert run["tool"]["driver"]["rules"][plain["ruleIndex"]]["id"] == plain["ruleId"] == "L501"
    assert run["invocations"][0]["executionSuccessful"] is False
    (told,) = run["invocations"][0]["toolExecutionNotifications"]
    assert told["locations"][0]["physicalLocation"]["region"]["startLine"] == 2


def test_every_rule_has_an_entry_that_keeps_to_the_schema(tmp_path: Path) -> None:
    import textwrap

    from lifesigns.lints.base import PREAMBLE

    files: list[tuple[Path, str]] = []
    for rule in lint_rules():
        path = tmp_path / f"{rule.code}.py"
        path.write_text(f"{PREAMBLE}\n{textwrap.dedent(next(iter(rule.wrong.values())))}")
        files.append((path, path.name))
    found = to_sarif(lint_here(Job(tuple(files), preview=True)), lint_rules(), "1.0")
    jsonschema.validate(json.loads(json.dumps(found)), LOG, jsonschema.Draft7Validator)
    entries = [r["id"] for r in found["runs"][0]["tool"]["driver"]["rules"]]
    assert entries == [r.code for r in lint_rules()]


def test_paths() -> None:
    assert uri("a/b c.py") == "a/b%20c.py"
    assert uri("/x/y.py") == "file:///x/y.py"
