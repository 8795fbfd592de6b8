"""Whether an expression is a batch of numbers in a row, (N,), or a column, (N, 1); unknown where it may be else."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lifesigns.lints.source.batches import (
    ONE_EACH,
    STORED,
    boxed,
    ends_in_one,
    is_unzipped,
    list_of_numbers,
    many,
    of_named_batch,
    stored,
)
from lifesigns.lints.source.library import LOSS_OPS, MODULE
from lifesigns.lints.source.role_names import Role
from lifesigns.lints.source.tree import EACH
from lifesigns.lints.source.values import Value, part, values

if TYPE_CHECKING:
    from lifesigns.lints.source.calling import Op
    from lifesigns.lints.source.source import Source

Kind = Literal["row", "column", "number", "flat", "flat column"]


@dataclass(frozen=True, slots=True)
class Form:
    """`sure`: that there is a batch is seen, not supposed. `flat`, `flat column`: storage of shape (n,) or (n, 1)."""

    kind: Kind
    sure: bool = False


NUMBER = Form("number")
DEEPEST = 14
SAME = frozenset(
    {
        "to", "float", "double", "half", "long", "int", "cpu", "cuda", "detach", "clone", "contiguous", "exp", "log",
        "abs", "sqrt", "square", "tanh", "sigmoid", "relu", "softplus", "clamp", "clip", "type", "nan_to_num", "numpy",
        "astype", "copy", "requires_grad_", "neg", "sign", "pow", "clamp_", "clamp_min", "clamp_max", "bool",
    }
)  # fmt: skip
"""operations on each element: the form of the first argument."""
BOTH = frozenset({"min", "max", "minimum", "maximum", "add", "sub", "mul", "div"})
MADE = frozenset(
    {"tensor", "as_tensor", "from_numpy", "FloatTensor", "LongTensor", "Tensor", "array", "asarray", "BoolTensor"}
)
REDUCED = frozenset({"max", "min", "amax", "amin", "argmax", "argmin", "sum", "mean", "logsumexp"})
SB3 = "stable_baselines3."
SB3_FIELDS = {
    "rewards": "column", "dones": "column", "advantages": "row", "returns": "row", "old_values": "row",
    "old_log_prob": "row",
}  # fmt: skip


def form(source: Source, node: ast.AST | None, depth: int = 0) -> Form | None:
    """The form of an expression; None where it is not known."""
    if not isinstance(node, ast.expr) or depth > DEEPEST:
        return None
    key = ("form", node)
    if key not in source.memo:
        source.memo[key] = None
        source.memo[key] = _form(source, node, depth)
    return source.memo[key]  # pyright: ignore


def _form(source: Source, node: ast.expr, depth: int) -> Form | None:
    if isinstance(node, ast.Constant):
        return NUMBER if isinstance(node.value, int | float) else None
    if isinstance(node, ast.UnaryOp):
        return form(source, node.operand, depth + 1)
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.MatMult):
            return None
        return joined(form(source, node.left, depth + 1), form(source, node.right, depth + 1))
    if isinstance(node, ast.Compare) and len(node.comparators) == 1:
        return joined(form(source, node.left, depth + 1), form(source, node.comparators[0], depth + 1))
    if isinstance(node, ast.Call):
        return _of_call(source, node, depth)
    if isinstance(node, ast.Subscript):
        return _of_item(source, node, depth)
    if isinstance(node, ast.Name | ast.Attribute):
        return _of_name(source, node, depth)
    return None


def joined(left: Form | None, right: Form | None) -> Form | None:
    """The form of an elementwise result; None where the two do not fit or one of them decides and is unknown."""
    kinds = {f.kind for f in (left, right) if f is not None}
    if kinds >= {"row", "column"} or kinds & {"flat", "flat column"}:
        return None
    if "row" in kinds:
        return Form("row", any(f.sure for f in (left, right) if f is not None and f.kind == "row"))
    if left is None or right is None:
        return None
    return Form("column", left.sure or right.sure) if "column" in kinds else NUMBER


def _of_name(source: Source, node: ast.Name | ast.Attribute, depth: int) -> Form | None:
    if isinstance(node, ast.Attribute):
        if node.attr in ("values",) and isinstance(node.value, ast.Call):
            return form(source, node.value, depth + 1)
        field = _library_field(source, node)
        if field is not None:
            return field
    if source.number(node) is not None or source.role(node) is Role.DISCOUNT:
        return NUMBER
    found = {_of_value(source, v, depth + 1) for v in values(source, node) if v.node is not node}
    return found.pop() if len(found) == 1 else None


def _library_field(source: Source, node: ast.Attribute) -> Form | None:
    """`data.rewards` of what a buffer of Stable-Baselines3 gives."""
    kind = SB3_FIELDS.get(node.attr)
    if kind is None:
        return None
    return Form(kind, True) if _library_buffer(source, node) else None  # pyright: ignore


def _library_buffer(source: Source, node: ast.Attribute) -> bool:
    """Whether an attribute is that of a batch of a library's buffer."""
    for value in values(source, node.value):
        call = value.node
        if (
            not isinstance(call, ast.Call)
            or not isinstance(call.func, ast.Attribute)
            or value.path not in ((), (EACH,))
        ):
            return False
        of = value.source.kind(call.func.value) or ""
        if (
            not of.startswith((SB3, "cleanrl_utils."))
            or not of.endswith("Buffer")
            or call.func.attr not in ("sample", "get")
        ):
            return False
    return True


def _of_value(source: Source, value: Value, depth: int) -> Form | None:
    node, there = value.node, value.source
    if node is None:
        return None
    if not value.path:
        return form(there, node, depth)
    if len(value.path) == 1 and isinstance(node, ast.Call):
        of = _of_comprehension(there, node, value.path)
        if of is not None:
            return form(*of, depth + 1)
        op = there.op(node)
        if op is not None and op.name in ("max", "min", "topk") and value.path == (0,):
            return _reduced(there, op, depth)
        if isinstance(node.func, ast.Name) and node.func.id == "zip" and len(node.args) == 1:
            return None
        return _of_module(there, node, value.path, depth)
    return None


def _of_item(source: Source, node: ast.Subscript, depth: int) -> Form | None:
    at = node.slice
    if isinstance(node.value, ast.Call) and isinstance(at, ast.Constant) and at.value == 0:
        op = source.op(node.value)
        if op is not None and op.name in ("max", "min"):
            return _reduced(source, op, depth)
    if isinstance(at, ast.Constant | ast.Slice):
        return _of_part(source, node.value, at, depth)
    inner = form(source, node.value, depth + 1)
    if isinstance(at, ast.Tuple):
        return Form("column", inner.sure) if inner is not None and inner.kind == "row" and _new_axis(at) else None
    if inner is None or not many(source, at):
        return None
    if inner.kind == "flat":
        return Form("row", True)
    return Form("column", True) if inner.kind == "flat column" else inner


def _of_part(source: Source, whole: ast.expr, at: ast.expr, depth: int) -> Form | None:
    """`critic(obs)[0]`: one part of what a function gives."""
    if not isinstance(at, ast.Constant) or type(at.value) is not int or not isinstance(whole, ast.Call):
        return None
    found = {
        _of_module(source, whole, (at.value,), depth) if one.node is whole else _of_value(source, one, depth + 1)
        for one in part(Value(whole, source), (at.value,))
    }
    return found.pop() if len(found) == 1 else None


def _new_axis(at: ast.Tuple) -> bool:
    """`[:, None]`."""
    first, *rest = at.elts
    return (
        isinstance(first, ast.Slice) and len(rest) == 1 and isinstance(rest[0], ast.Constant) and rest[0].value is None
    )


def _of_call(source: Source, node: ast.Call, depth: int) -> Form | None:
    name = source.name(node.func) or ""
    if name in ("len", "float", "int", "max", "min", "round"):
        return NUMBER if name != "max" and name != "min" else None
    op = source.op(node)
    tail = op.name if op is not None else name.rpartition(".")[2]
    if tail in STORED and (op is not None or name.startswith("numpy.")):
        kind = stored(source, node)
        return Form(kind) if kind is not None else None
    if tail in MADE and (name.startswith(("torch.", "numpy."))):
        return _made(source, node.args[0] if node.args else None, depth)
    if op is not None and op.input is not None and source.kind(node.func) is None:
        known = _of_op(source, op, depth)
        if known is not None or op.name in _KNOWN:
            return known
    return _of_module(source, node, (), depth)


_KNOWN = SAME | BOTH | REDUCED | {"squeeze", "unsqueeze", "view", "reshape", "flatten", "gather", "where", "item"}


def _of_op(source: Source, op: Op, depth: int) -> Form | None:
    inner = form(source, op.input, depth + 1)
    if op.name in LOSS_OPS:
        return None
    if op.name in BOTH and len(op.args) == 2 and source.number(op.args[1]) is None:
        return joined(inner, form(source, op.args[1], depth + 1))
    if op.name in REDUCED:
        return _reduced(source, op, depth)
    if op.name in SAME:
        return inner if inner is None or not inner.kind.startswith("flat") else None
    if op.name == "item":
        return NUMBER
    if op.name == "where" and len(op.args) == 3:
        return joined(form(source, op.args[1], depth + 1), form(source, op.args[2], depth + 1))
    axis = source.number(op.arg(1, "dim", "axis"))
    if op.name == "squeeze" and axis in (None, -1, 1):
        return Form("row", inner.sure or axis == 1) if inner is not None and inner.kind == "column" else inner
    if op.name == "unsqueeze" and axis in (1, -1):
        one = (inner is not None and inner.kind == "row") or source.role(op.input) in (*ONE_EACH, Role.ACTION)
        return Form("column", axis == 1) if one else None
    if op.name in ("view", "reshape"):
        sizes = [source.number(a) for a in (op.args[1].elts if _is_tuple(op) else op.args[1:])]  # pyright: ignore
        return Form("column", True) if sizes == [-1, 1] else Form("row", True) if sizes == [-1] else None
    if op.name == "flatten":
        return Form("row", True) if len(op.args) == 1 and not op.keywords else None
    if op.name == "gather":
        index = op.arg(2, "index")
        at = form(source, index, depth + 1)
        if isinstance(index, ast.Attribute) and index.attr == "actions" and _library_buffer(source, index):
            at = Form("column", True)
        return Form("column", True) if at is not None and at.kind == "column" and axis in (1, -1) else None
    return None


def _is_tuple(op: Op) -> bool:
    return len(op.args) == 2 and isinstance(op.args[1], ast.Tuple | ast.List)


def _reduced(source: Source, op: Op, depth: int) -> Form | None:
    """`q.max(dim=1)` of a table of values: a row, or a column with `keepdim`."""
    said = op.arg(1, "dim", "axis")
    if said is None:
        return NUMBER if not op.keywords else None
    axis, keep = source.number(said), op.keywords.get("keepdim") or op.keywords.get("keepdims") or op.arg(2)
    of_actions = op.name == "sum" and source.role(op.input) is Role.LOG_PROBABILITY
    if axis not in (1, -1) or (op.name in ("sum", "mean", "logsumexp") and not of_actions):
        return None
    if not of_actions and not _is_table(source, op.input):
        return None
    if keep is None or (isinstance(keep, ast.Constant) and keep.value is False):
        return Form("row", axis == 1)
    return Form("column", axis == 1) if isinstance(keep, ast.Constant) and keep.value is True else None


def _is_table(source: Source, node: ast.AST | None) -> bool:
    """Whether it is what a network says of a batch of observations."""
    made = source.value(node)
    if not isinstance(made, ast.Call):
        return False
    return source.is_a(made.func, MODULE) or source.role(made.func) in (Role.VALUE, Role.TARGET)


def _made(source: Source, node: ast.expr | None, depth: int) -> Form | None:
    """A tensor made of something: of storage picked by a batch, or of a list of one number per transition."""
    inner = form(source, node, depth + 1)
    if inner is not None:
        return None if inner.kind.startswith("flat") else inner
    if node is None or boxed(source):
        return None
    found = values(source, node)
    if source.role(node) in ONE_EACH and (
        of_named_batch(source, node) or (found and all(is_unzipped(v) for v in found))
    ):
        return Form("row", True)
    return Form("row", True) if list_of_numbers(source, node) else None


def _of_module(source: Source, node: ast.Call, path: tuple[int, ...], depth: int) -> Form | None:
    """What a layer, a module's `forward` or a local function gives."""
    if not path:
        made = source.value(node.func)
        if isinstance(made, ast.Call) and ends_in_one(source, made):
            return Form("column")
    target = source.function(node)
    if target is None or target[1].name == "__init__":
        info = source.class_of(node.func)
        target = info.method("forward") if info is not None else None
    if target is None or not target[1].returns or depth > DEEPEST - 3:
        return None
    there, scope = target
    found: set[Form | None] = set()
    for result in scope.returns:
        if not path:
            found.add(form(there, result, depth + 2))
            continue
        for one in part(Value(result, there), path):
            whole = _of_comprehension(there, result, path) if one.path else None
            found.add(form(*whole, depth + 2) if whole is not None else _of_value(there, one, depth + 2))
    return found.pop() if len(found) == 1 else None


def _of_comprehension(source: Source, node: ast.expr, path: tuple[int, ...]) -> tuple[Source, ast.expr] | None:
    """Of `tuple(f(x[i]) for x in (self.a, self.b))`, the storage behind one part, if it is picked by a batch."""
    inner = node.args[0] if isinstance(node, ast.Call) and len(node.args) == 1 else node
    if not isinstance(inner, ast.GeneratorExp | ast.ListComp) or len(inner.generators) != 1 or len(path) != 1:
        return None
    over, each = source.value(inner.generators[0].iter), inner.generators[0].target
    if not isinstance(over, ast.Tuple | ast.List) or not isinstance(each, ast.Name) or path[0] >= len(over.elts):
        return None
    picked = inner.elt
    while isinstance(picked, ast.Call) and len(picked.args) >= 1 and not isinstance(picked.args[0], ast.Starred):
        picked = picked.args[0]
    if not isinstance(picked, ast.Subscript) or not isinstance(picked.value, ast.Name) or picked.value.id != each.id:
        return None
    made = ast.copy_location(ast.Subscript(over.elts[path[0]], picked.slice, ast.Load()), picked)
    return source, made
