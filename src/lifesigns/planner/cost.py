"""What RL will cost: samples, hours and money as p50 and p90, and the share of seeds that will fail.

samples of a run = budgets of tuned runs on this environment, or on its family (wider); a project = runs × seeds ×
settings tried × rework. Speed is the slower of the environment and the learner, both measured where they could be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lifesigns.planner import prior
from lifesigns.planner.ladder import share_interval
from lifesigns.planner.properties import Property
from lifesigns.stats.distributions import student_quantile

SEEDS = 10
"""Fewest seeds for a claim about a method."""
REWORK = (2.0, 4.0)
"""Times that a project takes longer than planned, p50 and p90 (Irpan 2018: 6 weeks for 2 to 3; Rahtz 2018: 8 months for
3, and 4 times on the simple environment)."""
SETTINGS_KNOWN, SETTINGS_NEW = (1.0, 4.0), (4.0, 20.0)
"""Settings tried, where tuned ones are published for this environment and where not (assumed)."""
ONE_ENVIRONMENT = 30.0
"""p90 as a multiple of p50 where one environment alone is known (assumed)."""
LEAST_SPREAD = 1.5
"""Least ratio of p90 to p50 (assumed)."""
LEARNERS = {"PPO": 1500.0, "DQN": 550.0, "SAC": 46.0}
"""Environment steps a second that a learner can take in on one core where it could not be measured here: measured on
one contended core, networks of the zoo."""
CORE_HOUR = 0.05
"""Dollars for an hour of one core (assumed; --core-hour)."""
BAD_SHARE = (0.1, 0.5)
"""Share of a run's episodes that are bad ones, p50 and p90 (assumed)."""
REAL = "the real system"
TABULAR = (30_000.0, 500_000.0)
"""Steps of a run on small discrete worlds (assumed)."""


@dataclass(frozen=True)
class Span:
    """Median and 90 % point of a guess."""

    p50: float
    p90: float

    def times(self, p50: float, p90: float | None = None) -> Span:
        return Span(self.p50 * p50, self.p90 * (p50 if p90 is None else p90))


@dataclass(frozen=True)
class Cost:
    """The cost of one run and of a project, and how likely RL gets there at all."""

    algorithm: str
    run_steps: Span
    run_hours: Span
    project_hours: Span
    dollars: Span
    world_hours: Span | None
    """Time of the world in one run: how long a person would have played."""
    solves: float
    """Probability that a tuned run within p90 reaches the sufficient score."""
    failing: tuple[float, float]
    """95 % interval of the share of seeds that fail."""
    failing_what: str
    bottleneck: str
    basis: str
    bad_episodes_dollars: Span | None = None
    """Dollars of the bad episodes of one run; None where nobody named the price of one."""

    @property
    def hours_of(self) -> str:
        """What the hours are hours of."""
        return "hours of the real system" if self.bottleneck == REAL else "core-hours"


@dataclass(frozen=True)
class Facts:
    """What the estimate needs to know of an environment."""

    env: str
    family: str
    discrete: bool
    env_steps_per_s: float
    learner_steps_per_s: dict[str, float]
    step_seconds: float | None = None
    target: float | None = None
    blocked: bool = False
    registered: bool = True
    """Whether the target is a threshold (registered or named), not the median of tuned algorithms."""
    real: bool = False
    """Whether steps take the time of the world."""
    bad_episode: float | None = None
    """Dollars that one bad episode costs."""
    episode_steps: float | None = None


def estimate(facts: Facts, core_hour: float = CORE_HOUR, leave_out: str = "") -> Cost:
    """Cost of RL; `leave_out` withholds an environment's own rows, so that a forecast can be scored on it."""
    own = prior.of_environment(facts.env, leave_out)
    reached = [r for r in own if facts.target is None or r.score >= facts.target]
    rows = reached or own
    algorithm = _algorithm(facts)
    steps = _steps(facts, rows, leave_out)
    learner = facts.learner_steps_per_s.get(algorithm, LEARNERS[algorithm])
    speed, bottleneck = _speed(facts, learner, algorithm in facts.learner_steps_per_s)
    hours = steps.times(1 / max(speed, 1e-9) / 3600)
    settings = SETTINGS_KNOWN if own else SETTINGS_NEW
    project = hours.times(SEEDS).times(*settings).times(*REWORK)
    counted = prior.failing_seeds(facts.family)
    return Cost(
        algorithm,
        steps,
        hours,
        project,
        project.times(core_hour),
        None if facts.step_seconds is None else steps.times(facts.step_seconds / 3600),
        _solves(facts, own, reached, leave_out),
        share_interval(counted.failed, counted.runs),
        f"{counted.failed} of {counted.runs} runs {counted.what}; {counted.source}",
        bottleneck,
        _basis(facts, own, reached, leave_out),
        _bad_episodes(facts, steps),
    )


def _speed(facts: Facts, learner: float, known: bool) -> tuple[float, str]:
    """Steps a second, and what sets them."""
    world = 1 / facts.step_seconds if facts.real and facts.step_seconds else float("inf")
    if world < min(facts.env_steps_per_s, learner):
        return world, REAL
    if facts.env_steps_per_s < learner:
        return facts.env_steps_per_s, "the environment"
    return learner, f"the learner ({'measured' if known else 'assumed'})"


def _bad_episodes(facts: Facts, steps: Span) -> Span | None:
    if facts.bad_episode is None or not facts.episode_steps:
        return None
    return steps.times(*(share * facts.bad_episode / facts.episode_steps for share in BAD_SHARE))


def price(steps_per_s: float | None, core_hour: float | None = None) -> Property:
    """Dollars for a million steps of the environment alone; `core_hour` None stands for the assumed price (M1)."""
    if not steps_per_s:
        return Property("million_steps_dollars", None, "not known: the environment's speed was not measured")
    hours, rate = 1e6 / steps_per_s / 3600, CORE_HOUR if core_hour is None else core_hour
    who = "assumed; --core-hour" if core_hour is None else "named by you"
    text = f"1M steps take {hours:.2g} core-hours: ${hours * rate:.2g} at ${rate:g} a core-hour ({who}), no learner"
    return Property("million_steps_dollars", hours * rate, text)


def _algorithm(facts: Facts) -> str:
    if facts.discrete:
        return "DQN" if facts.family in ("classic", "tabular") else "PPO"
    return "SAC" if facts.family in ("classic", "mujoco", "goal") else "PPO"


def _steps(facts: Facts, own: list[prior.Run], leave_out: str) -> Span:
    """Budgets on this environment; else a log-normal prediction from the family's environments (Student's t)."""
    if own:
        budgets = np.array([r.budget_steps for r in own])
        p50 = float(np.median(budgets))
        return Span(p50, max(float(np.quantile(budgets, 0.9)), LEAST_SPREAD * p50))
    taken = np.log(prior.steps_taken(facts.family, leave_out) or [np.nan])
    n = len(taken)
    if not np.isfinite(taken).all():
        return Span(*TABULAR)
    p50 = float(np.exp(taken.mean()))
    if n < 2:
        return Span(p50, ONE_ENVIRONMENT * p50)
    reach = student_quantile(0.9, n - 1) * float(taken.std(ddof=1)) * np.sqrt(1 + 1 / n)
    return Span(p50, p50 * max(float(np.exp(reach)), LEAST_SPREAD))


def _solves(facts: Facts, own: list[prior.Run], reached: list[prior.Run], leave_out: str) -> float:
    """Laplace's rule on this environment's algorithms; elsewhere how often such targets are reached in its family.

    What random play sees does not move it: tuned runs of the zoo get past a blocked signal (MountainCar, DoorKey).
    """
    if own and facts.target is not None:
        return (len(reached) + 1) / (len(own) + 2)
    return prior.reach_rate(facts.family, facts.registered, leave_out)[0]


def _basis(facts: Facts, own: list[prior.Run], reached: list[prior.Run], leave_out: str) -> str:
    if own:
        what = f"{len(reached)} of {len(own)} tuned algorithms on {own[0].env} reach it"
        return (what if facts.target is not None else f"{len(own)} tuned algorithms on {own[0].env}") + f"; {prior.ZOO}"
    _, good, of = prior.reach_rate(facts.family, facts.registered, leave_out)
    kind = "a threshold" if facts.registered else "the usual score"
    told = f"tuned PPO, DQN or SAC reach {kind} on {good} of {of} other environments of the {facts.family} family"
    blocked = "; random play sees no signal here, so an untuned run is likely to fail" if facts.blocked else ""
    return f"{told}; {prior.ZOO}{blocked}" if of else f"no table has {facts.family} worlds; assumed{blocked}"
