"""What the user's source says of its lines: which names each reads and gives new values, and where values of settings
are handed on under another setting's name.

Flows in: files of the user's. Flows out: names and line numbers; a file that cannot be parsed has none.
"""

from __future__ import annotations

import ast
import linecache
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

ENDS = re.compile(
    r"terminat|terminal|truncat|done|(?<![a-z])end(s|ed|ing)?(?![a-z])|(?<![a-z])masks?(?![a-z])|(?<![a-z])starts?(?![a-z])",
    re.IGNORECASE,
)
"""Names by which code calls the end of an episode, or a mask made of it."""


@dataclass
class Names:
    """Of one line: names that it reads, names that it binds anew, and whether it only adds to what it binds (`+=`)."""

    read: set[str] = field(default_factory=set[str])
    bound: set[str] = field(default_factory=set[str])
    adds: bool = False


@lru_cache(maxsize=256)
def tree_of(file: str) -> ast.Module | None:
    """The parsed file; None where it cannot be read or parsed."""
    try:
        return ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return None


@lru_cache(maxsize=256)
def names_of(file: str) -> dict[int, Names]:
    """Line → names; of `a.b` they are `a` and `.b`. A store into an item (`a[i] = x`) neither reads nor binds `a`."""
    tree = tree_of(file)
    found: dict[int, Names] = {}
    if tree is None:
        return found
    into = {id(base) for node in ast.walk(tree) for base in _stored_into(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.AugAssign):
            found.setdefault(node.lineno, Names()).adds = True
        if isinstance(node, ast.Name):
            name, line = node.id, node.lineno
        elif isinstance(node, ast.Attribute):
            name, line = f".{node.attr}", node.end_lineno or node.lineno
        else:
            continue
        held = found.setdefault(line, Names())
        if isinstance(node.ctx, ast.Load) and id(node) not in into:
            held.read.add(name)
        elif isinstance(node.ctx, ast.Store):
            held.bound.add(name)
    return found


def _stored_into(node: ast.AST) -> Iterator[ast.AST]:
    """The names of an item that is stored into: `a` and `b` of `a.b[i] = x`."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
        base = node.value
        while isinstance(base, ast.Attribute | ast.Subscript):
            yield base
            base = base.value
        yield base


def given_by(file: str, line: int) -> str:
    """What the assignment that begins at a line gives a value, as text; empty where there is none."""
    tree = tree_of(file)
    found = (n for n in ast.walk(tree) if isinstance(n, ast.Assign) and n.lineno == line) if tree is not None else ()
    return " ".join(ast.unparse(t) for n in found for t in n.targets)


def guard_of(file: str, line: int, names: Iterable[str]) -> int:
    """The line of the condition or mask that should cut what `line` sums up in `names` at an episode's end: `line`
    itself where it names an end, else the nearest before it in the same function that names one and either sets one of
    `names` inside its branch or binds a name that `line` multiplies with one of `names`; `line` where there is none."""
    tree = tree_of(file)
    if tree is None or _names_end(linecache.getline(file, line)):
        return line
    wanted, inside = set(names), _innermost(tree, line)
    read = _beside(inside, line, wanted) if inside is not None else set[str]()
    guard = mask = 0
    for node in ast.walk(inside) if inside is not None else ():
        if isinstance(node, ast.If) and _names_end(ast.unparse(node.test)):
            targets = {n for part in (*node.body, *node.orelse) for n in _bound(part)}
            if targets & wanted and node.lineno < line:
                guard = max(guard, node.lineno)
        elif isinstance(node, ast.Assign) and node.lineno < line and _bound(node) & (read - wanted):
            mask = max(mask, node.lineno) if _names_end(ast.unparse(node)) else mask
    return guard or mask or line


def _beside(function: ast.AST, line: int, names: set[str]) -> set[str]:
    """Names that a line reads in one term with one of `names`: `a` and `keep` of `x + a * keep * last`, not `x`; all of
    them where it reads none of `names`."""
    statements = [n for n in ast.walk(function) if isinstance(n, ast.stmt) and n.lineno == line]
    values = [v for s in statements if isinstance(v := getattr(s, "value", None), ast.expr)]
    terms = [{n.id for n in ast.walk(t) if isinstance(n, ast.Name)} for v in values for t in _terms(v)]
    together = [term for term in terms if term & names] or terms
    return {name for term in together for name in term}


def _terms(value: ast.expr) -> list[ast.expr]:
    """The parts that a sum, or a difference, is made of."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Sub):
        return [*_terms(value.left), *_terms(value.right)]
    return [value]


def shared_container(files: Iterable[str]) -> tuple[str, int] | None:
    """(file, line) of the first list that holds one and the same container several times (`[deque()] * n`)."""
    made = ast.Call | ast.List | ast.Dict | ast.Set | ast.ListComp
    for file in files:
        tree = tree_of(file)
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
                lists = [side for side in (node.left, node.right) if isinstance(side, ast.List)]
                if any(isinstance(one, made) for side in lists for one in side.elts):
                    return file, node.lineno
    return None


CONTAINERS = frozenset(
    ("list", "dict", "set", "deque", "defaultdict", "zeros", "ones", "empty", "array", "OrderedDict")
)
"""Calls that make something which can be changed in place."""


def shared_by_objects(file: str, name: str) -> int:
    """The line of a container that all objects of a class share: of its body, of an argument's default, or of the
    module, if a method reads it by name; 0 where there is none."""
    tree = tree_of(file)
    cls = next((n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == name), None) if tree else None
    if tree is None or cls is None:
        return 0
    given = [n.value for n in cls.body if isinstance(n, ast.Assign | ast.AnnAssign)]
    for method in (n for n in cls.body if isinstance(n, ast.FunctionDef)):
        given += [*method.args.defaults, *method.args.kw_defaults]
    read = {n.id for n in ast.walk(cls) if isinstance(n, ast.Name)}
    given += [n.value for n in tree.body if isinstance(n, ast.Assign) and _bound(n) & read]
    return next((v.lineno for v in given if v is not None and _is_container(v)), 0)


def _is_container(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        called = value.func.id if isinstance(value.func, ast.Name) else getattr(value.func, "attr", "")
        return called in CONTAINERS
    return isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp)


EMPTYING = frozenset(("clear", "popleft", "pop", "popitem"))


def emptying_branch(file: str, line: int) -> int:
    """The first line of the branch, in the function around `line`, that is taken at the end of an episode and takes
    something out of a container; 0 where there is none."""
    tree = tree_of(file)
    inside = _innermost(tree, line) if tree is not None else None
    for node in ast.walk(inside) if inside is not None else ():
        if isinstance(node, ast.If) and _names_end(ast.unparse(node.test)):
            calls = (c for part in node.body for c in ast.walk(part) if isinstance(c, ast.Call))
            if any(isinstance(c.func, ast.Attribute) and c.func.attr in EMPTYING for c in calls):
                return node.body[0].lineno
    return 0


def never_run(file: str, names: set[str], run: set[int], seen: set[int]) -> int:
    """The line of a call of one of `names` that is in a branch of a condition on an episode's end and not among the
    lines of its calls that have `run`, in a function of which some line was `seen`; 0 where there is none."""
    tree = tree_of(file)
    for node in ast.walk(tree) if tree is not None else ():
        if not isinstance(node, ast.If | ast.IfExp) or not _names_end(ast.unparse(node.test)):
            continue
        function = _innermost(tree, node.lineno) if tree is not None else None
        first, last = getattr(function, "lineno", 1), getattr(function, "end_lineno", 1 << 30)
        if not any(first <= line <= last for line in seen):
            continue
        parts = [node.body, node.orelse] if isinstance(node, ast.IfExp) else [*node.body, *node.orelse]
        for call in (c for part in parts for c in ast.walk(part) if isinstance(c, ast.Call)):
            called = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
            if called in names and call.lineno not in run:
                return call.lineno
    return 0


SHAPES = frozenset(("reshape", "view", "astype", "copy", "ravel", "flatten", "squeeze", "float", "long", "to", "numpy"))
"""Methods that hand on the numbers of their object."""


def handed_over(file: str, line: int) -> int:
    """Where what `line` hands over to a function was computed: the last assignment before it, in the same function, of
    the name that the outermost call which begins in this line is given first; `line` itself where that is no name."""
    tree = tree_of(file)
    function = _innermost(tree, line) if tree is not None else None
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and n.lineno == line] if tree is not None else []
    if function is None or not calls:
        return line
    call = max(calls, key=lambda n: ((n.end_lineno or line) - line, n.end_col_offset or 0))
    given: ast.AST | None = next(iter(call.args), None)
    while given is None and isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Call):
        call = call.func.value  # `as_tensor(x).float()`
        given = next(iter(call.args), None)
    while isinstance(given, ast.Call) and isinstance(given.func, ast.Attribute) and given.func.attr in SHAPES:
        given = given.func.value
    if not isinstance(given, ast.Name):
        return line
    every = [n for n in ast.walk(function) if isinstance(n, ast.Assign) and n.lineno < line]
    mine = [n.lineno for n in every if any(isinstance(t, ast.Name) and t.id == given.id for t in n.targets)]
    return max(mine, default=line)


def function_of(file: str, line: int) -> str:
    """The name of the innermost function around a line; empty for the module itself."""
    tree = tree_of(file)
    return getattr(_innermost(tree, line), "name", "") if tree is not None else ""


def assigned(file: str, line: int, called: re.Pattern[str]) -> int:
    """The last line before `line`, in the same function, that gives a value to a name which that line reads and which
    matches `called`; `line` itself where there is none."""
    tree = tree_of(file)
    function = _innermost(tree, line) if tree is not None else None
    read = {n for n in names_of(file).get(line, Names()).read if called.search(n)}
    if function is None or not read:
        return line
    every = [n for n in ast.walk(function) if isinstance(n, ast.Assign) and n.lineno < line]
    found = [n.lineno for n in every if any(isinstance(t, ast.Name) and t.id in read for t in n.targets)]
    return max(found, default=line)


def own_reward(file: str, line: int) -> int:
    """The line that makes a reward of the script's own after the step at `line`: one that chooses or computes it from
    other things than the reward that the step gave (`shaped = 0.1 if not done else -1`), to be handed on together with
    the observation of that step; 0 where there is none."""
    tree = tree_of(file)
    around = _innermost(tree, line) if tree is not None else None
    within = list(ast.walk(around)) if around is not None else []
    every = [n for n in within if isinstance(n, ast.Assign) and len(n.targets) == 1]
    step = next((n for n in every if n.lineno <= line <= (n.end_lineno or 0) and isinstance(n.value, ast.Call)), None)
    parts = step.targets[0].elts if step is not None and isinstance(step.targets[0], ast.Tuple) else []
    obs, given = (p.id if isinstance(p, ast.Name) else "" for p in parts[:2]) if len(parts) in (4, 5) else ("", "")
    calls = [_names_in(n) for n in within if isinstance(n, ast.Call)]
    for node in every:
        (target,) = node.targets
        if not obs or not given or node.lineno <= line or not isinstance(target, ast.Name):
            continue
        read, chosen = _names_in(node.value), isinstance(node.value, ast.IfExp | ast.BinOp)
        named = target.id == given or "reward" in target.id.lower()
        if named and chosen and read and given not in read and any({target.id, obs} <= names for names in calls):
            return node.lineno
    return 0


def _names_in(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _names_end(text: str) -> bool:
    return ENDS.search(text) is not None


def _bound(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _innermost(tree: ast.Module, line: int) -> ast.AST | None:
    """The innermost function around a line; the module where there is none."""
    best: ast.AST = tree
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.lineno <= line <= (node.end_lineno or 0):
            best = node
    return best


def crossed(files: Iterable[str], kinds: dict[str, str], kind: str, value: float) -> tuple[str, int] | None:
    """(file, line) at which a name of setting `kind` is given what belongs to another: the value of another kind's name
    (`gamma = args.gae_lambda`, `f(gae_lambda, gamma)` for `def f(gamma, gae_lambda)`), or the constant `value`.

    `kinds`: lower-case name → kind. The first such line; a default of an argument parser or of a parameter is none.
    """
    trees = {f: t for f in files if (t := tree_of(f)) is not None}
    parameters = {}
    for tree in trees.values():
        parameters.update(_parameters(tree))
    found: list[tuple[str, int]] = []
    for file, tree in trees.items():
        for node in ast.walk(tree):
            for name, given in _given(node, parameters):
                if kinds.get(name.lower()) == kind and _is_another(given, kinds, kind, value):
                    found.append((file, given.lineno))
    return found[0] if found else None


def numbers(files: Iterable[str]) -> Iterator[tuple[str, int, float]]:
    """(file, line, value) of every number with a decimal point in these files."""
    for file in files:
        tree = tree_of(file)
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, float):
                yield file, node.lineno, node.value


def _is_another(given: ast.expr, kinds: dict[str, str], kind: str, value: float) -> bool:
    if isinstance(given, ast.Constant):
        number = given.value
        return isinstance(number, int | float) and not isinstance(number, bool) and abs(number - value) <= 1e-4
    other = given.id if isinstance(given, ast.Name) else given.attr if isinstance(given, ast.Attribute) else ""
    return bool(other) and kinds.get(other.lower(), kind) != kind


def handed_in(files: Iterable[str], file: str, line: int) -> tuple[str, int] | None:
    """(file, line) at which an object was given the environment that `line`, in one of its methods, reads of it
    (`self.eval_env`): the argument of the only call that makes such an object, where its `__init__` keeps it as it is.
    """
    tree = tree_of(file)
    classes = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef)] if tree is not None else []
    around = [c for c in classes if c.lineno <= line <= (c.end_lineno or 0)]
    cls = max(around, key=lambda c: c.lineno, default=None)
    init = next((n for n in cls.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"), None) if cls else None
    if cls is None or init is None:
        return None
    read, parameters = names_of(file).get(line, Names()).read, [a.arg for a in init.args.args][1:]
    kept = {b.id for a, b in _kept(init) if f".{a.attr}" in read and b.id in parameters and "env" in a.attr.lower()}
    calls = [
        (f, n)
        for f in dict.fromkeys((*files, file))
        if (t := tree_of(f)) is not None
        for n in ast.walk(t)
        if isinstance(n, ast.Call) and cls.name in (getattr(n.func, "id", ""), getattr(n.func, "attr", ""))
    ]
    if len(kept) != 1 or len(calls) != 1:
        return None
    (name,), ((where, call),) = kept, calls
    given = {**dict(zip(parameters, call.args, strict=False)), **{k.arg: k.value for k in call.keywords if k.arg}}
    return (where, given[name].lineno) if name in given else None


def _kept(init: ast.FunctionDef) -> Iterator[tuple[ast.Attribute, ast.Name]]:
    """(attribute, name) of assignments `self.a = b`, also of several at once."""
    for node in ast.walk(init):
        for target in node.targets if isinstance(node, ast.Assign) else ():
            pairs = [(target, node.value)] if isinstance(node, ast.Assign) else []
            if isinstance(target, ast.Tuple) and isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=False))
            yield from ((a, b) for a, b in pairs if isinstance(a, ast.Attribute) and isinstance(b, ast.Name))


def _parameters(tree: ast.Module) -> dict[str, list[str]]:
    """Function or class → its positional parameters, without `self`."""
    found: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            names = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
            found[node.name] = names[1:] if names[:1] in (["self"], ["cls"]) else names
        if isinstance(node, ast.ClassDef):
            own = next((n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"), None)
            if own is not None:
                found[node.name] = [a.arg for a in own.args.args][1:]
    return found


def _given(node: ast.AST, parameters: dict[str, list[str]]) -> Iterator[tuple[str, ast.expr]]:
    """(name, what it is given) of assignments and calls of functions of the user's."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=False))
            else:
                pairs = [(target, node.value)]
            for one, given in pairs:
                name = one.id if isinstance(one, ast.Name) else one.attr if isinstance(one, ast.Attribute) else ""
                if name and not isinstance(given, ast.Constant):
                    yield name, given
    elif isinstance(node, ast.Call):
        called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if called in parameters:
            yield from zip(parameters[called], node.args, strict=False)
            yield from ((k.arg, k.value) for k in node.keywords if k.arg)
