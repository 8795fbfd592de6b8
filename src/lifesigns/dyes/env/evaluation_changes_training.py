"""Rule Y508: what happens in an evaluation environment changes what is learned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lifesigns.dyes.base import DyeRule, count, dye_case, effect_text, known, number, rows, severity_of, spot
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, View


class EvaluationChangesTraining(DyeRule):
    """What is observed and earned in an evaluation environment changes what is learned, or how training goes on.

    What it detects
    ---------------
    Rewards and observations of the environments that only evaluate were changed. A later gradient, or a later step of a
    training environment, changed.

    Why it matters
    --------------
    Evaluation is a measurement. If it feeds the buffer, moves a normaliser, keeps a recurrent state or draws from the
    random stream of training, then how often one evaluates changes the result, and the measured return is not of an
    unseen episode.

    How it decides
    --------------
    Environments that are stepped only in whole episodes between updates, or first after learning began, evaluate. Two
    runs, bit for bit the same but for what those return. No later gradient and no later training action may differ.

    When it is wrong
    ----------------
    Where evaluation is meant to steer: early stopping, learning-rate schedules, a curriculum, choice of the best policy
    to go on from. An environment for gathering data that is stepped like an evaluation.

    What to do
    ----------
    Give evaluation its own environment, wrappers with `training=False`, its own random generator and `eval()` mode;
    keep its transitions out of the buffer.

    References
    ----------
    Machado et al., Revisiting the arcade learning environment (2018), on methods of
    evaluation.
    """

    code = "Y508"
    since = "0.2"
    dye = "evaluation"
    causes = {"evaluation-changes-training": Likelihood(0.95, source="the definition of the cause")}
    false_alarm = Likelihood(0.01, source="evaluation that steers on purpose, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        facts = self.facts(view)
        yield from self._beside(view, facts)
        if "gradients_after" not in facts:
            if not rows(facts, "midway_resets") and not rows(facts, "reseeds"):
                raise CannotTell("no evaluation was seen")
            return
        after, touched = count(facts, "gradients_after"), count(facts, "touched_after")
        steps = count(facts, "training_steps_touched", 0)
        if touched:
            effect = number(facts, "largest_effect", 0.0)
            beside = f", and {steps} training actions" if steps else ""
            message = (
                f"other rewards and observations in evaluation changed {touched} of {after} later gradients, "
                f"{effect_text(effect)}{beside}"
            )
            yield self.found(view, message, "error" if steps else severity_of(effect), effect)
        elif steps:
            message = f"other rewards and observations in evaluation changed {steps} later training actions"
            yield self.found(view, message, "error", steps, series="dye.training_steps_touched", unit="steps")
        elif not after:
            raise CannotTell("no update that both runs reached followed the evaluation")

    def _beside(self, view: View, facts: Mapping[str, Any]) -> Iterable[Finding]:
        """Random streams that evaluation draws from, seeds set and environments reset while learning."""
        streams, actions = known(facts, "streams_touched") or 0, known(facts, "streams_steps_touched") or 0
        if streams or actions:
            message = (
                f"with the global random streams put back after each evaluation, {streams:.0f} later gradients and "
                f"{actions:.0f} training actions change: evaluation draws from the streams of training"
            )
            where = spot(facts.get("streams_line"))
            yield self.found(
                view, message, "warning", streams, 0.0, series="dye.streams_touched", unit="gradients", location=where
            )
        for key, what in (
            ("reseeds", "a global random seed was set"),
            ("midway_resets", "a training environment was reset"),
        ):
            found = rows(facts, key)
            if found:
                where = next((s for one in found if (s := spot(one.get("at")))), None)
                middle = " in the middle of an episode, from a line that is not where training resets it"
                message = f"{what} {len(found)} times while learning{middle if key == 'midway_resets' else ''}"
                yield self.found(
                    view, message, "warning", len(found), 0.0, series=f"dye.{key}", unit="times", location=where
                )

    def fires_on(self) -> Iterable[Case]:
        """Gradients, actions only, and rounding."""
        seen = {"gradients_after": 40, "touched_after": 40, "training_steps_touched": 12, "largest_effect": 0.7}
        yield dye_case("both", self.dye, seen, effects=(0.0, 0.7))
        yield dye_case("random stream", self.dye, {**seen, "touched_after": 0, "gradients_after": 0})
        at = {"file": "train.py", "line": 40}
        apart = {"gradients_after": 40, "touched_after": 0, "training_steps_touched": 0}
        yield dye_case("streams", self.dye, {**apart, "streams_touched": 30, "streams_line": at})
        yield dye_case("streams, actions first", self.dye, {**apart, "streams_steps_touched": 3})
        yield dye_case("seeds", self.dye, {"reseeds": [{"what": "numpy.random.seed", "at": at}]})
        yield dye_case("reset midway", self.dye, {**apart, "midway_resets": [{"env": 0, "at": at}]})
        yield dye_case("rounding", self.dye, {**seen, "training_steps_touched": 0, "largest_effect": 1e-8})

    def quiet_on(self) -> Iterable[Case]:
        """Apart: many updates, one update, and a stain in what evaluation itself computes."""
        seen = {"gradients_after": 40, "touched_after": 0, "training_steps_touched": 0, "largest_effect": 0.0}
        yield dye_case("apart", self.dye, seen)
        yield dye_case("one update", self.dye, {**seen, "gradients_after": 1})
        yield dye_case("own records", self.dye, {**seen, "records_touched": 400})
