"""Rule L311: the optimiser holds the parameters of the target network."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.lints.source.library import OPTIMIZER
from lifesigns.lints.source.role_names import role_of_object_name
from lifesigns.lints.source.tree import dotted
from lifesigns.rules import Likelihood


class OptimizerOfTheTargetNetwork(LintRule):
    """The optimiser was given the copy, not the network that is trained.

    What it detects
    ---------------
    `Adam(target_net.parameters())`, where `target_net` is filled from another network by `load_state_dict` or was
    made by `deepcopy`.

    Why it matters
    --------------
    Gradients flow into the online network, whose parameters no optimiser holds; the target network has none. Nothing
    moves.

    How it decides
    --------------
    The name is that of a target network, and the same name receives another network's state or is a copy of it.

    When it is wrong
    ----------------
    The copy is the one that is trained and the original is kept.

    What to do
    ----------
    Give the optimiser the online network's parameters.

    References
    ----------
    Mnih et al., Human-level control through deep reinforcement learning (2015).
    """

    code = "L311"
    since = "0.2"
    severity = "error"
    looks_at = ("load_state_dict", "deepcopy")
    causes = {"parameters-not-trained": Likelihood(0.1, source="judgement")}
    false_alarm = Likelihood(0.001, source="judgement; see benchmarks/lint")
    wrong = {
        "state copied": """
            q_net, target_net = Q(), Q()
            target_net.load_state_dict(q_net.state_dict())
            opt = optim.Adam(target_net.parameters(), lr=1e-3)
            """,
        "deep copy": """
            class Agent:
                def __init__(self, critic):
                    self.critic = critic
                    self.critic_target = copy.deepcopy(self.critic)
                    self.opt = torch.optim.Adam(params=self.critic_target.parameters())
            """,
    }
    right = {
        "online": """
            q_net, target_net = Q(), Q()
            target_net.load_state_dict(q_net.state_dict())
            opt = optim.Adam(q_net.parameters(), lr=1e-3)
            """,
        "a target of another kind": """
            target_model = load()
            target_model.load_state_dict(torch.load(path))
            opt = optim.Adam(target_model.parameters())
            """,
        "both": """
            target_net = copy.deepcopy(q_net)
            opt = optim.Adam(list(q_net.parameters()) + list(target_net.parameters()))
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the parameters."""
        copies = set(_copies(source))
        for call in source.index.calls.get("parameters", ()):
            of = source.receiver(call)
            made = source.parent(call)
            made = source.parent(made) if isinstance(made, ast.keyword) else made
            if of is None or not isinstance(made, ast.Call) or not source.is_a(made, OPTIMIZER):
                continue
            name = dotted(of)
            if name in copies and role_of_object_name(name or "") is Role.TARGET_NETWORK:
                yield self.at(call, f"`{name}` is a copy of another network; the one that is trained has no optimiser")


def _copies(source: Source) -> Iterable[str]:
    """Names that take the state of a network that is not called a target."""
    for call in source.method_calls("load_state_dict"):
        given = call.args[0] if call.args else None
        if isinstance(given, ast.Call) and isinstance(given.func, ast.Attribute) and given.func.attr == "state_dict":
            other, own = dotted(given.func.value), dotted(call.func.value)  # pyright: ignore
            if own and other and role_of_object_name(other) is Role.NETWORK:
                yield own
    for call in source.calls("copy.deepcopy"):
        at = source.parent(call)
        if isinstance(at, ast.Assign) and len(at.targets) == 1 and call.args:
            own, other = dotted(at.targets[0]), dotted(call.args[0])
            if own and other and role_of_object_name(other) is Role.NETWORK:
                yield own
