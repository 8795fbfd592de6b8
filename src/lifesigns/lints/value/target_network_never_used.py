"""Rule L215: The target network is kept up to date and never called."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.lints.value.target_networks import starts_as_copy, target_networks
from lifesigns.rules import Likelihood


class TargetNetworkNeverUsed(LintRule):
    """The target network is updated and gives no target: the trained network rates the next states itself.

    What it detects
    ---------------
    `next_q = q_net(next_obs)` where `target_net(next_obs)` was meant; `target_net` is only ever copied to.

    Why it matters
    --------------
    Values chase themselves: what the target network is there to prevent.

    How it decides
    --------------
    A module under a name that says target, which starts as a copy and is updated; no read of its name in the file
    calls it or hands it on.

    When it is wrong
    ----------------
    It is used from another file.

    What to do
    ----------
    Rate next states by the target network.

    References
    ----------
    Mnih et al., Human-level control through deep reinforcement learning (2015).

    """

    code = "L215"
    since = "0.2"
    severity = "warning"
    looks_at = (
        "load_state_dict",
        "parameters",
    )
    causes = {
        "target-network-misused": Likelihood(0.3, source="judgement"),
    }
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "hard copies": """
            q, target_q = nn.Linear(4, 2), nn.Linear(4, 2)
            target_q.load_state_dict(q.state_dict())
            for step in range(1000):
                target = reward + gamma * q(next_obs).max(1)[0]
                if step % 100 == 0:
                    target_q.load_state_dict(q.state_dict())
            """,
        "soft": """
            q = nn.Linear(4, 2)
            q_target = copy.deepcopy(q)
            for step in range(1000):
                target = reward + gamma * q(next_obs).max(1)[0]
                for a, b in zip(q.parameters(), q_target.parameters()):
                    b.data.lerp_(a, 0.1)
            """,
    }
    right = {
        "called": """
            q = nn.Linear(4, 2)
            q_target = copy.deepcopy(q)
            for step in range(1000):
                target = reward + gamma * q_target(next_obs).max(1)[0]
                for a, b in zip(q.parameters(), q_target.parameters()):
                    b.data.lerp_(a, 0.1)
            """,
        "given away": """
            q = nn.Linear(4, 2)
            q_target = copy.deepcopy(q)
            loss = td_loss(q, q_target, batch, gamma)
            q_target.load_state_dict(q.state_dict())
            """,
        "a method of it": """
            q = nn.Linear(4, 2)
            q_target = copy.deepcopy(q)
            target = reward + gamma * q_target.rate(next_obs)
            q_target.load_state_dict(q.state_dict())
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """Where it is made."""
        if not source.mentions(Role.DISCOUNT):
            return
        for one in target_networks(source):
            updated = one.parameters or len(one.copies) > 1 or (one.is_copy and one.copies)
            if updated and not one.called and not one.other and starts_as_copy(source, one):
                yield self.at(one.made, f"`{one.name}` is updated and never asked for a value")
