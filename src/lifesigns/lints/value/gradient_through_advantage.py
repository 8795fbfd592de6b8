"""Rule L205: The policy loss trains the value function through the advantage."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.rules import Likelihood

SCORES = (Role.LOG_PROBABILITY, Role.RATIO)


class GradientThroughAdvantage(LintRule):
    """The advantage in the policy loss carries a gradient into the value network.

    What it detects
    ---------------
    `policy_loss = -(log_prob * (returns - critic(obs))).mean()` without `detach`.

    Why it matters
    --------------
    The critic is moved so as to make the policy loss small, away from the returns that it should predict.

    How it decides
    --------------
    In a sum that `backward` is called on, a product has a log-probability or ratio and another factor that is a
    difference through which a gradient is known to flow, by a call of a module on an observation.

    When it is wrong
    ----------------
    The critic's gradient from this loss is thrown away before its optimiser steps.

    What to do
    ----------
    `advantage = returns - critic(obs).detach()`.

    References
    ----------
    Sutton and Barto, Reinforcement Learning (2018), section 13.4.

    """

    code = "L205"
    since = "0.2"
    severity = "warning"
    looks_at = (
        "log_prob",
        "logprob",
        "log_probs",
        "logprobs",
        "ratio",
    )
    causes = {
        "advantage-wrong": Likelihood(0.1, source="judgement"),
        "value-learns-nothing": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "one loss": """
            critic = nn.Linear(4, 1)
            values = critic(obs)
            advantages = returns - values
            loss = -(dist.log_prob(actions) * advantages).mean() + advantages.pow(2).mean()
            loss.backward()
            """,
        "class": """
            class Agent:
                def __init__(self):
                    self.critic = nn.Linear(4, 1)
                def update(self, obs, actions, returns):
                    advantage = returns - self.critic(obs).squeeze(-1)
                    policy_loss = -(self.dist(obs).log_prob(actions) * advantage).mean()
                    policy_loss.backward()
            """,
    }
    right = {
        "detached": """
            critic = nn.Linear(4, 1)
            advantages = returns - critic(obs).detach()
            loss = -(dist.log_prob(actions) * advantages).mean()
            loss.backward()
            """,
        "detached in the loss": """
            critic = nn.Linear(4, 1)
            advantages = returns - critic(obs)
            loss = -(dist.log_prob(actions) * advantages.detach()).mean() + advantages.pow(2).mean()
            loss.backward()
            """,
        "no_grad": """
            critic = nn.Linear(4, 1)
            with torch.no_grad():
                advantages = returns - critic(obs)
            loss = -(dist.log_prob(actions) * advantages).mean()
            loss.backward()
            """,
        "soft actor-critic": """
            critic = nn.Linear(4, 1)
            log_prob = dist.log_prob(action)
            loss = (alpha * log_prob - critic(action)).mean()
            loss.backward()
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the factor."""
        for call in source.calls("torch.Tensor.backward"):
            for term in source.terms(source.receiver(call)):
                scores = [f for f in term.factors if source.role(f.node) in SCORES]
                if len(scores) != 1 or source.comes_from(term.node, "detach"):
                    continue
                for other in (f for f in term.factors if f is not scores[0] and not f.divides):
                    held = source.value(other.node)
                    if not isinstance(held, ast.BinOp) or not isinstance(held.op, ast.Sub):
                        continue
                    if source.has_gradient(other.node) is True and not _is_score(source, held):
                        text = source.unparse(other.node)
                        yield self.at(other.node, f"a gradient flows through `{text}` into the value network")


def _is_score(source: Source, node: ast.BinOp) -> bool:
    return any(source.role(s) in (*SCORES, Role.ENTROPY) for s in (node.left, node.right))
