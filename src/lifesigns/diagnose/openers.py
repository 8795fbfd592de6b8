"""Which logged quantity would open most of the checks that were blind on a log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lifesigns.model import Trace, Verdict
from lifesigns.model.catalogue import SERIES
from lifesigns.model.roles import ROLES
from lifesigns.rules import Rule

NO_ENVIRONMENT = frozenset({"loss", "validation_loss", "learning_rate", "gradient_norm"})
"""Roles that mean something where no environment is trained in."""
VALUE_BASED = frozenset({"q_value", "exploration_rate", "entropy_coefficient"})
POLICY_GRADIENT = frozenset({"kl", "clip_fraction", "explained_variance"})
"""Roles of one family of algorithms; a run that logs one of a family has no use for those of the other."""
SELDOM = frozenset({"win_rate", "elo", "policy_lag", "attention_logit", "loss_scale"})
"""Roles that few kinds of runs have."""


@dataclass(frozen=True)
class Opener:
    """A role that is not logged, and the codes of the blind checks that it alone would open."""

    role: str
    codes: tuple[str, ...]


def openers(trace: Trace, rules: Iterable[Rule], verdicts: Iterable[Verdict]) -> tuple[list[Opener], list[str]]:
    """(roles by how many checks each would open, most first; codes of blind checks that no logged number opens).

    A check is opened by a role if the role's series is all that it lacks, or one of several of which any will do. Roles
    that a run of this kind has no use for (an episode return where no environment is, a clip fraction beside Q values)
    are left out.
    """
    by_code = {r.code: r for r in rules}
    have = {s.name for s in trace.series}
    loggable = {role.series for role in ROLES.values()}
    useful = {role.series: name for name, role in ROLES.items() if role.series not in have and _useful(name, have)}
    opened: dict[str, list[str]] = {}
    closed: list[str] = []
    for one in verdicts:
        rule = by_code.get(one.code)
        if one.status != "blind" or rule is None:
            continue
        lacking = [n for n in rule.reads if n not in have]
        if len(lacking) == 1 and lacking[0] in useful:
            opened.setdefault(useful[lacking[0]], []).append(one.code)
        elif any(n not in loggable for n in lacking):
            closed.append(one.code)
        elif not rule.reads and not have & set(rule.across):
            for name in (n for n in rule.across if n in useful):
                opened.setdefault(useful[name], []).append(one.code)
    order = list(ROLES)
    found = [Opener(role, tuple(codes)) for role, codes in opened.items()]
    return sorted(found, key=lambda o: (-len(o.codes), order.index(o.role))), closed


def _useful(role: str, have: set[str]) -> bool:
    played = any(n in SERIES and SERIES[n].kind == "env" for n in have)
    if not played and "loss.value" in have:
        return role in NO_ENVIRONMENT
    if role == "validation_loss" or role in SELDOM:
        return False
    others = POLICY_GRADIENT if role in VALUE_BASED else VALUE_BASED if role in POLICY_GRADIENT else frozenset[str]()
    return not any(ROLES[o].series in have for o in others)
