"""What is known of RL's scores and budgets before anything is run: bundled tables (sources: data/README.md)."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

ZOO = "rl-baselines3-zoo benchmark.md (MIT), single tuned runs"
FAMILIES = ("tabular", "grid", "classic", "box2d", "mujoco", "atari", "goal")
LIKE = {"Bullet": "mujoco", "NoFrameskip": "atari", "MiniGrid": "grid", "Panda": "goal", "Fetch": "goal"}
NAMED = {
    "CartPole": "classic",
    "Pendulum": "classic",
    "MountainCar": "classic",
    "MountainCarContinuous": "classic",
    "Acrobot": "classic",
    "LunarLander": "box2d",
    "LunarLanderContinuous": "box2d",
    "BipedalWalker": "box2d",
    "BipedalWalkerHardcore": "box2d",
    "CarRacing": "box2d",
}
SCALE = {"k": 1e3, "M": 1e6}


@dataclass(frozen=True)
class Run:
    """One tuned run: its score and how many environment steps it was trained for."""

    algorithm: str
    env: str
    score: float
    deviation: float
    budget_steps: float

    @property
    def family(self) -> str:
        return next((f for k, f in LIKE.items() if k in self.env), NAMED.get(base_name(self.env), "mujoco"))


def base_name(env: str) -> str:
    """`HalfCheetah` of `HalfCheetah-v5`; `Pong` of `ALE/Pong-v5` and of `PongNoFrameskip-v4`."""
    return re.sub(r"(NoFrameskip)?(-ram)?-v\d+$", "", env.rpartition("/")[2].rpartition(":")[2])


@lru_cache(maxsize=1)
def zoo() -> tuple[Run, ...]:
    """All rows of the zoo's benchmark."""
    with files("lifesigns.planner").joinpath("data/rlzoo_benchmark.csv").open(encoding="utf-8") as file:
        return tuple(_rows(csv.DictReader(file)))


def _rows(rows: Iterator[dict[str, str]] | csv.DictReader[str]) -> Iterator[Run]:
    for row in rows:
        steps = row["n_timesteps"]
        budget = float(steps[:-1]) * SCALE[steps[-1]] if steps[-1:] in SCALE else float(steps)
        yield Run(row["algo"], row["env_id"], float(row["mean_reward"]), float(row["std_reward"]), budget)


def of_environment(env: str, leave_out: str = "") -> list[Run]:
    """The zoo's runs of this environment in any version; none of `leave_out` (for scoring forecasts)."""
    name = base_name(env)
    return [r for r in zoo() if base_name(r.env) == name and name != base_name(leave_out)]


def of_family(family: str, leave_out: str = "") -> list[Run]:
    """The zoo's runs of environments of a family."""
    return [r for r in zoo() if r.family == family and base_name(r.env) != base_name(leave_out)]


TUNED = ("ppo", "dqn", "sac")
"""Algorithms of the zoo whose runs tell whether RL reaches a score: PPO, and DQN or SAC as the actions ask for."""
FEWEST_RUNS = 3
"""Runs of an environment whose median can be a target: with fewer the best run is the target itself."""


@lru_cache(maxsize=1)
def thresholds() -> dict[str, float]:
    """Registered thresholds by the environment's name without its version."""
    with files("lifesigns.planner").joinpath("data/thresholds.csv").open(encoding="utf-8") as file:
        return {row["env"]: float(row["threshold"]) for row in csv.DictReader(file)}


@dataclass(frozen=True)
class Known:
    """What tuned runs did on one environment of the zoo; `steps` is the least budget that reached the target, None
    where none did or where there is no target."""

    env: str
    family: str
    registered: bool
    reached: bool | None
    steps: float | None
    budget: float


@lru_cache(maxsize=1)
def known() -> tuple[Known, ...]:
    """Each environment with a tuned run of PPO, DQN or SAC: whether one of them reached the target.

    The target is the registered threshold, else the median of all algorithms on it where there are enough.
    """
    names = dict.fromkeys(base_name(r.env) for r in zoo())
    found: list[Known] = []
    for name in names:
        every = of_environment(name)
        runs = [r for r in every if r.algorithm in TUNED]
        if not runs:
            continue
        registered = name in thresholds()
        usual = usual_score(name) if len(every) >= FEWEST_RUNS else None
        target = thresholds()[name] if registered else None if usual is None else usual[0]
        good = [r.budget_steps for r in runs if target is not None and r.score >= target]
        reached = None if target is None else bool(good)
        budget = max(r.budget_steps for r in runs)
        found.append(Known(name, runs[0].family, registered, reached, min(good, default=None), budget))
    return tuple(found)


def reach_rate(family: str, registered: bool, leave_out: str = "") -> tuple[float, int, int]:
    """Probability that a tuned run reaches a target of this kind in this family, and its counts (reached, told of).

    The family's share, drawn towards that of all families as if two more environments had been seen there; that one
    towards a half by Laplace's rule.
    """
    rows = [k for k in known() if k.reached is not None and k.registered == registered]
    rows = [k for k in rows if k.env != base_name(leave_out)]
    overall = (sum(bool(k.reached) for k in rows) + 1) / (len(rows) + 2)
    own = [bool(k.reached) for k in rows if k.family == family]
    return (sum(own) + 2 * overall) / (len(own) + 2), sum(own), len(own)


def steps_taken(family: str, leave_out: str = "") -> list[float]:
    """Least budgets of tuned runs that reached the target, one for each environment of the family; budgets where there
    is no target."""
    rows = [k for k in known() if k.family == family and k.env != base_name(leave_out)]
    return [k.steps or k.budget for k in rows if k.steps is not None or k.reached is None]


def usual_score(env: str) -> tuple[float, str] | None:
    """The median score of tuned algorithms on this environment, and where it is from; None where there is none."""
    scores = sorted(r.score for r in of_environment(env))
    if not scores:
        return None
    name = of_environment(env)[0].env
    middle = (
        scores[len(scores) // 2] if len(scores) % 2 else (scores[len(scores) // 2 - 1] + scores[len(scores) // 2]) / 2
    )
    return middle, f"median of {len(scores)} tuned algorithms on {name}, rl-baselines3-zoo"


@dataclass(frozen=True)
class Failures:
    """How many runs of healthy code failed, out of how many, and in which sense."""

    failed: int
    runs: int
    what: str
    source: str


def failing_seeds(family: str) -> Failures:
    """Counts of the nearest family that has any."""
    with files("lifesigns.planner").joinpath("data/failing_seeds.csv").open(encoding="utf-8") as file:
        rows = {r["family"]: r for r in csv.DictReader(file)}
    row = rows.get(family) or rows["mujoco" if family in ("box2d", "goal") else "classic"]
    return Failures(int(row["failed"]), int(row["runs"]), row["what"], row["source"])


def family_of(env: str, pixels: bool, discrete: bool, features: int, tabular: bool) -> str:
    """The family whose budgets are the best guess for an environment."""
    known = of_environment(env)
    if known:
        return known[0].family
    if tabular:
        return "tabular"
    if "MiniGrid" in env or "BabyAI" in env:
        return "grid"
    if pixels or env.startswith("ALE/"):
        return "atari"
    if discrete:
        return "classic" if features <= 12 else "grid"
    return "classic" if features <= 6 else "mujoco"
