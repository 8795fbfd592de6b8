"""Ways back from a record to the line that a finding should name, and records that are held back."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import Writing

from lifesigns.paired import episodes, origin, shapes
from lifesigns.paired.plan import Plan
from lifesigns.paired.runlog import Stain
from lifesigns.record.dyes.held_back import HeldBack
from lifesigns.record.dyes.oplog import OpLog


@pytest.mark.parametrize(
    ("stored", "became", "line"),
    [(np.bool_, 1.0, 10), (np.int64, 1.0, None), (np.bool_, 0.0, None)],
)
def test_a_buffer_that_cannot_hold_what_is_written_into_it(stored: type, became: float, line: int | None) -> None:
    writing = Writing()
    buffer = writing.op("zeros", np.zeros(4, dtype=stored), 10)
    value = writing.op("argmax", np.array(2), 11)
    for t in range(4):
        buffer = writing.op("__setitem__", np.full(4, 2).astype(stored), 12, (buffer, value)) if t else buffer
    picked = writing.op("__getitem__", np.full(2, 2).astype(stored), 20, (buffer,))
    index = writing.op("long", np.full(2, 2).astype(stored).astype(np.int64), 21, (picked,))
    found = origin.narrowed(writing.read(), index, [(2, became)])
    assert (found["line"] if found else None) == line


def rollout(reward: float, late: bool) -> Writing:
    """Three steps; the reward of the second is added up in row 0, taken up in its own step or (`late`) in the next."""
    writing = Writing()
    writing.reset(0, [0.0])
    held: list[int] = []
    for t in range(3):
        writing.step(0, 0, reward if t == 1 else 1.0, [t + 1.0])
        if t == 1 + late:
            held.append(writing.op("as_tensor", [reward], 10))
    future = writing.op("mul", [0.5], 20)
    rows = [writing.op("add", [reward + 0.5], 21, (held[0], future)), writing.op("mul", [0.5], 22)]
    writing.op("stack", [[reward + 0.5], [0.5]], 23, rows)
    writing.planted = [{"env": 0, "step": 1, "update": 0}]
    return writing


@pytest.mark.parametrize(("late", "line"), [(False, 21), (True, None)])
def test_where_a_reward_is_combined_if_it_was_taken_up_at_its_own_step(late: bool, line: int | None) -> None:
    base, dyed = rollout(1.0, late).read(), rollout(2.0, late).read()
    stack = next(i for i in base.of_kind("op").tolist() if base.name(i) == "stack")
    found = origin.combined(Plan(base), Stain(base, dyed), stack)
    assert (found["line"] if found else None) == line


def test_a_column_behind_a_stack_is_the_networks() -> None:
    writing = Writing(networks={"Net#0": {"trained": True, "returns": {"file": "net.py", "line": 7}}})
    calls = [writing.call("Net#0", np.zeros((4, 2)), np.full((4, 1), t), True) for t in range(2)]
    whole = writing.op("stack", np.zeros((2, 4, 1)), 30, calls, True)
    values = writing.op("__getitem__", np.zeros((4, 1)), 31, (whole,), True)
    ended = writing.op("as_tensor", np.zeros(4), 32)
    square = writing.op("mul", np.zeros((4, 4)), 33, (ended, values), True)
    paid = writing.op("as_tensor", np.zeros(4), 34)
    writing.op("add", np.zeros((4, 4)), 35, (square, paid), True)
    writing.add("loss", "", np.float32(1.0), 36)
    found = shapes.odd_operand(Plan(writing.read()), square)
    assert found is not None
    assert found.line == {"file": "net.py", "line": 7}


def test_only_what_is_wanted_enters_the_log() -> None:
    log = OpLog()
    first = log.add(0, "op", 0, np.zeros(1))
    held = HeldBack(log)
    dropped = held.add(0, "dropped", 0, np.zeros(1), (first,), False)
    held.drop()
    value = np.zeros(1)
    kept = held.add(0, "kept", 0, value, (first, dropped), False)
    value += 1  # changed in place later
    held.release()
    later = log.add(0, "later", 0, np.zeros(1), held.known((kept, dropped)))
    assert len(log.rows) == 3
    assert held.known((kept,)) == (1,)
    assert log.parents == [0, 2, first, -1, 2, 1, -1]
    assert later == 2
    assert log.values[1] == np.zeros(1).tobytes()


def test_the_call_for_a_row_that_an_autoreset_inserts_is_not_the_next_episodes() -> None:
    writing = Writing(networks={"Net#0": {"trained": True, "parameters": 2}})
    for env in range(2):
        writing.reset(env, [float(env)])
    calls: list[int] = []
    for t in range(4):
        calls.append(writing.call("Net#0", [[float(t)], [9.0 + t]], np.zeros((2, 2))))
        if t == 2:
            writing.reset(0, [7.0])  # this step of the vector resets the environment that ended in the last one
        else:
            writing.step(0, 0, 1.0, [t + 1.0], end="truncated" if t == 1 else "")
        writing.step(1, 0, 1.0, [10.0 + t])
    plan = Plan(writing.read())
    first = next(s for s in plan.training if s.part == 0 and s.episode == 1)
    assert episodes._acting_on(plan, first) == [calls[3]]
