"""Rule L321: a loss without a gradient is made to require one."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.rules import Likelihood


class GradientForcedOntoLoss(LintRule):
    """`requires_grad` is set on a loss so that `backward` runs; the gradient ends there.

    What it detects
    ---------------
    `loss.requires_grad_()`, `loss.requires_grad = True`, `torch.tensor(loss, requires_grad=True)`.

    Why it matters
    --------------
    A loss that does not require a gradient has lost its graph: by `.item()`, `argmax`, `no_grad`, a new tensor.
    Setting the flag makes it a leaf. `backward` then runs without complaint and reaches no parameter.

    How it decides
    --------------
    The value is a loss by the function that made it, by its name, or because `backward` is called on it.

    When it is wrong
    ----------------
    Tests of autograd itself.

    What to do
    ----------
    Remove the line and find where the graph is cut.

    References
    ----------
    PyTorch documentation, Autograd mechanics: Setting requires_grad.
    """

    code = "L321"
    since = "0.2"
    severity = "error"
    looks_at = ("requires_grad_", "requires_grad")
    causes = {"gradient-path-broken": Likelihood(0.1, source="judgement")}
    false_alarm = Likelihood(0.001, source="judgement; see benchmarks/lint")
    wrong = {
        "method": "loss = F.mse_loss(pred.argmax(1).float(), y)\nloss.requires_grad_()\nloss.backward()",
        "attribute": "loss = criterion(out, y)\nloss.requires_grad = True\nloss.backward()",
        "new tensor": "loss = torch.tensor(total_loss / n, requires_grad=True)\nloss.backward()",
        "in one": "F.mse_loss(a, b).requires_grad_(True).backward()",
    }
    right = {
        "input": "x.requires_grad_()\nloss = F.mse_loss(net(x), y)\nloss.backward()",
        "parameter": "log_alpha = torch.tensor(0.0, requires_grad=True)\nloss = -(log_alpha * entropy).mean()",
        "frozen": "for p in net.parameters():\n    p.requires_grad = False\nloss.backward()",
        "taken away": "loss.requires_grad_(False)",
        "a number made a parameter": "loss_weight = torch.tensor(1.0, requires_grad=True)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the call or the assignment."""
        for call in source.method_calls("requires_grad_"):
            given = source.argument(call, 0, "requires_grad")
            of = source.receiver(call)
            if of is not None and (given is None or _is_true(given)) and _is_loss(source, of):
                yield self.at(call, f"`{source.unparse(of)}` is made a leaf: `backward` will reach no parameter")
        for node in source.nodes(ast.Assign):
            assert isinstance(node, ast.Assign)
            target = node.targets[0]
            if not isinstance(target, ast.Attribute) or target.attr != "requires_grad" or not _is_true(node.value):
                continue
            if _is_loss(source, target.value):
                text = source.unparse(target.value)
                yield self.at(node, f"`{text}` is made a leaf: `backward` will reach no parameter")
        for call in source.index.keywords.get("requires_grad", ()):
            if source.name(call.func) in ("torch.tensor", "torch.as_tensor", "torch.autograd.Variable") and call.args:
                flag = source.argument(call, -1, "requires_grad")
                if flag is not None and _is_true(flag) and _made_of_loss(source, call):
                    yield self.at(
                        call, "a loss becomes a new tensor without its graph: `backward` reaches no parameter"
                    )


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _is_loss(source: Source, node: ast.expr) -> bool:
    return source.role(node) is Role.LOSS


def _made_of_loss(source: Source, call: ast.Call) -> bool:
    if source.number(call.args[0]) is not None:
        return False
    return any(source.role(n) is Role.LOSS for n in ast.walk(call.args[0]) if isinstance(n, ast.Name | ast.Attribute))
