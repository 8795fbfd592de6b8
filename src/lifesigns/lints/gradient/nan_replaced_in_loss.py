"""Rule L361: values of a loss that are not finite are replaced by numbers."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.rules import Likelihood


class NanReplacedInLoss(LintRule):
    """`nan_to_num` on a loss hides the operation that is not finite.

    What it detects
    ---------------
    `torch.nan_to_num` whose input is a loss or a log-probability.

    Why it matters
    --------------
    The number shown becomes finite, the gradient does not become right: where a NaN was replaced it is 0, and the
    cause (a log of 0, a division by 0, a step that overflowed) stays.

    How it decides
    --------------
    The role of the input: made by a loss function or a distribution, or named so.

    When it is wrong
    ----------------
    Rows known to be empty are masked right afterwards.

    What to do
    ----------
    Find the first operation that is not finite: `torch.autograd.set_detect_anomaly(True)`.

    References
    ----------
    PyTorch documentation, torch.nan_to_num and Autograd mechanics.
    """

    code = "L361"
    since = "0.2"
    severity = "warning"
    looks_at = ("nan_to_num", "nan_to_num_")
    causes = {"numerical-overflow": Likelihood(0.2, source="judgement")}
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "loss": "loss = F.mse_loss(net(x), y)\nloss = torch.nan_to_num(loss)\nloss.backward()",
        "log-probability": "lp = dist.log_prob(actions)\nobjective = (lp.nan_to_num(0.0) * adv).mean()",
    }
    right = {
        "a cost that is matched, not learned from": """
            @torch.no_grad()
            def match(predictions, targets):
                loss = F.mse_loss(predictions, targets, reduction="none")
                return torch.nan_to_num(loss, nan=1e9).argmin(1)
            """,
        "inputs": "x = torch.nan_to_num(x)\nloss = F.mse_loss(net(x), y)",
        "observations": "obs = np.nan_to_num(obs)\nlogits = net(obs)",
        "metrics": "score = torch.nan_to_num(correct / total)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the call."""
        for op in source.ops("nan_to_num", "nan_to_num_"):
            found = source.role(op.input)
            if found in (Role.LOSS, Role.LOG_PROBABILITY) and not source.without_gradient(op.node):
                yield self.at(
                    op.node, f"NaN in a {found} is replaced by a number: the cause stays and gradients are wrong"
                )
