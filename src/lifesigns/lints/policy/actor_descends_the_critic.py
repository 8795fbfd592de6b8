"""Rule L103: an actor is trained to make its critic's value small."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.policy.actors import critic_calls, is_value_like, reaches, updates
from lifesigns.lints.source import Source
from lifesigns.rules import Likelihood


class ActorDescendsTheCritic(LintRule):
    """The critic's value of the actor's own action enters the actor's minimised loss with a plus sign.

    What it detects
    ---------------
    `actor_loss = critic(obs, actor(obs)).mean()`, or `(alpha * log_prob + min_q).mean()`, with `backward` and a step of
    the actor's optimiser.

    Why it matters
    --------------
    The actor looks for the worst action. The return falls below that of random actions.

    How it decides
    --------------
    The optimiser stepped after `backward` holds one module. A term with a positive sign of the loss is, up to numbers
    and means, the call of another network under a name that says critic, q or value, and the trained module goes into
    its arguments.

    When it is wrong
    ----------------
    The critic predicts costs.

    What to do
    ----------
    `actor_loss = -critic(obs, actor(obs)).mean()`.

    References
    ----------
    Lillicrap et al., Continuous control with deep reinforcement learning (2016), algorithm 1.
    """

    code = "L103"
    since = "0.2"
    severity = "warning"
    looks_at = ("backward",)
    causes = {"objective-sign-flipped": Likelihood(0.3, source="judgement")}
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "ddpg": """
            actor, critic = nn.Linear(3, 1), Critic()
            class Critic(nn.Module):
                def forward(self, obs, action):
                    return self.net(torch.cat([obs, action], 1))
            actor_opt = optim.Adam(actor.parameters())
            actor_loss = critic(obs, actor(obs)).mean()
            actor_opt.zero_grad()
            actor_loss.backward()
            actor_opt.step()
            """,
        "sac": """
            class Critic(nn.Module):
                def forward(self, obs, action):
                    return self.net(torch.cat([obs, action], 1))
            q1, q2, actor = Critic(), Critic(), nn.Linear(3, 1)
            actor_opt = optim.Adam(actor.parameters())
            new_action = actor(obs)
            min_q = torch.min(q1(obs, new_action), q2(obs, new_action))
            loss = (alpha * log_prob + min_q).mean()
            loss.backward()
            actor_opt.step()
            """,
    }
    right = {
        "minus": """
            class Critic(nn.Module):
                def forward(self, obs, action):
                    return self.net(torch.cat([obs, action], 1))
            critic, actor = Critic(), nn.Linear(3, 1)
            actor_opt = optim.Adam(actor.parameters())
            actor_loss = -critic(obs, actor(obs)).mean()
            actor_loss.backward()
            actor_opt.step()
            """,
        "a criterion called after the value": """
            class Critic(nn.Module):
                def forward(self, obs, action):
                    return self.net(torch.cat([obs, action], 1))
            value_net = Critic()
            value_criterion = nn.MSELoss()
            value_optimizer = optim.Adam(value_net.parameters())
            value_loss = value_criterion(value_net(obs, action), expected.detach())
            value_optimizer.zero_grad()
            value_loss.backward()
            value_optimizer.step()
            """,
        "ascent": """
            class Critic(nn.Module):
                def forward(self, obs, action):
                    return self.net(torch.cat([obs, action], 1))
            critic, actor = Critic(), nn.Linear(3, 1)
            actor_opt = optim.Adam(actor.parameters(), maximize=True)
            objective = critic(obs, actor(obs)).mean()
            objective.backward()
            actor_opt.step()
            """,
        "the critic's own loss": """
            class Critic(nn.Module):
                def forward(self, obs, action):
                    return self.net(torch.cat([obs, action], 1))
            critic, actor = Critic(), nn.Linear(3, 1)
            critic_opt = optim.Adam(critic.parameters())
            loss = critic(obs, actor(obs)).mean() - critic(obs, actions).mean()
            loss.backward()
            critic_opt.step()
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the term."""
        if "maximize" in source.index.keywords:
            return
        for update in updates(source):
            for term in source.terms(update.loss):
                rest = [f.node for f in term.factors if not isinstance(f.node, ast.Constant)]
                if term.sign < 0 or len(rest) != 1:
                    continue
                rated = [c for c in critic_calls(source, rest[0], update.trained) if is_value_like(source, c)]
                if any(reaches(source, a, update.trained)[0] for c in rated for a in c.args):
                    yield self.at(term.node, f"minimising this trains `{update.trained}` towards actions of low value")
