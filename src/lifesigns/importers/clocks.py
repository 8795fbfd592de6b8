"""Which column of a log is its step, what those steps count, and which column is time."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from lifesigns.importers.logged import Column
from lifesigns.model.roles import normal, role_of

STEPS: tuple[tuple[str, str], ...] = (
    ("time/total_timesteps", "env_step"),
    ("total_timesteps", "env_step"),
    ("num_env_steps_sampled_lifetime", "env_step"),
    ("num_env_steps_sampled", "env_step"),
    ("timesteps_total", "env_step"),
    ("totalenvinteracts", "env_step"),
    ("env_steps", "env_step"),
    ("env_step", "env_step"),
    ("environment_steps", "env_step"),
    ("num_timesteps", "env_step"),
    ("total_frames", "env_step"),
    ("frames", "env_step"),
    ("timesteps", "env_step"),
    ("timestep", "env_step"),
    ("trainer/global_step", "update"),
    ("train/global_step", "update"),
    ("global_step", "global_step"),
    ("gradient_steps", "update"),
    ("n_updates", "update"),
    ("num_updates", "update"),
    ("updates", "update"),
    ("update", "update"),
    ("step", "logged"),
    ("_step", "logged"),
    ("steps", "logged"),
    ("iteration", "logged"),
    ("training_iteration", "logged"),
    ("iter", "logged"),
    ("episode", "episode"),
    ("episodes", "episode"),
    ("epoch", "logged"),
)
"""Names of step columns, those that say most first, and what they count. `global_step` counts environment steps in
CleanRL, optimiser steps in Lightning and Transformers: the other names of the log decide."""
TIMES = (
    "time/time_elapsed",
    "time_total_s",
    "_runtime",
    "wall_time",
    "time_elapsed",
    "_timestamp",
    "timestamp",
    "time",
)
RL = frozenset({"return", "mean_return", "episode_length", "mean_episode_length", "kl", "clip_fraction", "q_value"})
ENV_STEPPED = ("charts/episodic_return", "rollout/ep_rew_mean", "time/fps", "charts/sps", "rollout/ep_len_mean")
"""Names of CleanRL and Stable-Baselines3, both of which log against environment steps."""


def step_column(names: Collection[str], among: Collection[str] | None = None) -> tuple[str, str, str]:
    """(column, clock, reason) of a table, out of `among` (all its names); column "" where it has none."""
    known = {normal(n): n for n in (names if among is None else among)}
    for name, clock in STEPS:
        found = known.get(name) or next((full for key, full in known.items() if key.endswith(f"/{name}")), None)
        if found is not None:
            if clock == "global_step":
                clock, why = _global_step(names)
                return found, clock, f"`{found}`: {why}"
            if clock == "logged":
                return found, clock, f"the steps are those of `{found}`; what they count is not known"
            return found, clock, f"`{found}` counts them"
    return "", "logged", "the log has no step: its rows are counted"


def _global_step(names: Collection[str]) -> tuple[str, str]:
    played = sorted({r[0].name for n in names if (r := role_of(n))} & RL)
    if played:
        return "env_step", f"a log with `{played[0]}` counts environment steps by that name"
    return "update", "a log without episodes counts optimiser steps by that name"


def counted_by(columns: Mapping[str, Column]) -> tuple[str, str] | None:
    """(name, clock) of a logged counter of environment steps or updates that can replace steps of unknown meaning."""
    known = {normal(n): n for n in columns}
    for name, clock in STEPS:
        full = known.get(name) or next((f for key, f in known.items() if key.endswith(f"/{name}")), None)
        if clock in ("env_step", "update") and full is not None:
            y = columns[full].value
            if len(y) >= 2 and bool(np.isfinite(y).all()) and bool((np.diff(y) >= 0).all()) and y[-1] > y[0]:
                return full, clock
    return None


def time_column(names: Collection[str]) -> str:
    """The column that holds seconds, or ""."""
    known = {normal(n): n for n in names}
    return next((known[t] for t in TIMES if t in known), "")


def clock_of_steps(columns: Mapping[str, Column]) -> tuple[str, str]:
    """(clock, reason) of steps that a logger was given under no name."""
    names = {normal(n): n for n in columns}
    for name in ENV_STEPPED:
        if name in names:
            return "env_step", f"logs with `{names[name]}` count environment steps"
    lengths = next((c for n, c in columns.items() if (r := role_of(n)) and r[0].name == "episode_length"), None)
    if lengths is not None and steps_are_episode_lengths(lengths):
        return "env_step", "the steps grow by the episodes' lengths"
    for name in names:
        if name in ("train/grad_norm", "train/epoch", "trainer/global_step"):
            return "update", f"logs with `{names[name]}` count optimiser steps"
    return "logged", "what the steps of this log count is not known"


def steps_are_episode_lengths(lengths: Column) -> bool:
    """Whether the steps grow, within 2 %, by as much as the logged episodes are long."""
    span = float(lengths.step[-1] - lengths.step[0]) if len(lengths.step) >= 10 else 0.0
    return span > 0 and abs(float(np.sum(lengths.value[1:])) / span - 1.0) < 0.02
