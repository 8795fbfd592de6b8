"""Rule Y506: what one environment of a vector yields ends up in another one's row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lifesigns.dyes.base import DyeRule, count, dye_case, named, some, spot
from lifesigns.model import Finding, Subject
from lifesigns.rules import CannotTell, Case, Likelihood, View

STRANGE_SHARE = 0.2
"""share of a reward's rows that may belong to other environments; assumed (observations may repeat)."""
FEWEST_RESETS = 3
"""occasions on which an environment was reset before its end because another had ended; assumed (one may be chance)."""


class EnvironmentRowsMix(DyeRule):
    """What one environment of a vector yields changes the rows of the others.

    What it detects
    ---------------
    One observation of one environment was replaced, and networks that act put out something else for other
    environments. Or one reward was changed, and in the batch it stands beside another environment's observation. Or
    whenever one environment's episode ended, others were reset in the middle of theirs. Or a layer around the vector
    changes the rewards of other environments in the same step. Or next observations in batches are another
    environment's.

    Why it matters
    --------------
    Environments run side by side are independent. Where rows mix, actions answer to what another environment shows, and
    rewards are credited to what another one did; the mean over rows looks healthy.

    How it decides
    --------------
    Two runs, bit for bit the same but for that observation or reward. For acting, the first network call with one row
    for each environment: only the changed environment's row may answer. For batches, rows are recognised by the bytes
    of the observations; it fires where most of the changed rewards stand beside another environment's, or where more
    than a fifth of the next observations are another environment's at the same time. In a layer, a change of a reward
    below a tenth of the planted environment's is that of a running scale and is left out.

    When it is wrong
    ----------------
    Batch normalisation in training mode while acting, attention between agents, a centralised critic that is meant to
    see all of them. Environments that show the same observations cannot be told apart.

    What to do
    ----------
    Check every `reshape`, `view`, `swapaxes` and `flatten` between [steps, environments] and [rows]: one must not stand
    in for a transpose. Give each environment its own memory.

    References
    ----------
    Huang et al., The 37 implementation details of PPO (2022), vectorised architecture.
    """

    code = "Y506"
    since = "0.2"
    dye = "environment-rows"
    causes = {
        "environment-rows-mixed": Likelihood(0.95, source="the definition of the cause"),
        "batch-misaligned": Likelihood(0.2, source="rewards beside another environment's rows, judgement"),
    }
    false_alarm = Likelihood(0.004, source="agents that are meant to see each other, judgement")

    def applies_to(self, subject: Subject) -> bool:
        """Two dyes: an observation (rows for acting) and a reward (rows of batches)."""
        return subject.kind == "dye" and subject.name in (self.dye, "reward-pairing")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding for each of the two dyes."""
        facts = self.facts(view)
        return self._acting(view, facts) if view.subject.name == self.dye else self._batches(view, facts)

    def _acting(self, view: View, facts: Mapping[str, Any]) -> Iterable[Finding]:
        own, others = count(facts, "own_row", 0), count(facts, "other_rows", 0)
        paid, elsewhere = count(facts, "paid_rows", 0), count(facts, "paid_elsewhere", 0)
        if elsewhere > STRANGE_SHARE * paid:
            message = (
                f"one reward of one environment reached {elsewhere} rows of other environments ({paid} rows in all)"
            )
            where = spot(facts.get("paid_line"))
            yield self.found(view, message, "error", elsewhere, 0.0, series="dye.other_rows", location=where)
        following, strange = count(facts, "next_rows", 0), count(facts, "next_elsewhere", 0)
        if strange > STRANGE_SHARE * following:
            message = f"{strange} of {following} next observations in batches are those of another environment"
            where = spot(facts.get("next_line"))
            share = strange / max(following, strange)
            yield self.found(view, message, "error", share, STRANGE_SHARE, series="dye.next_elsewhere", location=where)
        spread = count(facts, "spread_to", 0)
        if spread:
            layer = facts.get("spread_layer", "")
            message = (
                f"one reward of one environment changed those of {some(spread, 'other environment')} in the same step, "
                f"in the layer `{layer}`"
            )
            where = spot(facts.get("spread_line"))
            yield self.found(view, message, "error", spread, 0.0, series="dye.spread_to", location=where)
        resets = named(facts, "unended_resets")
        beside = count(resets, "beside_an_end", 0)
        if beside >= FEWEST_RESETS and not count(resets, "alone", 0):
            message = (
                f"{beside} times the end of one environment's episode reset others whose episodes were still going on; "
                "these are cut without a mark"
            )
            where = spot(resets.get("at"))
            yield self.found(view, message, "error", beside, 0.0, series="dye.unended_resets", location=where)
        if own + others + paid <= 0:
            raise CannotTell("no network call with one row for each environment was compared")
        if others:
            its_own = "beside its own row" if own else "and not its own row"
            message = f"one environment's observation changed what networks put out for other environments, {its_own}"
            where = spot(facts.get("shared_line"))
            yield self.found(view, message, "error", others, 0.0, series="dye.other_rows", unit="calls", location=where)

    def _batches(self, view: View, facts: Mapping[str, Any]) -> Iterable[Finding]:
        other = count(facts, "other_environment", 0)
        right, shifted = count(facts, "right", 0), count(facts, "shifted", 0)
        same = right + shifted
        if other + same <= 0:
            raise CannotTell("no row of a batch could be told by its observation")
        if other + shifted > right and other > shifted:
            example = f" ({facts['example']})" if facts.get("example") else ""
            message = (
                f"{other} of {other + same} changed rewards stand beside another environment's observation{example}"
            )
            yield self.found(view, message, "error", other / (other + same), 0.5, series="dye.other_environment_share")

    def fires_on(self) -> Iterable[Case]:
        """Acting, another environment's row only, and batches."""
        yield dye_case("acting", self.dye, {"own_row": 1, "other_rows": 1})
        yield dye_case("reward", self.dye, {"own_row": 1, "other_rows": 0, "paid_rows": 12, "paid_elsewhere": 8})
        following = {"own_row": 1, "other_rows": 0, "next_rows": 400, "next_elsewhere": 190}
        yield dye_case("next observations", self.dye, following)
        spread = {"own_row": 1, "other_rows": 0, "spread_to": 3, "spread_layer": "Centred"}
        yield dye_case("rewards centred over environments", self.dye, spread)
        yield dye_case("not its own", self.dye, {"own_row": 0, "other_rows": 1})
        resets = {"beside_an_end": 12, "alone": 0, "at": {"file": "train.py", "line": 40, "text": "obs = envs.reset()"}}
        yield dye_case("all reset", self.dye, {"own_row": 1, "other_rows": 0, "unended_resets": resets})
        batch = {"right": 3, "shifted": 2, "other_environment": 30, "example": "step 4 of environment 1"}
        yield dye_case("batch", "reward-pairing", batch)

    def quiet_on(self) -> Iterable[Case]:
        """Own row only, right rows, and rows shifted within an environment (Y405)."""
        yield dye_case("own row", self.dye, {"own_row": 1, "other_rows": 0})
        apart = {"own_row": 1, "other_rows": 0}
        yield dye_case("before rollouts", self.dye, {**apart, "unended_resets": {"beside_an_end": 1, "alone": 6}})
        yield dye_case("next ones apart", self.dye, {**apart, "next_rows": 400, "next_elsewhere": 2})
        yield dye_case("own rows of batches", self.dye, {"own_row": 1, "other_rows": 0, "paid_rows": 12})
        yield dye_case("right", "reward-pairing", {"right": 30, "shifted": 0, "other_environment": 1})
        yield dye_case("shifted", "reward-pairing", {"right": 0, "shifted": 30, "other_environment": 2})
