"""Rule L503: A wrapper's `step` returns the time limit as a termination."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import ClassInfo, Role, Source
from lifesigns.lints.source.library import ENV
from lifesigns.rules import Likelihood


class TimeLimitTurnedIntoEnd(LintRule):
    """The `step` of a wrapper or environment merges both flags into the third of the five values that it returns.

    What it detects
    ---------------
    `return obs, reward, terminated or truncated, False, info` in a `step`.

    Why it matters
    --------------
    Whatever trains on it takes the time limit for a real end, and no later code can tell them apart.

    How it decides
    --------------
    In a class derived from an environment or wrapper, a method `step` returns five values of which the third is an
    `or` of a termination and a truncation. A class of which this is all it does is a choice of whoever wraps with it:
    a note.

    When it is wrong
    ----------------
    The time limit belongs to the task, or the observation holds the time left.

    What to do
    ----------
    Return both flags as they came.

    References
    ----------
    Gymnasium, Handling Time Limits; Pardo et al., Time Limits in Reinforcement Learning (2018).

    """

    code = "L503"
    since = "0.2"
    severity = "warning"
    looks_at = ("step",)
    causes = {
        "time-limit-treated-as-terminal": Likelihood(0.1, source="judgement"),
    }
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "false": """
            class W(gym.Wrapper):
                def step(self, action):
                    obs, reward, terminated, truncated, info = self.env.step(action)
                    return obs, reward, terminated or truncated, False, info
            """,
        "a choice": """
            class TruncatedAsTerminated(gym.Wrapper):
                def step(self, action):
                    obs, reward, terminated, truncated, info = self.env.step(action)
                    return obs, reward, terminated or truncated, truncated, info
            """,
        "through a name": """
            class W(gym.Wrapper):
                def step(self, action):
                    obs, reward, terminated, truncated, info = self.env.step(action)
                    done = terminated or truncated
                    return obs, reward, done, truncated, info
            """,
    }
    right = {
        "an end that another library reads": """
            class W(gym.Wrapper):
                def step(self, action):
                    obs, reward, terminated, truncated, info = self.env.step(action)
                    info["ended"] = terminated or truncated
                    return obs, reward, terminated, truncated, info
            """,
        "apart": """
            class W(gym.Wrapper):
                def step(self, action):
                    obs, reward, terminated, truncated, info = self.env.step(action)
                    self.done = terminated or truncated
                    return obs, reward, terminated, truncated, info
            """,
        "old interface for an old library": """
            class W(gym.Wrapper):
                def step(self, action):
                    obs, reward, terminated, truncated, info = self.env.step(action)
                    return obs, reward, terminated or truncated, info
            """,
        "an end of its own": """
            class W(gym.Wrapper):
                def step(self, action):
                    obs, reward, terminated, truncated, info = self.env.step(action)
                    return obs, reward, terminated or self.lives == 0, truncated, info
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the third value."""
        for info in source.classes(ENV):
            method = info.methods.get("step")
            for result in method.returns if method is not None else ():
                if not isinstance(result, ast.Tuple) or len(result.elts) != 5:
                    continue
                held = source.value(result.elts[2])
                if isinstance(held, ast.BoolOp) and isinstance(held.op, ast.Or):
                    roles = {source.role(v) for v in held.values}
                    if roles == {Role.TERMINATED, Role.TRUNCATED}:
                        severity = "note" if _does_nothing_else(source, info) else None
                        yield self.at(result.elts[2], "the time limit is returned as a termination", severity)


def _does_nothing_else(source: Source, info: ClassInfo) -> bool:
    """Whether a wrapper has no other method, and its `step` only hands on what it got, with the flags merged."""
    method = info.methods["step"]
    if set(info.methods) - {"__init__", "step"}:
        return False
    steps = [s for s in source.env_steps() if source.enclosing_function(s.call) is method]
    body = [s for s in getattr(method.node, "body", []) if not isinstance(s, ast.Expr)]
    if len(steps) != 1 or len(method.returns) != 1 or len(body) > 3:
        return False
    result, parts = method.returns[0], steps[0].parts
    assert isinstance(result, ast.Tuple)
    return all(
        isinstance(e, ast.Constant) or (p is not None and set(source.bindings(e)) == {p})
        for e, p in zip(result.elts, parts, strict=False)
        if e is not result.elts[2]
    )
