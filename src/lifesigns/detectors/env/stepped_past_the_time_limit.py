"""Rule D507: episodes go on after their time limit."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.model import Evidence, Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case


class SteppedPastTheTimeLimit(Rule):
    """An environment is stepped on after its time limit has cut the episode off.

    What it detects
    ---------------
    `step` returned `truncated`, and the script called `step` again without a `reset`.

    Why it matters
    --------------
    The loop waits for `terminated` alone. The better the agent becomes, the longer its episodes last beyond the limit
    that the task has; where nothing terminates, the first episode never ends. Returns that the script counts are not
    those of the task, and Gymnasium does not say what such steps mean.

    How it decides
    --------------
    Steps of a single environment that said again that it is over, right after the step at which it was cut off, with no
    reset between: counted, exact. From the first one on a warning.

    When it is wrong
    ----------------
    Environments that start anew by themselves, whose episodes last one step and are cut off at it.

    What to do
    ----------
    Reset on `terminated or truncated`; let `terminated` alone mask the bootstrapped target.

    References
    ----------
    Gymnasium, Handling Time Limits; Pardo et al., Time Limits in Reinforcement Learning (2018).
    """

    code = "D507"
    since = "0.2"
    families = "any RL"
    per = "env"
    reads = {"env.episode_return": 1}
    causes = {"time-limit-ignored": Likelihood(0.9, source="the definition of the cause, where a limit is reached")}
    false_alarm = Likelihood(0.002, source="exact")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        info, returns = view.subject.info, view["env.episode_return"]
        if info.get("vector"):
            raise CannotTell("vector environments reset themselves")
        past = int(info.get("past_limit") or 0)
        if not past:
            return
        yield self.finding(
            view,
            f"`{view.subject.name}` was stepped {past} times after its time limit had cut the episode off, without a "
            "reset",
            "warning",
            [Evidence(returns.name, view.subject.id, float(past), 0.0, "steps", returns.clock, float(returns.x[-1]))],
        )

    def fires_on(self) -> Iterable[Case]:
        """Once, and for long."""
        yield _run("once", {"past_limit": 1})
        yield _run("for long", {"past_limit": 48_213})

    def quiet_on(self) -> Iterable[Case]:
        """Always reset in time."""
        yield _run("in time", {})
        yield _run("none", {"past_limit": 0})
        yield _run("evaluated only", {"past_limit": 0, "num_envs": 1})


def _run(name: str, info: dict[str, int]) -> Case:
    return case(name, {"env.episode_return": [200.0, 500.0, 500.0]}, info={"vector": False, **info})
