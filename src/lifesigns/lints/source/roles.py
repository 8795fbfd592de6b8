"""What an expression is in a training script: a loss, logits, a log-probability, a done mask, a target network, …

By value first (the operation that made it, followed through names, unpacking, local functions and modules); where
values do not tell, by name (`NAMES`), since parameters and fields of batches have nothing else. Roles that disagree
give UNKNOWN.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from lifesigns.lints.source import library
from lifesigns.lints.source.library import LINEAR, LOSS_OPS
from lifesigns.lints.source.role_names import (
    FOR_EVAL,
    TRANSPARENT,
    Role,
    last_part,
    role_of_name,
    role_of_object_name,
)
from lifesigns.lints.source.tree import Path, dotted
from lifesigns.lints.source.values import Value, bindings, part, values

if TYPE_CHECKING:
    from lifesigns.lints.source.source import Source
    from lifesigns.lints.source.tree import Binding


_OF_OP: dict[str, Role] = {
    "softmax": Role.PROBABILITY,
    "softmin": Role.PROBABILITY,
    "gumbel_softmax": Role.PROBABILITY,
    "sigmoid": Role.SIGMOID,
    "log_softmax": Role.LOG_PROBABILITY,
    "logsigmoid": Role.LOG_PROBABILITY,
    "log_prob": Role.LOG_PROBABILITY,
    "entropy": Role.ENTROPY,
    "evaluate_actions": Role.UNKNOWN,
    **dict.fromkeys(LOSS_OPS, Role.LOSS),
}
_STEP5 = (Role.NEXT_OBSERVATION, Role.REWARD, Role.TERMINATED, Role.TRUNCATED, Role.INFO)
_STEP4 = (Role.NEXT_OBSERVATION, Role.REWARD, Role.DONE, Role.INFO)
DEEPEST = 10


def role(source: Source, node: ast.AST | None, depth: int = 0, *, by_name: bool = True) -> Role:
    """The role of an expression; see `Source.role`."""
    if not isinstance(node, ast.expr) or depth > DEEPEST:
        return Role.UNKNOWN
    key = ("role", node, by_name)
    if key not in source.memo:
        source.memo[key] = Role.UNKNOWN
        found = _role(source, node, depth, by_name)
        if depth > DEEPEST - 3 and found is Role.UNKNOWN:
            del source.memo[key]
            return found
        source.memo[key] = found
    return source.memo[key]  # pyright: ignore


def _role(source: Source, node: ast.expr, depth: int, by_name: bool) -> Role:
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
        name = dotted(node)
        if name is not None:
            found = _of_name(source, node, name, depth, by_name)
            if found is not Role.UNKNOWN or not isinstance(node, ast.Subscript):
                return found
        if isinstance(node, ast.Attribute) and node.attr in TRANSPARENT:
            return role(source, node.value, depth + 1, by_name=by_name)
        return _of_item(source, node, depth, by_name) if isinstance(node, ast.Subscript) else Role.UNKNOWN
    return _of_value(source, Value(node, source), depth + 1, by_name)


def _of_name(source: Source, node: ast.expr, name: str, depth: int, by_name: bool) -> Role:
    found = {_of_binding(source, b, depth + 1, by_name) for b in bindings(source, node)}
    if len(found) == 1 and Role.UNKNOWN not in found:
        return found.pop()
    thing = _object(source, node, name)
    if thing is not Role.UNKNOWN:
        return thing
    if not by_name or len(found - {Role.UNKNOWN}) > 1:
        return Role.UNKNOWN
    return role_of_name(name)


def _of_item(source: Source, node: ast.Subscript, depth: int, by_name: bool) -> Role:
    """An element keeps the role of the whole, unless the whole is a tuple whose part has one of its own."""
    at = node.slice
    if isinstance(at, ast.Constant) and isinstance(at.value, int) and isinstance(node.value, ast.Call):
        for one in part(Value(node.value, source), (at.value,)):
            found = _of_value(source, one, depth + 1, by_name)
            if found is not Role.UNKNOWN:
                return found
    return role(source, node.value, depth + 1, by_name=by_name)


def _of_binding(source: Source, binding: Binding, depth: int, by_name: bool) -> Role:
    if binding.value is not None and len(binding.path) == 1 and is_step(binding.value) and binding.width in (4, 5):
        parts = _STEP5 if binding.width == 5 else _STEP4
        return parts[binding.path[0]] if 0 <= binding.path[0] < len(parts) else Role.UNKNOWN
    if binding.value is None:
        if binding.how == "param":
            found = {_of_value(source, v, depth + 1, by_name) for v in values_of_parameter(source, binding)}
            return found.pop() if len(found) == 1 else Role.UNKNOWN
        return Role.UNKNOWN
    if not binding.path:
        return role(source, binding.value, depth, by_name=by_name)
    found = set()
    for whole in values(source, binding.value):
        for one in part(whole, binding.path):
            found.add(_of_value(source, one, depth + 1, by_name))
    return found.pop() if len(found) == 1 else Role.UNKNOWN


def values_of_parameter(source: Source, binding: Binding) -> list[Value]:
    """The arguments given for a parameter in this module."""
    from lifesigns.lints.source.calling import bound_argument

    found: list[Value] = []
    for call in source.callers(binding.scope):
        given = bound_argument(call, binding.scope, binding.name)
        if given is not None:
            found.append(Value(given, source))
    return found


def is_step(node: ast.AST) -> bool:
    """Whether a node is a call `x.step(a)` with one argument at least."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "step"
        and bool(node.args)
    )


def _object(source: Source, node: ast.expr, name: str) -> Role:
    """Roles of objects: from the kind, split by the name."""
    if source.is_a(node, library.OPTIMIZER):
        return Role.OPTIMIZER
    if source.is_a(node, library.SCHEDULER):
        return Role.SCHEDULER
    last = last_part(name)
    if source.is_a(node, library.MODULE):
        return role_of_object_name(name)
    if source.is_a(node, library.ENV):
        return Role.EVAL_ENVIRONMENT if FOR_EVAL.search(last) else Role.ENVIRONMENT
    if source.is_a(node, library.LOADER):
        return Role.EVAL_LOADER if FOR_EVAL.search(last) else Role.LOADER
    return Role.UNKNOWN


def _of_value(source: Source, value: Value, depth: int, by_name: bool) -> Role:
    node, there, path = value.node, value.source, value.path
    if node is None or depth > DEEPEST:
        return Role.UNKNOWN
    if isinstance(node, ast.Call):
        return _of_call(there, node, path, depth, by_name)
    if path:
        return Role.UNKNOWN
    if isinstance(node, ast.UnaryOp):
        inner = role(there, node.operand, depth, by_name=by_name)
        if isinstance(node.op, ast.Invert | ast.Not):
            return _flipped(inner)
        return inner if inner in (Role.LOSS, Role.REWARD, Role.ADVANTAGE) else Role.UNKNOWN
    if isinstance(node, ast.BoolOp) or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)):
        sides = node.values if isinstance(node, ast.BoolOp) else [node.left, node.right]
        return _either(there, sides, depth, by_name)
    if isinstance(node, ast.BinOp):
        return _of_arithmetic(there, node, depth, by_name)
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
        return role(there, node, depth, by_name=by_name)
    return Role.UNKNOWN


def _flipped(one: Role) -> Role:
    if one in (Role.DONE, Role.TERMINATED, Role.TRUNCATED):
        return Role.MASK
    return Role.DONE if one is Role.MASK else Role.UNKNOWN


def _either(source: Source, sides: list[ast.expr], depth: int, by_name: bool) -> Role:
    found = {role(source, s, depth, by_name=by_name) for s in sides}
    if Role.TERMINATED in found and Role.TRUNCATED in found:
        return Role.DONE
    return found.pop() if len(found) == 1 else Role.UNKNOWN


def _of_arithmetic(source: Source, node: ast.BinOp, depth: int, by_name: bool) -> Role:
    left = role(source, node.left, depth, by_name=by_name)
    right = role(source, node.right, depth, by_name=by_name)
    if isinstance(node.op, ast.Sub) and isinstance(node.left, ast.Constant) and node.left.value in (1, 1.0):
        return _flipped(right)
    if Role.LOSS in (left, right) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div):
        return Role.LOSS
    if isinstance(node.op, ast.Add | ast.Sub) and left is right and left is not Role.LOG_PROBABILITY:
        return left
    if isinstance(node.op, ast.Mult | ast.Div):
        if isinstance(node.right, ast.Constant) or source.number(node.right) is not None:
            return left
        if isinstance(node.left, ast.Constant):
            return right
    if isinstance(node.op, ast.Sub | ast.Div) and left is Role.ADVANTAGE:
        return left
    return Role.UNKNOWN


def _of_call(source: Source, node: ast.Call, path: Path, depth: int, by_name: bool) -> Role:
    if not path:
        op = source.op(node)
        tail = op.name if op is not None else _tail(node.func)
        found = _OF_OP.get(tail, Role.UNKNOWN)
        if found is not Role.UNKNOWN:
            return found
        inner = op.input if op is not None else node.args[0] if node.args else None
        if tail == "exp" and inner is not None:
            return _of_exp(source, inner, depth, by_name)
        if tail == "logical_not" and inner is not None:
            return _flipped(role(source, inner, depth, by_name=by_name))
        if tail in ("logical_or", "maximum", "bitwise_or") and len(node.args) == 2:
            return _either(source, list(node.args), depth, by_name)
        if tail in TRANSPARENT:
            of = op.input if op is not None else _through(node)
            if isinstance(of, ast.List | ast.Tuple) and len(of.elts) == 1:
                of = of.elts[0]
            return role(source, of, depth, by_name=by_name)
        head = _of_network(source, node, depth)
        if head is not Role.UNKNOWN:
            return head
    if path == (0,) and _tail(node.func) == "reset":
        return Role.OBSERVATION
    return _of_returns(source, node, path, depth, by_name)


def _through(node: ast.Call) -> ast.expr | None:
    """The object of a method without tensor arguments (`x.astype(f)`), else the first argument (`np.array(x)`)."""
    if isinstance(node.func, ast.Attribute) and not (
        isinstance(node.func.value, ast.Name) and node.func.value.id in ("np", "torch", "numpy", "th")
    ):
        return node.func.value
    return node.args[0] if node.args else None


def _tail(func: ast.expr) -> str:
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def _of_exp(source: Source, inner: ast.expr, depth: int, by_name: bool) -> Role:
    whole = source.value(inner) or inner
    if isinstance(whole, ast.BinOp) and isinstance(whole.op, ast.Sub):
        sides = [role(source, s, depth, by_name=by_name) for s in (whole.left, whole.right)]
        return Role.RATIO if sides == [Role.LOG_PROBABILITY] * 2 else Role.UNKNOWN
    found = role(source, inner, depth, by_name=by_name)
    return Role.PROBABILITY if found is Role.LOG_PROBABILITY else Role.UNKNOWN


def _of_network(source: Source, node: ast.Call, depth: int) -> Role:
    """By the last layer of the `nn.Sequential` or layer that is called."""
    if not source.is_a(node.func, library.MODULE):
        return Role.UNKNOWN
    for value in values(source, node.func):
        made = value.node
        if not isinstance(made, ast.Call) or value.path or depth > DEEPEST:
            return Role.UNKNOWN
        return last_layer(value.source, made)
    return Role.UNKNOWN


def last_layer(source: Source, made: ast.Call, depth: int = 0) -> Role:
    """What the module that a call makes gives out, by its last layer."""
    name = source.name(made.func) or ""
    tail = name.rpartition(".")[2]
    if not name.startswith("torch.nn.") or depth > 4:
        return Role.UNKNOWN
    if tail == "Sequential":
        last = source.value(made.args[-1]) if made.args else None
        return last_layer(source, last, depth + 1) if isinstance(last, ast.Call) else Role.UNKNOWN
    if tail in LINEAR:
        return Role.LOGITS
    return {
        "Softmax": Role.PROBABILITY,
        "Sigmoid": Role.SIGMOID,
        "LogSoftmax": Role.LOG_PROBABILITY,
        "LogSigmoid": Role.LOG_PROBABILITY,
    }.get(tail, Role.UNKNOWN)


def _of_returns(source: Source, node: ast.Call, path: Path, depth: int, by_name: bool) -> Role:
    """Role of what a local function, or a local module's `forward`, returns, if all returns agree."""
    target = source.function(node)
    if target is None or target[1].name == "__init__":
        info = source.class_of(node.func)
        target = info.method("forward") if info is not None else None
    if target is None or not target[1].returns or depth > DEEPEST - 2:
        return Role.UNKNOWN
    there, scope = target
    found: set[Role] = set()
    for result in scope.returns:
        if not path:
            found.add(role(there, result, depth + 2, by_name=by_name))
        else:
            found |= {_of_value(there, v, depth + 2, by_name) for v in part(Value(result, there), path)}
    return found.pop() if len(found) == 1 else Role.UNKNOWN
