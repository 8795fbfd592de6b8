"""Rule L101: the entropy of the policy is added to the loss that is minimised."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source, Term
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
    looks_at = ("entropy", "entropy_loss", "loss_entropy", "entropies", "entropy_bonus")
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
    }
    right = {
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
