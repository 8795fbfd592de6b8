"""Storage with one number for each transition, batches picked from it, filled lists, layers with one output."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from lifesigns.lints.source.calling import bound_argument
from lifesigns.lints.source.role_names import Role
from lifesigns.lints.source.tree import EACH, Scope, dotted
from lifesigns.lints.source.values import Value, values

if TYPE_CHECKING:
    from lifesigns.lints.source.source import Source

Kind = Literal["flat", "flat column"]
"""storage of shape (n,) or (n, 1)"""
STORED = frozenset({"zeros", "ones", "empty", "full"})
ONE_EACH = frozenset({Role.REWARD, Role.DONE, Role.TERMINATED, Role.TRUNCATED, Role.MASK})
"""roles of what has one number for each transition, however it is stored."""
NUMBERS = frozenset({Role.REWARD, Role.RETURN, Role.ADVANTAGE})
MANY_ENVIRONMENTS = frozenset(
    {"SyncVectorEnv", "AsyncVectorEnv", "make_vec", "num_envs", "n_envs", "nenvs", "VecEnv", "envs"}
)


def many(source: Source, index: ast.expr) -> bool:
    """Whether an index picks a batch: no number, no counter of a loop."""
    if source.number(index) is not None:
        return False
    for value in values(source, index):
        made = value.node
        if value.path:
            op = value.source.op(made) if isinstance(made, ast.Call) else None
            return value.path == (EACH,) and op is not None and op.name in ("split", "chunk")
        if not isinstance(made, ast.Call):
            return False
        tail = made.func.attr if isinstance(made.func, ast.Attribute) else getattr(made.func, "id", "")
        if tail in ("sample", "choice", "permutation", "randperm", "choices", "split"):
            return True
        sized = value.source.argument(made, 2, "size")
        if tail in ("randint", "integers") and (sized is not None or len(made.args) > 1):
            return sized is not None or isinstance(made.args[-1], ast.Tuple)
        return False
    return False


def stored(source: Source, node: ast.Call) -> Kind | None:
    shape = node.args[0] if node.args else source.argument(node, 0, "shape", "size")
    sizes = shape.elts if isinstance(shape, ast.Tuple | ast.List) else [
        a for a in node.args if (source.name(node.func) or "").startswith("torch.")
    ] or [shape]  # fmt: skip
    if any(s is None or isinstance(s, ast.Starred) for s in sizes):
        return None
    if len(sizes) == 1:
        only = sizes[0]
        whole = isinstance(shape, ast.Tuple | ast.List) or is_count(source, only)
        return "flat" if whole else None
    return "flat column" if len(sizes) == 2 and source.number(sizes[1]) == 1 else None


def is_count(source: Source, node: ast.expr | None) -> bool:
    """Whether a size is one number: by its value, or by a name that says so."""
    if node is None or source.number(node) is not None:
        return node is not None
    last = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return last.lower().endswith(("size", "capacity", "maxlen", "max_len", "length", "steps"))


def of_named_batch(source: Source, node: ast.expr) -> bool:
    """Whether it is a field of `Transition(*zip(*sample))`."""
    made = source.value(node.value) if isinstance(node, ast.Attribute) else None
    inner = made.args[0] if isinstance(made, ast.Call) and len(made.args) == 1 else None
    return isinstance(inner, ast.Starred) and isinstance(inner.value, ast.Call) and (
        isinstance(inner.value.func, ast.Name) and inner.value.func.id == "zip"
    )  # fmt: skip


_SAME_ITEMS = ("list", "reversed", "numpy.array")


def list_of_numbers(source: Source, node: ast.expr) -> bool:
    """Whether it is a list that a loop fills with rewards, returns or advantages of one environment."""
    if not source.words.isdisjoint(MANY_ENVIRONMENTS):
        return False
    for value in values(source, node):
        there, made = value.source, value.node
        while isinstance(made, ast.Subscript | ast.Call):
            target = there.function(made) if isinstance(made, ast.Call) else None
            if target is not None and len(target[1].returns) == 1:
                there, made = target[0], target[1].returns[0]
            elif isinstance(made, ast.Subscript) and isinstance(made.slice, ast.Slice):
                made = made.value
            elif (
                isinstance(made, ast.Call)
                and there.name(made.func) in ("list", "reversed", "numpy.array")
                and made.args
            ):
                made = made.args[0]
            else:
                return False
        name = made if isinstance(made, ast.Name) else node if isinstance(made, ast.List) else None
        held = there.value(made) if isinstance(made, ast.Name) else made
        if value.path or not isinstance(name, ast.Name) or not isinstance(held, ast.List) or held.elts:
            return False
        scopes = {b.scope for b in there.bindings(name)}
        filled = [
            c
            for c in there.method_calls("append", "insert", "extend")
            if dotted(there.receiver(c) or c) == name.id and there.scope(c) in scopes
        ]
        if not filled or not all(there.role(c.args[-1]) in NUMBERS for c in filled if c.args):
            return False
    return True


def is_unzipped(value: Value) -> bool:
    """Whether it is one part of `zip(*batch)`: a tuple with one entry for each transition."""
    made = value.node
    return (
        isinstance(made, ast.Call)
        and isinstance(made.func, ast.Name)
        and made.func.id == "zip"
        and len(value.path) == 1
        and len(made.args) == 1
        and isinstance(made.args[0], ast.Starred)
    )


def boxed(source: Source) -> bool:
    """Whether a reward or flag is put into a list or array of its own anywhere in the file: `[reward]`."""
    key = ("boxed",)
    if key not in source.memo:
        source.memo[key] = any(
            isinstance(n, ast.List) and len(n.elts) == 1 and source.role(n.elts[0]) in ONE_EACH
            for n in ast.walk(source.tree)
        )
    return bool(source.memo[key])


def ends_in_one(source: Source, made: ast.Call, given: tuple[ast.Call, Scope] | None = None, depth: int = 0) -> bool:
    """Whether a module is a linear layer with one output, or ends in one, also where a local function makes it.

    `given`: the call and the function within which `made` stands, for sizes that are its parameters.
    """
    name = source.name(made.func) or ""
    if depth > 4:
        return False
    if name == "torch.nn.Linear":
        out = source.argument(made, 1, "out_features")
        if given is not None and isinstance(out, ast.Name) and out.id in given[1].bindings:
            out = bound_argument(given[0], given[1], out.id)
        return isinstance(out, ast.Constant) and out.value == 1
    if name == "torch.nn.Sequential":
        last = source.value(made.args[-1]) if made.args else None
        return isinstance(last, ast.Call) and ends_in_one(source, last, given, depth + 1)
    target = source.function(made)
    if target is None or target[1].name == "__init__" or len(target[1].returns) != 1:
        return False
    there, scope = target
    result = scope.returns[0]
    if isinstance(result, ast.Name) and scope.bindings.get(result.id, [None])[0] is not None:
        inner = bound_argument(made, scope, result.id)
        return isinstance(inner, ast.Call) and ends_in_one(source, inner, given, depth + 1)
    return isinstance(result, ast.Call) and ends_in_one(there, result, (made, scope), depth + 1)
