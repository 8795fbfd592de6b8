"""The command line: bad input gets one clear sentence and status 2; JSON is JSON alone; help is quick."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lifesigns.store import list_runs, load_run
from lifesigns.store.frames import FILE_HEAD, MAGIC

LIFESIGNS = [sys.executable, "-m", "lifesigns"]
TRAINING = """
    import torch
    torch.manual_seed(0)
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr={rate})
    for t in range({steps}):
        optimizer.zero_grad()
        loss = (model(torch.randn(8, 2)) - 1.0).square().mean()
        loss.backward()
        optimizer.step()
        print("step", t, flush=True)
        {pause}
"""


def run(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`lifesigns arguments` in a folder."""
    return subprocess.run(
        [*LIFESIGNS, *arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "120", **env},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """The one sentence of ours on standard error, of a command that failed with status 2."""
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert not re.search(r'File ".*lifesigns', done.stderr), "our own traceback"
    ours = [line for line in done.stderr.splitlines() if line.startswith("lifesigns: ")]
    assert len(ours) == 1, done.stderr
    return ours[0]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of a small training that learns nothing (a learning rate of zero)."""
    from textwrap import dedent

    folder = tmp_path_factory.mktemp("recorded")
    (folder / "train.py").write_text(dedent(TRAINING.format(rate="0.0", steps=60, pause="pass")))
    done = run(folder, "watch", "train.py")
    assert done.returncode == 0, done.stderr
    return list_runs(folder / ".lifesigns")[0].path


@pytest.mark.parametrize("command", ["check", "watch"])
def test_scripts_that_are_not_there(scripts: Any, command: str) -> None:
    scripts.write("pass", "train_agent.py")
    said = sentence(run(scripts.path, command, "trian_agent.py"))
    assert "no script at" in said
    assert "did you mean `train_agent.py`?" in said
    assert "is a folder" in sentence(run(scripts.path, command, "."))
    assert "no interpreter" in sentence(run(scripts.path, command, "train_agent.py", "--python", "/bin/nowhere"))
    assert not (scripts.path / ".lifesigns").exists()


def test_a_script_with_a_syntax_error(scripts: Any) -> None:
    scripts.write("def broken(:\n    pass\n")
    done = run(scripts.path, "check", "train.py")
    assert "SyntaxError" in done.stderr
    assert "status 1 before it trained anything" in sentence(done)
    done = run(scripts.path, "watch", "train.py")
    assert done.returncode == 1
    assert "SyntaxError" in done.stderr


def test_a_script_that_trains_nothing(scripts: Any) -> None:
    scripts.write("import random\nprint('hello')\n")
    done = run(scripts.path, "check", "train.py")
    assert "trained nothing" in sentence(done)
    assert "hello" in done.stderr
    assert done.stdout == ""
    quiet = run(scripts.path, "check", "train.py", "--quiet")
    assert "hello" not in quiet.stderr


def test_a_script_that_fails_shows_its_own_traceback(scripts: Any) -> None:
    scripts.write("import absent_package\n")
    done = run(scripts.path, "check", "train.py")
    assert 'File "' + str(scripts.path) in done.stderr or 'train.py", line 1' in done.stderr
    assert "needs `absent_package`" in sentence(done)
    scripts.write("raise ValueError('my own mistake')\n")
    done = run(scripts.path, "check", "train.py")
    assert "ValueError: my own mistake" in sentence(done)
    assert done.stderr.count("Traceback") == 1


@pytest.mark.parametrize("library", ["jax", "tensorflow"])
def test_libraries_that_cannot_be_watched(scripts: Any, library: str) -> None:
    scripts.write("__version__ = '9.9'", f"stubs/{library}/__init__.py")
    scripts.write(f"import {library}\nprint({library}.__version__)")
    done = run(scripts.path, "check", "train.py", PYTHONPATH=str(scripts.path / "stubs"))
    said = sentence(done)
    assert library in said
    assert "cannot watch" in said


@pytest.mark.parametrize("budget", ["soon", "-5s", "0", "5 parsecs", ""])
def test_bad_budgets(scripts: Any, budget: str) -> None:
    scripts.write("pass")
    assert "expected a time such as" in sentence(run(scripts.path, "check", "train.py", f"--budget={budget}"))


def test_options_that_do_not_exist(scripts: Any) -> None:
    scripts.write("pass")
    for arguments in (["check"], ["check", "train.py", "--fail-on", "sometimes"], ["nonsense"]):
        done = run(scripts.path, *arguments)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_diagnose_of_what_is_no_run(scripts: Any) -> None:
    assert "no run at" in sentence(run(scripts.path, "diagnose", "absent"))
    scripts.write("hello", "notes/notes.txt")
    assert "no lifesigns run" in sentence(run(scripts.path, "diagnose", "notes"))
    newer = scripts.path / "newer" / "trace.lst"
    newer.parent.mkdir()
    newer.write_bytes(FILE_HEAD.pack(MAGIC, 99))
    assert "schema 99" in sentence(run(scripts.path, "diagnose", "newer"))
    newer.write_bytes(b"not a trace at all")
    assert "not a lifesigns trace" in sentence(run(scripts.path, "diagnose", "newer"))
    newer.write_bytes(b"")
    sentence(run(scripts.path, "diagnose", "newer"))


def test_explain(scripts: Any) -> None:
    said = sentence(run(scripts.path, "explain", "D30"))
    assert "no rule `D30`" in said
    assert "nearest is `D3" in said
    listed = json.loads(run(scripts.path, "explain", "--json").stdout)
    assert {"code", "name", "status", "summary"} <= set(listed[0])
    first = listed[0]["code"]
    by_code, by_name = (run(scripts.path, "explain", key, "--json").stdout for key in (first, listed[0]["name"]))
    assert by_code == by_name
    assert json.loads(by_code)["sections"]
    assert first in run(scripts.path, "explain", first).stdout


def test_runs(recorded: Path) -> None:
    home = recorded.parents[2]
    rows = json.loads(run(home, "runs", "--json").stdout)
    assert [(row["script"], row["ended"], row["exit_status"]) for row in rows] == [("train.py", "finished", 0)]
    assert "train.py" in run(home, "runs").stdout
    assert "No runs here" in run(home, "runs", "--home", str(home / "empty")).stdout


@pytest.mark.slow
def test_json_is_json_alone(scripts: Any) -> None:
    scripts.write(TRAINING.format(rate="0.05", steps=60, pause="pass"))
    for command in ("check", "watch"):
        done = run(scripts.path, command, "train.py", "--json", "--fail-on", "never")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["run"]
        assert "step 59" in done.stderr


@pytest.mark.slow
def test_watch_passes_output_and_status_through(scripts: Any) -> None:
    scripts.write(TRAINING.format(rate="0.05", steps=3, pause="pass") + "    import sys\n    sys.exit(4)\n")
    done = run(scripts.path, "watch", "train.py", "--html", "page.html")
    assert done.returncode == 4
    assert done.stdout.startswith("step 0\nstep 1\nstep 2\n")
    assert "<html" in (scripts.path / "page.html").read_text("utf-8")
    assert list_runs(scripts.path / ".lifesigns")[0].read_meta()["exit_status"] == 4


@pytest.mark.slow
def test_a_budget_stops_a_run_early(scripts: Any) -> None:
    scripts.write(TRAINING.format(rate="0.05", steps=100_000, pause="import time; time.sleep(0.01)"))
    started = time.monotonic()
    done = run(scripts.path, "check", "train.py", "--budget", "20s", "--json")
    assert time.monotonic() - started < 40
    assert done.returncode in (0, 1), done.stderr
    assert "KeyboardInterrupt" not in done.stderr, "the stop is ours, not an error of the script's"
    json.loads(done.stdout)
    folder = list_runs(scripts.path / ".lifesigns")[0]
    assert folder.read_meta()["ended"] == "stopped early"
    assert load_run(folder.path).health["updates"] > 20


def test_fail_on(recorded: Path) -> None:
    verdicts = json.loads(run(recorded, "diagnose", ".", "--json", "--fail-on", "never").stdout)["verdicts"]
    severities = {f["severity"] for v in verdicts for f in v["findings"]}
    assert severities & {"warning", "error"}, "a learning rate of zero must be found"
    expected = {"never": 0, "note": 1, "warning": 1, "error": int("error" in severities)}
    assert {level: run(recorded, "diagnose", ".", "--fail-on", level).returncode for level in expected} == expected
    assert run(recorded, "diagnose", ".").returncode == 1
    assert run(recorded.parents[2], "diagnose", recorded.name).returncode == 1, "a run's name is enough"


def test_diagnosing_needs_neither_torch_nor_gymnasium(recorded: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Blocker:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('torch', 'gymnasium', 'stable_baselines3', 'wandb'):\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Blocker())\n"
    )
    done = run(recorded, "diagnose", ".", "--fail-on", "never", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout == run(recorded, "diagnose", ".", "--fail-on", "never").stdout
    probe = subprocess.run(
        [sys.executable, "-c", "import torch"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        check=False,
    )
    assert probe.returncode == 1


DYED = """
    import torch
    torch.manual_seed({seed})
    body, head = torch.nn.Linear(2, 4), torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD([*body.parameters(), *head.parameters()], lr=0.05)
    for t in range(12):
        optimizer.zero_grad()
        loss = (head(body(torch.randn(8, 2)){detach}) - 1.0).square().mean()
        loss.backward()
        optimizer.step()
        print("step", t)
"""


def schema() -> Any:
    """What a report as JSON must look like."""
    return json.loads(files("lifesigns.report").joinpath("diagnosis.schema.json").read_text("utf-8"))


@pytest.mark.slow
def test_dye_finds_a_fault_and_a_saved_run_says_the_same(scripts: Any) -> None:
    scripts.write(DYED.format(seed=1, detach=".detach()"))
    done = run(scripts.path, "dye", "train.py", "--budget", "60s", "--json", "--html", "page.html")
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    jsonschema.validate(told, schema())
    assert "Y301" in {f["code"] for v in told["verdicts"] for f in v["findings"]}
    assert {v["code"][0] for v in told["verdicts"]} == {"Y"}, "a run of dyes alone is judged by rules of dyes alone"
    page = (scripts.path / "page.html").read_text("utf-8")
    assert "<html" in page
    assert "Y301" in page
    (folder,) = list_runs(scripts.path / ".lifesigns")
    again = run(scripts.path, "diagnose", folder.path.name, "--json", "--html", "again.html")
    assert again.returncode == 1
    assert json.loads(again.stdout)["verdicts"] == told["verdicts"]
    assert (scripts.path / "again.html").stat().st_size > 1000
    shown = run(scripts.path, "diagnose", folder.path.name, "--fail-on", "never")
    assert shown.returncode == 0
    assert "bit for bit the same" in shown.stdout
    assert "Y301" in shown.stdout


@pytest.mark.slow
def test_dye_leaves_a_healthy_script_alone(scripts: Any) -> None:
    scripts.write(DYED.format(seed=1, detach=""))
    before = sorted(p.name for p in scripts.path.iterdir())
    done = run(scripts.path, "dye", "train.py", "--budget", "60s")
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert "bit for bit the same" in done.stdout
    assert sorted(p.name for p in scripts.path.iterdir()) == sorted([*before, ".lifesigns"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "reason"),
    [("print('hello')", "no PyTorch optimiser stepped"), ("def broken(:", "SyntaxError")],
)
def test_dye_where_nothing_can_be_planted(scripts: Any, text: str, reason: str) -> None:
    scripts.write(text)
    done = run(scripts.path, "dye", "train.py", "--budget", "30s", "--json")
    said = sentence(done)
    assert said.startswith("lifesigns: No dye could be planted: ")
    assert reason in said
    jsonschema.validate(json.loads(done.stdout), schema())


def test_dye_checks_what_it_is_given(scripts: Any) -> None:
    scripts.write("pass", "train_agent.py")
    assert "no script at" in sentence(run(scripts.path, "dye", "trian_agent.py"))
    assert "expected a time such as" in sentence(run(scripts.path, "dye", "train_agent.py", "--budget=soon"))
    done = run(scripts.path, "dye", "train_agent.py", "--cores", "0")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not (scripts.path / ".lifesigns").exists()


def test_help_is_quick_and_imports_nothing_heavy(tmp_path: Path) -> None:
    for command in ([], ["check"]):
        code = (
            "import sys\nsys.argv = ['lifesigns', *sys.argv[1:]]\n"
            "from lifesigns.cli import main\n"
            "try:\n    main()\nexcept SystemExit: pass\n"
            "print(sorted({'torch', 'numpy', 'rich', 'gymnasium', 'altair', 'jinja2'} & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, *command, "--help"], capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines()[-1] == "[]"
        assert "Usage" in done.stdout
    best = min(_cpu_seconds() for _ in range(5))
    assert best <= 0.3, best


def _cpu_seconds() -> float:
    """What `lifesigns --help` costs; processor time, since other work may share the machine."""
    before = os.times()
    subprocess.run([*LIFESIGNS, "--help"], capture_output=True, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system
