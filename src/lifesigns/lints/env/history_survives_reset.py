"""Rule L506: A wrapper's queue of frames is not emptied at a reset."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.lints.source.library import ENV
from lifesigns.rules import Likelihood


class HistorySurvivesReset(LintRule):
    """A wrapper keeps a queue that goes into its observations, and starts an episode with what the last one left
    in it.

    What it detects
    ---------------
    `self.frames.append(obs)` in `step`, and a `reset` that neither clears, fills nor replaces `self.frames`.

    Why it matters
    --------------
    The first observations of each episode hold frames of the one before: the same start looks different every
    time.

    How it decides
    --------------
    In an environment or wrapper, `self.x` is a `deque` with a length, appended to in `step`, and read by another
    method or by the rest of `step`; `reset` exists and holds no `clear`, `extend`, assignment, nor `append` in a
    loop, and calls no method of the class that may.

    When it is wrong
    ----------------
    A history across episodes on purpose (statistics of recent returns).

    What to do
    ----------
    In `reset`: `self.frames.clear()` and fill it with the first observation.

    References
    ----------
    Mnih et al., Human-level control through deep reinforcement learning (2015), methods.

    """

    code = "L506"
    since = "0.2"
    severity = "warning"
    looks_at = ("deque",)
    causes = {
        "memory-crosses-episodes": Likelihood(0.1, source="judgement"),
    }
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "one frame appended": """
            from collections import deque
            class Stack(gym.Wrapper):
                def __init__(self, env):
                    super().__init__(env)
                    self.frames = deque(maxlen=4)
                def reset(self, **kwargs):
                    obs, info = self.env.reset(**kwargs)
                    self.frames.append(obs)
                    return np.stack(self.frames), info
                def step(self, action):
                    obs, r, terminated, truncated, info = self.env.step(action)
                    self.frames.append(obs)
                    return np.stack(self.frames), r, terminated, truncated, info
            """,
        "filled while short": """
            from collections import deque
            class Stack(gym.Wrapper):
                def __init__(self, env):
                    super().__init__(env)
                    self.frames = deque(maxlen=4)
                def reset(self, **kwargs):
                    obs, info = self.env.reset(**kwargs)
                    while len(self.frames) < 4:
                        self.frames.append(obs)
                    return np.stack(self.frames), info
                def step(self, action):
                    obs, r, terminated, truncated, info = self.env.step(action)
                    self.frames.append(obs)
                    return np.stack(self.frames), r, terminated, truncated, info
            """,
    }
    right = {
        "cleared": """
            from collections import deque
            class Stack(gym.Wrapper):
                def __init__(self, env):
                    self.frames = deque(maxlen=4)
                def reset(self, **kwargs):
                    obs, info = self.env.reset(**kwargs)
                    self.frames.clear()
                    self.frames.append(obs)
                    return np.stack(self.frames), info
                def step(self, action):
                    obs, r, terminated, truncated, info = self.env.step(action)
                    self.frames.append(obs)
                    return np.stack(self.frames), r, terminated, truncated, info
            """,
        "filled": """
            from collections import deque
            class Stack(gym.Wrapper):
                def __init__(self, env):
                    self.frames = deque(maxlen=4)
                def reset(self, **kwargs):
                    obs, info = self.env.reset(**kwargs)
                    for _ in range(4):
                        self.frames.append(obs)
                    return np.stack(self.frames), info
                def step(self, action):
                    obs, r, terminated, truncated, info = self.env.step(action)
                    self.frames.append(obs)
                    return np.stack(self.frames), r, terminated, truncated, info
            """,
        "returns of past episodes": """
            from collections import deque
            class Monitor(gym.Wrapper):
                def __init__(self, env):
                    self.returns = deque(maxlen=100)
                def reset(self, **kwargs):
                    return self.env.reset(**kwargs)
                def step(self, action):
                    obs, r, terminated, truncated, info = self.env.step(action)
                    self.returns.append(r)
                    return obs, r, terminated, truncated, {"mean": np.mean(self.returns)}
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the queue's making."""
        for info in source.classes(ENV):
            reset, step = info.methods.get("reset"), info.methods.get("step")
            if reset is None or step is None:
                continue
            for name, made in info.attributes.items():
                if len(made) != 1 or not _is_short(source, made[0].value):
                    continue
                if _appends_observation(source, step.node, name) and not _renews(source, reset.node, name):
                    shown = [r.elts[0] for r in step.returns if isinstance(r, ast.Tuple) and len(r.elts) > 3]
                    if any(_reads(source, one, name) for one in shown):
                        yield self.at(made[0].node, f"`self.{name}` keeps frames of the last episode after `reset`")


def _is_short(source: Source, value: ast.expr | None) -> bool:
    if not isinstance(value, ast.Call) or source.name(value.func) != "collections.deque":
        return False
    return any(k.arg == "maxlen" for k in value.keywords) or len(value.args) > 1


def _appends_observation(source: Source, method: ast.AST, name: str) -> bool:
    return any(
        source.role(c.args[0]) in (Role.NEXT_OBSERVATION, Role.OBSERVATION)
        for c in ast.walk(method)
        if isinstance(c, ast.Call) and _is_method_of(c, name, "append") and c.args
    )


def _is_method_of(call: ast.Call, name: str, *methods: str) -> bool:
    func = call.func
    return (
        isinstance(func, ast.Attribute)
        and func.attr in methods
        and isinstance(func.value, ast.Attribute)
        and func.value.attr == name
    )


def _renews(source: Source, method: ast.AST, name: str) -> bool:
    for one in ast.walk(method):
        if isinstance(one, ast.Attribute) and one.attr == name and isinstance(one.ctx, ast.Store):
            return True
        if not isinstance(one, ast.Call):
            continue
        if _is_method_of(one, name, "clear", "extend", "pop", "popleft"):
            return True
        if _is_method_of(one, name, "append") and any(isinstance(p, ast.For) for p in source.loops(one)):
            return True
        func = one.func
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id == "self":
            return True
        if any(isinstance(a, ast.Attribute) and a.attr == name for a in one.args) and source.op(one) is None:
            return not (source.name(func) or "").startswith(("numpy.", "len", "list"))
    return False


def _reads(source: Source, shown: ast.expr, name: str) -> bool:
    return any(isinstance(n, ast.Attribute) and n.attr == name for n in source.upstream(shown, 100))
