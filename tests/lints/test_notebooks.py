"""Notebooks: findings by cell and line; magics, other languages, damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lifesigns.lints.read import FileReport, Job, lint_here

STEP = "obs, reward, terminated, truncated, info = env.step(action)\n"


def lint(folder: Path, *cells: str | tuple[str, str]) -> FileReport:
    made: list[dict[str, Any]] = []
    for cell in cells:
        kind, text = cell if isinstance(cell, tuple) else ("code", cell)
        made.append({"cell_type": kind, "source": text.splitlines(keepends=True)})
    path = folder / "book.ipynb"
    path.write_text(json.dumps({"cells": made, "nbformat": 4}))
    return lint_here(Job(((path, "book.ipynb"),)))[0]


def places(report: FileReport) -> list[tuple[str, int, int]]:
    return [(h.finding.code, h.cell, h.finding.location.line) for h in report.hits if h.finding.location]


def test_cell_and_line(tmp_path: Path) -> None:
    made = "import gymnasium as gym\nenv = gym.make('x')"
    report = lint(tmp_path, ("markdown", "# Title"), made, "x = 1\n" + STEP + "if terminated:\n    pass")
    assert places(report) == [("L501", 3, 2)]


def test_magics_are_left_out_and_python_that_looks_like_them_stays(tmp_path: Path) -> None:
    code = (
        "%matplotlib inline\n!pip install gymnasium\nfiles = !ls\nenv?\n"
        "x = 1  # is this right?\n" + STEP + "print(terminated)"
    )
    report = lint(tmp_path, code, "total = (x\n    % 2)", "%%bash\nls -l | grep (", "%%time\ny = 2\n" + STEP)
    assert report.unread is None
    assert places(report)[0] == ("L501", 1, 6)


def test_a_broken_cell_is_named(tmp_path: Path) -> None:
    report = lint(tmp_path, "import torch", "x = 1\ny = = 2")
    assert report.unread is not None
    assert (report.unread.cell, report.unread.line) == (2, 2)


def test_ignoring_in_a_cell(tmp_path: Path) -> None:
    step = STEP.rstrip() + "  # lifesigns: ignore[L501] shown on purpose\nprint(terminated)\n"
    report = lint(tmp_path, "import torch", step, step.replace("  # lifesigns: ignore[L501] shown on purpose", ""))
    assert places(report) == [("L501", 3, 1)]
    assert [h.reason for h in report.ignored] == ["shown on purpose"]


@pytest.mark.parametrize(
    "text", ["", "[1]", "{}", '{"cells": 3}', '{"cells": [1, {"cell_type": "code", "source": 4}]', "[" * 99999]
)
def test_what_is_no_notebook(tmp_path: Path, text: str) -> None:
    path = tmp_path / "n.ipynb"
    path.write_text(text)
    (report,) = lint_here(Job(((path, "n.ipynb"),)))
    assert report.unread is not None
    assert "not a notebook" in report.unread.reason


def test_odd_but_valid_cells(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    path.write_text(
        json.dumps({"cells": [1, {"cell_type": "code"}, {"cell_type": "code", "source": "x = '\x0c'\ny = 1"}]})
    )
    assert lint_here(Job(((path, "n.ipynb"),)))[0].unread is None
