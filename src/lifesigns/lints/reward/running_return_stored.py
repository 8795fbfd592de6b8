"""Rule L404: the score of the episode so far is stored where the reward of the step belongs."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import EnvStep, Role, Source
from lifesigns.rules import Likelihood

STORES = ("add", "push", "store", "append", "put", "remember", "store_transition", "add_transition", "insert", "record",
          "cache", "memorize", "save")  # fmt: skip


class RunningReturnStored(LintRule):
    """A transition is stored with the sum of the episode's rewards in place of the reward of its step.

    What it detects
    ---------------
    `memory.push(obs, action, episode_reward, next_obs, done)` with `episode_reward += reward` beside it.

    Why it matters
    --------------
    Late steps look good whatever was done in them; the values learned are sums of sums.

    How it decides
    --------------
    What is stored holds an observation and an action of a step of the environment, not that step's reward, and a name
    to which the same loop adds the reward.

    When it is wrong
    ----------------
    The return so far is an input of the model, and the reward is stored elsewhere.

    What to do
    ----------
    Store the reward of the step; keep the sum for the log.

    References
    ----------
    Sutton and Barto, Reinforcement Learning (2018), section 6.1.
    """

    code = "L404"
    since = "0.2"
    severity = "warning"
    looks_at = ("step",)
    causes = {
        "reward-transformed": Likelihood(0.05, source="judgement"),
        "batch-misaligned": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "arguments": """
            total = 0
            while not done:
                action = act(obs)
                next_obs, reward, terminated, truncated, _ = env.step(action)
                total += reward
                memory.push(obs, action, total, next_obs, terminated)
            """,
        "tuple": """
            for step in range(1000):
                next_obs, r, terminated, truncated, _ = env.step(action)
                episode_return = episode_return + r
                buffer.append((obs, action, episode_return, next_obs, terminated))
            """,
    }
    right = {
        "reward": """
            for step in range(1000):
                next_obs, r, terminated, truncated, _ = env.step(action)
                episode_return += r
                buffer.append((obs, action, r, next_obs, terminated))
            """,
        "a log of episodes": """
            for step in range(1000):
                next_obs, r, terminated, truncated, _ = env.step(action)
                episode_return += r
                history.append((step, episode_return))
            """,
        "both": """
            for step in range(1000):
                next_obs, r, terminated, truncated, _ = env.step(action)
                episode_return += r
                buffer.add(obs, action, r, next_obs, episode_return)
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At what is stored."""
        for step in source.env_steps():
            around = source.loops(step.call)
            if step.reward is None or not around:
                continue
            for call in source.method_calls(*STORES):
                if not any(p is around[0] for p in source.parents(call)):
                    continue
                given = [*call.args, *(k.value for k in call.keywords)]
                if len(given) == 1 and isinstance(given[0], ast.Tuple | ast.List | ast.Call):
                    given = given[0].elts if not isinstance(given[0], ast.Call) else given[0].args
                held = _running(source, step, given)
                if held is not None:
                    text = f"`{source.unparse(held)}` is the sum over the episode, not the reward of the step"
                    yield self.at(held, text)


def _running(source: Source, step: EnvStep, given: list[ast.expr]) -> ast.expr | None:
    roles = {source.role(g) for g in given}
    acts = Role.ACTION in roles or any(source.unparse(g) == source.unparse(step.action) for g in given)
    if not acts or not roles & {Role.OBSERVATION, Role.NEXT_OBSERVATION} or len(given) < 3:
        return None
    if any(step.reward in source.bindings(n) for g in given for n in ast.walk(g) if isinstance(n, ast.Name)):
        return None
    for one in given:
        if isinstance(one, ast.Name) and any(_adds(source, step, one.id, b.value) for b in source.bindings(one)):
            return one
    return None


def _adds(source: Source, step: EnvStep, name: str, value: ast.expr | None) -> bool:
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Add):
        return False
    sides = (value.left, value.right)
    own = any(isinstance(s, ast.Name) and s.id == name for s in sides)
    return own and any(step.reward in source.bindings(n) for s in sides for n in ast.walk(s) if isinstance(n, ast.Name))
