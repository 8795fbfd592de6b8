"""Rule L204: The target of a value loss carries a gradient."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.lints.value.td_sums import has_role
from lifesigns.rules import Likelihood


class TargetWithGradient(LintRule):
    """The bootstrapped target is computed with gradients by the network that is trained towards it.

    What it detects
    ---------------
    `target = reward + gamma * critic(next_obs)` without `no_grad` or `detach`, in `mse_loss(critic(obs), target)`.

    Why it matters
    --------------
    The loss also moves the next state's value towards the present one's. This residual gradient is biased where
    transitions are random, and learns slowly elsewhere.

    How it decides
    --------------
    One side of an `mse_loss`, `smooth_l1_loss`, `huber_loss` or `l1_loss` is a sum of a reward and a discounted
    term through which a gradient is known to flow, and no name that says target is on the way.

    When it is wrong
    ----------------
    Residual-gradient methods, on purpose.

    What to do
    ----------
    Compute the target under `torch.no_grad()`, or `.detach()` it.

    References
    ----------
    Baird, Residual Algorithms (1995); Sutton and Barto, Reinforcement Learning (2018), section 11.5.

    """

    code = "L204"
    since = "0.2"
    severity = "warning"
    looks_at = (
        "mse_loss",
        "MSELoss",
        "smooth_l1_loss",
        "SmoothL1Loss",
        "huber_loss",
        "HuberLoss",
        "l1_loss",
    )
    causes = {
        "gradient-through-target": Likelihood(0.3, source="judgement"),
    }
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "td(0)": """
            critic = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 1))
            target = reward + gamma * (1 - done) * critic(next_obs)
            loss = F.mse_loss(critic(obs), target)
            """,
        "class": """
            class Agent:
                def __init__(self):
                    self.q = nn.Linear(4, 2)
                    self.loss = nn.SmoothL1Loss()
                def update(self, s, a, r, s2, done):
                    next_q = self.q(s2).max(1)[0]
                    y = r + self.gamma * next_q * (1 - done)
                    reward = r
                    target = reward + self.gamma * next_q * (1 - done)
                    return self.loss(self.q(s).gather(1, a), target)
            """,
    }
    right = {
        "no_grad": """
            critic = nn.Linear(4, 1)
            with torch.no_grad():
                target = reward + gamma * (1 - done) * critic(next_obs)
            loss = F.mse_loss(critic(obs), target)
            """,
        "detached in the loss": """
            critic = nn.Linear(4, 1)
            target = reward + gamma * critic(next_obs)
            loss = F.mse_loss(critic(obs), target.detach())
            """,
        "target network": """
            critic, critic_target = nn.Linear(4, 1), nn.Linear(4, 1)
            target = reward + gamma * critic_target(next_obs)
            loss = F.mse_loss(critic(obs), target)
            """,
        "argmax only": """
            q, q_target = nn.Linear(4, 2), nn.Linear(4, 2)
            best = q(next_obs).argmax(1, keepdim=True)
            loss = F.mse_loss(q(obs), reward + gamma * held_values.gather(1, best))
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the loss."""
        for op in source.ops("mse_loss", "smooth_l1_loss", "huber_loss", "l1_loss"):
            for side in (op.arg(1, "target"), op.arg(0, "input")):
                if side is None or source.has_gradient(side) is not True:
                    continue
                parts = source.terms(side)
                if not any(has_role(source, t, Role.REWARD) for t in parts):
                    continue
                futures = [t for t in parts if has_role(source, t, Role.DISCOUNT)]
                nodes = [n for t in futures for f in t.factors for n in source.upstream(f.node, 120)]
                if futures and not any("targ" in w.lower() or "tgt" in w.lower() for n in nodes for w in _words(n)):
                    yield self.at(op.node, "the gradient flows through the bootstrapped target as well")
                    break


def _words(node: ast.AST) -> list[str]:
    return [node.id] if isinstance(node, ast.Name) else [node.attr] if isinstance(node, ast.Attribute) else []
