"""Rule L206: One term of a target is discounted twice."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.lints.value.td_sums import td_sums
from lifesigns.rules import Likelihood


class DiscountAppliedTwice(LintRule):
    """The discount factor is multiplied into the same future twice, once out of sight.

    What it detects
    ---------------
    `next_value = gamma * critic(next_obs)` and, later, `target = reward + gamma * next_value`.

    Why it matters
    --------------
    The agent learns for the discount squared: a horizon of 100 steps becomes one of 50.

    How it decides
    --------------
    A sum with a reward is split into terms through names; one term holds the same discount, by name, twice.

    When it is wrong
    ----------------
    A two-step return written by hand, with the first reward left out of the sum.

    What to do
    ----------
    Multiply the discount in once per step.

    References
    ----------
    Sutton and Barto, Reinforcement Learning (2018), section 3.3.

    """

    code = "L206"
    since = "0.2"
    severity = "warning"
    looks_at = (
        "gamma",
        "discount",
        "discount_factor",
        "GAMMA",
    )
    causes = {
        "discounting-differs": Likelihood(0.1, source="judgement"),
    }
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "through a name": """
            next_value = gamma * critic(next_obs)
            target = reward + gamma * next_value * (1 - done)
            """,
        "mask holds it": """
            mask = self.gamma * (1 - done)
            target = reward + self.gamma * mask * self.target(next_obs)
            """,
    }
    right = {
        "once": "mask = gamma * (1 - done)\ntarget = reward + mask * critic(next_obs)",
        "gae": "delta = reward + gamma * v_next - v\nadv = delta + gamma * lam * adv",
        "two steps": "target = reward + gamma * reward2 + gamma * gamma * critic(next_obs)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the sum."""
        for held in td_sums(source, follow=True):
            if len(held.rewards) > 1:
                continue
            for term in held.futures:
                found = [
                    source.unparse(f.node)
                    for f in term.factors
                    if not f.divides and isinstance(f.node, ast.Name | ast.Attribute)
                    if source.role(f.node) is Role.DISCOUNT
                ]
                twice = next((name for name in found if found.count(name) > 1), None)
                if twice is not None:
                    yield self.at(held.node, f"`{twice}` is multiplied into one term twice")
                    break
