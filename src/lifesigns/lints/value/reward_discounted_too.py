"""Rule L218: The discount multiplies the immediate reward as well."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source, Term
from lifesigns.rules import Likelihood


class RewardDiscountedToo(LintRule):
    """Brackets are misplaced: reward and next value are discounted together.

    What it detects
    ---------------
    `target = gamma * (reward + (1 - done) * next_q)`.

    Why it matters
    --------------
    Targets are too small by a factor gamma throughout, and rewards no longer match the values that are reported.

    How it decides
    --------------
    A product of a discount and a sum of which one term has a reward, with no discount in the other, which has a
    mask or comes from a next observation or target network.

    When it is wrong
    ----------------
    The convention in which the reward arrives one step later.

    What to do
    ----------
    `reward + gamma * (1 - done) * next_q`.

    References
    ----------
    Sutton and Barto, Reinforcement Learning (2018), section 3.3.

    """

    code = "L218"
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
        "masked": "target = args.gamma * (rewards + (1.0 - terminated) * (next_q - alpha * next_logprob))",
        "next observation": "target = gamma * (reward + critic(next_obs))",
    }
    right = {
        "once": "target = rewards + gamma * (1.0 - terminated) * next_q",
        "running": "total = gamma * (reward + total)",
        "future only": "target = rewards + gamma * ((1.0 - terminated) * (next_q - alpha * next_logprob))",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the product."""
        for node in source.nodes(ast.BinOp):
            assert isinstance(node, ast.BinOp)
            if not isinstance(node.op, ast.Mult):
                continue
            for discount, rest in ((node.left, node.right), (node.right, node.left)):
                if source.role(discount) is not Role.DISCOUNT or not isinstance(rest, ast.BinOp):
                    continue
                if not isinstance(rest.op, ast.Add):
                    continue
                parts = source.terms(rest, follow=False)
                rewards = [t for t in parts if any(source.role(f.node) is Role.REWARD for f in t.factors)]
                futures = [t for t in parts if t not in rewards and _is_future(source, t)]
                if len(rewards) == 1 and futures:
                    yield self.at(node, "the reward of this step is discounted too: the brackets are misplaced")


def _is_future(source: Source, term: Term) -> bool:
    roles = [source.role(f.node) for f in term.factors]
    if Role.DISCOUNT in roles:
        return False
    if Role.MASK in roles:
        return True
    return any(
        isinstance(n, ast.Call) and any(source.role(a) is Role.NEXT_OBSERVATION for a in n.args)
        for f in term.factors
        for n in ast.walk(f.node)
    )
