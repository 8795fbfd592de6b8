"""One environment as the agent sees it: episodes, rewards, and sampled observations and actions, single or
vectorised.

Called with finished steps by the Gymnasium and SB3 taps; writes env/* subjects and series. Costs about a
microsecond a step; every `obs_every`-th step keeps a copy of observation and action, which the flush turns
into statistics.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from ..recorder import Recorder, Thinned
from . import bootstrap, torch_networks

MAX_DIMS = 128
SAMPLES_A_FLUSH = 64


class EnvTrack:
    """Accumulators of one environment (or of the `n` parts of a vector environment)."""

    def __init__(self, recorder: Recorder, subject: str, n: int, info: dict[str, Any]) -> None:
        self.recorder, self.subject, self.n = recorder, subject, n
        self.returns, self.lengths = [0.0] * n, [0] * n
        self.skip = [False] * n
        self.vector = bool(info.get("vector"))
        self.next_step_autoreset = info.get("autoreset") == "next_step"
        self.window = [0.0, 0.0, math.inf, -math.inf, 0.0]
        self.obs_every, self.countdown = 4, 1
        self.samples: list[tuple[Any, Any]] = []
        self.action_space = info.get("action_space", {})
        self.last_obs: Any = None
        self.use = Use(recorder)
        series = recorder.series
        self.episode_series = [Thinned(series(f"env.episode_{k}", subject)) for k in ("return", "length", "truncated")]
        self.raw: Thinned | None = None

    def reset(self, obs: Any, options: Any) -> None:
        """All parts start anew, unless only some were asked for."""
        if not (isinstance(options, dict) and "reset_mask" in options):
            self.returns, self.lengths = [0.0] * self.n, [0] * self.n
            self.skip = [False] * self.n
        self.last_obs = obs
        self.use.on_reset()

    def step_one(self, action: Any, obs: Any, reward: float, terminated: bool, truncated: bool, info: Any) -> None:
        """A finished step of a single environment; the hot path, about two microseconds."""
        recorder, window, use = self.recorder, self.window, self.use
        if _last[0] is not use or recorder.update != use.updates_seen:
            use.on_burst()
        use.steps += 1
        use.just_reset = use.ended = False
        self.returns[0] += reward
        self.lengths[0] += 1
        window[0] += reward
        window[1] += reward * reward
        window[4] += 1
        if not window[2] <= reward <= window[3]:
            self._extend(reward)
        if terminated or truncated:
            self._end(0, reward, bool(truncated) and not terminated, obs, _single_raw(info))
        self.last_obs = obs
        if not use.is_eval:
            recorder.env_step += 1
        self.countdown -= 1
        if self.countdown <= 0:
            self._sample(obs, action)

    def step_many(
        self,
        action: Any,
        obs: Any,
        rewards: Sequence[float],
        terminated: Sequence[bool],
        truncated: Sequence[bool],
        finals: Callable[[int], Any],
        raw_returns: Callable[[int], Any],
    ) -> None:
        """A finished step of all parts; `finals(i)` gives the true last observation of part i,
        `raw_returns(i)` the return that an episode-statistics wrapper counted, each or None."""
        recorder, window, use = self.recorder, self.window, self.use
        if _last[0] is not use or recorder.update != use.updates_seen:
            use.on_burst()
        use.steps += 1
        use.just_reset = use.ended = False
        returns, lengths, skip = self.returns, self.lengths, self.skip
        for i, reward in enumerate(rewards):
            if skip[i]:
                skip[i] = False
                returns[i], lengths[i] = 0.0, 0
                continue
            returns[i] += reward
            lengths[i] += 1
            window[0] += reward
            window[1] += reward * reward
            window[4] += 1
            if not window[2] <= reward <= window[3]:
                self._extend(reward)
            if terminated[i] or truncated[i]:
                self._end(i, reward, bool(truncated[i]) and not terminated[i], finals(i), raw_returns(i))
        self.last_obs = obs
        if not use.is_eval:
            recorder.env_step += self.n
        self.countdown -= 1
        if self.countdown <= 0:
            self._sample(obs, action)

    def _sample(self, obs: Any, action: Any) -> None:
        self.countdown = self.obs_every
        if len(self.samples) < SAMPLES_A_FLUSH:
            self.samples.append((_flat(obs, self.n), _flat(action, self.n)))

    def _extend(self, reward: float) -> None:
        self.window[2] = min(self.window[2], reward)
        self.window[3] = max(self.window[3], reward)
        if reward - reward != 0:
            self.window[2] = self.window[3] = reward

    def _end(self, i: int, reward: float, cut: bool, final: Any, raw: Any) -> None:
        recorder = self.recorder
        if not self.use.is_eval:
            recorder.episode += 1
        at = recorder.env_step + i
        for column, value in zip(self.episode_series, (self.returns[i], self.lengths[i], float(cut)), strict=True):
            column.add(at, value)
        if raw is not None:
            if self.raw is None:
                self.raw = Thinned(recorder.series("env.episode_raw_return", self.subject))
            self.raw.add(at, float(raw))
        if bootstrap.tracker is not None:
            before = self.last_obs[i] if self.n > 1 and self.last_obs is not None else self.last_obs
            bootstrap.tracker.episode_end(reward, cut, before, final, self.subject)
        self.returns[i], self.lengths[i] = 0.0, 0
        self.skip[i] = self.next_step_autoreset
        self.use.episode_ended()

    def flush(self) -> None:
        """Writes the statistics of the steps since the last flush."""
        role = self.use.role()
        self.recorder.describe(self.subject, role=role)
        total, squares, low, high, count = self.window
        if count:
            mean = total / count
            spread = math.sqrt(max(squares / count - mean * mean, 0.0)) if low != high else 0.0
            at = self.recorder.env_step
            for name, value in (("mean", mean), ("std", spread), ("min", low), ("max", high)):
                self.recorder.series(f"env.reward_{name}", self.subject).add(at, value)
            self.window = [0.0, 0.0, math.inf, -math.inf, 0.0]
        if self.samples:
            samples, self.samples = self.samples, []
            if len(samples) >= SAMPLES_A_FLUSH * 3 // 4:
                self.obs_every = min(2 * self.obs_every, 256)
            elif len(samples) < SAMPLES_A_FLUSH // 4:
                self.obs_every = max(self.obs_every // 2, 1)
            self._observations([o for o, _ in samples if o is not None])
            self._actions([a for _, a in samples if a is not None])

    def _observations(self, parts: list[Any]) -> None:
        import numpy as np

        if not parts:
            return
        values = np.concatenate(parts)
        if values.shape[1] > MAX_DIMS:
            values = values[:, :: values.shape[1] // MAX_DIMS + 1]
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
        import numpy as np

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


class Use:
    """Tells a training environment from one for evaluation by how it is used.

    An evaluation environment is stepped in bursts that begin with a reset, end with an episode's end and see
    no update, beside another environment that is not; the only environment of a process is for training.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.is_eval = False
        self.bursts = self.whole_bursts = self.steps = 0
        self.updates_seen = -1
        self.just_reset = self.ended = False
        self.learning_bursts = 0
        _uses.append(self)

    def on_reset(self) -> None:
        """The environment was reset."""
        self.just_reset = True

    def episode_ended(self) -> None:
        """An episode has ended with this step."""
        self.ended = True

    def on_burst(self) -> None:
        """A burst begins: a stretch of steps with neither an update nor another environment's step
        between."""
        update = self.recorder.update
        self.bursts += 1
        self.learning_bursts += _last[0] is self and update != self.updates_seen
        self.whole_bursts += self.just_reset and (self.ended or self.bursts == 1)
        _last[0], self.updates_seen = self, update
        if self.just_reset:
            self.role()

    def role(self) -> str:
        """ "train" or "eval", as it looks so far."""
        others = [u for u in _uses if u is not self and u.steps]
        bursty = self.bursts >= 1 and self.whole_bursts >= 0.9 * self.bursts
        other_learns = any(
            u.learning_bursts > self.learning_bursts or (u.steps > self.steps and u.bursts > 1) for u in others
        )
        self.is_eval = bool(others) and bursty and other_learns and self.learning_bursts <= 0.1 * self.bursts
        return "eval" if self.is_eval else "train"


_uses: list[Use] = []
_last: list[Use | None] = [None]
"""The environment that was stepped last."""


def forget() -> None:
    """Drops what is known of use; called in a forked worker."""
    _uses.clear()
    _last[0] = None


def _flat(value: Any, n: int) -> Any:
    """A float copy [n, dims] of an observation or action; None for what is no numeric array."""
    import numpy as np

    if hasattr(value, "detach"):
        return None
    try:
        array = np.asarray(value)
    except Exception:
        return None
    if array.dtype.kind not in "biuf" or array.size == 0 or array.size % n:
        return None
    array = array.reshape(n, -1)
    if array.shape[1] > 4 * MAX_DIMS:
        array = array[:, :: array.shape[1] // MAX_DIMS + 1]
    return array.astype(np.float64)


def after_step(track: EnvTrack, started: float) -> None:
    """What each tap does last: arms a sampled forward pass if its step has come, books the time, flushes if
    due."""
    recorder, layers = track.recorder, torch_networks.layers
    if (
        layers is not None
        and layers.arm_at is not None
        and recorder.env_step >= layers.arm_at
        and not track.use.is_eval
    ):
        layers.arm()
    now = perf_counter()
    recorder.budget.taps_s += now - started
    if now >= recorder.next_flush:
        recorder.flush()


def _single_raw(info: Any) -> Any:
    held = info.get("episode") if isinstance(info, dict) else None
    return held.get("r") if isinstance(held, dict) else None
