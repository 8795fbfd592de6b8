"""Rule D411: one of several reward functions makes up nearly all of what varies."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    finite,
)

NEARLY_ALL = 0.95
"""share of the variance; assumed (catalogue L02 has 0.9)."""
STAYED = 0.02
"""change of a mean that counts as none; assumed."""


class OneRewardFunctionDecides(Rule):
    """One of several reward functions makes up nearly all of what varies in the reward.

    What it detects
    ---------------
    Of the reward functions whose means the trainer logs, one accounts for more than 95 % of the variance over
    the run.

    Why it matters
    --------------
    A reward for the format that is learned first hides one for the answer that never comes. The sum rises,
    the task is not learned.

    How it decides
    --------------
    Variance over the steps of each `rewards/<function>/mean`; the largest one's share of the sum above 95 %,
    while another function's mean stays within 0.02 of where it was. A note.

    When it is wrong
    ----------------
    Early in a run, when the format is learned first. Functions of very different scale on purpose.

    What to do
    ----------
    Plot the functions apart; give the answer's function more weight once the format is learned.

    References
    ----------
    Skalse et al., Defining and characterizing reward hacking (2022); TRL's documentation of reward functions.
    """

    code = "D411"
    since = "0.2"
    families = "GRPO, RLOO"
    status = "preview"
    reads = {"completions.reward_mean": 20}
    may_read = {"log.rewards/*": 20, "log.train/rewards/*": 20}
    causes = {
        "reward-misspecified": Likelihood(0.40, source="judgement"),
        "any fault": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.05, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        logged = [*view.matching("log.rewards/"), *view.matching("log.train/rewards/")]
        found = {s.name: finite(s.y) for s in logged if s.name.endswith("/mean") and s.y.ndim == 1}
        found = {name: y for name, y in found.items() if len(y) >= 20}
        total = sum(float(y.var()) for y in found.values())
        if len(found) < 2 or not 0 < total < float("inf"):
            raise CannotTell("fewer than two reward functions were logged, or none varies")
        name = max(found, key=lambda k: float(found[k].var()))
        share = float(found[name].var()) / total
        still = [k for k, y in found.items() if k != name and abs(float(y[-5:].mean() - y[:5].mean())) < STAYED]
        if share <= NEARLY_ALL or not still:
            return
        yield self.finding(
            view,
            f"`{name.removeprefix('log.')}` makes up {share:.0%} of the variance of {len(found)} reward functions "
            f"over the run, while `{still[0].removeprefix('log.')}` stays where it was",
            "note",
            own_evidence(view, view["completions.reward_mean"], share, NEARLY_ALL),
        )

    def fires_on(self) -> Iterable[Case]:
        """The format is learned, the answer is not."""
        total = {"completions.reward_mean": np.linspace(0, 1, 40)}
        yield case(
            "format",
            {**total, "log.rewards/format/mean": np.linspace(0, 1, 40), "log.rewards/answer/mean": np.zeros(40)},
        )
        yield case(
            "of three",
            {
                **total,
                "log.rewards/format/mean": np.linspace(0, 1, 40),
                "log.rewards/a/mean": np.full(40, 0.1),
                "log.rewards/b/mean": np.zeros(40),
            },
        )

    def quiet_on(self) -> Iterable[Case]:
        """Both rise, the answer rises, neither varies much."""
        total, up = {"completions.reward_mean": np.linspace(0, 1, 40)}, np.linspace(0, 1, 40)
        yield case("both", {**total, "log.rewards/format/mean": up, "log.rewards/answer/mean": up / 2})
        yield case(
            "answer", {**total, "log.rewards/format/mean": np.linspace(0.9, 1.0, 40), "log.rewards/answer/mean": up}
        )
        yield case("alike", {**total, "log.rewards/format/mean": up / 10, "log.rewards/answer/mean": up / 10})
