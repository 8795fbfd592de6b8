"""Rule L402: A function takes a discount or lambda and never uses it."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.rules import Likelihood

NAMES = frozenset({"gamma", "gae_lambda", "lam", "lmbda", "discount", "lambda_"})


class DiscountNeverUsed(LintRule):
    """A function that sums rewards has a parameter for the discount or for lambda which it does not read.

    What it detects
    ---------------
    `def compute_gae(rewards, values, gamma, gae_lambda)` with `gae_lambda` nowhere in its body.

    Why it matters
    --------------
    The setting has no effect: values grow with the episode's length, or advantages are noisier than the setting
    says.

    How it decides
    --------------
    A function, no stub, that walks through steps in a loop and has a parameter called `gamma`, `gae_lambda`,
    `lam`, `lmbda` or `discount` that nothing in it reads, while it reads a parameter or name that says reward or
    delta.

    When it is wrong
    ----------------
    A signature kept for the sake of others.

    What to do
    ----------
    Multiply it in, or remove it.

    References
    ----------
    Schulman et al., High-Dimensional Continuous Control Using Generalized Advantage Estimation (2016), equation
    16.

    """

    code = "L402"
    since = "0.2"
    severity = "warning"
    looks_at = (
        "gamma",
        "gae_lambda",
        "lam",
        "lmbda",
        "discount",
    )
    causes = {
        "discounting-differs": Likelihood(0.1, source="judgement"),
    }
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "gae": """
            def compute_gae(rewards, values, dones, gamma, gae_lambda):
                last = 0
                out = torch.zeros_like(rewards)
                for t in reversed(range(len(rewards) - 1)):
                    delta = rewards[t] + gamma * values[t + 1] * (1 - dones[t]) - values[t]
                    last = delta + gamma * (1 - dones[t]) * last
                    out[t] = last
                return out
            """,
        "returns": """
            def returns(rewards, gamma):
                total, out = 0.0, []
                for r in reversed(rewards):
                    total = r + total
                    out.insert(0, total)
                return out
            """,
    }
    right = {
        "used": """
            def returns(rewards, gamma):
                total, out = 0.0, []
                for r in reversed(rewards):
                    total = r + gamma * total
                    out.insert(0, total)
                return out
            """,
        "stub": "def returns(rewards, gamma):\n    raise NotImplementedError",
        "handed on": "def returns(rewards, gamma):\n    for r in rewards:\n        yield f(r, gamma)",
        "used inside": """
            def scan(rewards, gamma):
                def one(total, r):
                    return r + gamma * total
                for r in rewards:
                    total = one(total, r)
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the parameter."""
        for scope in source.functions():
            node = scope.node
            names = [b for n in NAMES for b in scope.bindings.get(n, ()) if b.how == "param"]
            if not names or not any(isinstance(n, ast.For | ast.While) for n in ast.walk(node)):
                continue
            reads = {n.id for s in scope.inside() for held in s.loads.values() for n in held}
            if "locals" in reads or not any(_is_of_reward(source, n) for n in reads):
                continue
            for one in names:
                if one.name not in reads and not source.uses(one):
                    yield self.at(one.node, f"`{one.name}` is a parameter of `{scope.name}` and never read in it")


def _is_of_reward(source: Source, name: str) -> bool:
    low = name.lower()
    return "reward" in low or low in ("rews", "rew", "deltas", "delta", "td_errors")
