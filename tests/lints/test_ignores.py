"""Comments that ignore findings: which statement they are about, reasons, and those that ignore nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from lifesigns.lints.read import FileReport, Job, lint_here

STEP = "obs, reward, terminated, truncated, info = env.step(action)"
REST = "\nif terminated:\n    pass\n"


def lint(folder: Path, code: str, **options: tuple[str, ...]) -> FileReport:
    path = folder / "train.py"
    path.write_text("import gymnasium as gym\n" + code)
    return lint_here(Job(((path, "train.py"),), **options, always=frozenset([path])))[0]  # pyright: ignore


@pytest.mark.parametrize("words", ["[L501]", "[l501]", "[truncated-never-used]", "[L701, L501]", ""])
def test_a_comment_on_the_line(tmp_path: Path, words: str) -> None:
    report = lint(tmp_path, f"{STEP}  # lifesigns: ignore{words} episodes have no limit{REST}")
    assert report.hits == ()
    assert [(h.finding.code, h.reason) for h in report.ignored] == [("L501", "episodes have no limit")]
    assert [i.idle({"L701"}, {"L701"}) for i in report.unused] == ([("L701",)] if "L701" in words else [])


def test_any_line_of_the_statement(tmp_path: Path) -> None:
    code = (
        "(obs, reward, terminated, truncated,\n    info) = env.step(\n    action)  # lifesigns: ignore[L501] why not"
        + REST
    )
    assert lint(tmp_path, code).hits == ()


def test_not_the_next_statement_nor_the_body(tmp_path: Path) -> None:
    code = f"x = 1  # lifesigns: ignore[L501]\n{STEP}\nif terminated:  # lifesigns: ignore[L501]\n    pass\n"
    report = lint(tmp_path, code)
    assert [h.finding.code for h in report.hits] == ["L501"]
    assert [i.line for i in report.unused] == [2, 4]


def test_a_whole_file(tmp_path: Path) -> None:
    report = lint(tmp_path, f"# lifesigns: ignore-file[L501] an exercise\n{STEP}{REST}")
    assert report.hits == ()
    assert [h.reason for h in report.ignored] == ["an exercise"]


@pytest.mark.parametrize(
    "comment",
    ["# lifesigns: ignore[L501]", "# lifesigns: ignore", "# lifesigns: ignore[L999]", "# lifesigns: ignore-file[L501]"],
)
def test_unused_ones_are_reported(tmp_path: Path, comment: str) -> None:
    assert [i.line for i in lint(tmp_path, f"x = 1\ny = 2  {comment}\n").unused] == [3]


def test_rules_that_did_not_run_are_not_judged(tmp_path: Path) -> None:
    code = "x = 1  # lifesigns: ignore[L501]\ny = 1  # lifesigns: ignore\n"
    assert lint(tmp_path, code, select=("L3",)).unused == ()


def test_text_in_strings_is_no_comment(tmp_path: Path) -> None:
    report = lint(tmp_path, f"text = '# lifesigns: ignore-file[L501]'\n{STEP}{REST}")
    assert [h.finding.code for h in report.hits] == ["L501"]
    assert report.unused == ()
