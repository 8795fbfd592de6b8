"""The command as a user runs it: text, JSON, HTML, the table for `compare`, statuses, faults of the environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from learner_worlds import HERE

from lifesigns.learners import worker


def learn(*arguments: str, folder: Path, columns: str = "80") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lifesigns.cli", "learn", *arguments]
    own = {**os.environ, "COLUMNS": columns}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=own, timeout=120)


@pytest.mark.slow
def test_an_answer_in_every_form(tmp_path: Path) -> None:
    asked = (f"{HERE}:Match", "-n", "4", "--steps", "800", "--target", "9.5", "--set", "warm_up=100")
    done = learn(*asked, "--save", "ref.csv", "--html", "page.html", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "4 of 4 seeds of DQN reach 9.5 within 800 steps" in " ".join(done.stdout.split())
    assert max(map(len, done.stdout.splitlines())) <= 80
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "default-src 'none'" in page
    assert "4 of 4 seeds" in page
    told = learn(*asked, "--json", folder=tmp_path)
    answer = json.loads(told.stdout)
    jsonschema.validate(answer, json.loads(files("lifesigns.report").joinpath("learn.schema.json").read_text("utf-8")))
    assert answer["verdict"] == "learnable"
    assert answer["success_rate"]["low"] == pytest.approx(0.3976, abs=1e-3)
    assert [s["seed"] for s in answer["seeds"]] == [0, 1, 2, 3]
    lines = (tmp_path / "ref.csv").read_text("utf-8").splitlines()
    assert lines[0] == "algorithm,task,seed,step,return"
    finals = {s["seed"]: s["final"] for s in answer["seeds"]}
    last = [row.split(",") for row in lines[1:] if row.split(",")[3] == "800"]
    assert {int(r[2]): float(r[4]) for r in last} == pytest.approx(finals), "the same seeds give the same numbers"
    command = [sys.executable, "-m", "lifesigns.cli", "compare", "ref.csv", "again=ref.csv", "--json"]
    compared = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert compared.returncode == 1, compared.stderr
    assert json.loads(compared.stdout)["outcome"] == "no winner"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((f"{HERE}:Breaks",), "RuntimeError: the motor is stuck at "),
        ((f"{HERE}:Worded",), "the reference learners need a vector"),
        ((f"{HERE}:Match", "--learner", "naf"), "`naf` is not for discrete actions; use dqn or ppo"),
        ((f"{HERE}:Match", "--set", "lr=fast"), "expected a number for `lr`"),
        (("CartPole-v9",), "no environment `CartPole-v9` is registered"),
    ],
)
def test_what_cannot_be_learned_is_said_in_a_sentence(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = learn(*arguments, "-n", "2", "--steps", "800", folder=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_an_environment_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lifesigns.learners import ask

    monkeypatch.setattr(ask, "HANG_S", 1.5)
    monkeypatch.chdir(tmp_path)
    found = ask.ask(ask.Wanted(f"{HERE}:Hangs", (0, 1), steps=800))
    assert "`step` did not come back" in found.problem
    assert "learner_worlds.py" in found.problem


@pytest.mark.slow
def test_a_budget_cuts_the_training_and_says_so(tmp_path: Path) -> None:
    done = learn(f"{HERE}:Match", "-n", "2", "--steps", "2000000", "--budget", "6s", folder=tmp_path)
    assert done.returncode in (0, 1), done.stderr
    assert "The time was over after" in done.stdout


def test_no_torch_is_said_with_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[dict[str, Any]] = []
    real = worker.importlib.util.find_spec
    monkeypatch.setattr(worker.importlib.util, "find_spec", lambda n: None if n == "torch" else real(n))

    class Told:
        def send(self, event: str, **data: Any) -> None:
            heard.append({"event": event, **data})

    with pytest.raises(worker.EnvironmentProblem, match="torch is not installed"):
        worker.learn({"env": "CartPole-v1"}, Told())  # pyright: ignore[reportArgumentType]
    assert not heard
