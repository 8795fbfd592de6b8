"""What a logged number means: names that loggers give a quantity, and the series of the catalogue it becomes.

A recorded or imported trace holds what a logger was given as `log.<name>`. `with_roles` adds the series that rules
read (`env.mean_return`, `learner.kl`, …) wherever a name is one of those known here, or is assigned by the user. What
the recorder measured itself is never replaced by what a logger was told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from .catalogue import SERIES
from .role_names import NAMES
from .series import Series
from .trace import Subject, Trace

LOG = "log."
EVALUATION = frozenset({"eval", "evaluation", "evaluate", "test", "val", "valid", "validation"})
"""Parts of a logged name that mark it as of evaluation, not of training."""
NEGATED = frozenset({"entropy_loss"})
"""Last parts of names that carry the negative of their role: Stable-Baselines3 logs −H as `train/entropy_loss`."""


@dataclass(frozen=True)
class Role:
    """A quantity that rules read: the catalogue's series, and the subject of an imported trace that it belongs to."""

    name: str
    series: str
    subject: str
    names: tuple[str, ...]
    evaluation: bool = False

    @property
    def meaning(self) -> str:
        """What the series holds."""
        return SERIES[self.series].meaning


@dataclass(frozen=True)
class Assignment:
    """A logged name that plays a role; `given` where the user said so; `sign` −1 where its negative was logged."""

    role: Role
    logged: str
    given: bool = False
    sign: float = 1.0


_PLACES = {
    "return": ("env.episode_return", "env/0"),
    "mean_return": ("env.mean_return", "env/0"),
    "episode_length": ("env.episode_length", "env/0"),
    "mean_episode_length": ("env.mean_episode_length", "env/0"),
    "eval_return": ("env.mean_return", "env/evaluation"),
    "policy_loss": ("learner.policy_loss", "run"),
    "value_loss": ("learner.value_loss", "run"),
    "loss": ("loss.value", "loss/0"),
    "validation_loss": ("learner.validation_loss", "run"),
    "entropy": ("learner.entropy", "run"),
    "kl": ("learner.kl", "run"),
    "clip_fraction": ("learner.clip_fraction", "run"),
    "explained_variance": ("learner.explained_variance", "run"),
    "policy_std": ("learner.policy_std", "run"),
    "q_value": ("learner.q_value", "run"),
    "exploration_rate": ("learner.exploration_rate", "run"),
    "entropy_coefficient": ("learner.entropy_coefficient", "run"),
    "success_rate": ("env.success_rate", "env/0"),
    "learning_rate": ("optimizer.learning_rate", "optimizer/0"),
    "gradient_norm": ("gradient.total_norm", "run"),
}
ROLES: dict[str, Role] = {
    name: Role(name, series, subject, NAMES[name], name.startswith(("eval_", "validation_")))
    for name, (series, subject) in _PLACES.items()
}
"""Every role by its name."""


def normal(name: str) -> str:
    """Lower case, `_` for spaces, hyphens and dots: how logged names are compared."""
    return re.sub(r"[\s\-.]+", "_", name.strip().lower())


def role_of(logged: str) -> tuple[Role, int] | None:
    """The role of a logged name and its rank among the names of that role (0 is preferred), or None.

    A known name also counts after any folders (`ray/tune/episode_reward_mean`); a folder such as `eval` makes it
    one of evaluation.
    """
    name = normal(logged)
    parts = name.split("/")
    evaluation = any(p in EVALUATION or p.startswith(("eval_", "test_", "val_")) for p in parts)
    for role in ROLES.values():
        if role.evaluation != evaluation:
            continue
        for rank, known in enumerate(role.names):
            if name == known or (("/" in known or "_" in known) and name.endswith(f"/{known}")):
                return role, rank
    return None


def assign(trace: Trace, overrides: Mapping[str, str] | None = None) -> tuple[Assignment, ...]:
    """Which logged name plays which role; `overrides` maps roles to logged names.

    Raises ValueError for a role that does not exist or a name that was not logged.
    """
    logged = {s.name.removeprefix(LOG): s for s in trace.series if s.name.startswith(LOG) and s.y.ndim == 1}
    found: dict[str, Assignment] = {}
    for role, name in (overrides or {}).items():
        _check(role, name, logged)
        found[role] = Assignment(ROLES[role], name, True, _sign(role, name))
    taken = {a.logged for a in found.values()}
    best: dict[str, tuple[int, int, str]] = {}
    for name, one in logged.items():
        known = role_of(name) if name not in taken else None
        if known is not None and known[0].name not in found:
            key = (known[1], -len(one), name)
            best[known[0].name] = min(best.get(known[0].name, key), key)
    for role, (_, _, name) in best.items():
        found[role] = Assignment(ROLES[role], name, False, _sign(role, name))
    return tuple(found[r] for r in ROLES if r in found)


def _check(role: str, name: str, logged: Mapping[str, Series]) -> None:
    import difflib

    if role not in ROLES:
        near = difflib.get_close_matches(role, ROLES, 1)
        raise ValueError(
            f"no role `{role}`" + (f"; nearest is `{near[0]}`" if near else "") + f"; the roles are {', '.join(ROLES)}"
        )
    if name not in logged:
        near = difflib.get_close_matches(name, logged, 1, 0.3)
        raise ValueError(
            f"nothing was logged as `{name}` for the role `{role}`"
            + (f"; nearest is `{near[0]}`" if near else "")
            + "; `lifesigns runs --roles RUN` lists what was"
        )


def _sign(role: str, name: str) -> float:
    return -1.0 if role == "entropy" and normal(name).split("/")[-1] in NEGATED else 1.0


def with_roles(trace: Trace, overrides: Mapping[str, str] | None = None, *, clock: str = "") -> Trace:
    """`trace` with the series of every role that a logged name plays; those that it has already are left.

    `clock` is what the logged steps count, where that is known; otherwise they stay `logged`. Raises ValueError as
    `assign` does.
    """
    have = {s.name for s in trace.series}
    added: list[Series] = []
    subjects: dict[str, Subject] = {}
    for one in assign(trace, overrides):
        role = one.role
        if role.series in have and not one.given:
            continue
        source = trace.named(LOG + one.logged)[0]
        over = clock if clock and source.clock == "logged" else source.clock
        y = source.y if one.sign == 1.0 else one.sign * source.y
        added.append(
            replace(source, name=role.series, clock=over, unit=SERIES[role.series].unit, y=y, subject=role.subject)
        )
        if role.subject != "run" and role.subject not in trace.subjects:
            kind = role.subject.split("/")[0]
            info = {"role": "eval"} if role.evaluation and kind == "env" else {}
            name = {"env/evaluation": "evaluation"}.get(role.subject, one.logged if kind == "loss" else kind)
            subjects[role.subject] = Subject(role.subject, kind, name, None, {"logged": True, **info})
    return trace.with_series(added, subjects.values()) if added else trace
