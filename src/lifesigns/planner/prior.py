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
