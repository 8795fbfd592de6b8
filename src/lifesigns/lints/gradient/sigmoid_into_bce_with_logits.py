"""Rule L352: binary cross-entropy with logits is given probabilities."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.rules import Likelihood


class SigmoidIntoBceWithLogits(LintRule):
    """A sigmoid is applied twice: once by the model, once by the loss.

    What it detects
    ---------------
    `binary_cross_entropy_with_logits` (or `BCEWithLogitsLoss`) on the output of a sigmoid or a softmax.

    Why it matters
    --------------
    A sigmoid of numbers between 0 and 1 lies between 0.5 and 0.73: the loss of a negative example cannot fall below
    0.69, and no example is ever called negative with confidence.

    How it decides
    --------------
    The input is followed through names, local functions and modules (their last layer) to the operation that made it.

    When it is wrong
    ----------------
    A bounded logit on purpose, as some discriminators have.

    What to do
    ----------
    Remove the sigmoid from the model; apply it where probabilities are shown.

    References
    ----------
    PyTorch documentation, torch.nn.BCEWithLogitsLoss: "combines a Sigmoid layer and the BCELoss in one single class".
    """

    code = "L352"
    since = "0.2"
    severity = "error"
    looks_at = ("binary_cross_entropy_with_logits", "BCEWithLogitsLoss")
    causes = {"loss-does-not-fit": Likelihood(0.15, source="judgement")}
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "function": "out = torch.sigmoid(net(x))\nloss = F.binary_cross_entropy_with_logits(out, y)",
        "last layer": """
            net = nn.Sequential(nn.Linear(4, 1), nn.Sigmoid())
            criterion = nn.BCEWithLogitsLoss()
            loss = criterion(net(x), y)
            """,
    }
    right = {
        "logits": "net = nn.Linear(4, 1)\nloss = F.binary_cross_entropy_with_logits(net(x), y)",
        "sigmoid for show": """
            out = net(x)
            loss = nn.BCEWithLogitsLoss()(out, y)
            shown = torch.sigmoid(out)
            """,
        "soft targets": "loss = F.binary_cross_entropy_with_logits(net(x), torch.sigmoid(teacher(x)))",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the input."""
        for loss in source.ops("binary_cross_entropy_with_logits"):
            given = loss.input
            if given is not None and source.proven_role(given) in (Role.SIGMOID, Role.PROBABILITY):
                yield self.at(
                    given, f"`{source.unparse(given)}` is between 0 and 1 already; the loss applies a sigmoid again"
                )
