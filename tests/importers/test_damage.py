"""Truncated, damaged and alien logs of each format: a trace of what is whole, or one clear sentence."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sample_logs import FORMATS, write_sample
from typer.testing import CliRunner

from lifesigns.cli import app
from lifesigns.importers import LogError, read
from lifesigns.model import Trace

FILES = [f for f in FORMATS if f != "mlflow-files"]
QUICK = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def outcome(path: Path) -> Trace | str:
    """The trace, or the sentence; anything else that is raised fails the test."""
    before = sorted(p.name for p in path.parent.iterdir())
    try:
        found = read(path)
    except LogError as error:
        sentence = str(error)
        assert sentence
        assert "\n" not in sentence
        assert "Traceback" not in sentence
        found = sentence
    else:
        assert found.series
    assert sorted(p.name for p in path.parent.iterdir()) == before, "reading a log wrote something"
    return found


@pytest.fixture(scope="module", params=FILES)
def original(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of each format."""
    return write_sample(str(request.param), tmp_path_factory.mktemp("log"))


@QUICK
@given(share=st.floats(0, 1))
def test_cut_off_anywhere(original: Path, tmp_path: Path, share: float) -> None:
    whole = original.read_bytes()
    cut = tmp_path / original.name
    cut.write_bytes(whole[: int(share * len(whole))])
    outcome(cut)


@QUICK
@given(data=st.data())
def test_bytes_changed_anywhere(original: Path, tmp_path: Path, data: st.DataObject) -> None:
    damaged = bytearray(original.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path / original.name
    file.write_bytes(damaged)
    outcome(file)


@QUICK
@given(start=st.integers(0, 64), junk=st.binary(max_size=400))
def test_junk_behind_a_true_beginning(original: Path, tmp_path: Path, start: int, junk: bytes) -> None:
    file = tmp_path / original.name
    file.write_bytes(original.read_bytes()[:start] + junk)
    outcome(file)


def test_half_a_log_still_says_what_it_holds(original: Path, tmp_path: Path) -> None:
    if original.suffix == ".db" or original.name == "trainer_state.json":
        return  # formats that are one piece
    whole = original.read_bytes()
    half = tmp_path / original.name
    half.write_bytes(whole[: len(whole) * 6 // 10])
    found = outcome(half)
    assert isinstance(found, Trace), found
    complete = {s.name: s for s in read(original).series}
    for one in found.series:
        if one.name.startswith("log."):
            assert one.y[: len(one) - 1].tolist() == pytest.approx(
                complete[one.name].y[: len(one) - 1].tolist(), nan_ok=True
            )


@pytest.mark.parametrize(
    "ending", [".wandb", ".csv", ".jsonl", ".json", ".db", ".log", ".bin", ".pkl", ".tfevents.1.x"]
)
@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"\x80\x04\x95", b"name,value\n", b"{}", b"[]", b"hello\n" * 10])
def test_files_that_hold_no_log(tmp_path: Path, ending: str, content: bytes) -> None:
    file = tmp_path / f"run{ending}"
    file.write_bytes(content)
    assert isinstance(outcome(file), str)


def test_a_damaged_record_is_left_out_and_counted(tmp_path: Path) -> None:
    file = write_sample("tensorboard", tmp_path)
    whole, data = read(file), bytearray(file.read_bytes())
    data[data.index(b"charts/episodic_return") + 24] ^= 0xFF
    file.write_bytes(data)
    found = read(file)
    assert found.meta["imported"]["lost"] == 1
    assert len(found.named("env.episode_return")[0]) == len(whole.named("env.episode_return")[0]) - 1


def test_the_command_says_one_sentence_and_leaves_nothing(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / original.name
    file.write_bytes(original.read_bytes()[:30])
    done = CliRunner().invoke(app, ["diagnose", str(file)])
    assert done.exit_code == 2, done.output
    assert isinstance(done.exception, SystemExit)
    assert done.stderr.startswith("lifesigns: ")
    assert len(done.stderr.strip().splitlines()) == 1
    assert os.listdir(tmp_path) == [original.name]


@QUICK
@given(data=st.data())
def test_a_folder_of_files_cut_off_or_changed_anywhere(tmp_path: Path, data: st.DataObject) -> None:
    """MLflow's file store: one run is a folder, of which any file may be damaged, junk or gone."""
    folder = Path(mkdtemp(dir=tmp_path))
    run = write_sample("mlflow-files", folder)
    assert isinstance(outcome(run), Trace)
    files = sorted(p for p in run.rglob("*") if p.is_file())
    for file in data.draw(st.lists(st.sampled_from(files), min_size=1, max_size=4, unique=True)):
        whole, how = file.read_bytes(), data.draw(st.sampled_from(["cut", "changed", "junk", "gone", "a folder"]))
        if how == "cut":
            file.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
        elif how == "changed":
            place = data.draw(st.integers(0, len(whole) - 1))
            file.write_bytes(whole[:place] + data.draw(st.binary(min_size=1, max_size=6)) + whole[place + 1 :])
        elif how == "junk":
            file.write_bytes(data.draw(st.binary(max_size=300)))
        else:
            file.unlink()
            if how == "a folder":
                file.mkdir()
    outcome(run)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str, ...]]:
            return os.mkdir, (str(tmp_path / "exploded"),)

    import pickle

    write_sample("rllib-json", tmp_path)
    for name in ("params.pkl", "tuner.pkl", "evaluations.npz", "checkpoint.pt"):
        (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
    assert read(tmp_path).series
    assert not (tmp_path / "exploded").exists()
