"""Rule Y403: the discounting that the code does is not the one its settings name."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import DyeRule, dye_case
from lifesigns.dyes.reward.readings import readings_of, settings_of
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, View


class DiscountingDiffersFromSettings(DyeRule):
    """The effective γ, λ or n-step horizon differs from the values that the script's settings name.

    What it detects
    ---------------
    One reward was made 1 higher, and one value. How far back, and how much weaker from step to step, the returns,
    advantages or targets answer is the discounting that the code really does. It is compared with what the script
    calls gamma, gae_lambda, n_step.

    Why it matters
    --------------
    A γ that is applied twice, or not at all, changes the task: at γ = 0.99 a horizon is 100 steps, at 0.98 it is 50.
    The settings then say something else than what was run, and tuning them tunes something else.

    How it decides
    --------------
    The ratio of neighbouring responses is γλ for advantages and γ for returns. A value 1 higher moves its target by γ,
    or by γ to the power n, and belongs to the observation n steps later (told by its bytes). Each reading is compared
    with every setting of its kind; it fires where none is within 0.0001 of it (relative, and 0.0002 absolute). Without
    a setting it cannot tell and says what it read. Two runs, bit for bit the same but for the reward, so the response
    holds no noise.

    When it is wrong
    ----------------
    A setting of that name that means something else (the `gamma` of a learning-rate schedule, with the discount under
    another name); a discount that depends on the step or is per second; corrections by importance weights (V-trace,
    Retrace) that shorten the response on purpose.

    What to do
    ----------
    Look at the line that sums rewards up: γ and λ multiplied once each per step, n rewards together with γ to the power
    n on the value. Check that the argument that was parsed is the one that is used.

    References
    ----------
    Schulman et al., High-dimensional continuous control using generalized advantage estimation (2016), equation 16;
    Sutton and Barto, Reinforcement Learning (2018), section 7.1.
    """

    code = "Y403"
    since = "0.2"
    dye = "discounting"
    causes = {
        "discounting-differs": Likelihood(0.95, source="the definition of the cause"),
        "credit-crosses-episodes": Likelihood(0.1, source="recursions that are masked at the wrong step, judgement"),
        "reward-not-learned-from": Likelihood(0.05, source="of several rewards only one is used, judgement"),
    }
    false_alarm = Likelihood(0.005, source="settings of that name that mean something else, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """One finding for each reading that no setting matches."""
        facts = self.facts(view)
        readings = readings_of(facts, settings_of(facts))
        if not readings:
            raise CannotTell("the answer holds nothing that could be compared (one response only)")
        comparable = [r for r in readings if r.wanted]
        if not comparable:
            raise CannotTell("no setting to compare with was found; read: " + "; ".join(r.said for r in readings))
        for reading in comparable:
            if reading.matches:
                continue
            nearest = min(reading.wanted, key=lambda w: abs(w.value - reading.value))
            says = "" if reading.kind == "value_steps" else "the settings say "
            message = f"{reading.said}; {says}{nearest.text}"
            yield self.found(
                view, message, "error", reading.value, nearest.value, series=f"dye.{reading.kind}", unit=reading.unit
            )

    def fires_on(self) -> Iterable[Case]:
        """γ forgotten or squared, λ forgotten, n off by one, the value's γ of one step only, no credit at all."""
        td = {"planted_as": "comb", "responses": 1, "scale": 1.0, "settings": SETTINGS, "bootstrap_weight": 1.0}
        yield dye_case("gamma forgotten", self.dye, td)
        yield dye_case("gamma squared", self.dye, {**td, "bootstrap_weight": 0.9801})
        on_policy = {"planted_as": "once", "responses": 20, "scale": 1.0, "settings": {**SETTINGS, **LAMBDA}}
        yield dye_case("gamma by hand", self.dye, {**on_policy, "decay": 0.99 * 0.95, "gamma": 0.97})
        yield dye_case("lambda forgotten", self.dye, {**on_policy, "decay": 0.99, "gamma": 0.99})
        yield dye_case("squared, together", self.dye, {**on_policy, "decay": 0.99 * 0.99 * 0.95})
        n_step = {**td, "responses": 3, "decay": 0.99, "settings": {**SETTINGS, "n_step": [["n_step", 3.0]]}}
        yield dye_case("one step's gamma", self.dye, {**n_step, "bootstrap_weight": 0.99})
        one_less = {"responses": 2, "bootstrap_weight": 0.99**2}
        yield dye_case("one step less", self.dye, {**n_step, **one_less})
        early = {"responses": 3, "bootstrap_weight": 0.99**3, "value_steps": 2}
        yield dye_case("the value of a step before", self.dye, {**n_step, **early})
        yield dye_case("one discount too many", self.dye, {**td, "scale": 0.99, "bootstrap_weight": 0.99})
        yield dye_case("no credit", self.dye, {**on_policy, "responses": 1, "rows_before": 9})

    def quiet_on(self) -> Iterable[Case]:
        """As set: one step, n steps, advantages, returns; settings of several values; rounding."""
        td = {"planted_as": "comb", "responses": 1, "scale": 1.0, "settings": SETTINGS, "bootstrap_weight": 0.99}
        yield dye_case("one step", self.dye, {**td, "value_steps": 1})
        several = {"gamma": [["gamma", 0.1], ["gamma", 0.99]]}
        yield dye_case("several settings", self.dye, {**td, "settings": several})
        n_step = {"responses": 3, "decay": 0.99, "bootstrap_weight": 0.99**3}
        yield dye_case("n steps", self.dye, {**td, **n_step, "settings": {**SETTINGS, "n_step": [["nstep", 3.0]]}})
        yield dye_case("n steps, unnamed", self.dye, {**td, **n_step})
        on_policy = {"planted_as": "once", "responses": 20, "scale": 1.0, "settings": {**SETTINGS, **LAMBDA}}
        yield dye_case("advantages", self.dye, {**on_policy, "decay": 0.99 * 0.95})
        yield dye_case("both read", self.dye, {**on_policy, "decay": 0.94052, "gamma": 0.99003})
        yield dye_case("returns", self.dye, {**on_policy, "decay": 0.99, "settings": SETTINGS})


SETTINGS = {"gamma": [["gamma", 0.99]]}
LAMBDA = {"lambda": [["gae_lambda", 0.95]]}
