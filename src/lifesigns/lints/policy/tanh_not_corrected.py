"""Rule L109: A squashed action is scored by the density of the unsquashed one."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.tree import Scope
from lifesigns.rules import Likelihood

CORRECTS = frozenset({"log", "log1p", "softplus", "pow", "square", "logsigmoid", "log_abs_det_jacobian"})


class TanhNotCorrected(LintRule):
    """A reparameterised Gaussian sample goes through tanh, and its log-probability is returned without the
    correction.

    What it detects
    ---------------
    `u = dist.rsample(); action = torch.tanh(u); return action, dist.log_prob(u).sum(-1)`.

    Why it matters
    --------------
    The entropy term is wrong by the log-determinant of tanh: it rewards pushing actions to their bounds.

    How it decides
    --------------
    In one function: `rsample` of a Normal, `tanh` of the sample, `log_prob` of the sample or of its tanh, and no
    logarithm, softplus, power or transformed distribution anywhere in it.

    When it is wrong
    ----------------
    The correction is applied by the caller.

    What to do
    ----------
    Subtract `torch.log(1 - action.pow(2) + 1e-6)`, or use `TransformedDistribution` with `TanhTransform`.

    References
    ----------
    Haarnoja et al., Soft Actor-Critic (2018), appendix C.

    """

    code = "L109"
    since = "0.2"
    severity = "warning"
    looks_at = ("rsample",)
    causes = {
        "action-distribution-wrong": Likelihood(0.15, source="judgement"),
    }
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "method": """
            class Actor(nn.Module):
                def sample(self, obs):
                    mean, std = self(obs)
                    dist = Normal(mean, std)
                    u = dist.rsample()
                    action = torch.tanh(u)
                    return action, dist.log_prob(u).sum(-1)
            """,
        "scored after tanh": """
            def act(mean, std):
                dist = Normal(mean, std)
                a = torch.tanh(dist.rsample())
                return a, dist.log_prob(a).sum(-1)
            """,
    }
    right = {
        "corrected": """
            def act(mean, std):
                dist = Normal(mean, std)
                u = dist.rsample()
                a = torch.tanh(u)
                return a, (dist.log_prob(u) - torch.log(1 - a**2 + 1e-6)).sum(-1)
            """,
        "softplus": """
            def act(mean, std):
                dist = Normal(mean, std)
                u = dist.rsample()
                log_det = 2 * (0.693 - u - F.softplus(-2 * u))
                return torch.tanh(u), (dist.log_prob(u) - log_det).sum(-1)
            """,
        "not scored": "def act(mean, std):\n    return torch.tanh(Normal(mean, std).rsample())",
        "corrected by another function": """
            def act(mean, std):
                dist = Normal(mean, std)
                u = dist.rsample()
                return torch.tanh(u), correct(dist.log_prob(u), u)
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the log-probability."""
        for scope in source.functions():
            draws = [c for c in scope.calls if _tail(c) == "rsample" and _is_normal(source, source.receiver(c))]
            squashes = [c for c in scope.calls if (op := source.op(c)) is not None and op.name == "tanh" and op.input]
            scores = [c for c in scope.calls if _tail(c) == "log_prob" and c.args]
            if not draws or not squashes or len(scores) != 1 or _corrects(scope, scores[0]):
                continue
            scored = scores[0]
            squashed = any(d in set(source.upstream(s, 20)) for s in squashes for d in draws)
            if squashed and any(d in set(source.upstream(scored.args[0], 30)) for d in draws):
                yield self.at(scored, "the action goes through tanh, its log-probability is that before it")


def _tail(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _is_normal(source: Source, node: ast.AST | None) -> bool:
    return (source.kind(node) or "").rpartition(".")[2] == "Normal"


def _corrects(scope: Scope, scored: ast.Call) -> bool:
    """Whether a correction is in the function, or the log-probability is given to some other one."""
    for one in ast.walk(scope.node):
        if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Pow):
            return True
        if not isinstance(one, ast.Call):
            continue
        name = (
            one.func.attr
            if isinstance(one.func, ast.Attribute)
            else one.func.id
            if isinstance(one.func, ast.Name)
            else ""
        )
        if name in CORRECTS or (scored in one.args and name not in ("sum", "mean")):
            return True
    return False
