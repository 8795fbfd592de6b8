"""Rule Y406: rewards are scaled or clipped before they are learned from."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import DyeRule, dye_case, number
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, View

SCALE_TOLERANCE = 1e-3
"""difference of the response from the planted 1; assumed (float32 sums; normalisers move more)."""
CLIPPED = 0.9
"""response per unit of a reward 100 higher, relative to that of one 1 higher; assumed."""


class RewardTransformed(DyeRule):
    """The reward that is learned from is not the one the environment gave: it is scaled or clipped on the way.

    What it detects
    ---------------
    A reward was made 1 higher and, in another run, 100 higher. The first number that answers moved by something other
    than 1, or by less than 100 times as much.

    Why it matters
    --------------
    It is a statement of what the code does, not of a fault: clipping changes which behaviour is best, scaling changes
    the size of values and gradients, and a normaliser makes the scale drift. Whoever compares results needs to know.

    How it decides
    --------------
    Scaled: the response to 1 differs from 1 by more than 0.001. Clipped or squashed: the response to 100 is less than
    0.9 of 100 times the response to 1. Always a note.

    When it is wrong
    ----------------
    Where the first operation that sees the reward is already a return or an advantage (rewards kept in Python lists),
    the number is that of the return: discounting or an average shows as a scale.

    What to do
    ----------
    Nothing, if it is meant. Otherwise look for reward wrappers, `clip`, `sign`, `tanh`, running normalisation, and
    compare the evaluation by the unchanged reward.

    References
    ----------
    Mnih et al., Human-level control (2015), rewards clipped to -1 and 1; van Hasselt et al., Learning values across
    many orders of magnitude (2016).
    """

    code = "Y406"
    since = "0.2"
    dye = "reward-scaling"
    causes = {
        "reward-transformed": Likelihood(0.9, source="the definition of the cause"),
        "reward-not-learned-from": Likelihood(0.2, source="a reward multiplied by almost 0, judgement"),
        "reward-carries-no-signal": Likelihood(0.4, source="rewards cut to one value, judgement"),
    }
    false_alarm = Likelihood(0.2, source="clipping and scaling are common and meant, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one note."""
        facts = self.facts(view)
        one, hundred = number(facts, "moved_by_1"), number(facts, "moved_by_100")
        if one != one or hundred != hundred:
            raise CannotTell("the number that answers is not finite")
        said: list[str] = []
        if not one and hundred:
            said.append(
                f"a reward 1 higher moves nothing, a reward 100 higher moves the first number that answers by "
                f"{100 * hundred:.4g}: it is clipped"
            )
        elif abs(one - 1.0) > SCALE_TOLERANCE:
            said.append(f"a reward 1 higher moves the first number that answers by {one:.4g}: it is scaled")
        if abs(hundred) < CLIPPED * abs(one):
            said.append(
                f"a reward 100 higher moves it by {100 * hundred:.4g}, not {100 * one:.4g}: it is clipped or squashed"
            )
        if said:
            yield self.found(view, "; ".join(said), "note", one, 1.0, series="dye.moved_by_1", unit="reward")

    def fires_on(self) -> Iterable[Case]:
        """Scaled, clipped, and turned round."""
        yield dye_case("scaled", self.dye, {"moved_by_1": 0.1, "moved_by_100": 0.1})
        yield dye_case("clipped", self.dye, {"moved_by_1": 1.0, "moved_by_100": 0.01})
        yield dye_case("below a bound", self.dye, {"moved_by_1": 0.0, "moved_by_100": 0.09})
        yield dye_case("turned round", self.dye, {"moved_by_1": -1.0, "moved_by_100": -1.0})

    def quiet_on(self) -> Iterable[Case]:
        """Unchanged, rounded, and slightly less for a large reward."""
        yield dye_case("unchanged", self.dye, {"moved_by_1": 1.0, "moved_by_100": 1.0})
        yield dye_case("rounded", self.dye, {"moved_by_1": 0.9998, "moved_by_100": 1.0})
        yield dye_case("slightly less", self.dye, {"moved_by_1": 1.0, "moved_by_100": 0.95})
