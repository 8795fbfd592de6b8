"""Rule L108: the logarithm of a standard deviation is given where the deviation belongs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.role_names import last_part
from lifesigns.lints.source.tree import dotted
from lifesigns.lints.source.values import values
from lifesigns.rules import Likelihood

LOGS = re.compile(r"(?:\w+_)?log_?(?:std|sigma|scale|stddev|stdev)s?$")
RAISED = frozenset({"exp", "softplus", "exp_", "expm1", "sigmoid", "elu"})


class LogDeviationAsDeviation(LintRule):
    """A normal distribution gets `log_std` as its scale.

    What it detects
    ---------------
    `Normal(mean, log_std)` where `log_std` was not taken through `exp`.

    Why it matters
    --------------
    The scale is the logarithm of what was meant: 0 for a deviation of 1. The distribution is another one than that
    which is logged and annealed, or an error once the logarithm is negative.

    How it decides
    --------------
    The second argument of `Normal` (or `torch.normal`) is a name or attribute that says log of a deviation, and no
    `exp` or `softplus` is among what set it.

    When it is wrong
    ----------------
    The name says log and holds the deviation.

    What to do
    ----------
    `Normal(mean, log_std.exp())`.

    References
    ----------
    PyTorch documentation, torch.distributions.Normal.
    """

    code = "L108"
    since = "0.2"
    severity = "warning"
    looks_at = ("Normal", "normal")
    causes = {"action-distribution-wrong": Likelihood(0.1, source="judgement")}
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "a name": "mean, log_std = net(obs).chunk(2, -1)\ndist = Normal(mean, log_std)",
        "a parameter": """
            class Policy(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.log_std = nn.Parameter(torch.zeros(2))
                def forward(self, x):
                    return Normal(self.net(x), self.log_std)
            """,
    }
    right = {
        "exp": "mean, log_std = net(obs).chunk(2, -1)\ndist = Normal(mean, log_std.exp())",
        "before": """
            mean, log_std = net(obs).chunk(2, -1)
            log_std = torch.exp(log_std)
            dist = Normal(mean, log_std)
            """,
        "deviation": "mean, std = net(obs)\ndist = Normal(mean, std)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the scale."""
        for call in source.calls("torch.distributions.Normal", "torch.normal"):
            scale = source.argument(call, 1, "scale", "std")
            name = dotted(scale) if scale is not None else None
            if scale is not None and name is not None and LOGS.match(last_part(name)) and not _raised(source, scale):
                yield self.at(scale, f"`{name}` is a logarithm by its name and is used as the deviation itself")


def _raised(source: Source, node: ast.expr) -> bool:
    for value in values(source, node):
        if value.node is None:
            continue
        for one in value.source.upstream(value.node, 60):
            func = one.func if isinstance(one, ast.Call) else None
            tail = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
            if tail in RAISED:
                return True
    return False
