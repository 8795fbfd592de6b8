"""Rule L401: Rewards are shifted by their batch's mean."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.lints.source.role_names import role_of_name
from lifesigns.lints.source.tree import dotted
from lifesigns.lints.value.td_sums import td_sums
from lifesigns.rules import Likelihood


class RewardsCentred(LintRule):
    """Rewards from the environment have the mean of their batch subtracted before they are learned from.

    What it detects
    ---------------
    `rewards = (rewards - rewards.mean()) / (rewards.std() + 1e-8)` in a TD or GAE script.

    Why it matters
    --------------
    A shift changes the task: where episodes can end, it pays for living longer or for dying sooner, and by another
    amount in each batch.

    How it decides
    --------------
    A name that says reward is set to itself less its own mean, in a file that bootstraps (a sum of a reward and a
    discounted value). Names that hold discounted sums, and shifts inside an `if`, are left out.

    When it is wrong
    ----------------
    Tasks that never end, with a mean that does not move; rewards of one step, as with language models.

    What to do
    ----------
    Divide by a running deviation of the return and do not centre.

    References
    ----------
    Engstrom et al., Implementation Matters in Deep RL (2020), section 3; Naik et al., Reward Centering (2024).

    """

    code = "L401"
    since = "0.2"
    severity = "warning"
    looks_at = ("mean",)
    causes = {
        "reward-transformed": Likelihood(0.1, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement; see benchmarks/lint")
    wrong = {
        "dqn": """
            rewards = (rewards - rewards.mean()) / (rewards.std() + 1e-8)
            target = rewards + gamma * (1 - dones) * target_net(next_obs).max(1)[0]
            """,
        "centred only": """
            rewards = rewards - np.mean(rewards)
            for t in reversed(range(T)):
                delta = rewards[t] + gamma * values[t + 1] * (1 - dones[t]) - values[t]
            """,
    }
    right = {
        "scaled": """
            print(rewards.mean())
            rewards = rewards / (rewards.std() + 1e-8)
            target = rewards + gamma * (1 - dones) * target_net(next_obs).max(1)[0]
            """,
        "advantages of a group": "advantages = (rewards - rewards.mean()) / (rewards.std() + 1e-8)",
        "discounted sums": """
            for r in reversed(rewards):
                R = r + gamma * R
                returns.insert(0, R)
            returns = (returns - returns.mean()) / (returns.std() + 1e-8)
            """,
        "behind a setting": """
            if self.average_rewards:
                rewards = rewards - rewards.mean()
            target = rewards + gamma * (1 - dones) * target_net(next_obs).max(1)[0]
            """,
        "no bootstrap": "rewards = (rewards - rewards.mean()) / rewards.std()",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the assignment."""
        if not any(True for _ in td_sums(source)):
            return
        for node in source.nodes(ast.Assign):
            assert isinstance(node, ast.Assign)
            if isinstance(source.parent(node), ast.If):
                continue
            name = dotted(node.targets[0])
            value = node.value
            if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Div):
                value = value.left
            if name is None or role_of_name(name) is not Role.REWARD or not isinstance(value, ast.BinOp):
                continue
            if not isinstance(value.op, ast.Sub) or dotted(value.left) != name or _is_sum(source, value.left):
                continue
            right = value.right
            if isinstance(right, ast.Call) and isinstance(right.func, ast.Attribute) and right.func.attr == "mean":
                of = right.func.value if source.name(right.func) is None else right.args[0] if right.args else None
                if of is not None and dotted(of) == name:
                    yield self.at(node, f"`{name}` is shifted by the mean of its batch: that changes the task")


def _is_sum(source: Source, node: ast.expr) -> bool:
    """Whether a discount is among what made it."""
    return any(source.role(n) is Role.DISCOUNT for n in source.upstream(node, 120) if isinstance(n, ast.expr))
