"""Rule L514: a transition is stored after the observation has moved on."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Binding, Role, Source
from lifesigns.rules import Likelihood

STORES = ("add", "push", "store", "append", "put", "remember", "store_transition", "add_transition", "insert", "record")


class NextObservationStoredTwice(LintRule):
    """A transition is stored after `obs = next_obs`: both of its observations are the later one.

    What it detects
    ---------------
    `obs = next_obs` above `buffer.add(obs, action, reward, next_obs, done)`.

    Why it matters
    --------------
    Actions and rewards stand beside the observation that came of them. A critic learns the value of standing still, and
    the action is chosen in states in which it was never tried.

    How it decides
    --------------
    A call that stores an observation, a next observation and a reward. Everything that may have set the first name is
    an assignment from the second, in the same turn of the loop.

    When it is wrong
    ----------------
    Never seen; the first name may be meant to be the later observation where a third one holds the earlier.

    What to do
    ----------
    Store first, then `obs = next_obs`.

    References
    ----------
    Mnih et al., Human-level control through deep reinforcement learning (2015), algorithm 1.
    """

    code = "L514"
    since = "0.2"
    severity = "warning"
    looks_at = STORES
    causes = {"batch-misaligned": Likelihood(0.3, source="judgement")}
    false_alarm = Likelihood(0.002, source="judgement")
    wrong = {
        "pushed too late": """
            state, _ = env.reset()
            for frame in range(10000):
                action = act(state)
                next_state, reward, terminated, truncated, _ = env.step(action)
                done = terminated or truncated
                state = next_state
                memory.push(state, action, reward, next_state, done)
                if done:
                    state, _ = env.reset()
            """,
        "a tuple of copies": """
            obs, _ = env.reset()
            while True:
                next_obs, reward, terminated, truncated, _ = env.step(policy(obs))
                obs = next_obs.copy()
                memory.append((obs, action, reward, next_obs, terminated))
            """,
    }
    right = {
        "stored first": """
            state, _ = env.reset()
            for frame in range(10000):
                action = act(state)
                next_state, reward, terminated, truncated, _ = env.step(action)
                memory.push(state, action, reward, next_state, terminated)
                state = next_state
            """,
        "kept under a third name": """
            state, _ = env.reset()
            for frame in range(10000):
                last_state = state
                next_state, reward, terminated, truncated, _ = env.step(act(state))
                state = next_state
                memory.push(last_state, action, reward, next_state, terminated)
            """,
        "moved on at the end of the turn": """
            next_state = env.reset()[0]
            while True:
                state = next_state
                next_state, reward, terminated, truncated, _ = env.step(act(state))
                memory.push(state, action, reward, next_state, terminated)
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the earlier observation."""
        for call in source.method_calls(*STORES):
            given = [*call.args, *(k.value for k in call.keywords)]
            if len(given) == 1 and isinstance(given[0], ast.Tuple | ast.List):
                given = given[0].elts
            roles = [source.role(g) for g in given]
            later = [g for g, r in zip(given, roles, strict=True) if r is Role.NEXT_OBSERVATION and _plain(g)]
            if Role.REWARD not in roles or len(later) != 2:
                continue
            for first, second in (later, later[::-1]):
                if _moved_on(source, first, second):
                    names = f"`{source.unparse(first)}` is already `{source.unparse(second)}` here"
                    yield self.at(first, f"{names}: the observation that was acted on is lost")


def _plain(node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Attribute)


def _moved_on(source: Source, first: ast.expr, second: ast.expr) -> bool:
    """Whether all that may have set the first name took it from the second one's present value."""
    held = source.bindings(first)
    return bool(held) and all(_taken_from(source, b, second) for b in held)


def _taken_from(source: Source, binding: Binding, second: ast.expr) -> bool:
    value = binding.value
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in ("copy", "clone"):
        value = value.func.value
    return value is not None and not binding.path and source.same(value, second)
