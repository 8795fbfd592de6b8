"""Logs come back as they were written, and a stain is exactly what differs."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from synthetic import FILE, Writing, stain

from lifesigns.paired.runlog import KIND, KINDS, Site
from lifesigns.record.dyes import oplog

KEPT = ("float32", "float64", "int64", "int32", "uint8", "bool", "float16", "int16", "int8", "complex64")
VALUES = st.sampled_from(KEPT).flatmap(lambda kind: arrays(np.dtype(kind), array_shapes(min_dims=0, max_dims=3)))
SOME = settings(max_examples=40, deadline=None)


@SOME
@given(VALUES)
def test_a_value_comes_back_bit_for_bit(value: np.ndarray) -> None:
    writing = Writing()
    writing.op("before", np.arange(3))
    writing.op("it", value, 7)
    log = writing.read()
    found = log.value(1)
    assert found is not None
    assert (found.dtype, found.shape, found.tobytes()) == (value.dtype, value.shape, value.tobytes())
    assert (log.name(1), log.kind(1), log.site(1)) == ("it", "op", Site(FILE, 7, FILE, 7, "main"))


def test_values_without_an_equal_survive() -> None:
    odd = np.array([math.nan, -0.0, 0.0, math.inf, -math.inf], dtype=np.float32)
    found = _one(odd)
    assert np.signbit(found).tolist() == np.signbit(odd).tolist()
    assert np.isnan(found[0])
    assert found[3:].tolist() == [math.inf, -math.inf]


def test_arrays_of_another_byte_order_come_back_as_their_values() -> None:
    assert _one(np.array([1.5, -2.0], dtype=">f4")).tolist() == [1.5, -2.0]


def _one(array: np.ndarray) -> np.ndarray:
    writing = Writing()
    writing.op("it", array)
    found = writing.read().value(0)
    assert found is not None
    return found


def test_an_empty_log_and_an_empty_array_can_be_read(tmp_path: Path) -> None:
    log = Writing(networks={}).read(tmp_path)
    assert len(log) == 0
    assert log.notes == {"networks": {}}
    assert _one(np.zeros((0, 4), dtype=np.float32)).shape == (0, 4)


def test_what_cannot_be_read_back_has_no_value() -> None:
    writing = Writing()
    writing.op("it", np.array(["text"]))
    writing.op("big", np.zeros(oplog.KEEP_ELEMENTS + 1))
    log = writing.read()
    assert log.value(0) is None
    assert log.value(1) is None


def test_kinds_names_parents_and_clocks() -> None:
    writing = Writing()
    first = writing.add("obs", "env0.reset", np.zeros(2))
    second = writing.op("add", np.zeros(2), 3, (first, -1), True)
    writing.update([1.0])
    third = writing.op("add", np.zeros(2), 3)
    log = writing.read()
    assert [log.kind(i) for i in range(len(log))] == ["obs", "op", "grad", "step", "op"]
    assert log.parents[second] == (first, -1)
    assert log.rows[[second, third], 9].tolist() == [1, 0]
    assert log.rows[[second, third], 4].tolist() == [0, 1]
    assert log.of_kind("grad", "step").tolist() == [2, 3]
    assert log.site(first) is None
    assert oplog.KINDS == KINDS
    assert set(log.rows[:, KIND].tolist()) <= set(range(len(KINDS)))


def test_a_log_that_is_full_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oplog, "MAX_RECORDS", 3)
    writing = Writing()
    assert [writing.op("it", np.zeros(1)) for _ in range(5)] == [0, 1, 2, -1, -1]
    log = writing.read()
    assert len(log) == 3
    assert log.about["full"] is True


# ---- stains


def _written(count: int, width: int, seed: int = 0) -> Writing:
    rng = np.random.default_rng(seed)
    writing = Writing()
    for k in range(count):
        writing.op(f"op{k % 3}", rng.normal(size=(2, width)).astype(np.float32), 1 + k % 5)
    return writing


def test_equal_logs_have_no_stain() -> None:
    found = stain(_written(9, 3), _written(9, 3))
    assert (found.at.tolist(), found.parted, found.common) == ([], False, 9)
    assert list(found.ops()) == []


@SOME
@given(count=st.integers(1, 8), width=st.integers(1, 5), data=st.data())
def test_one_changed_value_is_found_with_its_delta(count: int, width: int, data: st.DataObject) -> None:
    record = data.draw(st.integers(0, count - 1))
    place = data.draw(st.integers(0, 2 * width - 1))
    change = data.draw(st.sampled_from([1.0, -0.5, 1e-3]))
    base, dyed = _written(count, width), Writing()
    plain = base.read()
    for i in range(count):
        value = plain.value(i)
        assert value is not None
        if i == record:
            value = value.copy()
            value.reshape(-1)[place] += np.float32(change)
        dyed.op(plain.name(i), value, 1 + i % 5)
    found = stain(base, dyed)
    assert found.at.tolist() == [record]
    delta = found.delta(record)
    assert delta is not None
    assert np.flatnonzero(delta).tolist() == [place]
    assert delta.reshape(-1)[place] == pytest.approx(change, rel=1e-3)
    assert [i for i, _ in found.ops()] == [record]
    assert found.effect(record) == pytest.approx(abs(change) / np.linalg.norm(plain.value(record)), rel=1e-3)


def test_a_stain_of_values_without_an_equal() -> None:
    nan = math.nan
    found = _pair([nan, nan, 1.0, 0.0], [nan, 2.0, nan, -0.0])
    assert found.at.tolist() == [0], "-0.0 is not 0.0, bit for bit"
    delta = found.delta(0)
    assert delta is not None
    assert delta[[0, 3]].tolist() == [0.0, 0.0]
    assert np.isnan(delta[1:3]).all()
    assert found.effect(0) > 0 or math.isnan(found.effect(0))
    zeros = _pair([0.0, 0.0], [-0.0, 0.0])
    assert zeros.at.tolist() == [0]
    assert list(zeros.ops()) == [], "a zero's sign is no difference of numbers"
    assert _pair([0.0], [2.0]).effect(0) == math.inf


def _pair(a: list[float], b: list[float]) -> object:
    base, dyed = Writing(), Writing()
    base.op("it", np.array(a, dtype=np.float32))
    dyed.op("it", np.array(b, dtype=np.float32))
    return stain(base, dyed)


def test_of_a_big_array_only_that_it_differs_is_known() -> None:
    big = np.zeros((300, 100), dtype=np.float32)
    other = big.copy()
    other[7, 3] = 1
    base, dyed = Writing(), Writing()
    base.op("it", big)
    dyed.op("it", other)
    found = stain(base, dyed)
    assert found.at.tolist() == [0]
    assert found.delta(0) is None
    assert math.isnan(found.effect(0))
    assert list(found.ops()) == []


@pytest.mark.parametrize(("place", "effect"), [(0, 1.0), (1, 0.0)])
def test_of_a_long_gradient_a_part_is_kept_and_the_digest_is_of_the_whole(place: int, effect: float) -> None:
    gradient = np.zeros(3 * oplog.KEEP_STEP, dtype=np.float32)
    gradient[0] = 1.0
    other = gradient.copy()
    other[place] += 1.0
    base, dyed = Writing(), Writing()
    base.update(gradient)
    dyed.update(other)
    found = stain(base, dyed)
    value = found.base.value(0)
    assert value is not None
    assert value.size <= oplog.KEEP_STEP
    assert value[0] == 1.0
    assert found.of_kind("grad") == [0]
    assert found.effects("grad") == [(0, effect)]


def test_logs_part_where_their_structure_does() -> None:
    for spoil in (
        lambda w: w.op("other", np.zeros(2), 2),
        lambda w: w.op("it", np.zeros(2), 3),
        lambda w: w.op("it", np.zeros((2, 1)), 2),
        lambda w: w.add("call", "it", np.zeros(2), 2),
    ):
        base, dyed = Writing(), Writing()
        for writing in (base, dyed):
            writing.op("it", np.zeros(2), 2)
        base.op("it", np.zeros(2), 2)
        spoil(dyed)
        for writing in (base, dyed):
            writing.op("it", np.ones(2), 2)
        found = stain(base, dyed)
        assert (found.common, found.parted) == (1, True)


def test_a_shorter_log_has_not_parted_and_numbering_does_not_matter() -> None:
    base, dyed = _written(6, 2), Writing()
    dyed.log.name("never used")
    dyed.log.site(("elsewhere.py", 1, "", 0, "f"))
    plain = base.read()
    for i in range(4):
        dyed.op(plain.name(i), plain.value(i), 1 + i % 5)
    found = stain(base, dyed)
    assert (found.common, found.parted, found.at.tolist()) == (4, False, [])


def test_secondary_is_what_comes_of_having_learned() -> None:
    def run(reward: float) -> tuple[Writing, dict[str, int]]:
        writing, at = Writing(), {}
        batch = writing.add("obs", "env0.reset", np.ones(2))
        call = writing.call("Net#0", np.ones(2), np.ones(2), True)
        at["target"] = writing.op("add", np.array([reward, 0.0]), 4, (call,))
        writing.update([reward])
        learned = writing.call("Net#0", np.ones(2), np.ones(2) + reward, True)
        at["of the network"] = writing.op("mul", np.ones(2) * reward, 5, (learned,))
        at["of that again"] = writing.op("neg", np.ones(2) * reward, 6, (at["of the network"],))
        at["a target"] = writing.op("add", np.array([3.0, reward]), 9, (learned,))
        at["the target, made anew"] = writing.op("given", np.array([3.0, reward]), 10, (-1,))
        at["of the data"] = writing.op("sub", np.array([reward]), 7, (batch,))
        at["origin unknown"] = writing.op("as_tensor", np.array([reward]), 8, (-1,))
        writing.step(0, reward, 0.0, [0.0])
        at["unknown, after another action"] = writing.op("as_tensor", np.array([reward]), 8, (-1,))
        writing.update([reward])
        return writing, at

    (base, at), (dyed, _) = run(0.0), run(1.0)
    found = stain(base, dyed)
    assert found.first_step == found.of_kind("step")[0]
    marked = {name for name, i in at.items() if found.secondary[i]}
    of_target = {"a target", "the target, made anew"}
    assert marked == {"of the network", "of that again", "unknown, after another action", *of_target}
    read = {name for name, i in at.items() if i in dict(found.ops())}
    assert read == {"target", "of the data", "origin unknown"}
    assert [e > 0 for _, e in found.effects("grad")] == [True, True]
    unmoved = stain(base, copy.deepcopy(base))
    assert unmoved.effects("grad") == [(i, 0.0) for i, _ in found.effects("grad")]
    assert unmoved.first_step == unmoved.common
    assert not unmoved.secondary.any()
