"""Rule Y503: the first observation of the next episode stands where an ended episode's next state belongs."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import DyeRule, count, dye_case
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, View


class NextEpisodeUsedAsNextState(DyeRule):
    """The first observation of the next episode enters the target of the last step of the one before.

    What it detects
    ---------------
    Observations returned by resets were replaced by others. Targets of the last steps of truncated episodes changed,
    though those episodes had ended before.

    Why it matters
    --------------
    The value of a start, usually high, is credited to whatever led to the cut. In vector environments with autoreset
    this is the default slip: `step` returns the next episode's observation.

    How it decides
    --------------
    Rows of targets are recognised as last steps because they answer by exactly 1 to a reward of the last step. Two
    runs, bit for bit the same but for the observations of resets; none of those rows may answer. The line is the
    operation in which one does.

    When it is wrong
    ----------------
    Observation normalisers that count the first observations carry them into later rows. Continuing tasks in which a
    reset is part of the world.

    What to do
    ----------
    Store the observation that `step` returned before any reset; in vector environments take `infos["final_obs"]` for
    the rows that ended. Reset after the transition is stored.

    References
    ----------
    Gymnasium, vector environments, autoreset modes; Pardo et al., Time limits in reinforcement learning
    (arXiv:1712.00378).
    """

    code = "Y503"
    since = "0.2"
    dye = "next-episode"
    causes = {
        "next-episode-as-next-state": Likelihood(0.95, source="the definition of the cause"),
        "credit-crosses-episodes": Likelihood(0.3, source="advantages that run on take the value over, judgement"),
        "autoreset-rows-trained": Likelihood(0.3, source="the inserted row ends in that observation, judgement"),
    }
    false_alarm = Likelihood(0.005, source="normalisers of observations, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        facts = self.facts(view)
        ended, hit = count(facts, "ended_rows"), count(facts, "ended_rows_touched")
        if ended <= 0:
            raise CannotTell("no target of the last step of a truncated episode was recognised")
        if hit:
            message = f"other first observations of the next episodes changed {hit} of {ended} targets of ended ones"
            yield self.found(view, message, "error", hit / ended, 0.0, series="dye.ended_rows_touched")

    def fires_on(self) -> Iterable[Case]:
        """All rows, and one."""
        yield dye_case("all", self.dye, {"ended_rows": 12, "ended_rows_touched": 12, "gradients_touched": 20})
        yield dye_case("one", self.dye, {"ended_rows": 12, "ended_rows_touched": 1})

    def quiet_on(self) -> Iterable[Case]:
        """None; other gradients answer, as they should; and a single row."""
        yield dye_case("none", self.dye, {"ended_rows": 12, "ended_rows_touched": 0})
        yield dye_case("gradients", self.dye, {"ended_rows": 12, "ended_rows_touched": 0, "gradients_touched": 32})
        yield dye_case("one row", self.dye, {"ended_rows": 1, "ended_rows_touched": 0})
