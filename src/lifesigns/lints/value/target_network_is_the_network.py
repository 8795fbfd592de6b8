"""Rule L210: the target network is the same object as the network."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.lints.source.library import MODULE
from lifesigns.lints.source.role_names import role_of_object_name
from lifesigns.lints.source.tree import dotted
from lifesigns.rules import Likelihood


class TargetNetworkIsTheNetwork(LintRule):
    """The target network is another name of the network that is trained, not a copy.

    What it detects
    ---------------
    `target_net = q_net` or `self.critic_target = self.critic`, without a copy.

    Why it matters
    --------------
    Both names hold one module: targets move with every step, which is what a target network is there to prevent, and
    copying parameters over does nothing.

    How it decides
    --------------
    A name with `target` in it is assigned another name that holds a known module and has none in it.

    When it is wrong
    ----------------
    Algorithms without a target network that keep the name for the sake of a common interface.

    What to do
    ----------
    `target_net = copy.deepcopy(q_net)`, or build a second one and `load_state_dict`.

    References
    ----------
    Mnih et al., Human-level control through deep reinforcement learning (2015).
    """

    code = "L210"
    since = "0.2"
    severity = "error"
    looks_at = ("Module", "Sequential", "Linear")
    causes = {"target-network-copied-every-step": Likelihood(0.2, source="judgement")}
    false_alarm = Likelihood(0.001, source="judgement; see benchmarks/lint")
    wrong = {
        "names": "net = nn.Sequential(nn.Linear(4, 2))\ntarget_net = net",
        "attributes": """
            class Q(nn.Module):
                pass
            class Agent:
                def __init__(self):
                    self.critic = Q()
                    self.critic_target = self.critic
            """,
    }
    right = {
        "copied": "net = nn.Linear(4, 2)\ntarget_net = copy.deepcopy(net)",
        "a second one": "def make():\n    return nn.Linear(4, 2)\nnet, target_net = make(), make()",
        "unknown": "target_net = load()\nnet = nn.Linear(2, 2)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the assignment."""
        for node in source.nodes(ast.Assign):
            assert isinstance(node, ast.Assign)
            name, other = dotted(node.targets[0]), dotted(node.value)
            if name is None or other is None or len(node.targets) > 1 or not source.is_a(node.value, MODULE):
                continue
            if role_of_object_name(name) is Role.TARGET_NETWORK and role_of_object_name(other) is Role.NETWORK:
                yield self.at(node, f"`{name}` is the same object as `{other}`, not a copy")
