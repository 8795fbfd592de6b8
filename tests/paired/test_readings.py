"""Numbers read off synthetic pairs of runs whose γ, λ, n, pairs and boundaries are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from synthetic import Writing, arrays, stain

from lifesigns.paired import readings
from lifesigns.paired.plan import Plan
from lifesigns.paired.rewards import _alone
from lifesigns.paired.runlog import Stain

RNG = np.random.default_rng(3)
STEPS, AT = 64, 40
REWARDS = RNG.normal(size=STEPS)
VALUES = 20 * RNG.normal(size=STEPS + 1)
NO_END = np.zeros(STEPS)


def advantages(rewards: np.ndarray, values: np.ndarray, after: np.ndarray, ends: np.ndarray, gl: float) -> np.ndarray:
    """Σ (γλ)^k δ, cut where an episode ends (Schulman et al. 2016, eq. 16), in float64; `after`: γ × next values."""
    found, last = np.zeros(STEPS), 0.0
    for t in reversed(range(STEPS)):
        last = rewards[t] + (1 - ends[t]) * after[t] - values[t] + gl * (1 - ends[t]) * last
        found[t] = last
    return found


def gae(gamma: float, lam: float, reward: float = 0.0, value: float = 0.0, after: float = 0.0) -> np.ndarray:
    """Advantages with the reward at `AT`, the value there, or the next value there, changed by this much."""
    rewards, values, next_values = REWARDS.copy(), VALUES[:-1].copy(), VALUES[1:].copy()
    rewards[AT] += reward
    values[AT] += value
    next_values[AT - 1] += value
    next_values[AT] += after
    return advantages(rewards, values, gamma * next_values, NO_END, gamma * lam)


GAMMAS, LAMBDAS = (0.9, 0.98, 0.99, 0.995), (0.9, 0.95, 0.99, 1.0)


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("lam", LAMBDAS)
def test_gamma_and_lambda_of_advantages(gamma: float, lam: float) -> None:
    one = arrays(("__setitem__", gae(gamma, lam), gae(gamma, lam, reward=1.0)))
    found = readings.impulse(one, 1.0, one.common)
    assert found is not None
    ratio = gamma * lam
    assert found.ratio == pytest.approx(ratio, abs=1e-4)
    assert found.scale == pytest.approx(1.0, abs=1e-4)
    assert found.count == sum(ratio**k >= readings.LEAST for k in range(AT + 1))
    assert found.responses == pytest.approx([ratio**k for k in range(found.count)], abs=1e-4)
    assert found.site is not None
    assert found.site.line == 5
    for changed in ({"value": 1.0}, {"after": 1.0}):
        values = arrays(("__setitem__", gae(gamma, lam), gae(gamma, lam, **changed)))
        read = readings.value_weights(values, found.record, found.ratio, values.common)
        assert read == pytest.approx(gamma, abs=2e-4), changed


@pytest.mark.parametrize("gamma", GAMMAS)
def test_without_lambda_one_row_answers(gamma: float) -> None:
    one = arrays(("add", gae(gamma, 0.0), gae(gamma, 0.0, reward=1.0)))
    found = readings.impulse(one, 1.0, one.common)
    assert found is not None
    assert found.count == 1
    assert math.isnan(found.ratio)
    values = arrays(("add", gae(gamma, 0.0), gae(gamma, 0.0, after=1.0)))
    assert readings.value_weights(values, 0, found.ratio, values.common) == pytest.approx(gamma, abs=1e-4)


def test_a_baseline_without_a_next_value_shows_no_gamma() -> None:
    plain = gae(1.0, 1.0)
    baseline = plain.copy()
    baseline[AT] -= 1.0
    values = arrays(("sub", plain, baseline))
    assert readings.value_weights(values, 0, 0.99, values.common) == pytest.approx(0.99), "λ = 1: γλ is γ"
    assert readings.value_weights(arrays(("sub", plain, plain)), 0, 0.99, 1) is None
    raised = plain.copy()
    raised[AT] += 5.0
    assert readings.value_weights(arrays(("sub", plain, raised)), 0, 0.99, 1) is None


@pytest.mark.parametrize("delta", [1.0, -1.0, 100.0])
@pytest.mark.parametrize("scale", [1.0, 0.1, -2.0])
def test_the_scale_of_the_response(delta: float, scale: float) -> None:
    """A reward that is scaled or negated on its way shows by how much."""
    one = arrays(("mul", scale * gae(0.9, 0.9), scale * gae(0.9, 0.9, reward=delta)))
    found = readings.impulse(one, delta, one.common)
    assert found is not None
    assert found.scale == pytest.approx(scale, abs=1e-4)
    assert found.ratio == pytest.approx(0.81, abs=1e-3)


def targets(gamma: float, n: int, rewards: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Σ_{k<n} γ^k r_{t+k} + γⁿ V of each row's step."""
    tail = np.concatenate([rewards, np.zeros(n)])
    return np.array([sum(gamma**k * tail[t + k] for k in range(n)) + gamma**n * VALUES[t] for t in rows])


@pytest.mark.parametrize("gamma", [0.9, 0.99])
@pytest.mark.parametrize("n", [1, 3, 5])
def test_levels_and_n_of_multi_step_targets(gamma: float, n: int) -> None:
    """Batches of sampled rows, each with a part of the levels: taken together they are all n."""
    once = REWARDS.copy()
    once[AT] += 1.0
    base, dyed, valued = Writing(), Writing(), Writing()
    for k in range(n):
        rows = np.concatenate([RNG.integers(0, AT - 5, 15), [AT - k]])
        plain = targets(gamma, n, REWARDS, rows)
        base.op("add", plain.astype(np.float32), 8)
        dyed.op("add", targets(gamma, n, once, rows).astype(np.float32), 8)
        valued.op("add", (plain + gamma**n).astype(np.float32), 8)
    rewards = stain(base, dyed)
    found = readings.impulse(rewards, 1.0, rewards.common)
    assert found is not None
    assert found.count == n
    assert found.responses == pytest.approx([gamma**k for k in range(n)], abs=1e-4)
    if n > 1:
        assert found.ratio == pytest.approx(gamma, abs=1e-4)
    weight = readings.bootstrap_weights(stain(base, valued), rewards, rewards.common, 1.0)
    assert weight is not None
    assert weight[0] == pytest.approx([gamma**n], abs=1e-4)
    assert weight[1] == 0
    assert readings.bootstrap_weights(stain(base, valued), rewards, 0, 1.0) is None


def test_values_and_rewards_that_never_meet_have_no_weight() -> None:
    rewards = arrays(("add", [0, 0], [1, 0]), ("mul", [0, 0], [0, 0]))
    values = arrays(("add", [0, 0], [0, 0]), ("mul", [0, 0], [1, 0]))
    assert readings.meeting(values, rewards, 2) is None
    assert readings.bootstrap_weights(values, rewards, 2, 1.0) is None


def test_parameters_that_follow_by_hand_after_learning_are_not_read() -> None:
    """A stored reward answers by 1; later the target network's numbers do, in what looks like two levels."""
    base, dyed = Writing(), Writing()
    for writing, reward, weight in ((base, 0.0, 0.0), (dyed, 1.0, 1e-3)):
        writing.op("unsqueeze", np.full((16, 1), 0.5, dtype=np.float32) + reward * np.eye(16, 1, dtype=np.float32), 5)
        writing.update([reward])
        writing.op("add", np.float32([weight, 0.5 * weight, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]), 7)
    one = stain(base, dyed)
    found = readings.impulse(one, 1.0, one.common)
    assert found is not None
    assert (found.record, found.scale, found.count) == (0, 1.0, 1)


def test_two_rows_of_a_square_are_no_geometric_sequence() -> None:
    """The reward answers by 1 in two rows; their squared errors move by two amounts, which any ratio fits."""
    errors, moved = np.float32([0.1, -0.2, 0.3, 0.4]), np.float32([0.0, 1.0, 1.0, 0.0])
    base, dyed = Writing(), Writing()
    for writing, by in ((base, 0.0), (dyed, 1.0)):
        raw = writing.op("__add__", errors + by * moved, 5)
        square = writing.op("pow", (errors + by * moved) ** 2, 6, (raw,))
        writing.op("mul", 0.5 * (errors + by * moved) ** 2, 7, (square,))
    one = stain(base, dyed)
    found = readings.impulse(one, 1.0, one.common)
    assert found is not None
    assert (found.record, found.count) == (0, 1)
    assert found.scale == pytest.approx(1.0)


def test_normalised_arrays_are_not_read() -> None:
    def normal(x: np.ndarray) -> np.ndarray:
        return (x - x.mean()) / x.std()

    plain, changed = gae(0.98, 0.9), gae(0.98, 0.9, reward=1.0)
    alone = arrays(("div", normal(plain), normal(changed)))
    assert readings.impulse(alone, 1.0, alone.common) is None
    beside = arrays(("div", normal(plain), normal(changed)), ("add", plain, changed))
    found = readings.impulse(beside, 1.0, beside.common)
    assert found is not None
    assert found.record == 1
    assert readings.impulse(beside, 1.0, 1) is None, "the second comes too late"


def test_of_many_the_earliest_of_the_longest_is_read() -> None:
    plain, changed = gae(0.9, 0.9), gae(0.9, 0.9, reward=1.0)
    short = changed.copy()
    short[: AT - 1] = plain[: AT - 1]
    three = arrays(("first", plain, short), ("second", plain, changed), ("third", 3 * plain, 3 * changed))
    found = readings.impulse(three, 1.0, three.common)
    assert found is not None
    assert found.record == 1


def test_what_is_not_geometric_is_not_read() -> None:
    plain = np.zeros(20)
    for moved in ([1.0, 0.8, 0.3], [1.0, -0.9, 0.8], [math.nan, 1.0], [1e-9]):
        other = plain.copy()
        other[5 : 5 + len(moved)] = moved
        one = arrays(("add", plain, other))
        assert readings.impulse(one, 1.0, one.common) is None, moved
    spread = arrays(("sub", plain, plain + 1.0))
    assert readings.impulse(spread, 1.0, spread.common) is None, "one reward that moves every row is in none of them"
    sums = arrays(("sum", 1.0, 2.0))
    assert readings.impulse(sums, 1.0, sums.common) is None, "a single number has no rows"


# ---- episode boundaries

EPISODE = 8
ENDS = np.array([(t + 1) % EPISODE == 0 for t in range(STEPS)], dtype=float)
FIRSTS = list(range(EPISODE, STEPS, EPISODE))


def boundary(mask: np.ndarray, firsts: list[int], gl: float = 0.9, *, own: float = 1.0) -> Stain:
    """The first reward of each later episode 1 higher; credit is cut where `mask` says."""
    rewards = REWARDS.copy()
    rewards[firsts] += own
    after = 0.99 * VALUES[1:]
    pair = (advantages(r, VALUES[:-1], after, mask, gl) for r in (REWARDS, rewards))
    one = arrays(("__setitem__", *pair))
    one.dyed.about["planted"] = [{"update": 0}] * len(firsts) + [{"update": 1}]
    return one


def test_no_credit_crosses_where_episodes_are_cut() -> None:
    found = _alone(boundary(ENDS, FIRSTS), inserted=False)
    assert found is not None
    assert (found["own_rows"], found["crossing_rows"], found["crossing"]) == (len(FIRSTS), 0, 0.0)
    assert found["planted_rows"] == len(FIRSTS)


@pytest.mark.parametrize("gl", [0.5, 0.9])
def test_credit_that_crosses_is_counted_and_sized(gl: float) -> None:
    """Nothing is cut, but only the last episode's first reward is planted: every row before it answers."""
    found = _alone(boundary(NO_END, FIRSTS[-1:], gl), inserted=False)
    assert found is not None
    assert found["own_rows"] == 1
    assert found["crossing"] == pytest.approx(gl, abs=1e-3)
    assert found["crossing_rows"] == sum(gl**k > 1e-3 for k in range(1, FIRSTS[-1] + 1))


@pytest.mark.parametrize("late", [False, True])
def test_the_row_that_autoreset_inserts_is_another_dyes_matter(late: bool) -> None:
    """With an inserted row before the first step: it answers by γλ; rows before it only if the cut comes too late."""
    inserted = [t - 1 for t in FIRSTS]
    mask = NO_END.copy()
    mask[[t - 1 for t in inserted]] = float(not late)
    mask[[t - 2 for t in inserted]] = float(late)
    found = _alone(boundary(mask, FIRSTS), inserted=True)
    assert found is not None
    assert found["own_rows"] == len(FIRSTS)
    assert found["crossing_rows"] == (len(FIRSTS) if late else 0)
    plain = _alone(boundary(mask, FIRSTS), inserted=False)
    assert plain is not None
    assert plain["crossing_rows"] == (2 if late else 1) * len(FIRSTS)


def test_a_boundary_needs_rows_that_can_be_told_apart() -> None:
    assert _alone(boundary(ENDS, []), inserted=False) is None
    dense = arrays(("div", np.zeros(9), np.ones(9)))
    dense.dyed.about["planted"] = []
    assert _alone(dense, inserted=False) is None


# ---- rewards beside observations


def batch(shift: int, reward: float) -> Writing:
    """One environment of eight steps, one batch of it in which rewards stand `shift` rows below their observations."""
    writing = Writing()
    observations = RNG_OBS
    writing.reset(0, observations[0])
    for t in range(8):
        writing.step(0, 0, 1.0 + reward * (t == 3), observations[t + 1])
    writing.planted = [{"env": 0, "step": 3, "update": 0}]
    rewards = np.ones(8, dtype=np.float32)
    rewards[3] += reward
    order = [5, 3, 1, 4, 0, 2]
    out = writing.call("Net#0", observations[order], np.zeros((6, 1), dtype=np.float32), True)
    writing.op("add", np.roll(rewards, shift)[order], 6, (out,))
    writing.update([1.0 + reward])
    return writing


RNG_OBS = np.random.default_rng(5).normal(size=(9, 4)).astype(np.float32)


@pytest.mark.parametrize(("shift", "expected"), [(0, (1, 0)), (1, (0, 1)), (-2, (0, 1))])
def test_rewards_stand_beside_their_own_observation(shift: int, expected: tuple[int, int]) -> None:
    base, dyed = batch(shift, 0.0), batch(shift, 1.0)
    found = stain(base, dyed)
    pairs = readings.pairs(Plan(found.base), found, dyed.planted, 1.0, found.common)
    assert pairs is not None
    assert (pairs.right, pairs.shifted, pairs.other_env) == (*expected, 0)
    if shift:
        assert pairs.example == f"step {3 + shift} of environment 0 beside a reward of step 3 of environment 0"
        assert found.base.name(pairs.record) == "add"


def test_what_a_rollout_ended_with_is_no_batch_that_is_learned_from() -> None:
    """Returns of eight environments, and the values of their last observations: as many rows, but not those of the
    returns."""

    def run(by: float) -> Writing:
        writing = Writing()
        rows = np.random.default_rng(3).normal(size=(2, 8, 4)).astype(np.float32)
        for env in range(8):
            writing.reset(env, rows[0, env])
        for env in range(8):
            writing.step(env, 0, 1.0 + by * (env == 3), rows[1, env])
        value = writing.call("Net#0", rows[1], np.zeros((8, 1), dtype=np.float32), True)
        writing.op("add", np.where(np.arange(8) == 3, 1.0 + by, 1.0).astype(np.float32), 6, (value,), True)
        writing.update([1.0 + by])
        for env in range(8):
            writing.step(env, 0, 1.0, rows[0, env])
        writing.planted = [{"env": 3, "step": 0, "update": 0}]
        return writing

    base, dyed = run(0.0), run(1.0)
    found = stain(base, dyed)
    assert readings.pairs(Plan(found.base), found, dyed.planted, 1.0, found.common) is None


def test_a_batch_without_known_observations_pairs_nothing() -> None:
    base, dyed = batch(0, 0.0), batch(0, 1.0)
    found = stain(base, dyed)
    assert readings.pairs(Plan(found.base), found, dyed.planted, 2.0, found.common) is None, "no row moved by 2"
    assert readings.pairs(Plan(found.base), found, dyed.planted, 1.0, 0) is None, "no update so early"
