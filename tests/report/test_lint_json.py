"""The JSON of `lifesigns lint` against its published schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lifesigns.lints.read import FileReport, Job, lint_here
from lifesigns.report.lint_json import schema, to_json

ROOT = Path(__file__).parents[2]
WRONG = "import gymnasium as gym\nobs, reward, terminated, truncated, info = env.step(a){}\nif terminated:\n    pass\n"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("json")
    texts = {
        "wrong.py": WRONG.format(""),
        "ignored.py": WRONG.format("  # lifesigns: ignore[L501] no limit"),
        "unused.py": "import torch\nx = 1  # lifesigns: ignore[L501]\n",
        "bad.py": "import torch\nx = = 1\n",
        "plain.py": "x = 1\n",
        "n.ipynb": json.dumps({"cells": [{"cell_type": "code", "source": WRONG.format("")}]}),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    reports = lint_here(Job(tuple((folder / n, n) for n in texts)))
    reports.append(FileReport("failed.py", 3, crashed=(("L501", "ValueError: x"),)))
    return json.loads(json.dumps(to_json(reports), allow_nan=False))


def test_every_part_is_there_and_keeps_to_the_schema(told: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.Draft202012Validator(schema()).validate(told)
    for part in ("findings", "ignored", "unused_ignores", "unread", "crashed"):
        assert told[part], part
    assert told["files"] == {"read": 5, "skipped": 1, "lines": told["files"]["lines"]}


@pytest.mark.parametrize("key", ["schema", "findings", "files", "summary"])
def test_the_schema_refuses_a_report_that_lacks_a_part(told: dict[str, Any], key: str) -> None:
    value = {k: v for k, v in told.items() if k != key}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, schema())


def test_the_schema_in_the_docs_is_the_one_in_the_package() -> None:
    package = ROOT / "src/lifesigns/report/lint.schema.json"
    assert (ROOT / "docs/lint.schema.json").read_text("utf-8") == package.read_text("utf-8")
