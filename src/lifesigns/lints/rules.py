"""The static rules, found by walking the subject folders; no other kind is imported."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache

from lifesigns.lints.base import LintRule

FOLDERS = ("policy", "value", "gradient", "reward", "env", "data", "seed", "compute")


@lru_cache(maxsize=1)
def lint_rules() -> tuple[LintRule, ...]:
    """One instance of each, by code."""
    found: dict[str, LintRule] = {}
    for folder in FOLDERS:
        package = importlib.import_module(f"lifesigns.lints.{folder}")
        for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(info.name)
            for member in vars(module).values():
                if isinstance(member, type) and issubclass(member, LintRule) and member.__module__ == info.name:
                    if member.code in found:
                        raise ValueError(f"code {member.code} is used by {found[member.code].name} and {info.name}")
                    found[member.code] = member()
    return tuple(found[code] for code in sorted(found))


def matches(rule: LintRule, selector: str) -> bool:
    """Whether `L`, `L5`, `L503` or `truncated-never-used` names a rule."""
    return rule.code.startswith(selector.upper()) or rule.name == selector.lower()


def chosen(select: tuple[str, ...], ignore: tuple[str, ...], *, preview: bool = False) -> tuple[LintRule, ...]:
    """The rules selected (all without a selection) less those ignored; those in preview only if named in full.

    `preview`: those as well. Raises ValueError for an unknown selector.
    """
    rules = lint_rules()
    for selector in (*select, *ignore):
        if not any(matches(r, selector) for r in rules):
            raise ValueError(f"no static rule `{selector}`; `lifesigns explain` lists all")
    kept = [r for r in rules if not select or any(matches(r, s) for s in select)]
    named = {s.lower() for s in select}
    kept = [r for r in kept if preview or r.status != "preview" or {r.code.lower(), r.name} & named]
    return tuple(r for r in kept if not any(matches(r, s) for s in ignore))
