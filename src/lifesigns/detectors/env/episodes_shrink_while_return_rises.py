"""Rule D502: episodes become shorter while returns rise."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.model import Evidence, Finding
from lifesigns.rules import Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import median, trend

STRONG_Z = 4.0
"""z of the last third against the first third, for returns and for lengths; assumed."""
SHRUNK_TO = 0.5
"""median length of the last third over that of the first; assumed."""


class EpisodesShrinkWhileReturnRises(Rule):
    """Episodes become much shorter while returns rise: a goal reached sooner, or an exit taken early.

    What it detects
    ---------------
    The last third of the episodes is half as long as the first third or shorter, and earns more.

    Why it matters
    --------------
    Where each step costs, ending the episode pays. An agent that learns to crash at once has a rising
    return and has learned nothing else. The curve alone looks like success.

    How it decides
    --------------
    Mann-Whitney tests of the last third against the first third, z beyond 4 both for the length and for the
    return, and a median length of at most half. Always a note: reaching a goal sooner looks the same in the
    numbers.

    When it is wrong
    ----------------
    In every task whose aim is to finish soon (MountainCar, Acrobot, mazes) this is what learning looks
    like.

    What to do
    ----------
    Watch one late episode. If it ends in a failure, take the per-step penalty out, give failure a cost
    greater than the rest of the episode's, or end episodes only on success.

    References
    ----------
    Irpan, Deep reinforcement learning doesn't work yet (2018), on reward functions; Jones, Debugging RL,
    without the agonizing pain (2021).
    """

    code = "D502"
    since = "0.1"
    families = "any RL"
    per = "env"
    reads = {"env.episode_length": 60, "env.episode_return": 60}
    causes = {
        "environment-ends-episodes-wrongly": Likelihood(0.10, source="judgement"),
        "any fault": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.10, source="judgement: tasks whose aim is to finish soon")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding, a note."""
        length, returns = view["env.episode_length"], view["env.episode_return"]
        third = len(length) // 3
        before, after = median(length.y[:third]), median(length.y[-third:])
        if trend(length.y) > -STRONG_Z or trend(returns.y) < STRONG_Z or not after <= SHRUNK_TO * before:
            return
        rise = median(returns.y[-third:]) - median(returns.y[:third])
        yield self.finding(
            view,
            f"episodes of `{view.subject.name}` shrink from {before:.0f} to {after:.0f} steps (medians of "
            f"the first and last third) while their return rises by {rise:.4g}",
            "note",
            [
                Evidence(
                    length.name,
                    view.subject.id,
                    after,
                    SHRUNK_TO * before,
                    "steps",
                    length.clock,
                    float(length.x[-1]),
                )
            ],
        )

    def fires_on(self) -> Iterable[Case]:
        """A penalty for each step that is cut short, at once and by and by."""
        for name, lengths in (
            ("at once", [*[180.0, 190.0, 200.0] * 10, *[8.0, 9.0] * 30]),
            ("by and by", np.linspace(200, 10, 90)),
        ):
            yield case(name, {"env.episode_length": lengths, "env.episode_return": -np.asarray(lengths)})

    def quiet_on(self) -> Iterable[Case]:
        """Longer and better, shorter and worse, a little shorter and better."""
        x = np.linspace(10, 200, 90)
        yield case("longer and better", {"env.episode_length": x, "env.episode_return": x})
        yield case("shorter and worse", {"env.episode_length": x[::-1], "env.episode_return": x[::-1]})
        yield case("a little shorter", {"env.episode_length": np.linspace(200, 150, 90), "env.episode_return": x})
