"""Where a library was given an option: the argument, in the user's code, of the call that made the object whose method
the user's line calls.

Flows in: a line of the user's such as `model.learn(…)`, names of options. Flows out: a place. Source is only read.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from typing import Any

from lifesigns.paired.runlog import Site
from lifesigns.paired.source import tree_of

NAMES: Mapping[str, tuple[str, ...]] = {
    "gamma": ("gamma", "discount", "discount_factor"),
    "lambda": ("gae_lambda", "lam", "lmbda", "td_lambda"),
    "n_step": ("n_step", "n_steps", "nstep", "multi_step", "n_step_return_horizon"),
}
"""What libraries call the arguments for a discount, the λ of advantages and the horizon of multi-step targets."""


def in_library(site: Site | None) -> bool:
    """Whether something happens below a line of the user's, in a library."""
    return site is not None and bool(site.user_file) and (site.file, site.line) != (site.user_file, site.user_line)


def differing(settings: Mapping[str, list[list[Any]]]) -> list[str]:
    """The kinds of which libraries hold values and none of them is one of the user's own."""
    found: list[str] = []
    for kind, given in settings.items():
        values = {tag: {float(g[1]) for g in given if g[2:] == [tag]} for tag in ("argument", "user", "library")}
        own, theirs = values["argument"] or values["user"], values["library"]
        if own and theirs and not own & theirs:
            found.append(kind)
    return found


def given_at(site: Site | None, names: Collection[str], value: object = None) -> dict[str, Any] | None:
    """The line of the argument called one of `names` (a key of a dictionary among the arguments as well; of this value,
    if one is named) in the call behind a line of the user's; None where there is none."""
    call = maker(site)
    if call is None or site is None:
        return None
    for node in ast.walk(call):
        pairs: list[tuple[Any, Any]] = []
        if isinstance(node, ast.Call):
            pairs = [(k.arg, k.value) for k in node.keywords]
        elif isinstance(node, ast.Dict):
            pairs = [(k.value, v) for k, v in zip(node.keys, node.values, strict=True) if isinstance(k, ast.Constant)]
        for name, given in pairs:
            if name in names and (value is None or (isinstance(given, ast.Constant) and given.value is value)):
                return {"file": site.user_file, "line": given.lineno}
    return None


def maker(site: Site | None) -> ast.Call | None:
    """The call that made the object whose method is called at a line of the user's: the last assignment before it."""
    if not in_library(site) or site is None:
        return None
    tree = tree_of(site.user_file)
    if tree is None:
        return None
    lines = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
    inside = [n for n in lines if n.lineno <= site.user_line <= (n.end_lineno or n.lineno)]
    for call in sorted(inside, key=lambda n: (n.end_lineno or n.lineno) - n.lineno):
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        if isinstance(owner, ast.Call) and isinstance(owner.func, ast.Name | ast.Attribute):
            return owner
        found = _assigned(tree, owner, site.user_line)
        if found is not None:
            return found
    return None


def _assigned(tree: ast.AST, owner: Any, before: int) -> ast.Call | None:
    if not isinstance(owner, ast.Name | ast.Attribute):
        return None
    text = ast.unparse(owner)
    every = [n for n in ast.walk(tree) if isinstance(n, ast.Assign) and isinstance(n.value, ast.Call)]
    found = [n for n in every if n.lineno < before and any(ast.unparse(t) == text for t in n.targets)]
    last = max(found, key=lambda n: n.lineno, default=None)
    return last.value if last is not None and isinstance(last.value, ast.Call) else None


def made_with(place: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The only argument by name in the call that made the object which a line calls (`criterion(logits, labels)`): its
    line, or that of the command line's argument which it takes over; None where there is none, or more than one."""
    tree = tree_of(str(place["file"])) if place else None
    if tree is None or not place:
        return None
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and n.lineno <= place["line"] <= (n.end_lineno or 0)]
    for call in calls:
        made = _assigned(tree, call.func, place["line"])
        if made is not None and len(made.keywords) == 1 and made.keywords[0].arg:
            given = made.keywords[0].value
            return {"file": place["file"], "line": _argument(tree, given) or given.lineno}
    return None


def _argument(tree: ast.AST, given: ast.expr) -> int | None:
    """The line at which `--some-name` is declared, of a value `args.some_name`."""
    if not isinstance(given, ast.Attribute) or not isinstance(given.value, ast.Name):
        return None
    wanted = "--" + given.attr.replace("_", "-")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
            names = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if wanted in [n.replace("_", "-") for n in names]:
                return node.lineno
    return None
