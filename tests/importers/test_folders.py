"""Which runs a folder holds, and what is said where there are several."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from sample_logs import SAMPLES, mlflow_files, mlflow_sqlite, write_sample
from typer.testing import CliRunner

from lifesigns.cli import app
from lifesigns.importers import LogError, SeveralRunsError, find, read
from lifesigns.logs import diagnosed
from lifesigns.report.health import recording_lines


def names(folder: Path) -> list[str]:
    return [s.name for s in find(folder)]


def test_a_tree_of_runs(tmp_path: Path) -> None:
    for name in ("PPO_10", "PPO_2", "deep/er/PPO_1"):
        write_sample("tensorboard", tmp_path / name)
    (tmp_path / "notes.txt").write_text("loss=1\nloss=2\nloss=3\nloss=4\n")
    assert names(tmp_path) == ["deep/er/PPO_1", "PPO_2", "PPO_10"] or names(tmp_path) == [
        "PPO_2",
        "PPO_10",
        "deep/er/PPO_1",
    ]
    with pytest.raises(SeveralRunsError, match="got 3"):
        read(tmp_path)


def test_what_says_the_same_is_one_run(tmp_path: Path) -> None:
    shutil.copytree(SAMPLES / "sb3", tmp_path / "sb3")
    shutil.copytree(SAMPLES / "rllib", tmp_path / "trial")
    shutil.copytree(SAMPLES / "transformers", tmp_path / "out")
    shutil.copytree(SAMPLES / "transformers" / "checkpoint-75", tmp_path / "out" / "checkpoint-50")
    write_sample("tensorboard", tmp_path / "out" / "runs" / "Jan01_host")
    assert sorted(names(tmp_path)) == ["out", "sb3", "trial"]
    assert read(tmp_path / "sb3").named("env.episode_return"), "monitor.csv beside the log gives single episodes"
    assert find(tmp_path / "out")[0].path.parent.name == "checkpoint-75"


def test_folders_that_add_hparams_makes_are_part_of_the_run_above(tmp_path: Path) -> None:
    write_sample("tensorboard", tmp_path)
    write_sample("tensorboard", tmp_path / "1795537946.7668931")
    assert len(find(tmp_path)) == 1


def test_tables_of_data_are_no_logs(tmp_path: Path) -> None:
    (tmp_path / "iris.csv").write_text("sepal,petal\n1,2\n")
    (tmp_path / "package.json").write_text('{"name": "x"}')
    with pytest.raises(LogError, match="no log of a training run is under it"):
        find(tmp_path)


def test_printed_output_counts_where_nothing_else_does(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy\ntorch\n")
    write_sample("sb3-printed", tmp_path)
    assert names(tmp_path) == ["printed.log"]


def test_mlflow_stores_name_their_runs(tmp_path: Path) -> None:
    mlflow_files(tmp_path, "seed 0")
    mlflow_files(tmp_path, "b" * 32)
    assert [s.title for s in find(tmp_path)] == ["MLflow store: seed 0", f"MLflow store: {'b' * 32}"]
    store = mlflow_sqlite(tmp_path, runs=2)
    assert names(store) == ["mlflow.db#seed 0", "mlflow.db#seed 1"]
    assert read(Path(f"{store}#seed 1")).meta["run"] == "seed 1"
    with pytest.raises(LogError, match="got none named `seed 7`"):
        read(Path(f"{store}#seed 7"))


def diagnose(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["diagnose", *arguments])
    return done.exit_code, done.stdout, done.stderr


def test_several_runs_are_listed_with_how_to_pick_one(tmp_path: Path) -> None:
    for name in ("seed1", "seed2"):
        write_sample("sb3-csv", tmp_path / name)
    status, out, err = diagnose(str(tmp_path))
    assert status == 2
    assert "2 runs in" in err
    assert f"lifesigns diagnose {tmp_path}/seed1" in out
    status, out, _ = diagnose(str(tmp_path), "--json")
    assert [one["run"] for one in json.loads(out)] == ["seed1", "seed2"]
    picked = json.loads(out)[1]["path"]
    assert diagnose(picked, "--fail-on", "never")[0] == 0


def test_a_log_is_diagnosed_and_says_what_would_open_blind_checks(tmp_path: Path) -> None:
    file = tmp_path / "train.csv"
    file.write_text("step,loss\n" + "".join(f"{i},{1 / (i + 1)}\n" for i in range(60)))
    status, out, _ = diagnose(str(file), "--fail-on", "never")
    assert status == 0
    assert "It learned: the mean loss fell" in " ".join(out.split())
    assert "TO OPEN BLIND CHECKS" in out
    assert "lifesigns check SCRIPT" in " ".join(out.split())
    found = json.loads(diagnose(str(file), "--json", "--fail-on", "never")[1])
    assert found["coverage"]["imported"]["clock"] == "logged"
    assert {"openers", "unlogged"} <= set(found["coverage"])
    assert all(v["code"].startswith("D") for v in found["verdicts"])


def test_reports_say_where_a_log_came_from() -> None:
    found = diagnosed(SAMPLES / "cleanrl").diagnosis.coverage
    lines = [line for line, _ in recording_lines(found)]
    assert any("its steps count environment steps" in line for line in lines)
    assert any(line.startswith("TensorBoard event file: ") for line in lines)


def test_roles_are_printed_and_can_be_given(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text("step,score,loss\n" + "".join(f"{i},{i},1.0\n" for i in range(60)))
    runner = CliRunner()
    plain = runner.invoke(app, ["runs", "--roles", str(file)]).stdout
    assert "loss.value" in plain
    assert "No role (kept as logged values): score" in plain
    rows = json.loads(runner.invoke(app, ["runs", "--roles", str(file), "--role", "return=score", "--json"]).stdout)
    assert ("return", "score (given)") in {(r["role"], r["name"]) for r in rows}
    out = diagnose(str(file), "--role", "return=score", "--fail-on", "never")[1]
    assert "It learned: the mean return rose" in " ".join(out.split())


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("retrun=score", "no role `retrun`; nearest is `return`"),
        ("return=scroe", "nothing was logged as `scroe` for the role `return`; nearest is `score`"),
        ("return", "expected ROLE=NAME"),
    ],
)
def test_roles_and_names_that_do_not_exist(tmp_path: Path, given: str, sentence: str) -> None:
    file = tmp_path / "log.csv"
    file.write_text("step,score\n" + "".join(f"{i},{i}\n" for i in range(60)))
    status, _, err = diagnose(str(file), "--role", given)
    assert status == 2
    assert sentence in err
