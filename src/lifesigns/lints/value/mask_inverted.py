"""Rule L203: The future is multiplied by the end instead of by its complement."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.lints.value.td_sums import td_sums
from lifesigns.rules import Likelihood

FLAGS = (Role.TERMINATED, Role.DONE)


class MaskInverted(LintRule):
    """A target keeps the future where an episode ended and drops it everywhere else.

    What it detects
    ---------------
    `target = reward + gamma * done * next_value`, with a `done` that is 1 at the end.

    Why it matters
    --------------
    Nothing is bootstrapped but terminal states: all values are those of one reward.

    How it decides
    --------------
    A sum with a reward has a discounted term of which one factor is known to be an end (from `env.step`, or a name
    that says so), with no `1 -`, `not` or `~` anywhere on its way; where only the name tells, files that turn an
    end round anywhere are left out.

    When it is wrong
    ----------------
    The name says `done` and holds its complement, turned round in another file.

    What to do
    ----------
    Multiply by `1 - terminated`.

    References
    ----------
    Sutton and Barto, Reinforcement Learning (2018), section 6.1.

    """

    code = "L203"
    since = "0.2"
    severity = "warning"
    looks_at = (
        "gamma",
        "discount",
        "discount_factor",
        "GAMMA",
    )
    causes = {
        "terminal-state-bootstrapped": Likelihood(0.1, source="judgement"),
        "value-learns-nothing": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "batch": """
            batch = Transition(*zip(*sampled))
            alive = torch.tensor(batch.terminated, dtype=torch.float32)
            target = rewards + gamma * alive * target_net(next_states).max(1)[0]
            """,
        "step": """
            next_obs, reward, terminated, truncated, _ = env.step(action)
            target = reward + self.gamma * terminated * self.critic(next_obs)
            """,
    }
    right = {
        "complement": "target = rewards + gamma * (1 - dones) * q(next_states)",
        "complement before": "done = 1 - torch.tensor(d)\ntarget = rewards + gamma * done * q(next_states)",
        "complement where stored": """
            memory.push(s, a, r, 1 - done)
            s, a, rewards, dones = memory.sample()
            target = rewards + gamma * dones * q(s)
            """,
        "a truncation adds": "reward = reward + gamma * value * truncated",
        "subtracted": "target = rewards + gamma * (next_value - dones * next_value)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the factor."""
        turned: bool | None = None
        for held in td_sums(source):
            for factor in (f for t in held.futures for f in t.factors):
                if factor.divides or source.role(factor.node) not in FLAGS or _is_turned(source, factor.node):
                    continue
                if turned is None:
                    turned = _turns_any(source)
                if not turned or source.proven_role(factor.node) in FLAGS:
                    text = source.unparse(factor.node)
                    yield self.at(factor.node, f"the future is kept where `{text}` is 1 and dropped everywhere else")


def _is_turned(source: Source, node: ast.AST) -> bool:
    for one in source.upstream(node, 60):
        if isinstance(one, ast.UnaryOp) and isinstance(one.op, ast.Not | ast.Invert):
            return True
        if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Sub):
            return True
        if isinstance(one, ast.Compare | ast.IfExp):
            if any(source.role(n) in (*FLAGS, Role.MASK) for n in ast.walk(one) if isinstance(n, ast.expr)):
                return True
            continue
        if isinstance(one, ast.Call) and "not" in source.unparse(one.func):
            return True
    return False


def _turns_any(source: Source) -> bool:
    """Whether some end is subtracted from 1, or negated where it is no condition."""
    return any(
        isinstance(n, ast.BinOp)
        and isinstance(n.op, ast.Sub)
        and isinstance(n.left, ast.Constant)
        and (source.role(n.right) in FLAGS or isinstance(n.right, ast.Call))
        for n in source.nodes(ast.BinOp)
    )
