"""The command as a user runs it: text, JSON, HTML, exit statuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from baseline_worlds import WORLDS

from lifesigns.planner.ladder import Ladder, Rung
from lifesigns.planner.properties import Properties, Property
from lifesigns.planner.verdict import Verdict
from lifesigns.report.env_html import html
from lifesigns.report.env_page import Told, schema, to_json


def env(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lifesigns.cli", "env", *arguments, "--home", str(home)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_an_answer_as_json_and_html(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = env(f"{WORLDS}:Bandit", "--target", "9", "--budget", "7s", "--json", "--html", str(page), home=tmp_path)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    jsonschema.Draft202012Validator(schema()).validate(answer)
    assert answer["verdict"]["kind"] == "no RL needed"
    assert answer["verdict"]["would_change"]
    assert {"random", "constant 2", "myopic bandit"} <= {r["method"] for r in answer["ladder"]}
    carry = next(p for p in answer["properties"] if p["name"] == "carry_over")
    assert carry["value"] == 0 or "cannot be told" in carry["text"], "blind where the machine is too busy"
    text = page.read_text("utf-8")
    assert "no RL needed" in text
    assert "default-src 'none'" in text
    kept = list(tmp_path.rglob("forecasts.jsonl"))
    assert len(kept) == 1
    assert json.loads(kept[0].read_text("utf-8"))["verdict"] == "no RL needed"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["CartPole-v9"], 2, "nearest: CartPole-v0, CartPole-v1"),
        (["CartPole-v1", "--kwargs", "{no"], 2, "expected JSON"),
        ([f"{WORLDS}:Outside", "--contract"], 1, "component 0 is 5"),
        ([f"{WORLDS}:OldForm"], 2, "--contract"),
    ],
)
def test_bad_input(arguments: list[str], status: int, words: str, tmp_path: Path) -> None:
    done = env(*arguments, "--budget", "6s", home=tmp_path)
    assert done.returncode == status, done.stderr
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_what_an_environment_says_is_escaped_and_finite() -> None:
    rungs = (Rung("<script>", "linear", (1.0,)), Rung("UCT", "planner", blind="no & restore"))
    told = Told(
        "<b>x</b>",
        Ladder(rungs),
        Properties((Property("delay", float("nan"), "<i>"),)),
        verdict=Verdict("plan", "s & t"),
        sweep={"5": 1.0, "10": 2.0},
        films={"random": "R0lGOD"},
    )
    page = html(told)
    assert "<b>x</b>" not in page
    assert "<i>" not in page
    assert 'src="data:image/gif;base64,R0lGOD"' in page
    text = json.dumps(to_json(told), allow_nan=False)
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.Draft202012Validator(schema()).validate(json.loads(text))


def test_the_schema_refuses_an_answer_that_lacks_a_part_and_takes_a_refusal() -> None:
    judge = jsonschema.Draft202012Validator(schema())
    answer = json.loads(json.dumps(to_json(Told("x", Ladder(), Properties()))))
    assert judge.is_valid(answer)
    assert not judge.is_valid({k: v for k, v in answer.items() if k != "ladder"})
    assert judge.is_valid({"env": "x", "problem": "it hangs", "contract_broken": []})
