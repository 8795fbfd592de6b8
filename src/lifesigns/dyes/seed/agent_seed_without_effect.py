"""Rule Y703: the agent's seeds change nothing."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import DyeRule, count, dye_case, known, some, spot
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, View


class AgentSeedWithoutEffect(DyeRule):
    """Other seeds for Python, NumPy and PyTorch changed nothing in the run.

    What it detects
    ---------------
    Every seed that the script sets, other than those of `env.reset`, was replaced by another. No operation, action or
    gradient differs from the undyed run's.

    Why it matters
    --------------
    Initial weights, exploration and the order of data are then the same in every "seed": several runs are one run,
    counted several times.

    How it decides
    --------------
    Two runs, bit for bit the same but for those seeds. At least one seed was set and nothing differs.

    When it is wrong
    ----------------
    Training that starts from stored weights and draws nothing; a stretch of the run that ends before the first draw.
    That is why it is a warning.

    What to do
    ----------
    Seed before networks are made; look for a second call with a constant that overrides the seed, and for generators
    that are made with one of their own.

    References
    ----------
    PyTorch, reproducibility; Agarwal et al., Deep reinforcement learning at the edge of the statistical precipice
    (2021).
    """

    code = "Y703"
    since = "0.2"
    dye = "seeds"
    causes = {"seed-ignored": Likelihood(0.6, source="the share of it that concerns the agent, judgement")}
    false_alarm = Likelihood(0.02, source="training that draws nothing, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        facts = self.facts(view)
        given = count(facts, "agent_given", 0)
        if given < 1:
            raise CannotTell("the script sets no seed of Python, NumPy or PyTorch")
        if not count(facts, "agent_touched"):
            message = f"{some(given, 'seed')} of Python, NumPy or PyTorch replaced by another number changed nothing"
            yield self.found(view, message, "warning", 0.0, None, series="dye.agent_touched", unit="records")
        elif known(facts, "argument_agent_touched") == 0.0:
            message = "another `--seed` left the first parameters of every network as they were; another seed does not"
            where = spot(facts.get("agent_at"))
            yield self.found(
                view, message, "warning", 0.0, None, series="dye.argument_agent_touched", unit="0/1", location=where
            )

    def fires_on(self) -> Iterable[Case]:
        """One seed, and several."""
        yield dye_case("one", self.dye, {"agent_given": 1, "agent_touched": 0, "env_given": 1, "env_touched": 30})
        yield dye_case("several", self.dye, {"agent_given": 4, "agent_touched": 0})
        constant = {"agent_given": 3, "agent_touched": 900, "argument_agent_touched": 0}
        yield dye_case("a constant", self.dye, constant)

    def quiet_on(self) -> Iterable[Case]:
        """Everything answers, one record does, and an environment whose seed does nothing (Y702)."""
        yield dye_case("all", self.dye, {"agent_given": 3, "agent_touched": 4000})
        yield dye_case("one", self.dye, {"agent_given": 3, "agent_touched": 1})
        yield dye_case(
            "environment", self.dye, {"agent_given": 3, "agent_touched": 9, "env_given": 1, "env_touched": 0}
        )
