"""Rule Y505: what was observed in one episode changes how the agent acts in the next."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import DyeRule, count, dye_case, known, listed
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, View

LASTING_DEPTH = 8
"""position in the next episode from which changed inputs look like running statistics; assumed (stacks hold 2 to 4)."""


class MemoryCrossesEpisodeBoundary(DyeRule):
    """What was observed in one episode changes what the networks put out in the next.

    What it detects
    ---------------
    Observations in the middle of an episode were replaced, and so was the last action that its environment was sent.
    In the next episode, before anything was learned from them, a network that acts was given other inputs or put out
    something else.

    Why it matters
    --------------
    A recurrent state, a stack of frames or a wrapper's memory that outlives a reset makes the first steps of every
    episode depend on the one before. Training and evaluation then differ, since evaluation starts afresh.

    How it decides
    --------------
    Two runs, bit for bit the same but for the observations and last actions of one episode that is terminated and of
    one that is truncated; the first 12 steps of the next ones are compared. Running statistics of Gymnasium's,
    stable-baselines3's and Tianshou's normalisers are held still in both runs. Where the environment itself begins
    otherwise because its random stream was drawn from more or less often, the rule cannot tell.
    If inputs are the same and outputs differ, the memory is the network's; if inputs differ at its first few steps,
    it is a stack of frames or a wrapper's. Inputs that differ at step 8 and later, or up to the end of episodes that
    are shorter, are running statistics of the script's own, as a normaliser keeps on purpose: the rule then cannot
    tell. Of steps that no network chose, what the outermost wrapper hands out is compared.

    When it is wrong
    ----------------
    Meta-learning, where the memory is meant to span episodes; slow statistics that the first 12 steps do not show.

    What to do
    ----------
    Set the recurrent state to zero where the step before ended an episode, also inside the sequences that are learned
    from; clear stacks and wrapper attributes in `reset`.

    References
    ----------
    Hausknecht and Stone, Deep recurrent Q-learning (2015); Gymnasium, `FrameStackObservation`.
    """

    code = "Y505"
    since = "0.2"
    dye = "episode-memory"
    causes = {"memory-crosses-episodes": Likelihood(0.95, source="the definition of the cause")}
    false_alarm = Likelihood(0.005, source="memory across episodes on purpose, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        facts = self.facts(view)
        steps, touched = count(facts, "steps"), count(facts, "touched")
        inputs = count(facts, "inputs_touched", 0)
        depths = [d for one in listed(facts, "depths") if (d := known({"": one}, "")) is not None]
        if steps < 1:
            raise CannotTell("no step of the next episode was compared")
        if not touched:
            return
        deep = min(LASTING_DEPTH, count(facts, "compared_to", LASTING_DEPTH))
        if inputs and max(depths, default=0) >= deep:
            raise CannotTell(
                f"inputs differ still at step {max(depths):.0f} of the next episode: running statistics, it seems"
            )
        first = ", ".join(f"{d:.0f}" for d in depths[:6]) + " …" * (len(depths) > 6)
        at = f", at its step{'s' * (len(depths) > 1)} {first}" if depths else ""
        what = "a stack of frames or a wrapper's memory" if inputs else "a recurrent state, for the inputs are the same"
        called = "observations that are handed out" if count(facts, "observed", 0) == touched else "network calls"
        message = (
            f"other observations in one episode changed {touched} {called} in {steps} steps of the next one{at}: {what}"
        )
        yield self.found(view, message, "error", touched, 0.0, series="dye.memory_touched", unit="calls")

    def fires_on(self) -> Iterable[Case]:
        """A recurrent state, and a stack of four frames."""
        lasting = {"steps": 12, "touched": 12, "inputs_touched": 0, "depths": list(range(1, 13))}
        yield dye_case("recurrent", self.dye, lasting)
        yield dye_case("stack", self.dye, {"steps": 12, "touched": 3, "inputs_touched": 3, "depths": [1, 2, 3]})
        random = {"steps": 12, "touched": 1, "inputs_touched": 1, "depths": [2], "observed": 1, "compared_to": 7}
        yield dye_case("steps at random", self.dye, random)

    def quiet_on(self) -> Iterable[Case]:
        """Nothing answers: twelve steps, one step, later gradients only."""
        seen = {"steps": 12, "touched": 0, "inputs_touched": 0, "depths": []}
        yield dye_case("cut", self.dye, seen)
        yield dye_case("one step", self.dye, {**seen, "steps": 1})
        yield dye_case("gradients", self.dye, {**seen, "gradients_touched": 32, "largest_effect": 0.5})
