"""Rule L211: The target network is copied once and never again."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.lints.value.target_networks import only_frozen, starts_as_copy, target_networks
from lifesigns.rules import Likelihood


class TargetNetworkLeftBehind(LintRule):
    """A target network is made as a copy, gives the targets, and nothing in the file ever changes it.

    What it detects
    ---------------
    `target_net.load_state_dict(net.state_dict())` before the loop, and no update in it.

    Why it matters
    --------------
    Targets are those of the untrained network for the whole run: values converge to one step of improvement over
    it.

    How it decides
    --------------
    A module under a name that says target, made by `deepcopy` or loaded from another where it is made, is called,
    and every other read of its name in the file is an `eval()`, a `to()`, a `state_dict()` or freezes its
    parameters.

    When it is wrong
    ----------------
    Fixed networks on purpose (which do not start as a copy of a network that is trained), or updates from another
    file through a way that does not name it.

    What to do
    ----------
    Copy the weights every N updates, or move them a little at each: `target.lerp_(param, tau)`.

    References
    ----------
    Mnih et al., Human-level control through deep reinforcement learning (2015).

    """

    code = "L211"
    since = "0.2"
    severity = "warning"
    looks_at = (
        "gamma",
        "discount",
        "discount_factor",
        "GAMMA",
    )
    causes = {
        "target-network-not-updated": Likelihood(0.3, source="judgement"),
    }
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "script": """
            net, target_net = nn.Linear(4, 2), nn.Linear(4, 2)
            target_net.load_state_dict(net.state_dict())
            for step in range(1000):
                with torch.no_grad():
                    target = reward + gamma * target_net(next_obs).max(1)[0]
                loss = F.mse_loss(net(obs).gather(1, a), target)
            """,
        "class": """
            class Agent:
                def __init__(self):
                    self.q = nn.Linear(4, 2)
                    self.q_target = copy.deepcopy(self.q)
                    for p in self.q_target.parameters():
                        p.requires_grad = False
                def update(self, s, r, s2):
                    return r + self.gamma * self.q_target(s2)
            """,
    }
    right = {
        "copied in the loop": """
            net = nn.Linear(4, 2)
            target_net = copy.deepcopy(net)
            for step in range(1000):
                target = reward + gamma * target_net(next_obs)
                if step % 100 == 0:
                    target_net.load_state_dict(net.state_dict())
            """,
        "given away": """
            net = nn.Linear(4, 2)
            target_net = copy.deepcopy(net)
            for step in range(1000):
                target = reward + gamma * target_net(next_obs)
                soft_update(net, target_net)
            """,
        "random network distillation": """
            predictor, target_net = nn.Linear(4, 2), nn.Linear(4, 2)
            bonus = (predictor(next_obs) - target_net(next_obs)).pow(2)
            reward = reward + gamma * bonus
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """Where it is made."""
        if not source.mentions(Role.DISCOUNT):
            return
        for one in target_networks(source):
            if not one.called or one.other or not starts_as_copy(source, one):
                continue
            frozen = all(only_frozen(source, p) for p in one.parameters)
            if frozen and all(_at_start(source, c, one.made) for c in one.copies):
                yield self.at(one.made, f"`{one.name}` starts as a copy and is never updated")


def _at_start(source: Source, call: ast.Call, made: ast.AST) -> bool:
    return source.scope(call) is source.scope(made) and not source.loops(call)
