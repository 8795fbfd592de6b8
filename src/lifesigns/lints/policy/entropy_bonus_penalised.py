"""Rule L101: the entropy of the policy is added to the loss that is minimised."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source, Term
from lifesigns.lints.source.tree import dotted
from lifesigns.rules import Likelihood


class EntropyBonusPenalised(LintRule):
    """The policy's entropy enters the loss with a plus sign, so that training lowers it.

    What it detects
    ---------------
    `loss = policy_loss + ent_coef * entropy` with `loss.backward()`: entropy is a cost instead of a bonus.

    Why it matters
    --------------
    The term is there to keep the policy from settling too early. With this sign it pushes towards a deterministic
    policy from the first update.

    How it decides
    --------------
    The sum that `backward` is called on is split into signed terms, through names. A term with a positive sign holds
    the result of a distribution's `entropy()` or a name that says `entropy`, and otherwise numbers or coefficients.
    In a soft critic's target: a log-probability times a coefficient is added to the smaller of two values.

    When it is wrong
    ----------------
    Entropy is minimised on purpose (test-time adaptation), or the name holds minus the entropy.

    What to do
    ----------
    Subtract it: `loss = policy_loss - ent_coef * entropy.mean()`.

    References
    ----------
    Mnih et al., Asynchronous Methods for Deep Reinforcement Learning (2016), section 4.
    """

    code = "L101"
    since = "0.2"
    severity = "warning"
    looks_at = (
        "entropy", "entropy_loss", "loss_entropy", "entropies", "entropy_bonus", "min", "minimum",
    )  # fmt: skip
    causes = {"premature-determinism": Likelihood(0.05, source="judgement")}
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "sum": """
            dist = Categorical(logits=net(obs))
            policy_loss = -(dist.log_prob(actions) * advantages).mean()
            loss = policy_loss + 0.5 * value_loss + 0.01 * dist.entropy().mean()
            loss.backward()
            """,
        "through a name": """
            _, newlogprob, entropy, value = agent.get_action_and_value(obs, actions)
            entropy_loss = entropy.mean()
            loss = pg_loss + args.ent_coef * entropy_loss + v_loss * args.vf_coef
            loss.backward()
            """,
        "in the soft target": """
            with torch.no_grad():
                next_action, next_log_pi = policy.sample(next_obs)
                soft = torch.min(q1(next_obs, next_action), q2(next_obs, next_action)) + alpha * next_log_pi
                target = rewards + (1 - dones) * gamma * soft
            """,
    }
    right = {
        "the soft target": """
            with torch.no_grad():
                next_action, next_log_pi = policy.sample(next_obs)
                soft = torch.min(q1(next_obs, next_action), q2(next_obs, next_action)) - alpha * next_log_pi
            policy_loss = (alpha * log_pi - torch.min(q1_pi, q2_pi)).mean()
            policy_loss.backward()
            """,
        "subtracted": """
            entropy_loss = entropy.mean()
            loss = pg_loss - args.ent_coef * entropy_loss + v_loss
            loss.backward()
            """,
        "minus inside": """
            entropy_loss = -torch.mean(entropy)
            loss = policy_loss + ent_coef * entropy_loss
            loss.backward()
            """,
        "minus the whole": "loss = -(objective + 0.01 * dist.entropy().mean())\nloss.backward()",
        "cross-entropy": "entropy = 1\nloss = cross_entropy + 0.1 * kl\nloss.backward()",
        "a loss of another module": 'v = loss_module(td)\nloss = v["loss_nll"] + v["loss_entropy"]\nloss.backward()',
        "said to be a loss elsewhere": "a, entropy_loss = f()\nloss = a + c * entropy_loss\nloss.backward()",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the term."""
        for call in source.calls("torch.Tensor.backward"):
            parts = source.terms(source.receiver(call))
            for term in parts if len(parts) > 1 else ():
                if term.sign > 0 and _is_bonus(source, term):
                    yield self.at(
                        term.node, "entropy is added to the loss: minimising it makes the policy deterministic"
                    )
        for node in source.nodes(ast.BinOp):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
                added = _is_soft_value(source, node)
                if added is not None:
                    yield self.at(added, "log π is added to the smaller value: the target pays for low entropy")


def _is_soft_value(source: Source, node: ast.BinOp) -> ast.expr | None:
    """The log-probability's side of `torch.min(q1, q2) + alpha * log_pi`, which has to be subtracted."""
    for least, other in ((node.left, node.right), (node.right, node.left)):
        op = source.op(source.value(least))
        if op is None or op.name not in ("min", "minimum") or len(op.args) != 2:
            continue
        (term, *more) = source.terms(other) or [None]
        if term is None or more or term.sign < 0 or len(term.factors) < 2:
            continue
        if sum(_is_log_probability(source, f.node) for f in term.factors if not f.divides) == 1:
            return other
    return None


def _is_log_probability(source: Source, node: ast.expr) -> bool:
    name = (dotted(node) or "").lower()
    return source.role(node) is Role.LOG_PROBABILITY or re.search(r"(?:^|_)log_?(?:pi|prob)s?$", name) is not None


def _is_bonus(source: Source, term: Term) -> bool:
    entropies = [f for f in term.factors if source.role(f.node) is Role.ENTROPY and not f.divides]
    if len(entropies) != 1:
        return False
    (one,) = entropies
    if "loss" in source.unparse(one.node) and source.proven_role(one.node) is not Role.ENTROPY:
        value = source.value(one.node)
        return value is not None and value is not one.node and "-" not in source.unparse(value)
    numbers = [source.number(f.node) for f in term.factors if f is not one]
    return all(n is None or n >= 0 for n in numbers)
