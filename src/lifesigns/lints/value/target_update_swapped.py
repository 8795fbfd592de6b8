"""Rule L212: The target network is updated with tau on the wrong side."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.rules import Likelihood

TARGET = re.compile(r"targ|tgt", re.I)


class TargetUpdateSwapped(LintRule):
    """A small tau multiplies the target network's own weights, so that it is replaced almost entirely at each
    update.

    What it detects
    ---------------
    `target.copy_(tau * target + (1 - tau) * param)` with `tau = 0.005`.

    Why it matters
    --------------
    The target follows the trained network at every step: the feedback that it is there to slow down runs freely.

    How it decides
    --------------
    A sum of two products, by `tau` and by `1 - tau`, or a `lerp_` by `1 - tau`; names tell which side is the
    target's (loop variables through the `zip` that they come from). Tau is below 0.5 where its number is known,
    otherwise it must be called `tau`.

    When it is wrong
    ----------------
    A tau of nearly 1 that is set in another file.

    What to do
    ----------
    `target.lerp_(param, tau)`, or `tau * param + (1 - tau) * target`.

    References
    ----------
    Lillicrap et al., Continuous control with deep reinforcement learning (2015), algorithm 1.

    """

    code = "L212"
    since = "0.2"
    severity = "error"
    looks_at = (
        "tau",
        "TAU",
        "soft_tau",
        "target_tau",
    )
    causes = {
        "target-network-copied-every-step": Likelihood(0.3, source="judgement"),
    }
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "names": """
            for param, target_param in zip(net.parameters(), target_net.parameters()):
                target_param.data.copy_(tau * target_param.data + (1 - tau) * param.data)
            """,
        "through zip": """
            tau = 0.005
            for p, q in zip(critic.parameters(), critic_target.parameters()):
                q.data.copy_(p.data * (1.0 - tau) + q.data * tau)
            """,
        "lerp": """
            for param, target_param in zip(q.parameters(), q_target.parameters()):
                target_param.lerp_(param, 1.0 - args.tau)
            """,
    }
    right = {
        "right way": """
            for param, target_param in zip(net.parameters(), target_net.parameters()):
                target_param.data.copy_(tau * param.data + (1 - tau) * target_param.data)
            """,
        "large tau": """
            tau = 0.995
            for p, p_targ in zip(ac.parameters(), ac_targ.parameters()):
                p_targ.data.copy_(tau * p_targ.data + (1 - tau) * p.data)
            """,
        "lerp": "for p, target_p in zip(a.parameters(), b.parameters()):\n    target_p.lerp_(p, tau)",
        "no target in sight": "x = tau * a + (1 - tau) * b",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the sum or the call."""
        for node in source.nodes(ast.BinOp):
            assert isinstance(node, ast.BinOp)
            if isinstance(node.op, ast.Add) and _keeps_little(source, node):
                yield self.at(node, "tau multiplies the target's own weights: each update replaces almost all of it")
        for call in source.method_calls("lerp_", "lerp"):
            of = source.receiver(call)
            other, weight = source.argument(call, 0, "end"), source.argument(call, 1, "weight")
            if of is None or other is None or weight is None:
                continue
            if _is_target(source, of) and not _is_target(source, other) and _complement(source, weight) is not None:
                yield self.at(call, "the target moves by 1 - tau: almost all of it is replaced at each update")


def _keeps_little(source: Source, node: ast.BinOp) -> bool:
    parts = source.terms(node, follow=False)
    if len(parts) != 2 or any(len(t.factors) != 2 or t.sign < 0 for t in parts):
        return False
    for one, other in (parts, parts[::-1]):
        tau = next((f.node for f in one.factors if _is_small_tau(source, f.node)), None)
        rest = next((f.node for f in other.factors if _complement(source, f.node) is not None), None)
        if tau is None or rest is None:
            continue
        kept = next(f.node for f in one.factors if f.node is not tau)
        new = next(f.node for f in other.factors if f.node is not rest)
        return _is_target(source, kept) and not _is_target(source, new)
    return False


def _is_small_tau(source: Source, node: ast.expr) -> bool:
    name = source.unparse(node)
    if not isinstance(node, ast.Name | ast.Attribute) or "tau" not in name.lower().rpartition(".")[2]:
        return False
    number = source.number(node)
    return number < 0.5 if number is not None else name.lower().rpartition(".")[2] == "tau"


def _complement(source: Source, node: ast.expr) -> ast.expr | None:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and source.number(node.left) == 1:
        return node.right if _is_small_tau(source, node.right) else None
    return None


def _is_target(source: Source, node: ast.expr) -> bool:
    text = source.unparse(node)
    if TARGET.search(text):
        return True
    for one in ast.walk(node):
        for binding in source.bindings(one) if isinstance(one, ast.Name) else ():
            value, at = binding.value, binding.path[-1] if binding.path else -1
            if binding.how != "for" or not isinstance(value, ast.Call) or source.name(value.func) != "zip":
                continue
            if 0 <= at < len(value.args) and len(binding.path) == 2:
                return bool(TARGET.search(source.unparse(value.args[at])))
    return False
