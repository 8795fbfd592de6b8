"""Rule L110: The policy's log standard deviation is no parameter, or is never read."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.library import MODULE
from lifesigns.rules import Likelihood

NAMES = ("log_std", "logstd", "actor_logstd", "action_log_std", "log_stds")
MADE = frozenset({"torch.zeros", "torch.ones", "torch.full", "torch.tensor"})


class SpreadNotLearned(LintRule):
    """A policy's `log_std` is a plain tensor, which nothing trains, or a parameter that nothing reads.

    What it detects
    ---------------
    `self.log_std = torch.zeros(action_dim)` in a module, without `nn.Parameter`; or with it, and never read.

    Why it matters
    --------------
    The policy explores with its first spread for the whole run, and the plain tensor is neither saved nor moved
    with the module.

    How it decides
    --------------
    In a module, the only assignment to an attribute called `log_std` or `logstd` is `torch.zeros`, `ones`, `full`
    or `tensor` without `requires_grad`, while a function of the class takes its exponential; or it is an
    `nn.Parameter` and no attribute of that name is read in the file.

    When it is wrong
    ----------------
    A fixed spread on purpose.

    What to do
    ----------
    `self.log_std = nn.Parameter(torch.zeros(action_dim))`; for a fixed spread, `register_buffer`.

    References
    ----------
    Huang et al., The 37 Implementation Details of PPO (2022), continuous actions, 2.

    """

    code = "L110"
    since = "0.2"
    severity = "warning"
    looks_at = (
        "log_std",
        "logstd",
        "actor_logstd",
    )
    causes = {
        "parameters-not-trained": Likelihood(0.05, source="judgement"),
        "exploration-wrong": Likelihood(0.1, source="judgement"),
    }
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "plain": """
            class Policy(nn.Module):
                def __init__(self, n):
                    super().__init__()
                    self.log_std = torch.zeros(n)
                def forward(self, x):
                    return Normal(self.mean(x), self.log_std.exp())
            """,
        "never read": """
            class Policy(nn.Module):
                def __init__(self, n):
                    super().__init__()
                    self.log_std = nn.Parameter(torch.zeros(n))
                def forward(self, x):
                    return Normal(self.mean(x), 1.0)
            """,
    }
    right = {
        "parameter": """
            class Policy(nn.Module):
                def __init__(self, n):
                    super().__init__()
                    self.log_std = nn.Parameter(torch.zeros(n))
                def forward(self, x):
                    return Normal(self.mean(x), self.log_std.exp())
            """,
        "no module": """
            class Noise:
                def __init__(self, n):
                    self.log_std = torch.zeros(n)
                def __call__(self):
                    return self.log_std.exp()
            """,
        "buffer": """
            class Policy(nn.Module):
                def __init__(self, n):
                    self.register_buffer("log_std", torch.zeros(n))
                def forward(self, x):
                    return Normal(self.mean(x), self.log_std.exp())
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the assignment."""
        for info in source.classes(MODULE):
            for name in NAMES:
                made = info.attributes.get(name, [])
                if len(made) != 1 or not isinstance(made[0].value, ast.Call):
                    continue
                call = made[0].value
                reads = [n for n in source.index.attributes.get(name, ()) if isinstance(n.ctx, ast.Load)]
                function = source.name(call.func)
                if function in MADE and not any(k.arg == "requires_grad" for k in call.keywords):
                    if any(_is_exponent(source, n) for n in reads):
                        yield self.at(made[0].statement, f"`self.{name}` is a plain tensor: it is never trained")
                elif function == "torch.nn.Parameter" and not reads and name not in source.index.strings:
                    yield self.at(made[0].statement, f"`self.{name}` is a parameter that nothing reads", "note")


def _is_exponent(source: Source, read: ast.AST) -> bool:
    if any(
        isinstance(p, ast.Call) and (op := source.op(p)) is not None and op.name == "exp" for p in source.parents(read)
    ):
        return True
    return any(op.input is not None and read in set(source.upstream(op.input, 40)) for op in source.ops("exp"))
