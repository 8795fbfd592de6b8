"""Rule L106: The ratio scores a freshly sampled action instead of the stored one."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.lints.source.calling import bound_argument, default_of
from lifesigns.lints.source.tree import Binding, Scope
from lifesigns.rules import Likelihood


class ActionSampledAnew(LintRule):
    """The new log-probability in the importance ratio is that of an action sampled in the update, not of the one
    that was executed.

    What it detects
    ---------------
    `_, new_logprob, _, _ = agent.get_action_and_value(obs)` without the stored actions, in a ratio with the stored
    log-probabilities.

    Why it matters
    --------------
    Numerator and denominator belong to different actions: the ratio is noise, and advantages are given to actions
    that nobody took.

    How it decides
    --------------
    In `exp(new - old)`, the new log-probability comes from `log_prob(a)`, directly or through a local function,
    where every value of `a` is a `sample()` of that call: made in the same function, or by default because the
    call gives no action.

    When it is wrong
    ----------------
    Estimates of a divergence by samples.

    What to do
    ----------
    Pass the stored actions.

    References
    ----------
    Schulman et al., Proximal Policy Optimization Algorithms (2017), equation 6.

    """

    code = "L106"
    since = "0.2"
    severity = "warning"
    looks_at = ("log_prob",)
    causes = {
        "scored-action-differs": Likelihood(0.2, source="judgement"),
        "action-distribution-wrong": Likelihood(0.1, source="judgement"),
    }
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "default": """
            class Agent(nn.Module):
                def get_action_and_value(self, obs, action=None):
                    dist = Categorical(logits=self.actor(obs))
                    if action is None:
                        action = dist.sample()
                    return action, dist.log_prob(action), dist.entropy()
            agent = Agent()
            for epoch in range(4):
                _, newlogprob, entropy = agent.get_action_and_value(b_obs)
                logratio = newlogprob - b_logprobs
                ratio = logratio.exp()
            """,
        "here": """
            for epoch in range(4):
                dist = Categorical(logits=policy(b_obs))
                action = dist.sample()
                new_logprob = dist.log_prob(action)
                ratio = torch.exp(new_logprob - old_logprob)
            """,
    }
    right = {
        "stored": """
            class Agent(nn.Module):
                def get_action_and_value(self, obs, action=None):
                    dist = Categorical(logits=self.actor(obs))
                    if action is None:
                        action = dist.sample()
                    return action, dist.log_prob(action), dist.entropy()
            agent = Agent()
            for epoch in range(4):
                _, newlogprob, entropy = agent.get_action_and_value(b_obs, b_actions)
                ratio = (newlogprob - b_logprobs).exp()
            """,
        "here": """
            dist = Categorical(logits=policy(b_obs))
            new_logprob = dist.log_prob(b_actions)
            ratio = torch.exp(new_logprob - old_logprob)
            """,
        "rollout": "a = dist.sample()\nold_logprob = dist.log_prob(a)\nratio = torch.exp(f(a) - old_logprob)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the ratio."""
        for op in source.ops("exp"):
            inner = source.value(op.input) if op.input is not None else None
            if (
                not isinstance(inner, ast.BinOp)
                or not isinstance(inner.op, ast.Sub)
                or source.without_gradient(op.node)
            ):
                continue
            if (
                source.role(inner.left) is not Role.LOG_PROBABILITY
                or source.role(inner.right) is not Role.LOG_PROBABILITY
            ):
                continue
            if _is_fresh(source, inner.left, source.scope(op.node)) and not _is_fresh(source, inner.right, None):
                yield self.at(op.node, "the new log-probability is that of a fresh sample, not of the stored action")


def _is_fresh(source: Source, node: ast.expr, here: Scope | None) -> bool:
    """Whether all that the name may stand for is the log-probability of a sample made by its own call."""
    found = source.bindings(node)
    return bool(found) and all(b.value is not None and _of_sample(source, b, here) for b in found)


def _of_sample(source: Source, binding: Binding, here: Scope | None) -> bool:
    value = binding.value
    if not isinstance(value, ast.Call):
        return False
    if not binding.path:
        scores = isinstance(value.func, ast.Attribute) and value.func.attr == "log_prob"
        scored = value.args[0] if scores and value.args else None
        return scored is not None and (here is None or source.scope(value) is here) and _sampled(source, scored, None)
    target = source.function(value)
    if target is None:
        return False
    there, scope = target
    scores = [c for c in scope.calls if isinstance(c.func, ast.Attribute) and c.func.attr == "log_prob" and c.args]
    return len(scores) == 1 and _sampled(there, scores[0].args[0], (value, scope))


def _sampled(source: Source, scored: ast.expr, call: tuple[ast.Call, Scope] | None) -> bool:
    """Each binding is a `sample()`, or a parameter that the call leaves at its default of None."""
    found = source.bindings(scored)
    for one in found:
        if one.how == "param":
            default = default_of(one.scope, one.name)
            absent = isinstance(default, ast.Constant) and default.value is None
            if call is None or not absent or bound_argument(call[0], call[1], one.name) is not None:
                return False
            if any(isinstance(a, ast.Starred) for a in call[0].args) or any(k.arg is None for k in call[0].keywords):
                return False
        else:
            func = one.value.func if isinstance(one.value, ast.Call) else None
            if one.path or not isinstance(func, ast.Attribute) or func.attr not in ("sample", "rsample"):
                return False
    return any(b.how != "param" for b in found)
