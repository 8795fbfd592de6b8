"""Rule L353: `kl_div` is given probabilities where it wants log-probabilities."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.lints.source.calling import Op
from lifesigns.rules import Likelihood


class KlOfProbabilities(LintRule):
    """The Kullback-Leibler loss mixes up probabilities and their logarithms.

    What it detects
    ---------------
    `F.kl_div(input, target)` with an input that is a softmax, a sigmoid or logits; or with a target of
    log-probabilities without `log_target=True`.

    Why it matters
    --------------
    The function does not take the logarithm of its input. The number it returns is no divergence: it may be negative
    and its minimum is not where the distributions agree.

    How it decides
    --------------
    Both arguments are followed to the operations that made them.

    When it is wrong
    ----------------
    Hardly: there is no use for that number.

    What to do
    ----------
    `F.kl_div(F.log_softmax(a, -1), F.softmax(b, -1), reduction="batchmean")`.

    References
    ----------
    PyTorch documentation, torch.nn.KLDivLoss: "the input is expected to be in the log-space".
    """

    code = "L353"
    since = "0.2"
    severity = "error"
    looks_at = ("kl_div", "KLDivLoss")
    causes = {"loss-does-not-fit": Likelihood(0.1, source="judgement")}
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "softmax": "loss = F.kl_div(F.softmax(a, -1), F.softmax(b, -1))",
        "module": "kl = nn.KLDivLoss(reduction='batchmean')\np = torch.softmax(net(x), dim=-1)\nloss = kl(p, q)",
        "target in log space": "loss = F.kl_div(F.log_softmax(a, -1), F.log_softmax(b, -1), reduction='sum')",
    }
    right = {
        "as documented": "loss = F.kl_div(F.log_softmax(a, -1), F.softmax(b, -1), reduction='batchmean')",
        "log_target": "loss = F.kl_div(F.log_softmax(a, -1), F.log_softmax(b, -1), log_target=True)",
        "log of a softmax": "loss = F.kl_div(F.softmax(a, -1).log(), F.softmax(b, -1))",
        "unknown target form": "loss = F.kl_div(F.log_softmax(a, -1), F.log_softmax(b, -1), log_target=in_log)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the argument."""
        for loss in source.ops("kl_div"):
            given, target = loss.input, loss.arg(1, "target")
            found = source.proven_role(given)
            if given is not None and found in (Role.PROBABILITY, Role.SIGMOID, Role.LOGITS):
                yield self.at(given, f"`{source.unparse(given)}` is a {found}; `kl_div` wants log-probabilities here")
            elif target is not None and source.proven_role(target) is Role.LOG_PROBABILITY and _not_log(loss):
                yield self.at(target, f"`{source.unparse(target)}` is a log-probability; `log_target` is not set")


def _not_log(loss: Op) -> bool:
    said = loss.arg(-1, "log_target")
    return said is None or (isinstance(said, ast.Constant) and said.value is False)
