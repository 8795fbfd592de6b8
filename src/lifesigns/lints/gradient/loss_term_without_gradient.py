"""Rule L323: one term of the loss carries no gradient."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Literal

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.lints.source.gradient import CUTS, MADE_ANEW
from lifesigns.rules import Likelihood

DATA = frozenset(
    {
        Role.ADVANTAGE, Role.RETURN, Role.REWARD, Role.TARGET, Role.LABEL, Role.MASK, Role.DONE, Role.TERMINATED,
        Role.TRUNCATED, Role.ACTION, Role.OBSERVATION, Role.NEXT_OBSERVATION, Role.DISCOUNT,
    }
)  # fmt: skip
"""roles of what comes out of a batch."""
CUT = frozenset({"detach", "item", "numpy", "tolist"}) & CUTS


class LossTermWithoutGradient(LintRule):
    """A term is added to the loss, but its graph was cut: it changes the number that is logged and nothing else.

    What it detects
    ---------------
    `loss = policy_loss + value_loss; loss.backward()` where one of the two is made of detached values only:
    `policy_loss = -(ratio.detach() * advantages).mean()`, `loss = main + aux.item()`.

    Why it matters
    --------------
    `backward` runs, since the other term has a gradient. The part of the network that the term is for is never trained.

    How it decides
    --------------
    The differentiated loss is split into its terms; of one term every factor is followed to where it ends, and each end
    is a `.detach()`, `.item()`, data of a batch or a number, with a cut among them.

    When it is wrong
    ----------------
    A term that is there to be logged, with the rest of the loss.

    What to do
    ----------
    Remove the `.detach()` on the side that is to be trained.

    References
    ----------
    PyTorch documentation, torch.Tensor.detach.
    """

    code = "L323"
    since = "0.2"
    severity = "warning"
    looks_at = ("backward",)
    causes = {"gradient-path-broken": Likelihood(0.2, source="judgement")}
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "item": """
            main, aux = F.mse_loss(net(x), y), F.l1_loss(net(x), y)
            loss = main + 0.1 * aux.item()
            loss.backward()
            """,
        "ratio": """
            ratio = (new_logp - old_logp).detach().exp()
            policy_loss = -torch.min(ratio * advantages, torch.clamp(ratio, 0.8, 1.2) * advantages).mean()
            value_loss = F.mse_loss(critic(obs), returns)
            loss = policy_loss + 0.5 * value_loss
            loss.backward()
            """,
    }
    right = {
        "weights are detached": """
            ratio = (new_logp - old_logp).exp()
            policy_loss = -(ratio * advantages.detach()).mean()
            loss = policy_loss + 0.5 * F.mse_loss(critic(obs), returns)
            loss.backward()
            """,
        "logged only": """
            loss = F.mse_loss(net(x), y) + F.l1_loss(net(x), y)
            loss.backward()
            total = loss.item() + other.item()
            """,
        "actor-critic": """
            policy_loss = -(dist.log_prob(actions) * advantage.detach()).mean()
            loss = policy_loss + advantage.pow(2).mean()
            loss.backward()
            """,
        "a constant": "loss = F.mse_loss(net(x), y) + 0.5\nloss.backward()",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """Where the graph of the term is cut."""
        seen: set[ast.AST] = set()
        for call in source.calls("torch.Tensor.backward"):
            terms = _terms(source, source.receiver(call))
            for term in terms if len(terms) > 1 else ():
                if term not in seen and (cuts := _cuts(source, term)):
                    seen.add(term)
                    text = source.unparse(term)
                    where = "" if cuts[0].lineno == term.lineno else f": cut here, added in line {term.lineno}"
                    yield self.at(cuts[0], f"`{text}` is a term of the loss and carries no gradient{where}")


def _terms(source: Source, node: ast.expr | None) -> list[ast.expr]:
    """The terms of a sum as they are written, through names that hold sums; at most 30."""
    found: list[ast.expr] = []
    todo = [node] if node is not None else []
    opened: set[ast.expr] = set()
    while todo and len(found) < 30:
        one = todo.pop()
        value = source.value(one) if isinstance(one, ast.Name) else one
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Sub) and value not in opened:
            opened.add(value)
            todo.extend((value.right, value.left))
        else:
            found.append(one)
    return found


def _cuts(source: Source, term: ast.expr) -> list[ast.expr]:
    """Where a term is cut that ends in data, numbers and cuts alone; none for another, and where only data is cut."""
    cuts: list[ast.expr] = []
    todo: list[tuple[ast.expr, int]] = [(term, 0)]
    while todo:
        node, depth = todo.pop()
        if depth > 12:
            return []
        if isinstance(node, ast.Constant) or source.number(node) is not None:
            continue
        found = _inside(source, node)
        if found == "cut":
            cuts.append(node)
        elif found is not None:
            todo.extend((n, depth + 1) for n in found)
        elif source.role(node) not in DATA:
            return []
    return sorted(cuts, key=lambda c: (c.lineno, c.col_offset))


def _inside(source: Source, node: ast.expr) -> list[ast.expr] | Literal["cut"] | None:
    """Parts that decide about the gradient of a value; `cut` where it is cut; None where it ends."""
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.UnaryOp):
        return [node.operand]
    if isinstance(node, ast.Call):
        op = source.op(node)
        if op is None or op.input is None or op.name == "log_prob":
            return None
        if op.name in CUT:
            return [] if source.role(op.input) in DATA else "cut"
        if op.name in MADE_ANEW or (op.name not in _PLAIN and source.name(node.func) is None):
            return None
        return [op.input, *(a for a in op.args[1:] if not isinstance(a, ast.Constant))]
    if isinstance(node, ast.Name):
        value = source.value(node)
        return [value] if value is not None and value is not node else None
    return None


_PLAIN = frozenset(
    [
        "mean",
        "sum",
        "exp",
        "log",
        "clamp",
        "clip",
        "pow",
        "abs",
        "min",
        "max",
        "squeeze",
        "unsqueeze",
        "view",
        "reshape",
        "to",
        "float",
        "sqrt",
        "flatten",
        "std",
        "var",
    ]
)
