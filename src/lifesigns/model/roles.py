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
from .language_roles import NAMES_OF, SERIES_OF
from .role_names import NAMES
from .series import Series
from .trace import Subject, Trace

LOG = "log."
EVALUATION = frozenset({"eval", "evaluation", "evaluate", "test", "val", "valid", "validation"})
"""Parts of a logged name that mark it as of evaluation, not of training."""
FEWER = 10
"""times fewer points than another name of the same role from which a name is passed over (a final summary, say)."""
NEGATED = frozenset({"entropy_loss"})
"""Last parts of names that carry the negative of their role: Stable-Baselines3 logs −H as `train/entropy_loss`."""


@dataclass(frozen=True)
class Role:
    """A quantity that rules read: the catalogue's series, the kind of its subject, the names loggers give it."""

    name: str
    series: str
    kind: str
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


_SERIES = {
    "return": "env.episode_return",
    "mean_return": "env.mean_return",
    "episode_length": "env.episode_length",
    "mean_episode_length": "env.mean_episode_length",
    "eval_return": "env.mean_return",
    "success_rate": "env.success_rate",
    "policy_loss": "learner.policy_loss",
    "value_loss": "learner.value_loss",
    "loss": "loss.value",
    "validation_loss": "learner.validation_loss",
    "entropy": "learner.entropy",
    "kl": "learner.kl",
    "clip_fraction": "learner.clip_fraction",
    "explained_variance": "learner.explained_variance",
    "policy_std": "learner.policy_std",
    "q_value": "learner.q_value",
    "exploration_rate": "learner.exploration_rate",
    "entropy_coefficient": "learner.entropy_coefficient",
    "learning_rate": "optimizer.learning_rate",
    "gradient_norm": "gradient.total_norm",
    "win_rate": "env.win_rate",
    "elo": "env.elo",
    "policy_lag": "learner.policy_lag",
    "attention_logit": "learner.attention_logit",
    "loss_scale": "precision.loss_scale",
    **SERIES_OF,
}
ROLES: dict[str, Role] = {
    name: Role(
        name, series, SERIES[series].kind, {**NAMES, **NAMES_OF}[name], name.startswith(("eval_", "validation_"))
    )
    for name, series in _SERIES.items()
}
"""Every role by its name."""


def normal(name: str) -> str:
    """Lower case, `_` for spaces, hyphens and dots: how logged names are compared."""
    return re.sub(r"[\s\-.]+", "_", name.strip().lower())


def role_of(logged: str) -> tuple[Role, int] | None:
    """The role of a logged name and its rank among the names of that role (0 is preferred), or None.

    A known name also counts after any folders (`ray/tune/episode_reward_mean`), the longest first; a folder such as
    `eval` makes it one of evaluation.
    """
    name = normal(logged)
    parts = name.split("/")
    evaluation = any(p in EVALUATION or p.startswith(("eval_", "test_", "val_")) for p in parts)
    best: tuple[Role, int] | None = None
    for role in ROLES.values():
        if role.evaluation != evaluation:
            continue
        for rank, known in enumerate(role.names):
            fits = name == known or (("/" in known or "_" in known) and name.endswith(f"/{known}"))
            if fits and (best is None or len(known) > len(best[0].names[best[1]])):
                best = role, rank
    return best


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
    candidates: dict[str, list[tuple[int, int, str]]] = {}
    for name, one in logged.items():
        known = role_of(name) if name not in taken else None
        if known is not None and known[0].name not in found:
            candidates.setdefault(known[0].name, []).append((known[1], -len(one), name))
    for role, named in candidates.items():
        longest = max(-n for _, n, _ in named)
        _, _, name = min(c for c in named if -c[1] * FEWER >= longest)
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
        subject = _subject(trace, one)
        if subject.id != "run":
            subjects.setdefault(subject.id, subject)
        y = source.y if one.sign == 1.0 else one.sign * source.y
        over = clock if clock and source.clock == "logged" else source.clock
        unit = SERIES[role.series].unit
        added.append(replace(source, name=role.series, clock=over, unit=unit, y=y, subject=subject.id))
    return trace.with_series(added, subjects.values()) if added else trace


def _subject(trace: Trace, one: Assignment) -> Subject:
    """Whose series it is: the run's, or the only training environment's, or that of a subject only loggers know."""
    kind = one.role.kind
    if kind == "run":
        return Subject("run", "run", "run")
    if one.role.evaluation:
        return Subject(f"{kind}/logged-evaluation", kind, "evaluation", None, {"logged": True, "role": "eval"})
    seen = [s for s in trace.of_kind(kind) if s.info.get("role") != "eval"]
    if kind == "env" and len(seen) == 1:
        return seen[0]
    return Subject(f"{kind}/logged", kind, one.logged if kind == "loss" else kind, None, {"logged": True})
