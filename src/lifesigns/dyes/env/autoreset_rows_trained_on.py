"""Rule Y504: rows that an autoreset inserts between two episodes are learned from."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import DyeRule, dye_case
from lifesigns.model import Finding
from lifesigns.rules import Case, Likelihood, View


class AutoresetRowsTrainedOn(DyeRule):
    """The rows that next-step autoreset inserts between two episodes are learned from.

    What it detects
    ---------------
    With Gymnasium's next-step autoreset, the step after an episode's end ignores its action, resets, and returns reward
    0: a row that is no transition. The reward of those rows was changed, and a gradient changed.

    Why it matters
    --------------
    Such a row says that an action in an ended episode leads to the start of the next. Returns and advantages then run
    on across the boundary. Scripts written for Gymnasium before 1.0 meet it without any change of their own.

    How it decides
    --------------
    Two runs, bit for bit the same but for the rewards of inserted rows, which nothing may answer to. A change below
    float32 rounding is a note.

    When it is wrong
    ----------------
    Where the row is kept in the arrays but masked out of the loss, a normaliser over the whole batch may still count
    it.

    What to do
    ----------
    Make the environments with `vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP}`, or leave out the rows whose
    previous step ended an episode.

    References
    ----------
    Gymnasium 1.0, release notes and vector environments, autoreset modes.
    """

    code = "Y504"
    since = "0.2"
    dye = "autoreset-rows"
    causes = {"autoreset-rows-trained": Likelihood(0.97, source="the definition of the cause")}
    false_alarm = Likelihood(0.003, source="normalisers over the whole batch, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        return self.must_not_change(view, "other rewards in the rows that an autoreset inserts")

    def fires_on(self) -> Iterable[Case]:
        """A large effect, and one that is rounding only."""
        seen = {"planted": 30, "gradients": 32, "gradients_touched": 32, "largest_effect": 0.2}
        yield dye_case("trained on", self.dye, seen, effects=(0.2, 0.2))
        yield dye_case("rounding", self.dye, {**seen, "largest_effect": 1e-8}, effects=(1e-8, 0.0))

    def quiet_on(self) -> Iterable[Case]:
        """Left out: many, one, and a stain that reached stored rows only."""
        seen = {"planted": 30, "gradients": 32, "gradients_touched": 0, "largest_effect": 0.0}
        yield dye_case("left out", self.dye, seen)
        yield dye_case("one", self.dye, {**seen, "planted": 1})
        yield dye_case("stored only", self.dye, {**seen, "records_touched": 60})
