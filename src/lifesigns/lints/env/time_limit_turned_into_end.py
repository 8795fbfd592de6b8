"""Rule L503: A wrapper's `step` returns the time limit as a termination."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
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
    `or` of a termination and a truncation. Classes named after truncation are left
    out.

    When it is wrong
    ----------------
    The time limit belongs to the task.

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
        "through a name": """
            class W(gym.Wrapper):
                def step(self, action):
                    obs, reward, terminated, truncated, info = self.env.step(action)
                    done = terminated or truncated
                    return obs, reward, done, truncated, info
            """,
    }
    right = {
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
        "its name says so": """
            class TruncatedAsTerminated(gym.Wrapper):
                def step(self, action):
                    obs, reward, terminated, truncated, info = self.env.step(action)
                    return obs, reward, terminated or truncated, truncated, info
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
            if "truncat" in info.scope.name.lower():
                continue
            method = info.methods.get("step")
            for result in method.returns if method is not None else ():
                if not isinstance(result, ast.Tuple) or len(result.elts) != 5:
                    continue
                held = source.value(result.elts[2])
                if isinstance(held, ast.BoolOp) and isinstance(held.op, ast.Or):
                    roles = {source.role(v) for v in held.values}
                    if roles == {Role.TERMINATED, Role.TRUNCATED}:
                        yield self.at(result.elts[2], "the time limit is returned as a termination")
