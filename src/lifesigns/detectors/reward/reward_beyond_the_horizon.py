"""Rule D415: the reward lies beyond the horizon of the discount."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.returns import GOING, going_well
from lifesigns.model import Evidence, Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import finite, median

LEFT = 0.01
"""γ^length: share of a last reward that is left at the first step; assumed (catalogue D39: delay above 1/(1 − γ))."""
SINGLE = 1.5
"""|return| over the largest |reward| up to which an episode has one reward; assumed."""


class RewardBeyondTheHorizon(Rule):
    """The reward comes once an episode, and the discount leaves next to nothing of it at the first step.

    What it detects
    ---------------
    Episodes with a single reward that are so long that less than 1 % of it is left at their start.

    Why it matters
    --------------
    What the first actions are worth is then below the noise of the value function. A reward of 1 after 1,000 steps is
    worth 0.00004 at γ = 0.99.

    How it decides
    --------------
    The discount is read from the arguments or the algorithm. Returns other than 0 are at most 1.5 times the
    largest reward (one reward an episode), and γ to the power of the median length of those episodes is
    below 0.01, over at least 20 episodes, at least 3 of them rewarded. A note, where returns do not rise.

    When it is wrong
    ----------------
    Rewards that come early in an episode which then goes on.

    What to do
    ----------
    Raise the discount so that 1/(1 − γ) is about the number of steps to the reward, shorten the task, repeat
    actions, or shape the reward by a potential.

    References
    ----------
    Schulman, The nuts and bolts of deep RL research (2016), on the discount and the time scale of the task.
    """

    code = "D415"
    since = "0.2"
    status = "preview"
    families = "any RL whose discount is an argument named gamma, or Stable-Baselines3"
    per = "run"
    reads = {}
    across = {"env.episode_length": 20, "env.reward_min": 1, "env.reward_max": 1, **GOING}
    needs_events = ("settings",)
    causes = {
        "reward-carries-no-signal": Likelihood(0.20, source="judgement"),
        "any fault": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.02, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        discount = _discount(view)
        if discount is None:
            raise CannotTell("the discount is not known")
        lengths = {s.id: one for s, one in view.across("env.episode_length")}
        looked = False
        for subject, returns in view.across("env.episode_return"):
            length = lengths.get(subject.id)
            if subject.info.get("role") == "eval" or length is None or len(length) != len(returns):
                continue
            largest = max(
                (float(np.abs(finite(one.y)).max()) for s, one in _rewards(view) if s.id == subject.id), default=0
            )
            rewarded = np.isfinite(returns.y) & (returns.y != 0)
            if rewarded.sum() < 3 or largest == 0:
                continue
            looked = True
            if float(np.abs(returns.y[rewarded]).max()) > SINGLE * largest or going_well(view):
                continue
            steps = median(length.y[rewarded])
            if steps != steps or discount**steps >= LEFT:
                continue
            yield self.finding(
                view,
                f"episodes of `{subject.name}` have one reward, after {steps:.0f} steps (median); with a discount of "
                f"{discount:g}, {discount**steps:.1g} of it is left at the first step",
                "note",
                [Evidence(length.name, subject.id, steps, None, "steps", length.clock, float(length.x[-1]))],
                about=subject,
            )
        if not looked:
            raise CannotTell("no environment with rewarded episodes, or rewards were not sampled")

    def fires_on(self) -> Iterable[Case]:
        """Far beyond, and beyond a small discount."""
        yield _sparse("far", 1000.0, 0.99)
        yield _sparse("small discount", 60.0, 0.9)

    def quiet_on(self) -> Iterable[Case]:
        """Within reach, a larger discount, a reward each step."""
        yield _sparse("within reach", 100.0, 0.99)
        yield _sparse("larger discount", 1000.0, 0.999)
        dense = {
            "env.episode_return": np.tile([900.0, 1000.0], 20),
            "env.episode_length": np.full(40, 1000.0),
            "env.reward_min": [0.0] * 3,
            "env.reward_max": [1.0] * 3,
        }
        yield case("each step", dense, events=(("settings", {"discount": 0.9}),))


def _discount(view: View) -> float | None:
    found = [e.data.get("discount") for e in view.events("settings")]
    return next((float(d) for d in reversed(found) if isinstance(d, (int, float)) and 0.0 < d < 1.0), None)


def _rewards(view: View) -> list:
    every = (*view.across("env.reward_min"), *view.across("env.reward_max"))
    return [(s, one) for s, one in every if len(finite(one.y))]


def _sparse(name: str, steps: float, discount: float) -> Case:
    values = {
        "env.episode_return": np.tile([0.0, 0.0, 1.0], 20),
        "env.episode_length": np.full(60, steps),
        "env.reward_min": [0.0] * 3,
        "env.reward_max": [1.0] * 3,
    }
    return case(name, values, events=(("settings", {"discount": discount}),))
