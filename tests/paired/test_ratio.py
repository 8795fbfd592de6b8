"""The importance ratio after the second rollout, and the line where an update's networks part from acting."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import Writing

from lifesigns.paired import parting
from lifesigns.paired.actions import ratio_between
from lifesigns.paired.plan import Plan


def rollout(writing: Writing, first: int, shift: float = 0.0) -> list[list[float]]:
    """Four steps of one environment, the policy's output being the observation's first number plus `shift`."""
    rows = [[float(first + t), 1.0] for t in range(4)]
    for t, row in enumerate(rows):
        writing.call("Net#0", [row], [[row[0] + shift, 0.0]])
        writing.step(0, 1, 1.0, [first + t + 1.0, 1.0])
    return rows


def update(writing: Writing, rows: list[list[float]], outputs: list[list[float]], ratio: float) -> None:
    out = writing.call("Net#0", rows, np.array(outputs), True)
    old = writing.op("as_tensor", np.full(len(rows), -0.7), 20)
    difference = writing.op("sub", np.full(len(rows), np.log(ratio)), 21, (out, old), True)
    writing.op("exp", np.full(len(rows), ratio, dtype=np.float32), 22, (difference,), True)
    writing.add("loss", "", np.float32(1.0), 23)
    writing.update([1.0])


def two_phases(second: float) -> Plan:
    writing = Writing(networks={"Net#0": {"trained": True}})
    writing.reset(0, [0.0, 1.0])
    rows = rollout(writing, 0)
    update(writing, rows, rows, 1.0)
    rows = rollout(writing, 4, 0.1)
    update(writing, rows, [[r[0] + second, 0.0] for r in rows], float(np.exp(second - 0.1)))
    return Plan(writing.read())


@pytest.mark.parametrize("second", [0.1, 0.4])
def test_the_ratio_and_where_outputs_part(second: float) -> None:
    plan = two_phases(second)
    log = plan.log
    end = int(log.of_kind("end")[-1])
    first, later = ratio_between(log, 0, plan.first_grad), ratio_between(log, end, len(log))
    assert first is not None
    assert later is not None
    assert first[1].max() == 0.0
    assert later[1].max() == pytest.approx(np.exp(second - 0.1) - 1, abs=1e-6)
    parted = parting.parted_line(plan, end)
    assert (parted["line"] if parted else None) == (2 if second != 0.1 else None)
    assert ratio_between(log, 0, 3) is None


def test_a_log_probability_that_was_summed_over_the_batch() -> None:
    writing = Writing()
    rows = writing.op("log_prob", np.zeros((4, 2)), 30, (), True)
    new, old = writing.op("sum", np.float32(0.0), 31, (rows,), True), writing.op("as_tensor", np.zeros(4), 32)
    difference = writing.op("sub", np.zeros(4), 33, (new, old), True)
    ratio = writing.op("exp", np.ones(4), 34, (difference,), True)
    found = parting.single(writing.read(), ratio)
    assert found is not None
    assert found["line"] == 31
    plain = two_phases(0.1).log
    first = ratio_between(plain, 0, len(plain))
    assert first is not None
    assert parting.single(plain, first[0]) is None
