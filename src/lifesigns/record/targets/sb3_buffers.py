"""Stable-Baselines3's buffers: the advantages and first values of rollouts, and what a replay buffer holds.

Flows in: `RolloutBuffer.compute_returns_and_advantage` once a rollout, as seldom as `SHARE` of the time allows;
`ReplayBuffer.__init__`, then a look at the buffer at each flush. Flows out: rollout.* and replay.* series.
"""

from __future__ import annotations

import weakref
from collections import deque
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np

from .. import taps
from ..recorder import Recorder, on_fork

SHARE = 0.001
"""Share of the time that rollouts may cost."""
MAX_EPISODES, MAX_ENTRIES = 32, 4096
"""Episodes of one rollout, and entries of a replay buffer, that are looked at."""
FEWEST_ENDS, KEPT_ENDS = 16, 256
"""Ends of episodes before values and rewards at the end are correlated, and those kept."""


class Rollouts:
    """Rollouts as they are finished."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.next = 0.0
        self.ends: deque[tuple[float, float, float]] = deque(maxlen=KEPT_ENDS)

    def add(self, buffer: Any, dones: Any) -> None:
        """Writes one point of each rollout.* series, if enough time has passed."""
        started = perf_counter()
        if started < self.next:
            return
        self._write(buffer, np.asarray(dones, bool).reshape(-1))
        cost = perf_counter() - started
        self.recorder.budget.taps_s += cost
        self.next = started + min(cost / SHARE, 5.0)

    def _write(self, buffer: Any, dones: Any) -> None:
        advantages = np.asarray(buffer.advantages, np.float64).reshape(-1)
        self._put("advantage_mean", advantages.mean())
        self._put("advantage_std", advantages.std())
        rewards, values, starts = (
            np.asarray(part, np.float64).reshape(len(buffer.rewards), -1)
            for part in (buffer.rewards, buffer.values, buffer.episode_starts)
        )
        whole = whole_episodes(starts, dones)
        if not whole:
            return
        discounts = float(buffer.gamma) ** np.arange(max(end - begin for begin, end, _ in whole))
        earned = [float(rewards[b:e, i] @ discounts[: e - b]) for b, e, i in whole]
        self._put("start_value", float(np.mean([values[b, i] for b, _, i in whole])))
        self._put("start_return", float(np.mean(earned)))
        self.ends.extend((values[e - 1, i], values[e - 2, i], rewards[e - 1, i]) for b, e, i in whole if e - b > 1)
        if len(self.ends) >= FEWEST_ENDS:
            last, before, reward = np.array(self.ends).T
            self._put("terminal_correlation", correlation(last, reward))
            self._put("penultimate_correlation", correlation(before, reward))

    def _put(self, name: str, value: float) -> None:
        if value == value:
            self.recorder.series(f"rollout.{name}").add(self.recorder.env_step, float(value))


def whole_episodes(starts: Any, dones: Any) -> list[tuple[int, int, int]]:
    """(first step, step after the last, environment) of episodes that lie inside a rollout, the latest at most
    `MAX_EPISODES`; `starts` [steps, environments] marks first steps, `dones` [environments] ends after the last one."""
    marks = np.concatenate([starts > 0, dones[None, :]])
    found: list[tuple[int, int, int]] = []
    for i in range(marks.shape[1]):
        places = np.flatnonzero(marks[:, i])
        found.extend((int(b), int(e), i) for b, e in pairwise(places))
    return found[-MAX_EPISODES:]


def correlation(first: Any, second: Any) -> float:
    """Pearson's r; NaN where one of the two does not vary."""
    with np.errstate(all="ignore"):
        if not (first.std() > 0 and second.std() > 0):
            return float("nan")
        return float(np.corrcoef(first, second)[0, 1])


class Replays:
    """Replay buffers of the process."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.held: list[weakref.ref[Any]] = []
        recorder.on_flush.append(self.look)

    def look(self) -> None:
        """What the largest of them holds now."""
        alive = [b for ref in self.held if (b := ref()) is not None]
        buffer = max(alive, key=_filled, default=None)
        size = _filled(buffer) if buffer is not None else 0
        if buffer is None or size < 2:
            return
        stride = size // MAX_ENTRIES + 1
        rewards = np.asarray(buffer.rewards[:size:stride], np.float64)
        put, at = self.recorder.series, self.recorder.env_step
        put("replay.size").add(at, size * rewards.shape[-1])
        put("replay.reward_differs_share").add(at, float((rewards != np.median(rewards)).mean()))
        put("replay.terminal_share").add(at, float((np.asarray(buffer.dones[:size:stride]) != 0).mean()))


def _filled(buffer: Any) -> int:
    return int(buffer.buffer_size if buffer.full else buffer.pos)


_rollouts: Rollouts
_replays: Replays


def install(module: Any, recorder: Recorder) -> None:
    """Taps the two buffers; called when their module has been imported."""
    _reset(recorder)
    on_fork(_reset)
    taps.observe(module.RolloutBuffer, "compute_returns_and_advantage", _on_advantages)
    taps.observe(module.ReplayBuffer, "__init__", _on_replay)


def _reset(recorder: Recorder) -> None:
    global _rollouts, _replays
    _rollouts, _replays = Rollouts(recorder), Replays(recorder)


def _on_advantages(args: Any, kwargs: Any, result: Any) -> None:
    _rollouts.add(args[0], args[2] if len(args) > 2 else kwargs.get("dones"))


def _on_replay(args: Any, kwargs: Any, result: Any) -> None:
    _replays.held.append(weakref.ref(args[0]))
