"""Rule L502: A Gymnasium environment is used by the interface of old Gym."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.lints.source.role_names import role_of_name
from lifesigns.rules import Likelihood

OBSERVED = (Role.OBSERVATION, Role.NEXT_OBSERVATION)


class OldGymInterface(LintRule):
    """`step` is unpacked into four values, or the pair that `reset` returns is used as if it were the observation.

    What it detects
    ---------------
    `obs, reward, done, info = env.step(a)`, or `obs = env.reset()`, with an environment made by `gymnasium.make`.

    Why it matters
    --------------
    Four values raise at the first step; the pair from `reset` may pass, and the policy's first input is then a
    tuple with a dictionary in it, or its first element by accident.

    How it decides
    --------------
    The file imports `gymnasium`, the environment is known to come from `gymnasium.make`; the result of `reset`
    goes to one name that says observation and is never indexed by 0 or unpacked.

    When it is wrong
    ----------------
    A wrapper that restores the old interface.

    What to do
    ----------
    `obs, info = env.reset(seed=seed)` and `obs, reward, terminated, truncated, info = env.step(a)`.

    References
    ----------
    Gymnasium documentation, migration guide from v0.21 to v1.0.

    """

    code = "L502"
    since = "0.2"
    severity = "warning"
    looks_at = (
        "reset",
        "step",
    )
    causes = {
        "old-interface": Likelihood(0.4, source="judgement"),
    }
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "step": """
            env = gym.make("CartPole-v1")
            obs, _ = env.reset()
            obs, reward, done, info = env.step(0)
            """,
        "reset": """
            env = gym.make("CartPole-v1")
            obs = env.reset()
            action = policy(obs)
            """,
    }
    right = {
        "new": """
            env = gym.make("CartPole-v1")
            obs, info = env.reset()
            obs, reward, terminated, truncated, info = env.step(0)
            """,
        "indexed": """
            env = gym.make("CartPole-v1")
            obs = env.reset()[0]
            state = env.reset()
            state, info = state
            """,
        "unknown": "env = make_env()\nobs = env.reset()\nobs, reward, done, info = env.step(0)",
        "vector environments of stable-baselines3": """
            from stable_baselines3.common.env_util import make_vec_env
            env = make_vec_env("CartPole-v1")
            obs = env.reset()
            obs, reward, done, info = env.step(0)
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the call."""
        if not any(alias.name.startswith("gymnasium") for s in source.index.imports for alias in s.names) and not any(
            isinstance(s, ast.ImportFrom) and (s.module or "").startswith("gymnasium") for s in source.index.imports
        ):
            return
        for step in source.env_steps():
            if step.width == 4 and _is_made_here(source, step.env):
                yield self.at(step.call, "a Gymnasium environment's `step` returns five values")
        for call in source.env_resets():
            at = source.parent(call)
            target = at.targets[0] if isinstance(at, ast.Assign) else None
            if not isinstance(target, ast.Name) or not _is_made_here(source, source.receiver(call)):
                continue
            binding = source.index.bound.get(target)
            reads = source.uses(binding) if binding is not None else []
            if reads and role_of_name(target.id) in OBSERVED and not any(_takes_apart(source, n) for n in reads):
                yield self.at(call, f"`{target.id}` holds the pair of observation and info")


def _is_made_here(source: Source, env: ast.AST | None) -> bool:
    """Whether every value of it is a call of `gymnasium.make`."""
    found = source.values(env)
    calls = [v.node for v in found if isinstance(v.node, ast.Call) and not v.path]
    return bool(found) and len(calls) == len(found) and all(_is_maker(source.name(c.func) or "") for c in calls)


def _is_maker(name: str) -> bool:
    return name in ("gymnasium.make", "gymnasium.make_vec") or name.startswith("gymnasium.vector.")


def _takes_apart(source: Source, read: ast.AST) -> bool:
    at = source.parent(read)
    if isinstance(at, ast.Subscript):
        return True
    if isinstance(at, ast.Assign):
        return isinstance(at.targets[0], ast.Tuple)
    return isinstance(at, ast.Call) and source.name(at.func) in ("isinstance", "len", "type")
