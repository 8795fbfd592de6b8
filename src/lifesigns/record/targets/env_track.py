"""One environment as the agent sees it: episodes, rewards, and sampled observations and actions, single or
vectorised.

Called with finished steps by the Gymnasium and SB3 taps; writes env/* subjects and series. Of most steps only the
rewards are kept; every `obs_every`-th also gives a copy of observation and action, and looks at the clock. The flush
turns both into statistics.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from threading import get_ident
from time import perf_counter
from typing import Any

import numpy as np

from ..recorder import Recorder, Thinned
from . import bootstrap, torch_networks
from .env_use import Use
from .env_values import MAX_DIMS, flat, is_term, list_of, number, places, rows_of, single_raw
from .novelty import Novelty

LOOKS_A_S, LEAST_LOOKS, MAX_BETWEEN = 48, 12, 1024
"""Observations that are sampled in a second, in as many looks as give them (but not less than so many), and the most
steps between two looks. Beyond the first ten seconds of a run the looks are rarer (`Budget.rate`)."""
MAX_TERMS = 16
STEP_S = 3e-6
"""What a step costs that is not looked at (benchmarks/overhead/event_cost.py)."""
MAX_KEPT = 1 << 18
"""Rewards kept before they are summed up ahead of the flush."""
_ARRAY, _DOUBLE = np.ndarray, np.dtype("d")
Ending = Callable[["EnvTrack", Any, Any, int], tuple[Any, Any]]
"""(track, observations, infos, i) → the true last observation of part i, and the return that an episode-statistics
wrapper counted for it; each or None."""


class EnvTrack:
    """Accumulators of one environment (or of the `n` parts of a vector environment)."""

    __slots__ = (
        # what each step touches comes first, in one or two lines of the cache
        *("vector", "countdown", "recorder", "updates_seen", "alone", "rewards", "last_obs", "is_eval", "skipping"),
        *("nowhere", "n", "subject", "thread", "use", "samples", "terms", "term_names", "obs_every", "most", "began"),
        *("dropped", "kept_from", "begun_at", "carried", "sums", "none", "next_step_autoreset", "action_space"),
        *("episode_series", "raw", "novelty", "cut_at", "past_limit", "first"),
    )

    def __init__(self, recorder: Recorder, subject: str, n: int, info: dict[str, Any]) -> None:
        self.recorder, self.subject, self.n = recorder, subject, n
        self.vector = bool(info.get("vector"))
        self.rewards = array("d")  # of all parts, step after step, since `kept_from`
        self.dropped: list[int] = []  # places in it that stand for no step
        self.kept_from, self.begun_at, self.carried = 0, [0] * n, [0.0] * n
        self.sums: list[Any] = []
        self.skipping: list[int] = []
        self.none = np.zeros(n, bool)
        self.nowhere = bytes(n)  # the bytes of it, and of no array of another kind
        self.next_step_autoreset = info.get("autoreset") == "next_step"
        self.obs_every, self.countdown = 4, 1
        self.most = max(LOOKS_A_S // n, LEAST_LOOKS)
        self.began, self.thread = perf_counter(), get_ident()
        self.alone, self.is_eval, self.updates_seen = True, False, -1  # kept by `use`
        self.use = Use(self)
        self.samples: list[tuple[Any, Any]] = []
        self.terms: list[dict[str, float]] = []
        self.term_names: list[str] = []
        self.action_space = info.get("action_space", {})
        self.last_obs: Any = None
        series = recorder.series
        self.episode_series = [Thinned(series(f"env.episode_{k}", subject)) for k in ("return", "length", "truncated")]
        self.raw: Thinned | None = None
        self.novelty = Novelty()
        self.cut_at, self.past_limit = -1, 0
        """How many steps had been made when a limit last cut an episode off; steps that went on from there, unreset."""
        self.first: list[bytes] | None = None
        """The first observations of all parts, until a second episode has begun."""

    @property
    def steps(self) -> int:
        """Steps of this environment so far: rewards are kept step by step."""
        return self.kept_from + len(self.rewards) // self.n

    def reset(self, obs: Any, options: Any) -> None:
        """All parts start anew, unless only some were asked for."""
        if not (isinstance(options, dict) and "reset_mask" in options):
            self.begun_at, self.carried = [self.steps] * self.n, [0.0] * self.n
            self.skipping = []
        self.cut_at, self.thread = -1, get_ident()
        self.last_obs = obs
        if self.first is None and self.n > 1:
            self.first = rows_of(obs, self.n)
            if self.first:
                self._tell_first(self.first, False)
        self.use.on_reset()

    def step_one(self, result: Any, action: Any) -> None:
        """A finished step of a single environment, as `step` returned it.

        The hot path, as `step_many`: it runs when the processor's caches hold the learner's code, so that every
        function and object it touches costs more than its instructions (benchmarks/overhead).
        """
        obs, reward, terminated, truncated, info = result
        recorder = self.recorder
        if recorder.update != self.updates_seen and not self.alone:
            self.use.on_burst()
        self.rewards.append(reward if type(reward) is float else number(reward))
        if terminated or truncated:
            self._end_one(bool(truncated) and not terminated, obs, info)
        self.last_obs = obs
        if not self.is_eval:
            recorder.env_step += 1
            if recorder.env_step >= recorder.arm_at:
                arm()
        self.countdown -= 1
        if self.countdown <= 0:
            self._look(obs, action, info)

    def _end_one(self, cut: bool, obs: Any, info: Any) -> None:
        """An end of a single environment, unless it was cut off at the step before and is stepped on without a reset:
        it then says at every step that it is over."""
        steps = self.steps
        if self.cut_at == steps - 1:
            self.past_limit += 1
            self.begun_at[0], self.carried[0] = steps, 0.0
        else:
            self._end(0, self.rewards[-1], cut, obs, single_raw(info))
        self.cut_at = steps if cut else -1

    def plain_many(self, result: tuple[Any, ...]) -> bool:
        """Takes a finished step of all parts at which none ended and that is not to be sampled, as `step` returned it:
        Gymnasium's five things or SB3's four. False if it is another, for `step_many`: then nothing was done.

        Most steps of a vector environment are of this kind; see `step_one` for why it is so bare.
        """
        rewards = result[1]
        if self.countdown < 2 or self.skipping or type(rewards) is not _ARRAY:
            return False
        ends, nowhere = result[2], self.nowhere
        if type(ends) is not _ARRAY or ends.tobytes() != nowhere:
            return False
        if len(result) == 5:
            ends = result[3]
            if type(ends) is not _ARRAY or ends.tobytes() != nowhere:
                return False
        recorder = self.recorder
        if recorder.update != self.updates_seen and not self.alone:
            self.use.on_burst()
        if rewards.dtype is _DOUBLE:
            self.rewards.frombytes(rewards.tobytes())
        else:
            self.rewards.extend(rewards.tolist())
        self.last_obs = result[0]
        self.countdown -= 1
        if not self.is_eval:
            recorder.env_step = now = recorder.env_step + self.n
            if now >= recorder.arm_at:
                arm()
        return True

    def step_many(
        self, action: Any, obs: Any, rewards: Any, terminated: Any, truncated: Any, infos: Any, ending: Ending
    ) -> None:
        """A finished step of all parts, arrays (or tensors) [n]; `ending` reads what the infos say of an end."""
        recorder = self.recorder
        if recorder.update != self.updates_seen and not self.alone:
            self.use.on_burst()
        if type(rewards) is np.ndarray and rewards.dtype.char == "d":
            self.rewards.frombytes(rewards.tobytes())
        else:
            self.rewards.extend(list_of(rewards))
        if self.skipping:
            if self.first:
                self._begins(self.skipping[0], obs)
            terminated, truncated = self._skip(terminated, truncated)
        if True in terminated.tolist() or True in truncated.tolist():  # `any` takes ten times as long
            for i in places(terminated, truncated):
                cut = bool(truncated[i]) and not terminated[i]
                self._end(i, float(rewards[i]), cut, *ending(self, obs, infos, i), obs)
        self.last_obs = obs
        if not self.is_eval:
            recorder.env_step += self.n
            if recorder.env_step >= recorder.arm_at:
                arm()
        self.countdown -= 1
        if self.countdown <= 0:
            self._look(obs, action, infos[0] if isinstance(infos, (list, tuple)) and infos else infos)

    def _look(self, obs: Any, action: Any, info: Any) -> None:
        """What is done at one step in `obs_every`: the samples, and the flush when its time has come."""
        started, recorder = perf_counter(), self.recorder
        passed, self.thread = self.obs_every, get_ident()
        self._sample(obs, action)
        self._terms(info)
        now = perf_counter()
        recorder.budget.taps_s += now - started + passed * STEP_S
        if now >= recorder.next_flush:
            recorder.flush()

    def _terms(self, info: Any) -> None:
        """Keeps the parts of the reward that the environment tells of, of a sampled step."""
        if (
            isinstance(info, dict)
            and len(self.terms) < self.most
            and (terms := {k: info[k] for k in info if is_term(k)})
        ):
            self.terms.append({k: float(np.abs(np.asarray(v, np.float64)).mean()) for k, v in terms.items()})

    def _begins(self, i: int, obs: Any) -> None:
        """Compares the observation that the second episode of part i begins with to that of its first."""
        first, self.first = self.first or [], []
        row = np.ascontiguousarray(obs[i]).tobytes() if isinstance(obs, np.ndarray) else b""
        if first and row and row != first[i]:
            self._tell_first(first, True)

    def _tell_first(self, rows: list[bytes], starts_differ: bool) -> None:
        """Says how many of the first observations are different ones, and whether a later episode began with another
        observation than the first one did."""
        data = {"subject": self.subject, "rows": self.n, "distinct": len(set(rows))}
        self.recorder.event("first_observations", self.subject, {**data, "starts_differ": starts_differ})

    def _skip(self, terminated: Any, truncated: Any) -> tuple[Any, Any]:
        """In a step that only reset some of the parts, theirs has no reward and no end."""
        skipped, self.skipping = self.skipping, []
        counted = np.ones(self.n, bool)
        counted[skipped] = False
        for i in skipped:
            self.begun_at[i] = self.steps
            self.dropped.append(len(self.rewards) - self.n + i)
        return np.asarray(terminated, bool) & counted, np.asarray(truncated, bool) & counted

    def _return(self, i: int) -> float:
        """Sum of the rewards of part i since its episode began."""
        begun = max(self.begun_at[i] - self.kept_from, 0)
        return self.carried[i] + sum(self.rewards[begun * self.n + i :: self.n])

    def _sample(self, obs: Any, action: Any) -> None:
        if len(self.samples) < self.most:
            self.samples.append((flat(obs, self.n), flat(action, self.n)))
        else:
            self._set_pace()
        self.countdown = self.obs_every
        if len(self.rewards) % self.n:
            raise ValueError(f"expected one reward a step for each of {self.n} parts")
        if len(self.rewards) > MAX_KEPT:
            self._sum_up()

    def _set_pace(self) -> None:
        """Steps between two looks, by the rate of steps so far."""
        rate = self.steps / max(perf_counter() - self.began, 1e-3)
        looks = self.most * self.recorder.budget.rate()
        self.obs_every = min(max(int(rate / looks), 1), MAX_BETWEEN)

    def _sum_up(self) -> None:
        """Turns the rewards kept into sums: of the episodes under way, and of all for the window's statistics."""
        if not self.rewards:
            return
        self.carried = [self._return(i) for i in range(self.n)]
        self.kept_from = self.steps
        kept = np.delete(np.array(self.rewards), self.dropped)
        self.rewards, self.dropped = array("d"), []
        if kept.size:
            with np.errstate(all="ignore"):
                self.sums.append((kept.size, kept.sum(), np.square(kept).sum(), kept.min(), kept.max()))

    def _end(self, i: int, reward: float, cut: bool, final: Any, raw: Any, obs: Any = None) -> None:
        recorder = self.recorder
        if not self.is_eval:
            recorder.episode += 1
        at = recorder.env_step + i
        ended = (self._return(i), self.steps - self.begun_at[i], float(cut))
        for column, value in zip(self.episode_series, ended, strict=True):
            column.add(at, value)
        if raw is not None:
            if self.raw is None:
                self.raw = Thinned(recorder.series("env.episode_raw_return", self.subject))
            self.raw.add(at, float(raw))
        if bootstrap.tracker is not None:
            before = self.last_obs[i] if self.n > 1 and self.last_obs is not None else self.last_obs
            bootstrap.tracker.episode_end(reward, cut, before, final, self.subject)
        self.carried[i], self.begun_at[i] = 0.0, self.steps
        if self.next_step_autoreset:
            self.skipping.append(i)
        elif self.first:
            self._begins(i, obs)
        self.use.episode_ended()

    def flush(self) -> None:
        """Writes the statistics of the steps since the last flush."""
        role = self.use.role()
        past: dict[str, Any] = {"past_limit": self.past_limit} if self.past_limit else {}
        self.recorder.describe(self.subject, role=role, **past)
        self._reward_statistics()
        if self.terms:
            terms, self.terms = self.terms, []
            self.term_names = self.term_names or sorted(terms[0])[:MAX_TERMS]
            column = self.recorder.series("env.reward_term_abs", self.subject, self.term_names)
            with np.errstate(all="ignore"):
                row = [float(np.mean([t.get(k, 0.0) for t in terms])) for k in self.term_names]
            column.add_row(self.recorder.env_step, row)
        if self.samples:
            samples, self.samples = self.samples, []
            self._set_pace()
            self._observations([o for o, _ in samples if o is not None])
            self._actions([a for _, a in samples if a is not None])

    def _reward_statistics(self) -> None:
        self._sum_up()
        if not self.sums:
            return
        parts, self.sums = np.array(self.sums), []
        with np.errstate(all="ignore"):
            count, total, squares = parts[:, :3].sum(axis=0)
            mean, low, high = total / count, parts[:, 3].min(), parts[:, 4].max()
            spread = np.sqrt(np.maximum(squares / count - mean * mean, 0.0)) if low != high else 0.0
        for name, value in (("mean", mean), ("std", spread), ("min", low), ("max", high)):
            self.recorder.series(f"env.reward_{name}", self.subject).add(self.recorder.env_step, value)

    def _observations(self, parts: list[Any]) -> None:
        if not parts:
            return
        values = np.concatenate(parts)
        if values.shape[1] > MAX_DIMS:
            values = values[:, :: values.shape[1] // MAX_DIMS + 1]
        new = self.novelty.share(values)
        if new == new:
            self.recorder.series("env.new_observation_share", self.subject).add(self.recorder.env_step, new)
        columns = [f"obs[{i}]" for i in range(values.shape[1])]
        with np.errstate(all="ignore"):
            stats = {
                "mean": values.mean(axis=0),
                "std": values.std(axis=0),
                "max_abs": np.abs(values).max(axis=0),
            }
        for name, row in stats.items():
            column = self.recorder.series(f"env.observation_{name}", self.subject, columns)
            if column.width == len(row):
                column.add_row(self.recorder.env_step, row)

    def _actions(self, parts: list[Any]) -> None:
        if not parts:
            return
        values = np.concatenate(parts)
        at, space = self.recorder.env_step, self.action_space
        if space.get("type") == "Discrete" and values.shape[1] == 1 and 1 < space["n"] <= 256:
            counts = np.bincount(
                np.clip(values[:, 0] - space.get("start", 0), 0, space["n"] - 1).astype(int), minlength=space["n"]
            )
            self._row("env.action_share", at, counts / counts.sum(), "a")
        elif space.get("type") == "Box" and values.shape[1] <= MAX_DIMS:
            self._row("env.action_mean", at, values.mean(axis=0), "a")
            self._row("env.action_std", at, values.std(axis=0), "a")
            low, high = (
                np.asarray(space["low"], float).reshape(-1),
                np.asarray(space["high"], float).reshape(-1),
            )
            if len(low) == values.shape[1] and np.isfinite(low).all() and np.isfinite(high).all():
                margin = 0.005 * (high - low)
                near = (values <= low + margin) | (values >= high - margin)
                slack = 1e-6 * (high - low)
                self._row("env.action_saturated_share", at, near.mean(axis=0), "a")
                self._row(
                    "env.action_outside_share", at, ((values < low - slack) | (values > high + slack)).mean(axis=0), "a"
                )

    def _row(self, name: str, at: float, row: Any, prefix: str) -> None:
        column = self.recorder.series(name, self.subject, [f"{prefix}{i}" for i in range(len(row))])
        if column.width == len(row):
            column.add_row(at, row)


def arm() -> None:
    """The step has come from which a forward pass is to be sampled."""
    if torch_networks.layers is not None:
        torch_networks.layers.arm()
