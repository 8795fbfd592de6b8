"""Finds rules by walking the rule packages; there is no list to keep."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import lru_cache

from lifesigns.rules.base import Rule

KINDS = ("lints", "detectors", "dyes", "probes")


@lru_cache(maxsize=1)
def all_rules() -> tuple[Rule, ...]:
    """One instance of every rule, by code."""
    found: dict[str, Rule] = {}
    for kind in KINDS:
        try:
            package = importlib.import_module(f"lifesigns.{kind}")
        except ModuleNotFoundError:
            continue
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for rule in _rules_in(importlib.import_module(info.name)):
                if rule.code in found:
                    raise ValueError(f"code {rule.code} is used by {found[rule.code].name} and {rule.name}")
                found[rule.code] = rule
    return tuple(found[code] for code in sorted(found))


def _rules_in(module: object) -> list[Rule]:
    own = getattr(module, "__name__", "")
    return [
        member()
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, Rule) and not inspect.isabstract(member) and member.__module__ == own
    ]


def rule_by_code(key: str) -> Rule | None:
    """The rule with this code or name, whatever the case of its letters; None if there is none."""
    wanted = key.strip().lower()
    return next((r for r in all_rules() if wanted in (r.code.lower(), r.name)), None)
