"""Steps and resets of environments."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifesigns.lints.source.library import ENV, OPTIMIZER, SCHEDULER
from lifesigns.lints.source.roles import is_step
from lifesigns.lints.source.tree import Binding

if TYPE_CHECKING:
    from lifesigns.lints.source.source import Source


@dataclass(frozen=True, slots=True)
class EnvStep:
    """`obs, reward, terminated, truncated, info = env.step(action)`; of the old four, `done` and no `truncated`.

    `parts` are the bindings in order; a part bound to no name (`_` is a name) is None.
    """

    call: ast.Call
    env: ast.expr
    action: ast.expr
    parts: tuple[Binding | None, ...]

    @property
    def width(self) -> int:
        """5, or 4 for the old interface."""
        return len(self.parts)

    @property
    def obs(self) -> Binding | None:
        """What is bound to the next observation."""
        return self.parts[0]

    @property
    def reward(self) -> Binding | None:
        """What is bound to the reward."""
        return self.parts[1]

    @property
    def terminated(self) -> Binding | None:
        """The third of five; None in the old interface."""
        return self.parts[2] if self.width == 5 else None

    @property
    def truncated(self) -> Binding | None:
        """The fourth of five; None in the old interface."""
        return self.parts[3] if self.width == 5 else None

    @property
    def done(self) -> Binding | None:
        """The third of four."""
        return self.parts[2] if self.width == 4 else None

    @property
    def info(self) -> Binding | None:
        """The last."""
        return self.parts[-1]


def env_steps(source: Source) -> list[EnvStep]:
    """Calls `x.step(a)` whose result is unpacked into four or five, in source order; see `Source.env_steps`."""
    key = ("env_steps",)
    if key not in source.memo:
        source.memo[key] = [s for c in source.index.calls.get("step", ()) if (s := _step(source, c)) is not None]
    return source.memo[key]  # pyright: ignore


def _step(source: Source, call: ast.Call) -> EnvStep | None:
    if not is_step(call) or not isinstance(call.func, ast.Attribute):
        return None
    at = source.parent(call)
    if isinstance(at, ast.Await):
        at = source.parent(at)
    if not isinstance(at, ast.Assign) or len(at.targets) != 1:
        return None
    target = at.targets[0]
    if not isinstance(target, ast.Tuple) or len(target.elts) not in (4, 5):
        return None
    if any(isinstance(e, ast.Starred) for e in target.elts):
        return None
    env = call.func.value
    if source.is_a(env, OPTIMIZER) or source.is_a(env, SCHEDULER):
        return None
    return EnvStep(call, env, call.args[0], tuple(source.index.bound.get(e) for e in target.elts))


def env_resets(source: Source) -> list[ast.Call]:
    """Calls of `reset` on something known as an environment, or stepped as one; see `Source.env_resets`."""
    from lifesigns.lints.source.tree import dotted

    stepped = {dotted(s.env) for s in env_steps(source)} - {None}
    return [
        c
        for c in source.method_calls("reset")
        if isinstance(c.func, ast.Attribute) and (source.is_a(c.func.value, ENV) or dotted(c.func.value) in stepped)
    ]
