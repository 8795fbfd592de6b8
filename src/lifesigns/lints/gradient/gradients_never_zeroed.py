"""Rule L301: an optimiser's gradients are never set to zero."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.library import OPTIMIZER
from lifesigns.rules import Likelihood


class GradientsNeverZeroed(LintRule):
    """Gradients are never set to zero between the steps of an optimiser.

    What it detects
    ---------------
    A loop with `loss.backward()` and `optimizer.step()` in a file that nowhere sets gradients to zero.

    Why it matters
    --------------
    `backward` adds to `.grad`. Each step then goes along the sum of all gradients so far: the step size grows with
    time, in directions that are long out of date.

    How it decides
    --------------
    A step of a known optimiser and a `backward` in the same loop; no `zero_grad`, and nothing assigned to a `.grad`,
    anywhere in the file.

    When it is wrong
    ----------------
    Gradients are cleared in a function of another file.

    What to do
    ----------
    Call `optimizer.zero_grad()` before `loss.backward()`.

    References
    ----------
    PyTorch documentation, torch.optim.Optimizer.zero_grad.
    """

    code = "L301"
    since = "0.2"
    severity = "error"
    looks_at = ("backward",)
    causes = {"gradients-accumulate": Likelihood(0.4, source="judgement")}
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "loop": """
            opt = optim.Adam(net.parameters())
            for x, y in data:
                loss = F.mse_loss(net(x), y)
                loss.backward()
                opt.step()
            """,
        "attribute": """
            class Agent:
                def __init__(self, net):
                    self.optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
                def train(self, batches):
                    for batch in batches:
                        self.loss(batch).backward()
                        self.optimizer.step()
            """,
    }
    right = {
        "zeroed": """
            opt = optim.Adam(net.parameters())
            for x, y in data:
                opt.zero_grad()
                F.mse_loss(net(x), y).backward()
                opt.step()
            """,
        "by the module": """
            opt = optim.Adam(net.parameters())
            for x, y in data:
                net.zero_grad()
                F.mse_loss(net(x), y).backward()
                opt.step()
            """,
        "one step": "opt = optim.LBFGS(p)\nloss.backward()\nopt.step()",
        "grad set to none": """
            opt = optim.Adam(net.parameters())
            for x, y in data:
                for p in net.parameters():
                    p.grad = None
                loss(x, y).backward()
                opt.step()
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """The first step of each loop."""
        words = source.index.attributes
        if "zero_grad" in source.words or any(
            n.endswith(".grad") for s in source.index.scopes.values() for n in s.bindings
        ):
            return
        if "zero_" in words:
            return
        backwards = source.calls("torch.Tensor.backward")
        for step in source.calls(f"{OPTIMIZER}.step"):
            around = source.loops(step)
            if around and not step.args and any(source.runs_in(around[0], b) for b in backwards):
                yield self.at(step, "this file never sets gradients to zero: each step adds all earlier gradients")
                return
