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
        "stored": """
            done_mask = 1.0 if done else 0.0
            memory.put((s, a, r, s_next, done_mask))
            s, a, r, s_next, done_mask = memory.sample(32)
            target = r + gamma * q(s_next).max(1)[0] * done_mask
            """,
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
        "kept where it goes on": """
            done_mask = 0.0 if done else 1.0
            memory.put((s, a, r, s_next, done_mask))
            s, a, r, s_next, done_mask = memory.sample(32)
            target = r + gamma * q(s_next).max(1)[0] * done_mask
            """,
        "turned where it is used": """
            done_mask = 1.0 if done else 0.0
            memory.put((s, a, r, s_next, done_mask))
            s, a, r, s_next, done_mask = memory.sample(32)
            target = r + gamma * q(s_next).max(1)[0] * (1 - done_mask)
            """,
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
        yield from self._set_at_ends(source)

    def _set_at_ends(self, source: Source) -> Iterable[Spot]:
        """Masks that are set to 1 at ends, where a future is multiplied by what has the same name, as it is."""
        set_so = {n: name for n in source.nodes(ast.Assign) if (name := _one_at_ends(source, n))}
        if not set_so:
            return
        named = {n.id for n in _discounted(source) if not _is_turned(source, n)}
        for one, name in set_so.items():
            if name in named and not _is_subtracted(source, name):
                yield self.at(one, f"`{name}` is 1 where the episode ends, and the future is multiplied by it")


def _discounted(source: Source) -> Iterable[ast.Name]:
    """Names that stand as a factor beside a discount."""
    for node in source.nodes(ast.BinOp):
        for term in source.terms(node, follow=False):
            factors = [f.node for f in term.factors if not f.divides]
            if any(source.role(f) is Role.DISCOUNT for f in factors):
                yield from (f for f in factors if isinstance(f, ast.Name))


def _one_at_ends(source: Source, node: ast.AST) -> str:
    """`done_mask` of `done_mask = 1.0 if done else 0.0`; empty for anything else."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.IfExp):
        return ""
    target, value = node.targets[0], node.value
    ends = isinstance(value.test, ast.Name | ast.Attribute) and source.role(value.test) in FLAGS
    if not isinstance(target, ast.Name) or not ends:
        return ""
    return target.id if source.number(value.body) == 1 and source.number(value.orelse) == 0 else ""


def _is_subtracted(source: Source, name: str) -> bool:
    """Whether `1 - name` stands anywhere."""
    return any(
        isinstance(n, ast.BinOp) and isinstance(n.op, ast.Sub) and isinstance(n.right, ast.Name) and n.right.id == name
        for n in source.nodes(ast.BinOp)
    )


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
