"""Rule L511: The observation that the policy is given is never renewed."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.rules import Likelihood


class ObservationNeverRenewed(LintRule):
    """Actions are chosen from a variable that only `reset` sets: the policy sees the first observation of each
    episode for all of it.

    What it detects
    ---------------
    `next_obs, r, ... = env.step(policy(obs))` in a loop without `obs = next_obs`.

    Why it matters
    --------------
    The agent acts blindly, and what is stored pairs every action of an episode with its first state.

    How it decides
    --------------
    In a loop, the action of an `env.step` is computed from a name that says observation; whatever may have set it
    is a `reset`, while the step's own observation has another name.

    When it is wrong
    ----------------
    A bandit: episodes of one step.

    What to do
    ----------
    `obs = next_obs` at the end of the loop's body.

    References
    ----------
    Gymnasium documentation, Basic Usage.

    """

    code = "L511"
    since = "0.2"
    severity = "warning"
    looks_at = ("step",)
    causes = {
        "observation-ignored": Likelihood(0.1, source="judgement"),
    }
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "never moved on": """
            obs, _ = env.reset()
            for t in range(1000):
                action = policy(torch.as_tensor(obs))
                next_obs, reward, terminated, truncated, _ = env.step(action)
                buffer.add(obs, action, reward, next_obs, terminated)
                if terminated or truncated:
                    obs, _ = env.reset()
            """,
        "inner loop": """
            for episode in range(100):
                s, _ = env.reset()
                state = s
                done = False
                while not done:
                    state_tensor = torch.as_tensor(state)
                    s2, r, terminated, truncated, _ = env.step(actor(state_tensor).numpy())
                    done = terminated or truncated
            """,
    }
    right = {
        "the next action chosen ahead": """
            while True:
                s, info = env.reset()
                a, q = agent.select_action(s)
                while True:
                    s_next, r, terminated, truncated, info = env.step(a)
                    a_next, q_next = agent.select_action(s_next)
                    buffer.add(s, a, r, terminated)
                    s, a, q = s_next, a_next, q_next
                    if terminated or truncated:
                        break
            """,
        "moved on": """
            obs, _ = env.reset()
            for t in range(1000):
                next_obs, reward, terminated, truncated, _ = env.step(policy(obs))
                obs = next_obs
                if terminated or truncated:
                    obs, _ = env.reset()
            """,
        "same name": """
            obs, _ = env.reset()
            for t in range(1000):
                obs, reward, terminated, truncated, _ = env.step(policy(obs))
            """,
        "one step": """
            obs, _ = env.reset()
            next_obs, reward, terminated, truncated, _ = env.step(policy(obs))
            """,
        "bandit": """
            for episode in range(1000):
                obs, _ = env.reset()
                next_obs, reward, terminated, truncated, _ = env.step(policy(obs))
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the step."""
        for step in source.env_steps():
            around = source.loops(step.call)
            if not around or step.obs is None or step.obs.name.startswith("_"):
                continue
            scope = source.scope(step.call)
            if _seen(source, step.action, step.obs.name):
                continue
            for read in source.upstream(step.action, 60):
                if not isinstance(read, ast.Name) or source.scope(read) is not scope or read.id == step.obs.name:
                    continue
                if source.role(read) is not Role.OBSERVATION or not _runs_on(source, read, around[0]):
                    continue
                yield self.at(step.call, f"`{read.id}` is set by `reset` only: later states never reach the policy")
                break


def _seen(source: Source, action: ast.AST, obs: str) -> bool:
    """Whether an action, or what it is set to later on (`s, a = s_next, a_next`), is chosen by what the step gave."""
    return any(isinstance(n, ast.Name) and n.id == obs for n in source.upstream(action, 300))


def _runs_on(source: Source, read: ast.Name, loop: ast.AST) -> bool:
    """Whether every binding is a reset's, one of them from before the loop."""
    found = source.bindings(read)
    if not found or not all(b.path == (0,) and _is_reset(b.value) for b in found if not _is_alias(source, b.value)):
        return False
    if any(_is_alias(source, b.value) and len(found) > 1 for b in found):
        return False
    return any(not any(p is loop for p in source.parents(b.node)) for b in found)


def _is_reset(value: ast.AST | None) -> bool:
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "reset"


def _is_alias(source: Source, value: ast.AST | None) -> bool:
    """A name that a reset alone has set."""
    return (
        isinstance(value, ast.Name)
        and all(b.path == (0,) and _is_reset(b.value) for b in source.bindings(value) or (None,) if b is not None)
        and bool(source.bindings(value))
    )
