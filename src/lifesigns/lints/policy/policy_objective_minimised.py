"""Rule L102: The policy gradient's objective is minimised."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source, Term
from lifesigns.lints.source.role_names import role_of_name
from lifesigns.lints.source.tree import dotted
from lifesigns.rules import Likelihood

SCORES, WEIGHTS = (Role.LOG_PROBABILITY, Role.RATIO), (Role.ADVANTAGE, Role.RETURN)


class PolicyObjectiveMinimised(LintRule):
    """Log-probability (or ratio) times advantage enters the minimised loss with a plus sign: good actions become
    rarer.

    What it detects
    ---------------
    `loss = (dist.log_prob(actions) * advantages).mean()` with `loss.backward()`.

    Why it matters
    --------------
    Training lowers the probability of what turned out well; the return falls below that of a random policy.

    How it decides
    --------------
    The sum that `backward` is called on is split into signed terms, through names and `min`. A term with a
    positive sign has a log-probability or ratio and an advantage or return as factors, and otherwise numbers and
    means; or one with a negative sign, whose advantage is a value minus what holds the reward. Files with
    `maximize=True` are left out.

    When it is wrong
    ----------------
    The advantage holds its own negative under a plain name.

    What to do
    ----------
    `loss = -(log_prob * advantage).mean()`.

    References
    ----------
    Williams, Simple Statistical Gradient-Following Algorithms (1992); Sutton and Barto (2018), chapter 13.

    """

    code = "L102"
    since = "0.2"
    severity = "warning"
    looks_at = (
        "log_prob",
        "logprob",
        "log_probs",
        "logprobs",
        "ratio",
        "ratios",
        "logp",
        "log_pi",
        "newlogprob",
        "new_logprob",
    )
    causes = {
        "objective-sign-flipped": Likelihood(0.3, source="judgement"),
    }
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "reinforce": """
            dist = Categorical(logits=policy(obs))
            loss = (dist.log_prob(actions) * advantages).mean()
            loss.backward()
            """,
        "ppo": """
            ratio = (new_logprob - old_logprob).exp()
            surrogate = ratio * advantages
            clipped = ratio.clamp(0.8, 1.2) * advantages
            policy_loss = torch.min(surrogate, clipped).mean()
            loss = policy_loss + 0.5 * value_loss
            loss.backward()
            """,
        "returns minus a baseline": """
            advantages = rewards.detach() - old_state_values.detach()
            surr1 = ratios * advantages
            surr2 = torch.clamp(ratios, 0.8, 1.2) * advantages
            loss = torch.min(surr1, surr2) + 0.5 * mse(state_values, rewards) - 0.01 * dist_entropy
            loss.mean().backward()
            """,
        "a mean by hand": """
            ratio = (new_logprob - old_logprob).exp()
            loss = (ratio * advantages / len(advantages)).sum()
            loss.backward()
            """,
        "an advantage turned round": """
            value = critic(obs)
            target = torch.tensor(reward) if done else reward + 0.99 * critic(next_obs)
            advantage = (value - target).detach()
            actor_loss = -log_probs[action] * advantage
            actor_loss.backward()
            """,
    }
    right = {
        "minus": "loss = -(dist.log_prob(actions) * advantages).mean()\nloss.backward()",
        "minus on the advantage": """
            pg_loss1 = -advantages * ratio
            pg_loss2 = -advantages * torch.clamp(ratio, 0.8, 1.2)
            loss = torch.max(pg_loss1, pg_loss2).mean()
            loss.backward()
            """,
        "a mean by hand, with its minus": """
            log_prob = dist.log_prob(actions)
            loss = -(log_prob * advantages / len(advantages)).sum()
            loss.backward()
            """,
        "target minus value": """
            value = critic(obs)
            target = reward + 0.99 * critic(next_obs)
            advantage = (target - value).detach()
            actor_loss = -log_probs[action] * advantage
            actor_loss.backward()
            """,
        "two minus signs": """
            delta = (value - (reward + 0.99 * next_value)).detach()
            advantage = -delta
            actor_loss = -log_prob * advantage
            actor_loss.backward()
            """,
        "ascent": "objective = (log_prob * advantages).mean()\n(-objective).backward()",
        "negative elsewhere": "log_prob, adv = -nll, value - returns\nloss = (log_prob * adv).mean()\nloss.backward()",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the term."""
        if "maximize" in source.index.keywords:
            return
        for call in source.calls("torch.Tensor.backward"):
            for term in _terms(source, source.receiver(call)):
                factors = [f for f in term.factors if not f.divides]
                roles = [source.role(f.node) for f in factors]
                if sum(r in SCORES for r in roles) != 1 or sum(r in WEIGHTS for r in roles) != 1:
                    continue
                if term.sign < 0:
                    if any(_turned_round(source, f.node) for f, r in zip(factors, roles, strict=True) if r in WEIGHTS):
                        yield self.at(
                            term.node, "the advantage is the value minus what was earned: good actions become rarer"
                        )
                elif not any(_is_negative(source, f.node) for f in term.factors):
                    yield self.at(term.node, "minimising this makes actions with a positive advantage rarer")


def _terms(source: Source, node: ast.AST | None) -> Iterable[Term]:
    for term in source.terms(node):
        first = term.factors[0].node if len(term.factors) == 1 else None
        held = source.op(source.value(first)) if first is not None else None
        if held is not None and held.name in ("min", "minimum", "max", "maximum") and len(held.args) == 2:
            for side in held.args:
                for part in source.terms(side):
                    yield Term(part.sign * term.sign, part.factors, term.node)
        else:
            yield term


def _is_negative(source: Source, node: ast.AST) -> bool:
    """Whether a minus, or a difference of which the sign is unclear, is on its way."""
    for value in source.values(node):
        for one in ast.walk(value.node) if value.node is not None else ():
            if isinstance(one, ast.UnaryOp) and isinstance(one.op, ast.USub):
                return True
            if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Sub) and source.role(node) in WEIGHTS:
                left = source.role(one.left)
                if left not in (*WEIGHTS, Role.TARGET) and not (left is Role.REWARD and _is_value(source, one.right)):
                    return True
    return False


def _turned_round(source: Source, node: ast.expr) -> bool:
    """Whether an advantage is a value minus what holds the reward: `(value - (reward + gamma * next)).detach()`."""
    parts = source.terms(node)
    signs: dict[bool, int] = {}
    if len(parts) != 2 or any(len(t.factors) != 1 for t in parts):
        return False
    for term in parts:
        signs[any(source.role(n) is Role.REWARD for n in source.upstream(term.factors[0].node, 60))] = term.sign
    value = next((t for t in parts if t.sign > 0), parts[0])
    return signs == {True: -1, False: 1} and _is_value(source, value.factors[0].node)


def _is_value(source: Source, node: ast.expr) -> bool:
    """By what it is, or by its name: the output of a critic's last layer may be no more than that."""
    return source.role(node) is Role.VALUE or role_of_name(dotted(node) or "") is Role.VALUE
