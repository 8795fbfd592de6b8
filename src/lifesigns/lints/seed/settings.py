"""Whether a script takes a seed as a setting."""

from __future__ import annotations

import ast

from lifesigns.lints.source import Source


def has_seed_setting(source: Source) -> bool:
    """An argument `--seed`, or a field `seed` of a dataclass, that the file reads as an attribute."""
    argument = any(
        isinstance(a, ast.Constant) and a.value == "--seed"
        for c in source.index.calls.get("add_argument", ())
        for a in c.args
    )
    field = any(
        isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name) and s.target.id == "seed"
        for n in source.nodes(ast.ClassDef)
        if isinstance(n, ast.ClassDef) and n.decorator_list
        for s in n.body
    )
    return (argument or field) and bool(source.index.attributes.get("seed"))
