"""Measures properties of an environment by playing in it: speed, rewards, chance, delays, memory, traps."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifesigns.baselines.fidelity import Checked, digest
from lifesigns.baselines.problem import FIT_SEED, Problem, Slice
from lifesigns.planner.ladder import share_interval
from lifesigns.planner.properties import Property
from lifesigns.stats.samples import mann_whitney

PAIRS, LEAST_PAIRS, AHEAD = 60, 20, 100
"""Pairs of futures that differ in one action, and the fewest that tell anything, and how far each is followed."""
REPEATS, REPEATED_STEPS = 12, 8
TRAP_Z = 2.5
HISTORY_GAIN = 0.25
"""Share by which the previous step must lower the error of predicting the next, before memory is called for."""


def rewards(problem: Problem) -> list[Property]:
    """Episode lengths and how often random play sees a reward that differs from the usual one (M5, M6)."""
    streams = problem.random_streams
    if not streams:
        return []
    lengths = np.array([len(s) for s in streams])
    values = np.concatenate(streams)
    counts = Counter(np.round(values, 9).tolist())
    usual, times = counts.most_common(1)[0]
    seen = sum(bool((np.round(s, 9) != usual).any()) for s in streams)
    _, high = share_interval(seen, len(streams))
    changes = 1 - times / len(values)
    rows = [
        Property(
            "episode_steps",
            float(np.median(lengths)),
            f"random episodes last {np.median(lengths):.0f} steps (median; {lengths.min()} to {lengths.max()})",
        ),
        Property("horizon", float(problem.world.horizon), f"an episode is cut after {problem.world.horizon} steps"),
        Property("reward_values", float(len(counts)), f"{len(counts)} different rewards in {len(values):,} steps"),
        Property("reward_changes", changes, f"{100 * changes:.2g} % of rewards differ from the usual {usual:g}"),
    ]
    text = f"{seen} of {len(streams)} random episodes have a reward other than {usual:g}"
    if not seen:
        text += f": it comes in at most {100 * high:.0f} % of them (95 %)"
    return [*rows, Property("reward_in_episodes", seen / len(streams), text), reward_bits(values)]


def reward_bits(values: NDArray[np.float64]) -> Property:
    """Entropy of the rewards seen, in bits for each (plug-in estimate; it cannot exceed log2 of their number) (M6)."""
    _, counts = np.unique(np.round(values, 9), return_counts=True)
    p = counts / counts.sum()
    bits = abs(float(-(p * np.log2(p)).sum()))
    least = ", or more: most values were seen once" if len(counts) > len(values) / 2 else ""
    return Property("reward_bits", bits, f"a reward of random play carries {bits:.2g} bits (entropy{least})")


def restorable(problem: Problem, checked: Checked) -> list[Property]:
    """Whether the state can be restored bit by bit, and whether there is therefore a simulator to plan in (M2, M3)."""
    if checked.adapter is None:
        why = "; ".join(checked.refused) or "no adapter fits"
        return [Property("restorable", False, f"no: {why}")]
    text = f"exactly, by {checked.adapter.name} (save {checked.save_us:.0f} µs, restore {checked.restore_us:.0f} µs)"
    return [Property("restorable", True, text)]


def chance(problem: Problem, limit: Slice) -> Property:
    """Share of repeated short futures that differ when chance is drawn anew (M4)."""
    restore, world = problem.restore, problem.world
    if restore is None or not restore.chance:
        return Property("stochastic", None, "cannot be told: no restore that draws chance anew")
    rng = problem.rng(40)
    differ = total = 0
    for i in range(4):
        world.reset(seed=FIT_SEED + i)
        if any(_ended(world.step(world.env.action_space.sample())) for _ in range(3 * i)):
            world.reset(seed=FIT_SEED + i)
        state = restore.save()
        actions = [world.env.action_space.sample() for _ in range(REPEATED_STEPS)]
        futures: list[bytes] = []
        for _ in range(REPEATS):
            restore.restore(state, rng)
            futures.append(_future(problem, actions))
            if limit.over:
                break
        differ += len(futures) - Counter(futures).most_common(1)[0][1]
        total += len(futures) - 1
    share = differ / max(total, 1)
    problem.stochastic = differ > 0
    text = f"{differ} of {total} repeats of {REPEATED_STEPS} actions from a restored state came out differently"
    return Property("stochastic", share, text if differ else f"deterministic: {text}")


def _future(problem: Problem, actions: list[Any]) -> bytes:
    seen = b""
    for action in actions:
        obs, reward, terminated, truncated = problem.world.step(action)
        seen += digest(obs) + np.float64(reward).tobytes()
        if terminated or truncated:
            break
    return seen


def _ended(outcome: tuple[Any, float, bool, bool]) -> bool:
    return outcome[2] or outcome[3]


def consequences(problem: Problem, limit: Slice) -> list[Property]:
    """When a single changed action first shows in the rewards, and whether it shows in the next observation at all.

    Pairs of futures from a restored state with the same chance differ in their first action alone (P38, P39).
    """
    restore, world = problem.restore, problem.world
    if restore is None:
        why = "cannot be told: the state cannot be restored"
        return [Property("delay", None, why), Property("carry_over", None, why)]
    rng, space = problem.rng(41), world.env.action_space
    first: list[int] = []
    never = changed = pairs = 0
    while pairs < PAIRS and not limit.over:
        world.reset(seed=FIT_SEED + pairs)
        age = int(rng.integers(0, 40))
        if any(_ended(world.step(space.sample())) for _ in range(age)):
            continue
        state, tail = restore.save(), [space.sample() for _ in range(AHEAD)]
        one = space.sample()
        other = _another(space, one)
        if other is None:
            return [Property(n, None, "cannot be told: there is only one action") for n in ("delay", "carry_over")]
        obs, stream = _stream(problem, one, tail)
        restore.restore(state)
        obs_other, stream_other = _stream(problem, other, tail)
        pairs += 1
        changed += digest(obs) != digest(obs_other)
        when = _first_difference(stream, stream_other)
        if when is None:
            never += 1
        else:
            first.append(when)
    if pairs < LEAST_PAIRS:
        why = f"cannot be told: only {pairs} pairs of futures fitted into the time"
        return [Property("delay", None, why), Property("carry_over", None, why)]
    text = f"the next observation depends on the action in {changed} of {pairs} pairs"
    text += "" if changed else f" (at most {100 * share_interval(0, pairs)[1]:.0f} % of them, 95 %)"
    carry = Property("carry_over", changed / pairs, text)
    if not first:
        return [
            carry,
            Property("delay", float(AHEAD), f"no action changed a reward within {AHEAD} steps ({pairs} pairs)"),
        ]
    p50, p90 = (float(np.quantile(first + [AHEAD] * never, q)) for q in (0.5, 0.9))
    text = f"a changed action shows in the rewards after {p50:.0f} steps (median; p90 {p90:.0f}"
    text += f"; never within {AHEAD} in {never} of {pairs})" if never else ")"
    return [carry, Property("delay", p90, text)]


def _another(space: Any, one: Any) -> Any:
    """An action that differs; None where a hundred draws give none."""
    return next((a for _ in range(100) if digest(a := space.sample()) != digest(one)), None)


def _stream(problem: Problem, action: Any, tail: list[Any]) -> tuple[Any, list[float]]:
    obs, reward, terminated, truncated = problem.world.step(action)
    stream = [reward]
    for following in tail:
        if terminated or truncated:
            break
        _, reward, terminated, truncated = problem.world.step(following)
        stream.append(reward)
    return obs, stream


def _first_difference(one: list[float], other: list[float]) -> int | None:
    """Steps until the rewards differ; the end of one of the two futures counts as a difference."""
    for i, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return i
    return min(len(one), len(other)) if len(one) != len(other) else None


def history(problem: Problem, limit: Slice, steps: int = 1500) -> Property:
    """How much the previous step helps to predict the next observation: nearest neighbours with and without it (M14).

    Where the present observation is the whole state, more inputs only scatter the neighbours.
    """
    if not 0 < problem.features.n <= 40 or problem.features.pixels or not problem.actions.kind:
        return Property("history", None, "not measured: observations are images, too many numbers or have no features")
    now, before, change = _transitions(problem, limit, steps)
    if len(now) < 200 or change.std() < 1e-9:
        return Property("history", None, "not measured: too few transitions, or observations that do not change")
    alone, together = _neighbour_error(now, change), _neighbour_error(np.hstack([now, before]), change)
    gain = 1 - together / max(alone, 1e-12)
    if gain > HISTORY_GAIN and alone > 0.05:
        return Property(
            "history", gain, f"the previous step lowers the error of predicting the next by {100 * gain:.0f} %"
        )
    return Property("history", gain, "the present observation predicts the next as well as two do")


def _transitions(
    problem: Problem, limit: Slice, steps: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(present observation and action, previous observation, change to the next), standardised."""
    world, of, rng = problem.world, problem.features.of, problem.rng(42)
    rows: list[tuple[Any, Any, Any]] = []
    previous, x, seed = None, of(world.reset(seed=FIT_SEED)), FIT_SEED
    while len(rows) < steps and not limit.over:
        action = problem.actions.random(rng)
        obs, _, terminated, truncated = world.step(problem.actions.decode(action))
        following = of(obs)
        if previous is not None:
            coded = np.eye(problem.actions.n)[action] if problem.actions.kind == "discrete" else action
            rows.append((np.concatenate([x, coded]), previous, following - x))
        previous, x = x, following
        if terminated or truncated:
            seed += 1
            previous, x = None, of(world.reset(seed=seed))
    if not rows:
        return np.zeros((0, 1)), np.zeros((0, 1)), np.zeros((0, 1))
    now, before, change = (np.array(column) for column in zip(*rows, strict=True))
    return _standard(now), _standard(before), _standard(change)


def _standard(table: NDArray[np.float64]) -> NDArray[np.float64]:
    deviation = table.std(0)
    kept = deviation > 1e-9
    return (table[:, kept] - table[:, kept].mean(0)) / deviation[kept] if kept.any() else np.zeros((len(table), 1))


def _neighbour_error(inputs: NDArray[np.float64], targets: NDArray[np.float64]) -> float:
    """Mean squared error of the mean of 4 neighbours among the first two thirds, on the last third."""
    from scipy.spatial import KDTree

    cut = 2 * len(inputs) // 3
    _, index = KDTree(inputs[:cut]).query(inputs[cut:], k=4)
    return float(((targets[:cut][index].mean(1) - targets[cut:]) ** 2).mean())


def early_ends(problem: Problem) -> tuple[list[float], list[float]]:
    """Returns of the random episodes that ran on, and of the fifth of them that ended soonest before the time limit."""
    ended = sorted((s for s in problem.random_streams if len(s) < problem.world.horizon), key=len)
    soonest = ended[: len(problem.random_streams) // 5]
    chosen = {id(s) for s in soonest}
    rest = [float(s.sum()) for s in problem.random_streams if id(s) not in chosen]
    return rest, [float(s.sum()) for s in soonest]


def trap(returns: list[float], ended_early: list[float]) -> Property:
    """Whether the episodes that end soonest have larger returns than random play (a reason to end them) (P17b)."""
    if len(ended_early) < 4:
        return Property("trap", None, "not measured: too few random episodes end before their time limit")
    z, _ = mann_whitney(ended_early, returns)
    margin = float(np.mean(ended_early) - np.mean(returns))
    if z > TRAP_Z:
        return Property("trap", margin, f"the random episodes that end soonest get {margin:+.3g} more than the others")
    return Property("trap", 0.0, "episodes that end soonest get no more than the others")


def true_metric(scored: list[tuple[float, float]]) -> list[Property]:
    """Whether the reward agrees with success, and whether a search for returns found episodes that pay more without
    success than any with it (M9, M10; P15). `scored` are (return, success) of all episodes that were played."""
    if not scored:
        why = "not measured: `info` does not say at an episode's end whether it succeeded (is_success, success)"
        return [Property("true_metric", None, why), Property("exploit", None, why)]
    from scipy.stats import spearmanr

    returns, success = np.array(scored).T
    good, bad = returns[success > 0], returns[success <= 0]
    n = len(returns)
    if not len(good) or not len(bad):
        what = "no" if not len(good) else "every"
        why = f"cannot be told: {what} episode of {n} succeeded"
        return [Property("true_metric", None, why), Property("exploit", None, why)]
    ranks: Any = spearmanr(returns, success) if np.ptp(returns) else (0.0, 1.0)
    rho = float(ranks[0])
    text = f"rank correlation of return and success: {rho:.2f} over {n} episodes ({len(good)} succeeded)"
    margin = float(bad.max() - good.max())
    found = f"the best return without success is {bad.max():.4g}, the best with it {good.max():.4g}"
    told = f"exploit found: {found}" if margin > 0 else f"no exploit found in {n} episodes, which is no proof: {found}"
    return [Property("true_metric", rho, text), Property("exploit", max(margin, 0.0), told)]


def step_seconds(env: Any) -> Property:
    """Seconds of the world in one step, where the environment says so (P40)."""
    base = getattr(env, "unwrapped", env)
    for attribute in ("dt", "tau"):
        value = getattr(base, attribute, None)
        if isinstance(value, (int, float)) and 0 < value < 3600:
            return Property("step_seconds", float(value), f"a step is {value:g} s of the world (`{attribute}`)")
    if type(getattr(base, "ale", None)).__name__ == "ALEInterface":
        frames = getattr(base, "_frameskip", 4)
        frames = float(np.mean(frames)) if isinstance(frames, (tuple, list)) else float(frames)
        return Property("step_seconds", frames / 60, f"a step is {frames:g} frames at 60 a second")
    return Property("step_seconds", None, "the environment does not say how long a step is")


def self_play(env: Any) -> list[Property]:
    """Players, and whether one's gain is another's loss, where the environment is a game of OpenSpiel (M12)."""
    from lifesigns.baselines.open_spiel import roles

    found = roles(env)
    if found is None:
        return []
    players, zero_sum, seen = found
    text = f"{players} players, {'zero-sum' if zero_sum else 'not zero-sum'}, "
    text += "all is seen" if seen else "not all is seen"
    fits = players == 2 and zero_sum
    advice = ": self-play fits" if fits and seen else ": an equilibrium is the aim (CFR)" if fits else ""
    hidden = "two players, imperfect information, zero sum" if fits and not seen else "no game of two, hidden, zero sum"
    return [Property("self_play", fits, text + advice), Property("equilibrium", fits and not seen, hidden)]


def shape(problem: Problem) -> Property:
    """Sizes of observations and actions, and what could not be used of them (M15)."""
    actions, features = problem.actions, problem.features
    kind = {"discrete": f"{actions.n} discrete actions", "continuous": f"{actions.n} continuous action components"}
    seen = "pixels" if features.pixels else f"{features.n} numbers" if features.n else "observations without features"
    notes = [n for n in (features.note, actions.note) if n]
    text = f"{seen}; {kind.get(actions.kind, 'actions that can only be sampled')}"
    return Property("shape", float(features.n), text + (f" ({'; '.join(notes)})" if notes else ""))


def time_scale(problem: Problem, limit: Slice) -> Property:
    """How much farther actions held for ten steps move the observations than actions drawn at each step."""
    if not problem.features.n or problem.features.pixels or not problem.actions.kind:
        return Property("time_scale", None, "not measured: observations have no plain numbers")
    spread = {hold: _spread(problem, hold, limit) for hold in (1, 10)}
    ratio = spread[10] / max(spread[1], 1e-9)
    advice = "; hold each action for several steps (frame skip)" if ratio > 2 else ""
    return Property(
        "time_scale", ratio, f"actions held for 10 steps spread observations {ratio:.1f} times as far{advice}"
    )


def _spread(problem: Problem, hold: int, limit: Slice) -> float:
    world, space, seen = problem.world, problem.world.env.action_space, []
    for episode in range(6):
        start = problem.features.of(world.reset(seed=FIT_SEED + episode))
        x, action = start, space.sample()
        for step in range(60):
            action = space.sample() if step % hold == 0 else action
            obs, _, terminated, truncated = world.step(action)
            x = problem.features.of(obs)
            if terminated or truncated or limit.over:
                break
        seen.append(np.abs(x - start))
    return float(np.mean(seen))
