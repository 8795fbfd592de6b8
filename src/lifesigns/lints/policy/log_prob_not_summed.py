"""Rule L107: A Gaussian's log-probabilities enter the ratio by dimension, or summed over the batch."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.lints.source.batches import ends_in_one
from lifesigns.rules import Likelihood


class LogProbNotSummed(LintRule):
    """The log-probability of an action with several dimensions is not summed over them, or is summed over
    everything.

    What it detects
    ---------------
    `ratio = (Normal(mean, std).log_prob(actions) - old).exp()`, or `.log_prob(actions).sum()` without an axis.

    Why it matters
    --------------
    Each dimension gets a ratio and a clip of its own, and shapes broadcast against the advantages; summed over the
    batch, one ratio stands for all rows.

    How it decides
    --------------
    In `exp(new - old)`, the new side is `log_prob` of a `torch.distributions.Normal` as it is, or its `sum()`
    without an axis or over axis 0.

    When it is wrong
    ----------------
    Actions with one dimension whose axis is kept on both sides.

    What to do
    ----------
    `.log_prob(actions).sum(-1)`, or `Independent(Normal(mean, std), 1)`.

    References
    ----------
    Huang et al., The 37 Implementation Details of PPO (2022), continuous actions, 3.

    """

    code = "L107"
    since = "0.2"
    severity = "warning"
    looks_at = ("Normal",)
    causes = {
        "action-distribution-wrong": Likelihood(0.15, source="judgement"),
        "shapes-broadcast": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement; see benchmarks/lint")
    wrong = {
        "as it is": """
            dist = Normal(mean, std)
            new_logprob = dist.log_prob(actions)
            ratio = torch.exp(new_logprob - old_logprob)
            """,
        "over the batch": """
            dist = Normal(mean, std)
            new_logprob = dist.log_prob(actions).sum()
            ratio = (new_logprob - old_logprob).exp()
            """,
    }
    right = {
        "one dimension": """
            class Agent(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.trunk = nn.Linear(3, 128)
                    self.mean = nn.Linear(128, 1)
                    self.spread = nn.Linear(128, 1)
                def act(self, x):
                    h = torch.relu(self.trunk(x))
                    mean = 2.0 * torch.tanh(self.mean(h))
                    return mean, F.softplus(self.spread(h))
                def learn(self, obs, action, old_log_prob, advantage):
                    mean, spread = self.act(obs)
                    log_prob = torch.distributions.Normal(mean, spread).log_prob(action)
                    ratio = torch.exp(log_prob - old_log_prob)
                    return -(ratio * advantage).mean()
            """,
        "last axis": """
            dist = Normal(mean, std)
            new_logprob = dist.log_prob(actions).sum(-1)
            ratio = torch.exp(new_logprob - old_logprob)
            """,
        "keyword": """
            dist = Normal(mean, std)
            new_logprob = dist.log_prob(actions).sum(dim=1)
            ratio = torch.exp(new_logprob - old_logprob)
            """,
        "the sum comes later": """
            new_logprob = Normal(mean, std).log_prob(actions)
            ratio = torch.exp((new_logprob - old_logprob).sum(-1))
            """,
        "categorical": """
            held = Normal(0, 1)
            new_logprob = Categorical(logits=logits).log_prob(actions)
            ratio = torch.exp(new_logprob - old_logprob)
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the ratio."""
        for op in source.ops("exp"):
            inner = source.value(op.input) if op.input is not None else None
            if not isinstance(inner, ast.BinOp) or not isinstance(inner.op, ast.Sub):
                continue
            if source.role(inner.right) is not Role.LOG_PROBABILITY:
                continue
            new = source.value(inner.left)
            if _is_by_dimension(source, new):
                yield self.at(op.node, "the log-probabilities are not summed over the dimensions of the action")
                continue
            total = source.op(new)
            if total is not None and total.name == "sum" and _is_by_dimension(source, total.input):
                axis = total.arg(1, "dim", "axis")
                if axis is None or source.number(axis) == 0:
                    yield self.at(op.node, "the log-probabilities are summed over the batch: one ratio for all rows")


def _is_by_dimension(source: Source, node: ast.expr | None) -> bool:
    held = source.value(node) if node is not None else None
    if not isinstance(held, ast.Call) or not isinstance(held.func, ast.Attribute) or held.func.attr != "log_prob":
        return False
    kind = source.kind(held.func.value)
    normal = kind is not None and kind.startswith("torch.distributions") and kind.rpartition(".")[2] == "Normal"
    return normal and not _of_one_dimension(source, held.func.value)


def _of_one_dimension(source: Source, distribution: ast.expr) -> bool:
    """Whether a layer of one output is among those that its parameters come out of."""
    calls = (n for n in source.upstream(distribution, 300) if isinstance(n, ast.Call))
    made = (b.value for call in calls for b in source.bindings(call.func))
    return any(isinstance(one, ast.Call) and ends_in_one(source, one) for one in made)
