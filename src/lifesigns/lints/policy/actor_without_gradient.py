"""Rule L104: no gradient passes from the critic to the actor through the action."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.policy.actors import Update, critic_calls, is_value_like, reaches, updates
from lifesigns.lints.source import Source
from lifesigns.rules import Likelihood


class ActorWithoutGradient(LintRule):
    """In an actor's loss, the critic rates an action through which no gradient reaches the actor.

    What it detects
    ---------------
    `actor_loss = -critic(obs, action).mean()` where `action` was drawn with `sample()`, detached, taken through NumPy
    or computed under `no_grad` by the actor; or is the stored one of the batch.

    Why it matters
    --------------
    The actor hears of its entropy at most, never of the critic: it does not learn from rewards.

    How it decides
    --------------
    The optimiser stepped after `backward` holds one module. In a term of the loss another network is called, under a
    name that says critic, q or value, and the trained module goes into its arguments only behind such a cut; and it
    goes into no other factor of that term.

    When it is wrong
    ----------------
    The term is there to be logged.

    What to do
    ----------
    `rsample()` in place of `sample()`; the actor's output itself in place of its copy.

    References
    ----------
    Haarnoja et al., Soft Actor-Critic (2018), section 4.2.
    """

    code = "L104"
    since = "0.2"
    severity = "warning"
    looks_at = ("backward",)
    causes = {"gradient-path-broken": Likelihood(0.2, source="judgement")}
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "sampled": """
            class Critic(nn.Module):
                def forward(self, obs, action):
                    return self.net(torch.cat([obs, action], 1))
            critic, actor = Critic(), nn.Linear(3, 1)
            actor_opt = optim.Adam(actor.parameters())
            dist = Normal(actor(obs), 1.0)
            action = torch.tanh(dist.sample())
            loss = (0.2 * dist.log_prob(action) - critic(obs, action)).mean()
            loss.backward()
            actor_opt.step()
            """,
        "through numpy": """
            class Critic(nn.Module):
                def forward(self, obs, action):
                    return self.net(torch.cat([obs, action], 1))
            critic, actor = Critic(), nn.Linear(3, 1)
            actor_opt = optim.Adam(actor.parameters())
            action = torch.as_tensor(actor(obs).detach().numpy())
            loss = -critic(obs, action).mean()
            loss.backward()
            actor_opt.step()
            """,
    }
    right = {
        "reparameterised": """
            class Critic(nn.Module):
                def forward(self, obs, action):
                    return self.net(torch.cat([obs, action], 1))
            critic, actor = Critic(), nn.Linear(3, 1)
            actor_opt = optim.Adam(actor.parameters())
            dist = Normal(actor(obs), 1.0)
            action = torch.tanh(dist.rsample())
            loss = (0.2 * dist.log_prob(action) - critic(obs, action)).mean()
            loss.backward()
            actor_opt.step()
            """,
        "score function": """
            class Critic(nn.Module):
                def forward(self, obs, action):
                    return self.net(torch.cat([obs, action], 1))
            critic, actor = Critic(), nn.Linear(3, 1)
            actor_opt = optim.Adam(actor.parameters())
            dist = Normal(actor(obs), 1.0)
            action = dist.sample()
            loss = -(dist.log_prob(action) * critic(obs, action).detach()).mean()
            loss.backward()
            actor_opt.step()
            """,
        "the critic's target": """
            class Critic(nn.Module):
                def forward(self, obs, action):
                    return self.net(torch.cat([obs, action], 1))
            critic, q_target, actor = Critic(), Critic(), nn.Linear(3, 1)
            critic_opt = optim.Adam(critic.parameters())
            with torch.no_grad():
                target = reward + gamma * q_target(next_obs, actor(next_obs))
            loss = F.mse_loss(critic(obs, action), target)
            loss.backward()
            critic_opt.step()
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the call of the critic."""
        for update in updates(source):
            for term in source.terms(update.loss):
                rated = [c for f in term.factors for c in critic_calls(source, f.node, update.trained)]
                rated = [c for c in rated if is_value_like(source, c) and not source.without_gradient(c)]
                cut = [c for c in rated if any(reaches(source, a, update.trained) == (False, True) for a in c.args)]
                if not cut or any(reaches(source, f.node, update.trained)[0] for f in term.factors):
                    continue
                said = f"no gradient of this reaches `{update.trained}`: the action is cut off from it"
                yield self.at(cut[0], said)
            if reaches(source, update.loss, update.trained) == (False, False):
                factors = [f.node for t in source.terms(update.loss) for f in t.factors]
                for call in [c for f in factors for c in _rates_data(source, f, update)][:1]:
                    yield self.at(call, f"`{update.trained}` is not in this loss: the batch's own action is rated")


def _rates_data(source: Source, node: ast.AST, update: Update) -> list[ast.Call]:
    """Calls of a critic with nothing but parts of a batch."""
    calls = critic_calls(source, node, update.trained)
    return [c for c in calls if is_value_like(source, c) and all(_of_batch(source, a) for a in c.args)]


def _of_batch(source: Source, node: ast.expr) -> bool:
    """Whether a name is a part of what `sample()` or a loader gave."""
    held = source.bindings(node) if isinstance(node, ast.Name) else ()
    if len(held) != 1 or not held[0].path:
        return False
    made = held[0].value
    tail = made.func.attr if isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute) else ""
    return held[0].how == "assign" and tail in ("sample", "sample_batch", "get_batch", "batch", "random_batch")
