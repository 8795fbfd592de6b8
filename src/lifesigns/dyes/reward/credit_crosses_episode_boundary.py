"""Rule Y404: a reward is credited to steps of another episode."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import DyeRule, count, dye_case, number, some
from lifesigns.model import Finding
from lifesigns.rules import Case, Likelihood, View

LEAST_CROSSING = 0.01
"""size of a response relative to that of the planted row; assumed (float32 sums of returns of 1000 stay below 1e-3)."""


class CreditCrossesEpisodeBoundary(DyeRule):
    """A reward of an episode's first step changes returns, advantages or targets of the episode before it.

    What it detects
    ---------------
    Rewards of the first steps of episodes were made 1 higher. Returns, advantages or targets of steps outside those
    episodes moved too.

    Why it matters
    --------------
    What happens after a reset has nothing to do with what was done before it. Credit that crosses makes the last steps
    of an episode, the failure itself, look as good as the start of the next one.

    How it decides
    --------------
    Within an episode nothing precedes its first step, so of all rows only the planted ones may answer. Rows that move
    by more than 0.01 of the planted row's own response have crossed a boundary. Two runs, bit for bit the same but for
    the rewards; episodes are made to end early in both. The line is where the most rows answer.

    When it is wrong
    ----------------
    Where steps of several episodes are mixed on purpose: an average-reward method, a continuing task, a meta-learning
    method whose trials span episodes. Statistics over the whole batch move all rows and are left out.

    What to do
    ----------
    Cut the recursion at the end of an episode: multiply the running sum by `1 - (terminated | truncated)` of the same
    step, not of the next one, and cut n-step windows at the end as well. Check for rows that an autoreset inserts
    (Y504).

    References
    ----------
    Schulman et al., High-dimensional continuous control using generalized advantage estimation (2016), equation 16.
    """

    code = "Y404"
    since = "0.2"
    dye = "episode-boundary"
    causes = {
        "credit-crosses-episodes": Likelihood(0.95, source="the definition of the cause"),
        "autoreset-rows-trained": Likelihood(0.5, source="the inserted row takes the credit over, judgement"),
    }
    false_alarm = Likelihood(0.003, source="continuing tasks and trials of several episodes, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        facts = self.facts(view)
        crossing, size = count(facts, "crossing_rows"), number(facts, "crossing", 0.0)
        if not crossing or not size > LEAST_CROSSING:
            return
        own = f" beside {count(facts, 'own_rows')} planted ones" if "own_rows" in facts else ""
        message = (
            f"rewards of episodes' first steps changed {some(crossing, 'row')} of other episodes{own}, "
            f"at most by {size:.3g} of the planted row's own response"
        )
        yield self.found(view, message, "error", size, LEAST_CROSSING, series="dye.crossing")

    def fires_on(self) -> Iterable[Case]:
        """A whole tail of γλ, and one row in a minibatch."""
        seen = {"own_rows": 12, "crossing_rows": 90, "crossing": 0.9405, "planted_rows": 12, "gradients": 8}
        yield dye_case("no mask", self.dye, seen)
        yield dye_case("one row", self.dye, {**seen, "crossing_rows": 1, "crossing": 0.05})

    def quiet_on(self) -> Iterable[Case]:
        """No other row, rounding, and a crossing of size 0."""
        seen = {"own_rows": 12, "crossing_rows": 0, "crossing": 0.0, "planted_rows": 12, "gradients": 8}
        yield dye_case("cut", self.dye, seen)
        yield dye_case("rounding", self.dye, {**seen, "crossing_rows": 3, "crossing": 0.004})
        yield dye_case("no size", self.dye, {**seen, "crossing_rows": 3})
