"""Frames and traces on disk: values survive, damage is contained, whatever is read."""

from __future__ import annotations

import json
import math
import random
import struct
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifesigns.model import Series
from lifesigns.store import (
    NewerSchemaError,
    NotATraceError,
    RunFolder,
    TraceError,
    TraceReader,
    TraceWriter,
    load_run,
    save_series,
)
from lifesigns.store.frames import (
    CHUNK,
    FILE_HEAD,
    MAGIC,
    RECORD,
    file_head,
    frame,
    frames,
    from_json,
    to_json,
)
from lifesigns.store.writer import CHUNK_HEAD

ODD = [math.nan, math.inf, -math.inf, -0.0, 0.0, 5e-324, 1.7976931348623157e308, 1 / 3]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text().filter(lambda k: k != "~"), inner, max_size=4)
    ),
    max_leaves=12,
)


def bits(values: Any) -> bytes:
    """Float64 bytes with every NaN alike."""
    array = np.array(values, dtype=np.float64)
    array[np.isnan(array)] = math.nan
    return array.tobytes()


def alike(a: Any, b: Any) -> bool:
    """Equality in which NaN equals NaN, and -0.0 is not 0.0."""
    if isinstance(a, float) and isinstance(b, float):
        return bits([a]) == bits([b])
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(alike(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(alike, a, b))
    return type(a) is type(b) and a == b


def read(path: Path) -> TraceReader:
    reader = TraceReader(path)
    reader.poll()
    return reader


@pytest.fixture
def trace_file(tmp_path: Path) -> Path:
    """A trace of several flushes: a scalar series, a wide one, subjects, events."""
    writer = TraceWriter(tmp_path / "trace.lst")
    writer.record({"t": "meta", "data": {"torch": "2.13", "π": "ü𝄞", "worst": math.nan}})
    writer.record(
        {
            "t": "subject",
            "id": "loss/0",
            "kind": "loss",
            "name": "損失",
            "at": {"file": "träin.py", "line": 3, "text": "loss.backward()  # ✓"},
            "info": {"limit": math.inf},
        }
    )
    scalar = writer.series("loss.value", "backward", "", "loss/0")
    wide = writer.series("optimizer.update_norm", "update", "", "optimizer/0", [f"层.{i}" for i in range(300)])
    for flush in range(6):
        for i, value in enumerate(ODD):
            scalar.add(flush * len(ODD) + i, value)
        wide.add_row(flush, [value * (flush + 1) for _ in range(50) for value in ODD][:300])
        writer.record(
            {
                "t": "event",
                "kind": "seed",
                "subject": "run",
                "data": {"flush": flush},
                "at": None,
                "wall_s": 0.5,
                "env_step": flush,
            }
        )
        writer.record({"t": "health", "data": {"updates": flush}})
        writer.flush()
    writer.close()
    return tmp_path / "trace.lst"


def test_round_trip_keeps_every_value(trace_file: Path) -> None:
    trace = read(trace_file).trace()
    scalar, wide = trace.get("loss.value", "loss/0"), trace.get("optimizer.update_norm", "optimizer/0")
    assert scalar is not None
    assert wide is not None
    assert bits(scalar.y) == bits(ODD * 6)
    assert scalar.x.tolist() == list(range(6 * len(ODD)))
    assert wide.y.shape == (6, 300)
    assert bits(wide.y[5]) == bits([value * 6 for _ in range(50) for value in ODD][:300])
    assert wide.columns[7] == "层.7"
    subject = trace.subjects["loss/0"]
    assert (subject.name, subject.info["limit"]) == ("損失", math.inf)
    assert subject.location is not None
    assert subject.location.text == "loss.backward()  # ✓"
    assert trace.meta["π"] == "ü𝄞"
    assert math.isnan(trace.meta["worst"])
    assert [e.data["flush"] for e in trace.events] == list(range(6))
    assert trace.health == {"updates": 5, "unread_bytes": 0, "odd_frames": 0}


def test_saved_series_come_back(tmp_path: Path) -> None:
    x = np.arange(8.0)
    one = Series("baseline.random_return", "episode", "reward", x, np.array(ODD), "env/0")
    two = Series(
        "baseline.constant_return",
        "episode",
        "reward",
        x[:3],
        np.arange(6.0).reshape(3, 2),
        "env/0",
        ("a", "b"),
    )
    save_series(tmp_path / "baseline.lst", [one, two])
    trace = load_run(tmp_path)
    first, second = trace.named("baseline.random_return")[0], trace.named("baseline.constant_return")[0]
    assert bits(first.y) == bits(ODD)
    assert second.y.tolist() == two.y.tolist()
    assert second.columns == ("a", "b")


def test_a_cut_at_any_byte_gives_a_prefix(trace_file: Path, tmp_path: Path) -> None:
    whole_bytes, whole = trace_file.read_bytes(), read(trace_file).trace()
    y = whole.named("loss.value")[0].y
    cut_file = tmp_path / "cut.lst"
    last = -1
    rng = random.Random(0)
    for cut in sorted({0, 1, 7, 8, 11, 12, 13, *rng.sample(range(len(whole_bytes)), 200)}):
        cut_file.write_bytes(whole_bytes[:cut])
        trace = read(cut_file).trace()
        found = trace.named("loss.value")
        points = len(found[0]) if found else 0
        assert points >= last
        last = points
        assert points == 0 or bits(found[0].y) == bits(y[:points])
        assert len(trace.events) <= 6
        assert trace.health["odd_frames"] == 0


def test_a_changed_byte_ends_the_trace_there(trace_file: Path, tmp_path: Path) -> None:
    data, whole = trace_file.read_bytes(), read(trace_file).trace().named("loss.value")[0].y
    rng = random.Random(1)
    for _ in range(200):
        at = rng.randrange(FILE_HEAD.size, len(data))
        broken = bytearray(data)
        broken[at] ^= 1 << rng.randrange(8)
        file = tmp_path / "broken.lst"
        file.write_bytes(broken)
        reader = read(file)
        found = reader.trace().named("loss.value")
        assert not found or bits(found[0].y) == bits(whole[: len(found[0])])
        assert reader.unread_bytes > 0


def test_a_changed_head_is_no_trace(trace_file: Path, tmp_path: Path) -> None:
    (tmp_path / "x.lst").write_bytes(b"X" + trace_file.read_bytes()[1:])
    with pytest.raises(NotATraceError, match="does not start with"):
        read(tmp_path / "x.lst")


def test_newer_schema_is_said_in_a_sentence(trace_file: Path) -> None:
    trace_file.write_bytes(FILE_HEAD.pack(MAGIC, 99) + trace_file.read_bytes()[FILE_HEAD.size :])
    with pytest.raises(NewerSchemaError, match=r"schema 99; this lifesigns reads up to 1: upgrade with"):
        load_run(trace_file.parent)
    folder = RunFolder(trace_file.parent)
    folder.meta_file.write_text(json.dumps({"schema": 99}))
    with pytest.raises(NewerSchemaError):
        folder.read_meta()


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(NotATraceError, match="no lifesigns run"):
        load_run(tmp_path)
    with pytest.raises(NotATraceError, match="no run at"):
        load_run(tmp_path / "absent")
    (tmp_path / "trace.lst").write_bytes(b"")
    assert load_run(tmp_path).series == ()
    (tmp_path / "trace.lst").write_bytes(b"PK\x03\x04 something else entirely")
    with pytest.raises(NotATraceError):
        load_run(tmp_path)


def test_damaged_metadata_and_worker_parts_are_left_out(trace_file: Path) -> None:
    folder = RunFolder(trace_file.parent)
    folder.meta_file.write_text('{"schema": 1, "scri')
    folder.worker_file(77).write_bytes(b"junk that is no trace")
    assert load_run(folder.path).named("loss.value")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.binary(min_size=1, max_size=1), st.binary(max_size=60)), max_size=8), st.data())
def test_frames_come_back_up_to_any_cut(written: list[tuple[bytes, bytes]], data: st.DataObject) -> None:
    whole = b"".join(frame(kind, payload) for kind, payload in written)
    assert [(k, p) for k, p, _ in frames(whole, 0)] == written
    cut = data.draw(st.integers(0, len(whole)))
    found = [(k, p) for k, p, _ in frames(whole[:cut], 0)]
    assert found == written[: len(found)]
    assert len(found) == sum(1 for _, _, end in frames(whole, 0) if end <= cut)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_an_exception(tmp_path_factory: pytest.TempPathFactory, tail: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.lst"
    file.write_bytes(file_head() + tail)
    assert read(file).trace().series == ()


@settings(max_examples=200, deadline=None)
@given(json_values)
def test_json_round_trip(value: Any) -> None:
    assert alike(from_json(to_json(value)), value)


records = st.fixed_dictionaries(
    {"t": st.sampled_from(["series", "subject", "event", "meta", "health", "other"])},
    optional={
        key: st.sampled_from([None, 0, -1, "x", "update", "run", [], {}, ["a", "b"], {"file": 1}, math.nan])
        for key in (
            "n",
            "name",
            "clock",
            "unit",
            "subject",
            "columns",
            "id",
            "kind",
            "data",
            "at",
            "info",
            "wall_s",
            "env_step",
        )
    },
)


@settings(max_examples=300, deadline=None)
@given(st.lists(records | json_values, max_size=6), st.lists(st.binary(max_size=60), max_size=4))
def test_valid_frames_with_odd_contents_are_counted(
    tmp_path_factory: pytest.TempPathFactory, odd: list[Any], chunks: list[bytes]
) -> None:
    """A trace is untrusted input: checksums say that it was written so, not that it makes sense."""
    file = tmp_path_factory.getbasetemp() / "odd.lst"
    good = {
        "t": "series",
        "n": 90,
        "name": "loss.value",
        "clock": "backward",
        "unit": "",
        "subject": "run",
        "columns": [],
    }
    point = CHUNK_HEAD.pack(90, 1, 1) + struct.pack("<dd", 1.0, 2.0)
    file.write_bytes(
        file_head()
        + b"".join(frame(RECORD, to_json(v)) for v in odd)
        + b"".join(frame(CHUNK, c) for c in chunks)
        + frame(RECORD, to_json(good))
        + frame(CHUNK, point)
    )
    found = read(file).trace().named("loss.value")
    assert [s.y.tolist() for s in found if s.subject == "run" and len(s)] == [[2.0]]


def test_two_readers_follow_a_growing_file(tmp_path: Path) -> None:
    path, total = tmp_path / "trace.lst", 3000
    writer = TraceWriter(path)
    column = writer.series("loss.value", "backward", "", "run")
    writer.flush()

    def write() -> None:
        for i in range(total):
            column.add(i, i * 0.5)
            if i % 7 == 0:
                writer.flush()
        writer.close()

    readers, seen = [TraceReader(path), TraceReader(path)], [0, 0]
    thread = threading.Thread(target=write)
    thread.start()
    while thread.is_alive() or min(seen) < total:
        alive = thread.is_alive()
        for k, reader in enumerate(readers):
            reader.poll()
            found = reader.trace().named("loss.value")
            points = len(found[0]) if found else 0
            assert points >= seen[k]
            assert points == 0 or found[0].y.tolist() == [i * 0.5 for i in range(points)]
            seen[k] = points
        assert alive or min(seen) == total
    thread.join()


def test_a_failed_write_raises_and_leaves_a_readable_prefix(trace_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    before = read(trace_file).trace().named("loss.value")[0]
    writer = TraceWriter(trace_file)
    column = writer.series("extra", "update", "", "run")
    column.add(0, 1.0)
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data)[:5]) and _full())
    with pytest.raises(OSError, match="No space left"):
        writer.flush()
    monkeypatch.undo()
    after = read(trace_file).trace()
    assert bits(after.named("loss.value")[0].y) == bits(before.y)
    assert after.health["unread_bytes"] == 5


def _full() -> int:
    raise OSError(28, "No space left on device")


def test_new_run_folders_have_names_of_their_own(tmp_path: Path) -> None:
    from lifesigns.store import list_runs, new_run_folder

    made = [new_run_folder("a dir/träin me.py", tmp_path / ".lifesigns") for _ in range(3)]
    assert len({f.path for f in made}) == 3
    for folder in made:
        folder.write_meta({"script": "x"})
    assert {f.path for f in list_runs(tmp_path / ".lifesigns")} == {f.path for f in made}
    assert (tmp_path / ".lifesigns" / ".gitignore").read_text() == "*\n"
    with pytest.raises(TraceError, match="cannot create a run folder"):
        new_run_folder("x.py", Path("/proc/nowhere"))
