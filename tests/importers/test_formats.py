"""Every format: its own log is recognised, becomes a trace with roles and a clock, and diagnoses without a crash."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from sample_logs import COPIED, SAMPLES, write_sample

from lifesigns.diagnose import diagnose
from lifesigns.importers import read
from lifesigns.importers.folders import FORMATS
from lifesigns.model import Trace
from lifesigns.model.catalogue import SERIES
from lifesigns.model.roles import assign, role_of

CLOCKS = {
    "mlflow-files": "logged",
    "mlflow-sqlite": "logged",
    "lightning-csv": "update",
    "transformers-json": "update",
    "transformers-printed": "logged",
}
ROLES = {
    "tensorboard": {
        "return",
        "episode_length",
        "kl",
        "clip_fraction",
        "entropy",
        "explained_variance",
        "learning_rate",
    },
    "wandb": {"return", "kl"},
    "mlflow-files": {"return", "loss"},
    "mlflow-sqlite": {"return", "loss"},
    "monitor": {"return", "episode_length"},
    "lightning-csv": {"loss", "validation_loss"},
    "rllib-csv": {"mean_return", "mean_episode_length", "policy_loss", "value_loss", "entropy", "kl"},
    "rllib-json": {"mean_return", "mean_episode_length", "policy_loss", "value_loss", "entropy", "kl"},
    "transformers-json": {"loss", "validation_loss", "learning_rate", "gradient_norm"},
    "transformers-printed": {"loss", "validation_loss", "learning_rate", "gradient_norm"},
    **{
        name: {"mean_return", "policy_loss", "value_loss", "entropy", "kl", "clip_fraction", "explained_variance"}
        for name in ("sb3-csv", "sb3-json", "sb3-printed")
    },
}


def test_one_format_recognises_it_first(format_name: str, sample: Path) -> None:
    wanted = {"mlflow": "mlflow_store", "wandb": "wandb_file", "monitor": "monitor", "tensorboard": "tensorboard"}
    first = next(m for m in FORMATS if m.sniff(sample))
    ending = {"csv": "csv_table", "json": "json_lines", "printed": "printed"}.get(format_name.split("-")[-1], "")
    assert first.__name__.rsplit(".", 1)[1] == wanted.get(format_name.split("-")[0], ending)


def test_the_trace_holds_roles_clock_and_values(format_name: str, sample: Path) -> None:
    trace = read(sample)
    assert ROLES[format_name] <= {a.role.name for a in assign(trace)}
    assert trace.meta["imported"]["clock"] == CLOCKS.get(format_name, "env_step"), trace.meta["imported"]
    assert trace.meta["imported"]["why"]
    for one in trace.series:
        assert len(one) > 0
        assert (np.diff(one.x) >= 0).all(), one.name
        assert one.name.startswith("log.") or one.name in SERIES


def test_the_folder_reads_as_the_file_does(sample: Path) -> None:
    folder = sample if sample.is_dir() else sample.parent
    if sample.suffix == ".db":
        assert len(read(folder).series) == len(read(sample).series)
        return
    for one, other in zip(read(folder).series, read(sample).series, strict=True):
        assert one.name == other.name
        np.testing.assert_array_equal(one.y, other.y)


def test_it_can_be_diagnosed(format_name: str, sample: Path) -> None:
    found = diagnose(read(sample))
    verdicts = (*found.verdicts, *found.preview)
    assert not [v for v in verdicts if v.status == "crashed"], [v.reason for v in verdicts if v.status == "crashed"]
    looked = [v for v in verdicts if v.status != "blind"]
    assert looked or format_name.startswith("rllib"), "eight iterations are too few for any rule"


def one(trace: Trace, name: str) -> np.ndarray:
    found = trace.named(name)
    assert len(found) == 1
    return found[0].y


def test_what_sb3_wrote_in_four_formats_is_the_same(tmp_path: Path) -> None:
    table = read(SAMPLES / "sb3" / "progress.csv")
    for other, digits in (("progress.json", 6), ("printed.log", 2), ("events.out.tfevents.1700000000.sample.0", 6)):
        trace = read(SAMPLES / "sb3" / other)
        for name in ("env.mean_return", "learner.kl", "learner.entropy", "learner.explained_variance"):
            np.testing.assert_allclose(one(trace, name), one(table, name), rtol=10.0**-digits)
            np.testing.assert_array_equal(trace.named(name)[0].x, table.named(name)[0].x)
    assert (one(table, "learner.entropy") > 0.6).all(), "the sign of train/entropy_loss is turned"


def test_rllib_writes_the_same_twice() -> None:
    table, lines = read(SAMPLES / "rllib" / "progress.csv"), read(SAMPLES / "rllib" / "result.json")
    for name in ("env.mean_return", "learner.kl", "optimizer.learning_rate"):
        np.testing.assert_allclose(one(table, name), one(lines, name))
    assert table.named("env.mean_return")[0].x[0] == 256.0


def test_monitor_files_of_parallel_environments_are_one_run(tmp_path: Path) -> None:
    for i in range(2):
        rows = "".join(f"{r}.0,{10},{(k + 1) * 2 + i}\n" for k, r in enumerate(range(1, 4)))
        (tmp_path / f"{i}.monitor.csv").write_text('#{"t_start": 1.0, "env_id": "X"}\nr,l,t\n' + rows)
    trace = read(tmp_path)
    assert one(trace, "env.episode_return").tolist() == [1, 1, 2, 2, 3, 3]
    assert trace.named("env.episode_return")[0].x.tolist() == [10, 20, 30, 40, 50, 60]


def test_mlflow_marks_of_nan_and_infinity(tmp_path: Path) -> None:
    loss = one(read(write_sample("mlflow-sqlite", tmp_path)), "loss.value")
    assert math.isnan(loss[3])
    assert loss[4] == math.inf


def test_wandb_keeps_nan_and_leaves_text_out(tmp_path: Path) -> None:
    trace = read(write_sample("wandb", tmp_path))
    assert math.isnan(one(trace, "learner.kl")[3])
    assert trace.meta["run"] == "my run"
    assert trace.meta["ended"] == "finished"
    assert not trace.named("log.note")
    assert trace.named("env.episode_return")[0].x[-1] == 25 * 899


@pytest.mark.parametrize("name", sorted(COPIED))
def test_samples_name_no_machine(name: str) -> None:
    text = (SAMPLES / COPIED[name]).read_bytes()
    for path in (b"/home/", b"/root/", b"/tmp/", b"hostname", b"node_ip"):
        assert path not in text


def test_names_of_verl_and_of_self_play() -> None:
    """verl logs `actor/…`, `critic/…`, `response_length/…`; ML-Agents `Self-play/ELO`; Sample Factory its lag."""
    named = {
        "actor/kl_loss": "reference_kl",
        "actor/ppo_kl": "kl",
        "actor/entropy": "entropy",
        "critic/score/mean": "completion_reward",
        "response_length/clip_ratio": "truncated_share",
        "Self-play/ELO": "elo",
        "train/version_diff_avg": "policy_lag",
    }
    assert {n: (found[0].name if (found := role_of(n)) else "") for n in named} == named
