"""Rule L405: The reward is written one row before everything else."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.rules import Likelihood


class RewardStoredOneRowOff(LintRule):
    """Of the parts of one step, the reward alone is written at the index before.

    What it detects
    ---------------
    `actions[t] = action`, `rewards[t - 1] = reward` in one loop.

    Why it matters
    --------------
    Each action is credited with what the next one earned.

    How it decides
    --------------
    In one function, a reward is stored at `x[i - 1]`, and at least two other stores, among them an action's or an
    observation's, use `x[i]`; no other store uses `i - 1`.

    When it is wrong
    ----------------
    Rewards that arrive one step late by design.

    What to do
    ----------
    Write all parts of a step at one index.

    References
    ----------
    Sutton and Barto, Reinforcement Learning (2018), section 3.1.

    """

    code = "L405"
    since = "0.2"
    severity = "warning"
    looks_at = (
        "rewards",
        "reward",
        "rews",
    )
    causes = {
        "reward-carries-no-signal": Likelihood(0.02, source="judgement"),
        "batch-misaligned": Likelihood(0.1, source="judgement"),
    }
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "rollout": """
            for t in range(128):
                obs_buf[t] = obs
                actions[t] = policy(obs)
                obs, reward, terminated, truncated, _ = envs.step(actions[t])
                rewards[t - 1] = torch.as_tensor(reward)
            """,
        "buffer": """
            class Buffer:
                def add(self, obs, action, reward, done):
                    i = self.position
                    self.obs[i], self.actions[i], self.rewards[i - 1], self.dones[i] = obs, action, reward, done
            """,
    }
    right = {
        "one row": """
            for t in range(128):
                obs_buf[t] = obs
                actions[t] = policy(obs)
                rewards[t] = reward
            """,
        "several late": """
            for t in range(128):
                obs_buf[t] = obs
                actions[t] = policy(obs)
                rewards[t - 1], dones[t - 1] = reward, done
            """,
        "read one row off": "for t in range(9):\n    obs[t] = o\n    actions[t] = a\n    x = rewards[t - 1]",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the store."""
        stores: dict[tuple[ast.AST, str], list[ast.Subscript]] = {}
        late: list[tuple[ast.AST, str, ast.Subscript]] = []
        for node in source.nodes(ast.Subscript):
            assert isinstance(node, ast.Subscript)
            if not isinstance(node.ctx, ast.Store):
                continue
            place = source.scope(node).node
            at = node.slice
            if isinstance(at, ast.Name):
                stores.setdefault((place, at.id), []).append(node)
            elif (name := _one_before(source, at)) is not None:
                late.append((place, name, node))
        for place, index, node in late:
            others = stores.get((place, index), [])
            roles = [source.role(o.value) for o in others]
            alone = sum(p is place and i == index for p, i, _ in late) == 1
            if not alone or source.role(node.value) is not Role.REWARD or len(others) < 2:
                continue
            if (Role.ACTION in roles or Role.OBSERVATION in roles) and Role.REWARD not in roles:
                yield self.at(node, f"the reward goes to row `{index} - 1`, the rest of the step to row `{index}`")


def _one_before(source: Source, at: ast.expr) -> str | None:
    """`i` of `i - 1`."""
    if not isinstance(at, ast.BinOp) or not isinstance(at.op, ast.Sub) or source.number(at.right) != 1:
        return None
    return at.left.id if isinstance(at.left, ast.Name) else None
