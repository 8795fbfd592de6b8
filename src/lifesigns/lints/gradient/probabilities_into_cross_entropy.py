"""Rule L350: `cross_entropy` is given probabilities or log-probabilities instead of logits."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.rules import Likelihood


class ProbabilitiesIntoCrossEntropy(LintRule):
    """The output of a softmax or sigmoid goes into `cross_entropy`, which applies its own softmax.

    What it detects
    ---------------
    `F.cross_entropy` or `nn.CrossEntropyLoss` whose input is the output of a softmax or a sigmoid.

    Why it matters
    --------------
    A softmax of numbers between 0 and 1 is almost flat: with ten classes the loss cannot fall below 1.46 and gradients
    are several times too small. Training goes on, slowly and to a worse result.

    How it decides
    --------------
    The input is followed through names, local functions and modules (their last layer) to the operation that made it.

    When it is wrong
    ----------------
    Temperatures applied on purpose after a softmax.

    What to do
    ----------
    Remove the softmax in front of the loss; keep it where probabilities are shown or sampled from.

    References
    ----------
    PyTorch documentation, torch.nn.CrossEntropyLoss: "the input is expected to contain the unnormalized logits".
    """

    code = "L350"
    since = "0.2"
    severity = "error"
    looks_at = ("cross_entropy", "CrossEntropyLoss")
    causes = {"loss-does-not-fit": Likelihood(0.2, source="judgement")}
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "function": "probs = F.softmax(net(x), dim=-1)\nloss = F.cross_entropy(probs, y)",
        "module with a softmax at its end": """
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.body = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2), nn.Softmax(dim=-1))
                def forward(self, x):
                    return self.body(x)
            net, criterion = Net(), nn.CrossEntropyLoss()
            for x, y in data:
                out = net(x)
                loss = criterion(out, y)
            """,
        "method": "out = net(x).softmax(-1)\nnn.CrossEntropyLoss()(out, y).backward()",
    }
    right = {
        "logits": "logits = net(x)\nloss = F.cross_entropy(logits, y)\nprobs = F.softmax(logits, -1)",
        "soft targets": "loss = F.cross_entropy(net(x), F.softmax(teacher(x), -1))",
        "one of two branches": """
            out = net(x)
            if evaluate:
                out = out.softmax(-1)
            loss = F.cross_entropy(out, y)
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the input."""
        for loss in source.ops("cross_entropy"):
            given = loss.input
            found = source.proven_role(given)
            if given is not None and found in (Role.PROBABILITY, Role.SIGMOID):
                made = "softmax" if found is Role.PROBABILITY else "sigmoid"
                yield self.at(
                    given, f"`{source.unparse(given)}` is the output of a {made}; `cross_entropy` wants logits"
                )
