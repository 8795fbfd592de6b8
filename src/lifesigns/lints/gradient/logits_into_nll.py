"""Rule L351: `nll_loss` is given something other than log-probabilities."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.rules import Likelihood

WRONG = {Role.LOGITS: "logits", Role.PROBABILITY: "probabilities of a softmax", Role.SIGMOID: "the output of a sigmoid"}


class LogitsIntoNll(LintRule):
    """The negative log-likelihood loss is computed on logits or on probabilities.

    What it detects
    ---------------
    `F.nll_loss(net(x), y)` or `nn.NLLLoss()` on the output of a linear layer, a softmax or a sigmoid.

    Why it matters
    --------------
    The loss is minus the entry of the right class, nothing else. On logits it falls without bound and the other classes
    are never pushed down; on probabilities the gradient is weakest where the network is most wrong.

    How it decides
    --------------
    The input is followed through names, local functions and modules (their last layer) to the operation that made it.

    When it is wrong
    ----------------
    A layer after the last one seen, added by a hook or a wrapper, takes the logarithm.

    What to do
    ----------
    `F.cross_entropy` on the logits, or `F.log_softmax(..., dim=-1)` in front of `nll_loss`.

    References
    ----------
    PyTorch documentation, torch.nn.NLLLoss: "the input given through a forward call is expected to contain
    log-probabilities of each class".
    """

    code = "L351"
    since = "0.2"
    severity = "error"
    looks_at = ("nll_loss", "NLLLoss")
    causes = {"loss-does-not-fit": Likelihood(0.1, source="judgement")}
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "last layer is linear": """
            net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
            for x, y in data:
                loss = F.nll_loss(net(x), y)
            """,
        "softmax": "out = F.softmax(net(x), dim=1)\nloss = nn.NLLLoss()(out, y)",
        "class": """
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.fc1, self.fc2 = nn.Linear(4, 8), nn.Linear(8, 2)
                def forward(self, x):
                    return self.fc2(F.relu(self.fc1(x)))
            net, criterion = Net(), nn.NLLLoss()
            loss = criterion(net(x), y)
            """,
    }
    right = {
        "log_softmax": "loss = F.nll_loss(F.log_softmax(net(x), dim=1), y)",
        "last layer takes the logarithm": """
            net = nn.Sequential(nn.Linear(4, 3), nn.LogSoftmax(dim=1))
            loss = F.nll_loss(net(x), y)
            """,
        "log of a softmax": "probs = F.softmax(net(x), dim=1)\nloss = F.nll_loss(torch.log(probs), y)",
        "unknown": "loss = F.nll_loss(out, y)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the input."""
        for loss in source.ops("nll_loss"):
            said = WRONG.get(source.proven_role(loss.input))
            if loss.input is not None and said is not None:
                text = source.unparse(loss.input)
                yield self.at(loss.input, f"`{text}` is {said}; `nll_loss` wants log-probabilities")
