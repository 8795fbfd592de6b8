"""Rule L403: two quantities of the return change places on their way into a function or a name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.role_names import last_part
from lifesigns.lints.source.tree import dotted
from lifesigns.rules import Likelihood

KINDS = {
    "discount": re.compile(r"(?:\w+_)?gamma$|discount(?:_factor)?$"),
    "lambda": re.compile(r"(?:gae_)?(?:lambda_?|lam|lmbda|lambd)$|gae_tau$"),
    "reward": re.compile(r"(?:batch_|b_)?rewards?(?:_batch)?$|rews?$"),
    "terminated": re.compile(r"terminated$|terminations?$|dones?$"),
    "truncated": re.compile(r"truncated$|truncations?$"),
}
TOGETHER = frozenset(
    {
        frozenset({"discount", "lambda"}), frozenset({"reward", "terminated"}), frozenset({"terminated", "truncated"}),
        frozenset({"reward", "truncated"}),
    }
)  # fmt: skip
"""pairs of which an exchange is a mistake."""


class DiscountAndLambdaSwapped(LintRule):
    """Two arguments, or two names of one assignment, are given each other's value.

    What it detects
    ---------------
    `compute_gae(rewards, dones, gae_lambda, gamma)` for `def compute_gae(rewards, dones, gamma, gae_lambda)`;
    `lam, gamma = args.gamma, args.gae_lambda`. Also reward and `done`, `terminated` and `truncated`.

    Why it matters
    --------------
    Everything runs: both are numbers near 1. The horizon is another than the settings say.

    How it decides
    --------------
    By names on both sides: each of the two goes to a parameter or name that says the other. One alone is no finding.

    When it is wrong
    ----------------
    A name that says something else than it holds.

    What to do
    ----------
    Pass such arguments by keyword.

    References
    ----------
    Rice et al., Detecting argument selection defects (2017).
    """

    code = "L403"
    since = "0.2"
    severity = "warning"
    looks_at = ("gamma", "discount", "gae_lambda", "lam", "lmbda", "reward", "rewards", "terminated", "dones")
    causes = {
        "discounting-differs": Likelihood(0.05, source="judgement"),
        "batch-misaligned": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "arguments": """
            def gae(rewards, values, gamma, lam):
                return rewards * gamma * lam
            out = gae(rewards, values, args.gae_lambda, args.gamma)
            """,
        "names": "lam, gamma = args.gamma, args.gae_lambda",
        "attributes": """
            class A:
                def __init__(self, gamma, gae_lambda):
                    self.gamma, self.gae_lambda = gae_lambda, gamma
            """,
        "reward and end": """
            class Buffer:
                def add(self, obs, reward, done):
                    self.rows.append((obs, reward, done))
            buffer = Buffer()
            buffer.add(obs, done, reward)
            """,
    }
    right = {
        "in order": """
            def gae(rewards, values, gamma, lam):
                return rewards * gamma * lam
            out = gae(rewards, values, args.gamma, args.gae_lambda)
            """,
        "by keyword": """
            def gae(rewards, values, gamma, lam):
                return rewards * gamma * lam
            out = gae(rewards, values, lam=args.gae_lambda, gamma=args.gamma)
            """,
        "one alone": """
            def discounted(rewards, gamma):
                return rewards * gamma
            out = discounted(rewards, lam)
            """,
        "names in order": "gamma, lam = args.gamma, args.gae_lambda",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the call or the assignment."""
        for node in source.nodes(ast.Assign):
            assert isinstance(node, ast.Assign)
            left, right = node.targets[0], node.value
            if isinstance(left, ast.Tuple) and isinstance(right, ast.Tuple) and len(left.elts) == len(right.elts):
                names = [last_part(dotted(e) or "") for e in left.elts]
                yield from self._crossed(source, node, names, right.elts)
        words = [w for w in source.index.names if _kind(w)] + [w for w in source.index.attributes if _kind(w)]
        if len({_kind(w) for w in words}) < 2:
            return
        for scope in source.index.scopes.values():
            for call in scope.calls:
                if len(call.args) < 2 or len({_kind(last_part(dotted(a) or "")) for a in call.args} - {""}) < 2:
                    continue
                target = source.function(call)
                args = getattr(target[1].node, "args", None) if target is not None else None
                if target is None or args is None or any(isinstance(a, ast.Starred) for a in call.args):
                    continue
                names = [a.arg.lower() for a in (*args.posonlyargs, *args.args)][target[1].is_method :]
                yield from self._crossed(source, call, names, call.args)

    def _crossed(self, source: Source, node: ast.AST, names: list[str], given: list[ast.expr]) -> Iterable[Spot]:
        wanted = [_kind(n) for n in names]
        got = [_kind(last_part(dotted(g) or "")) for g in given]
        for i, first in enumerate(got[: len(wanted)]):
            for j in range(i + 1, min(len(got), len(wanted))):
                crossed = first and got[j] and first == wanted[j] and got[j] == wanted[i] and first != got[j]
                if crossed and frozenset({first, got[j]}) in TOGETHER:
                    one, other = source.unparse(given[i]), source.unparse(given[j])
                    yield self.at(node, f"`{one}` goes to `{names[i]}` and `{other}` to `{names[j]}`")


def _kind(name: str) -> str:
    return next((k for k, words in KINDS.items() if words.match(name.lower())), "")
