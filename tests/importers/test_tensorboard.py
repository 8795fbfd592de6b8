"""TensorBoard's event files: every way in which writers put scalars, against TensorBoard's own reader."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from sample_logs import SAMPLES

from lifesigns.importers import LogError, read, tensorboard
from lifesigns.importers.logged import Column, straighten
from lifesigns.importers.tfrecord import masked_crcs

pytest.importorskip("tensorboard")


def write(folder: Path, *summaries: tuple[int, list[tuple[str, object]]], stamp: int = 1) -> Path:
    """An event file by TensorBoard's own writer; a value is a float or a TensorProto."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.summary.writer.record_writer import RecordWriter

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"events.out.tfevents.{stamp}.x"
    with file.open("wb") as raw:
        writer = RecordWriter(raw)
        writer.write(Event(wall_time=1.0, file_version="brain.Event:2").SerializeToString())
        for index, (step, values) in enumerate(summaries):
            built = [
                Summary.Value(tag=t, tensor=v) if isinstance(v, TensorProto) else Summary.Value(tag=t, simple_value=v)
                for t, v in values
            ]
            event = Event(wall_time=100.0 + index, step=step, summary=Summary(value=built))
            writer.write(event.SerializeToString())
    return file


def theirs(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard's accumulator reads."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0}, purge_orphaned_data=False)
    reader.Reload()
    return {tag: [(e.step, e.value) for e in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}


def same(ours: Column, reference: list[tuple[int, float]]) -> None:
    np.testing.assert_array_equal(ours.step, [s for s, _ in reference])
    np.testing.assert_array_equal(ours.value, [v for _, v in reference])


@pytest.mark.parametrize("tool", ["cleanrl", "sb3"])
def test_what_torch_and_sb3_write(tool: str) -> None:
    ours, reference = tensorboard.read(SAMPLES / tool).columns, theirs(SAMPLES / tool)
    assert set(ours) == set(reference)
    for tag, values in reference.items():
        same(ours[tag], values)


def test_steps_of_every_width_and_values_of_every_kind(tmp_path: Path) -> None:
    steps = [0, 1, 127, 128, 16383, 16384, 2**31, 2**40, 2**62, -1, -300]
    values = [0.0, -0.0, math.inf, -math.inf, math.nan, 1e-40, 3.4e38]
    rows: list[tuple[int, list[tuple[str, object]]]] = [(s, [("a", float(s % 7))]) for s in steps * 3]
    rows += [(i, [("b/long name with spaces é", v)]) for i, v in enumerate(values * 3)]
    write(tmp_path, *rows)
    ours, reference = tensorboard.read(tmp_path).columns, theirs(tmp_path)
    assert set(ours) == set(reference)
    for tag, wanted in reference.items():
        same(ours[tag], wanted)


def test_several_values_in_one_event_are_all_read(tmp_path: Path) -> None:
    write(tmp_path, *[(i, [("a", float(i)), ("b", -float(i)), ("c", 0.5)]) for i in range(40)])
    ours, reference = tensorboard.read(tmp_path).columns, theirs(tmp_path)
    assert set(ours) == {"a", "b", "c"}
    for tag, wanted in reference.items():
        same(ours[tag], wanted)


def test_scalars_stored_as_tensors(tmp_path: Path) -> None:
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto

    def tensor(kind: int, **content: object) -> TensorProto:
        return TensorProto(dtype=kind, tensor_shape=TensorShapeProto(), **content)

    rows: list[tuple[int, list[tuple[str, object]]]] = []
    for i in range(30):
        rows.append((i, [("float_val", tensor(1, float_val=[i / 4]))]))
        rows.append((i, [("content", tensor(1, tensor_content=np.float32(i / 4).tobytes()))]))
        rows.append((i, [("double", tensor(2, double_val=[i / 4]))]))
        rows.append((i, [("int64", tensor(9, tensor_content=np.int64(i).tobytes()))]))
        rows.append((i, [("vector", tensor(1, float_val=[1.0, 2.0]))]))
    write(tmp_path, *rows)
    ours = tensorboard.read(tmp_path).columns
    assert set(ours) == {"float_val", "content", "double", "int64"}
    for tag in ("float_val", "content", "double"):
        assert ours[tag].value.tolist() == [i / 4 for i in range(30)]
    assert ours["int64"].value.tolist() == list(range(30))


def test_files_of_one_folder_are_one_run_and_a_restart_replaces_what_it_repeats(tmp_path: Path) -> None:
    write(tmp_path, *[(i, [("episode_return", 1.0)]) for i in range(100)], stamp=1)
    write(tmp_path, *[(i, [("episode_return", 2.0)]) for i in range(40, 140)], stamp=2)
    trace = read(tmp_path)
    found = trace.named("env.episode_return")[0]
    assert found.x.tolist() == list(range(140))
    assert found.y.tolist() == [1.0] * 40 + [2.0] * 100
    assert any("begun again" in n for n in trace.meta["imported"]["notes"])


def test_small_disorder_is_sorted_not_taken_for_a_restart() -> None:
    step = np.asarray([0.0, 1, 2, 4, 3, 5, 6, 8, 7, 9])
    found, again = straighten(Column(step, step * 2, step))
    assert not again
    assert found.step.tolist() == list(range(10))
    assert found.value.tolist() == [2.0 * s for s in range(10)]


def test_an_event_file_without_scalars(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(LogError, match="expected scalars"):
        read(tmp_path)


def test_checksums_are_those_of_the_format() -> None:
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    for text in (b"a" * 8, b"lifesign", bytes(range(200))):
        assert int(masked_crcs(np.frombuffer(text, dtype=np.uint8)[None])[0]) == masked_crc32c(text)
