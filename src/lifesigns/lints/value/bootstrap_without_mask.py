"""Rule L202: the value of the next state is added without a mask for terminal states."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source, Term
from lifesigns.lints.value.td_sums import made_of
from lifesigns.rules import Likelihood

ENDS = {Role.DONE, Role.TERMINATED, Role.MASK, Role.TRUNCATED}
NEXT = {Role.VALUE, Role.TARGET}


class BootstrapWithoutMask(LintRule):
    """A target adds γ times the next state's value in terminal states as well.

    What it detects
    ---------------
    `target = reward + gamma * next_value` with no `1 - terminated` among the factors.

    Why it matters
    --------------
    A terminal state has no future: with its value added, ends cost and pay nothing, and values drift upwards.

    How it decides
    --------------
    A sum of a reward and a product of a discount and something computed from a next observation, none of whose factors
    or what they are computed from is an end of an episode; in a file that has such an end somewhere.

    When it is wrong
    ----------------
    Tasks that never end, or where ends are masked in what the value function returns.

    What to do
    ----------
    Multiply the next value by `1 - terminated`.

    References
    ----------
    Sutton and Barto, Reinforcement Learning (2018), section 6.1.
    """

    code = "L202"
    since = "0.2"
    severity = "warning"
    looks_at = ("gamma", "discount", "discount_factor", "GAMMA")
    causes = {"terminal-state-bootstrapped": Likelihood(0.4, source="judgement")}
    false_alarm = Likelihood(0.01, source="judgement; see benchmarks/lint")
    wrong = {
        "dqn": """
            gamma = 0.99
            states, actions, rewards, next_states, dones = buffer.sample(32)
            with torch.no_grad():
                target = rewards + gamma * target_net(next_states).max(1)[0]
            loss = F.mse_loss(net(states).gather(1, actions), target)
            """,
        "td(0)": """
            def update(self, obs, reward, next_obs, terminated):
                next_value = self.critic(next_obs)
                target = reward + self.gamma * next_value
                return (target - self.critic(obs)) ** 2
            """,
    }
    right = {
        "masked": "target = rewards + gamma * (1 - dones) * q(next_states)",
        "masked before": """
            next_values = q(next_states)
            next_values[dones] = 0.0
            target = rewards + gamma * next_values
            """,
        "chosen by a branch": """
            if done:
                target = reward
            else:
                target = reward + gamma * q(next_state).max()
            """,
        "returns": "for r in reversed(rewards):\n    R = r + gamma * R\n    returns.insert(0, R)\ndone = True",
        "a sum that runs on": """
            def trace(self, rewards, next_obs, done):
                Q = 0.0 if done else self.value(next_obs)
                for r in reversed(rewards):
                    Q = r + self.gamma * Q
            """,
        "no ends in sight": "target = rewards + gamma * q(next_states)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the sum."""
        if not source.mentions(*ENDS):
            return
        for node in source.nodes(ast.BinOp):
            assert isinstance(node, ast.BinOp)
            if not isinstance(node.op, ast.Add) or isinstance(source.parent(node), ast.BinOp):
                continue
            parts = source.terms(node, follow=False)
            rewards = [t for t in parts if any(source.role(f.node) is Role.REWARD for f in t.factors)]
            futures = [t for t in parts if t not in rewards and _is_future(source, t)]
            if rewards and len(futures) == 1 and not (_runs_on(source, node) or _masked(source, node, futures[0])):
                yield self.at(
                    futures[0].node, "the next state's value is added in terminal states too: no mask in sight"
                )


def _runs_on(source: Source, node: ast.BinOp) -> bool:
    """`R = r + gamma * R`: a sum that carries itself on, from a last value set before."""
    at = source.parent(node)
    names = {t.id for t in at.targets if isinstance(t, ast.Name)} if isinstance(at, ast.Assign) else set()
    return any(isinstance(n, ast.Name) and n.id in names for n in ast.walk(node))


def _is_future(source: Source, term: Term) -> bool:
    found = [source.role(f.node) for f in term.factors]
    if Role.DISCOUNT not in found or any(r in ENDS for r in found):
        return False
    others = [f.node for f, r in zip(term.factors, found, strict=True) if r is not Role.DISCOUNT]
    return any(source.role(n) is Role.NEXT_OBSERVATION for f in others for n in source.upstream(f, 120))


def _masked(source: Source, node: ast.AST, term: Term) -> bool:
    """An end upstream, a branch on one around, or a masked assignment to what is added."""
    if any(source.role(n) in ENDS for f in term.factors for n in made_of(source, f.node) if isinstance(n, ast.expr)):
        return True
    for at in source.parents(node):
        test = at.test if isinstance(at, ast.If | ast.IfExp | ast.While) else None
        if test is not None and any(source.role(n) in ENDS for n in ast.walk(test)):
            return True
    names = {n.id for f in term.factors for n in ast.walk(f.node) if isinstance(n, ast.Name)}
    return any(
        isinstance(one, ast.Subscript)
        and isinstance(one.ctx, ast.Store)
        and isinstance(one.value, ast.Name)
        and one.value.id in names
        for one in source.nodes(ast.Subscript)
    )
