"""Rule Y702: the environment's seed changes nothing that is observed."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import DyeRule, count, dye_case, known, some, spot
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, View


class EnvironmentSeedWithoutEffect(DyeRule):
    """Other seeds for the environments changed no observation.

    What it detects
    ---------------
    Every seed that the script gives to `env.reset` was replaced by another. Observations are the undyed run's, bit for
    bit.

    Why it matters
    --------------
    Runs that are reported as several seeds then share their episodes' starts and dynamics. The spread between them is
    that of the agent alone, and intervals are too narrow.

    How it decides
    --------------
    Two runs, bit for bit the same but for those seeds. At least one seed was given and no observation differs.

    When it is wrong
    ----------------
    Environments without randomness: every seed is then the same on purpose. That is why it is a warning.

    What to do
    ----------
    Pass the seed on in every wrapper's `reset(seed=seed)`, call `super().reset(seed=seed)`, and draw from
    `self.np_random` only.

    References
    ----------
    Gymnasium, `Env.reset`; Agarwal et al., Deep reinforcement learning at the edge of the statistical precipice (2021).
    """

    code = "Y702"
    since = "0.2"
    dye = "seeds"
    causes = {"seed-ignored": Likelihood(0.6, source="the share of it that concerns environments, judgement")}
    false_alarm = Likelihood(0.05, source="environments without randomness, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        facts = self.facts(view)
        given = count(facts, "env_given", 0)
        if given < 1:
            raise CannotTell("the script gives no seed to `reset`")
        if not count(facts, "env_touched"):
            message = f"{some(given, 'seed')} given to `reset` replaced by another number changed no observation"
            yield self.found(view, message, "warning", 0.0, None, series="dye.env_touched", unit="observations")
        elif known(facts, "argument_env_touched") == 0.0:
            message = (
                "another `--seed` left the first observations as they were, while another seed for `reset` does not"
            )
            where = spot(facts.get("env_at"))
            yield self.found(
                view, message, "warning", 0.0, None, series="dye.argument_env_touched", unit="0/1", location=where
            )

    def fires_on(self) -> Iterable[Case]:
        """One seed, and several."""
        yield dye_case("one", self.dye, {"env_given": 1, "env_touched": 0, "agent_given": 2, "agent_touched": 900})
        constant = {"env_given": 1, "env_touched": 300, "argument_env_touched": 0}
        yield dye_case("a constant", self.dye, constant)
        yield dye_case("several", self.dye, {"env_given": 8, "env_touched": 0})

    def quiet_on(self) -> Iterable[Case]:
        """All observations answer, one does, and an agent whose own seeds do nothing (Y703)."""
        yield dye_case("all", self.dye, {"env_given": 1, "env_touched": 300})
        yield dye_case("one", self.dye, {"env_given": 8, "env_touched": 1})
        yield dye_case("agent", self.dye, {"env_given": 1, "env_touched": 300, "agent_given": 2, "agent_touched": 0})
