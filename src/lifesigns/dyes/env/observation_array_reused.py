"""Rule Y507: an observation that was handed out is overwritten later, and that changes the run."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import HARMLESS, DyeRule, count, dye_case, effect_text, named, number, spot
from lifesigns.model import Finding
from lifesigns.rules import Case, Likelihood, View


class ObservationArrayReused(DyeRule):
    """An environment hands out one array again and again, and what was stored changes behind the script's back.

    What it detects
    ---------------
    Every layer of the environment was made to hand out copies of its observations. A copy holds the same numbers, so
    nothing may change; something did.

    Why it matters
    --------------
    A buffer that keeps the array itself holds the newest observation in every row: transitions whose state and next
    state are the same, and values of states that were never visited.

    How it decides
    --------------
    Two runs, bit for bit the same but for the copying. Any difference, in a gradient or in the course of the run, comes
    from an array that was overwritten after it was handed over. The line is the `step` of the first layer that hands
    out memory that it had handed out before. A difference that no gradient shows is a note.

    When it is wrong
    ----------------
    It is exact; a script that overwrites its own copy on purpose is still a script whose stored data change.

    What to do
    ----------
    `return observation.copy()` where the array is filled in place, or copy on storing.

    References
    ----------
    Gymnasium, `SyncVectorEnv(copy=True)`.
    """

    code = "Y507"
    since = "0.2"
    dye = "observation-copy"
    causes = {"stored-data-overwritten": Likelihood(0.95, source="the definition of the cause")}
    false_alarm = Likelihood(0.002, source="exact")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        facts = self.facts(view)
        records = count(facts, "records_touched")
        if not records:
            return
        effect, parted = number(facts, "largest_effect", 0.0), bool(facts.get("parted"))
        reused = named(facts, "reused")
        layers = ", ".join(f"`{name}`" for name in list(reused)[:3])
        by = f"{layers} hands out an array that it fills again" if reused else "an observation is overwritten later"
        touched, gradients = count(facts, "gradients_touched", 0), count(facts, "gradients", 0)
        if touched:
            shown = f"{touched} of {gradients} gradients changed, {effect_text(effect)}"
        else:
            shown = "the run took another course" if parted else "no gradient changed (harmless here)"
        harmless = not parted and effect < HARMLESS
        where = next((s for one in reused.values() if (s := spot(one))), None)
        message = f"{by}: with copies in its place {shown}"
        yield self.found(view, message, "note" if harmless else "error", effect, location=where)

    def fires_on(self) -> Iterable[Case]:
        """A buffer of one array, a run that parts, and a reused array without effect on what is learned."""
        at = {"file": "envs.py", "line": 12, "text": "def step(self, action):"}
        seen = {"reused": {"Grid": at}, "records_touched": 900, "gradients": 32, "gradients_touched": 30}
        yield dye_case("buffer", self.dye, {**seen, "largest_effect": 1.2}, effects=(1.2, 0.5))
        parted = {"gradients_touched": 0, "largest_effect": 0.0, "parted": True}
        yield dye_case("parted", self.dye, {**seen, **parted})
        yield dye_case("harmless", self.dye, {**seen, "gradients_touched": 0, "largest_effect": 0.0})

    def quiet_on(self) -> Iterable[Case]:
        """Nothing reused, reused without a trace, and nothing said of layers."""
        seen = {"reused": {}, "records_touched": 0, "gradients": 32, "gradients_touched": 0}
        yield dye_case("fresh arrays", self.dye, seen)
        yield dye_case("copied by the script", self.dye, {**seen, "reused": {"Grid": {"file": "envs.py", "line": 12}}})
        yield dye_case("layers not known", self.dye, {"records_touched": 0})
