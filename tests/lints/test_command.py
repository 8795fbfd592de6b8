"""`lifesigns lint` as a command: settings, `--diff`, formats and exit statuses."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from lifesigns.cli import app

WRONG = "import gymnasium as gym\nobs, reward, terminated, truncated, info = env.step(a)\nif terminated:\n    pass\n"
FINE = "import torch\nx = torch.zeros(3)\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


def lint(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["lint", *arguments])


def codes(*arguments: str) -> list[tuple[str, str]]:
    done = lint(*arguments, "--json")
    assert done.exit_code in (0, 1), done.output
    return [(f["file"], f["code"]) for f in json.loads(done.stdout)["findings"]]


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_exit_statuses(folder: Path) -> None:
    write(folder, "fine.py", FINE)
    write(folder, "wrong.py", WRONG)
    write(folder, "broken.py", "def f(:\n")
    write(folder, "unused.py", "import torch\nx = 1  # lifesigns: ignore[L501]\n")
    assert lint("fine.py").exit_code == 0
    for name in ("wrong.py", "broken.py", "unused.py"):
        assert lint(name).exit_code == 1, name
    for usage in (["nowhere.py"], ["--select", "X1"], ["--ignore", "nonsense"], ["--json", "--sarif"]):
        done = lint(*usage)
        assert done.exit_code == 2, usage
        assert done.stdout == ""


def test_what_it_prints(folder: Path) -> None:
    write(folder, "wrong.py", WRONG)
    lines = lint("wrong.py").stdout.splitlines()
    assert lines[0].startswith("wrong.py:2:26: L501 `truncated` is unpacked and never used")
    assert lines[1] == "  2 | obs, reward, terminated, truncated, info = env.step(a)"
    assert lines[2] == "    |                          ^^^^^^^^^"
    assert lines[3] == "1 finding (1 warning) in 1 file read"


def test_folders_are_walked_and_strangers_skipped(folder: Path) -> None:
    write(folder, "pkg/a.py", WRONG)
    write(folder, "pkg/.venv/b.py", WRONG)
    write(folder, "pkg/plain.py", "import os\n" + WRONG.split("\n", 1)[1])
    found = json.loads(lint("--json").stdout)
    assert [f["file"] for f in found["findings"]] == ["pkg/a.py"]
    assert found["files"] == {"read": 1, "skipped": 1, "lines": 5}


def test_settings(folder: Path) -> None:
    write(folder, "a.py", WRONG)
    write(folder, "old/b.py", WRONG)
    write(folder, "tests/c.py", WRONG)
    settings = '[tool.lifesigns]\nselect = ["L5"]\nexclude = ["old/*"]\nper-file-ignores = { "tests/*" = ["L50"] }\n'
    write(folder, "pyproject.toml", settings)
    assert codes() == [("a.py", "L501")]
    assert codes("--select", "L3") == []
    assert codes("--ignore", "truncated-never-used") == []
    assert codes("--exclude", "a.py") == []
    write(folder, "pyproject.toml", '[tool.lifesigns]\nignore = ["L501"]\n')
    assert codes("tests") == []


@pytest.mark.parametrize(
    "text",
    [
        "[tool.lifesigns]\nselects = []",
        "[tool.lifesigns]\nselect = 'L5'",
        "[tool.lifesigns]\nselect = ['L99']",
        "[tool.lifesigns]\nper-file-ignores = []",
        "[tool.lifesigns]\nper-file-ignores = { 'a' = 3 }",
        "[tool]\nlifesigns = 3",
        "[tool.lifesigns",
    ],
)
def test_settings_that_cannot_be_used(folder: Path, text: str) -> None:
    write(folder, "a.py", FINE)
    write(folder, "pyproject.toml", text)
    assert lint("a.py").exit_code == 2


def test_a_pyproject_of_someone_else_is_passed_over(folder: Path) -> None:
    write(folder, "a.py", FINE)
    write(folder, "pyproject.toml", "tool = 3\n")
    assert lint("a.py").exit_code == 0


def git(*arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], check=True, capture_output=True)


def test_diff_keeps_what_touches_changed_lines(folder: Path) -> None:
    write(folder, "old.py", WRONG)
    write(folder, "moved.py", WRONG + "x = 1\n" * 30)
    write(folder, "pkg/é b.py", FINE)
    git("init", "-q")
    git("config", "diff.noprefix", "true")
    git("add", ".")
    git("commit", "-qm", "first")
    assert codes("--diff", "HEAD") == []
    write(folder, "old.py", "# a comment\n" + WRONG + "# the end\n")
    (folder / "moved.py").rename(folder / "new.py")
    write(folder, "pkg/é b.py", FINE + "++ b/x\n" + WRONG)
    write(folder, "untracked.py", WRONG)
    git("add", "new.py", "moved.py")
    assert codes("--diff", "HEAD") == [("untracked.py", "L501"), ("pkg/é b.py", "L501")]
    assert codes("--diff", "HEAD", "pkg") == [("pkg/é b.py", "L501")]
    git("add", ".")
    git("commit", "-qm", "second")
    assert codes("--diff", "HEAD") == []
    assert len(codes("--diff", "HEAD~1")) == 2


def test_diff_of_a_loop_is_not_about_its_body(folder: Path) -> None:
    write(folder, "a.py", WRONG)
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    write(folder, "a.py", WRONG.replace("pass", "print(obs)"))
    assert codes("--diff", "HEAD") == []
    write(folder, "a.py", WRONG.replace("(a)", "(action)"))
    assert codes("--diff", "HEAD") == [("a.py", "L501")]


@pytest.mark.parametrize("revision", ["nowhere", "--output=x", "HEAD"])
def test_diff_that_cannot_be_made(folder: Path, revision: str) -> None:
    write(folder, "a.py", FINE)
    if revision != "HEAD":
        git("init", "-q")
    done = lint("--diff", revision)
    assert done.exit_code == 2
    assert not (folder / "x").exists()


def test_json_says_what_was_ignored_unused_and_unread(folder: Path) -> None:
    write(folder, "a.py", WRONG.replace("(a)", "(a)  # lifesigns: ignore[L501] no limit"))
    write(folder, "b.py", "import torch\nx = 1  # lifesigns: ignore[L501]\n")
    write(folder, "c.py", "import torch\nx = = 1\n")
    found: dict[str, Any] = json.loads(lint("--json").stdout)
    assert found["findings"] == []
    assert [(i["file"], i["line"], i["reason"]) for i in found["ignored"]] == [("a.py", 2, "no limit")]
    assert found["unused_ignores"] == [{"file": "b.py", "cell": 0, "line": 2, "codes": ["L501"]}]
    assert [(u["file"], u["line"]) for u in found["unread"]] == [("c.py", 2)]


def test_github_annotations(folder: Path) -> None:
    write(folder, "a,b.py", WRONG)
    write(folder, "c.py", "import torch\nx = = 1\n")
    first, second = lint("--github").stdout.splitlines()
    assert first.startswith(
        "::warning file=a%2Cb.py,line=2,col=26,endLine=2,title=L501 truncated-never-used::`truncated`"
    )
    assert second.startswith("::error file=c.py,line=2,title=L000 not read::syntax error")


def test_many_processes_say_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lifesigns.lints.read.PARALLEL_FROM_BYTES", 0)
    monkeypatch.setattr("lifesigns.lints.read.CHUNK_FILES", 3)
    for i in range(10):
        write(folder, f"m{i}.py", WRONG)
    assert codes("--cores", "2") == codes("--cores", "1") == [(f"m{i}.py", "L501") for i in range(10)]
