"""Rule L216: The target network chooses the actions."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.value.target_networks import TargetNetwork, starts_as_copy, target_networks
from lifesigns.rules import Likelihood


class TargetNetworkActs(LintRule):
    """The action given to the environment is computed by the target network, a delayed copy of the one that is
    trained.

    What it detects
    ---------------
    `env.step(target_net(obs).argmax())`, directly or through a method.

    Why it matters
    --------------
    What was learned since the last copy is not tried: exploration and the data lag behind by a whole copying
    period.

    How it decides
    --------------
    A call of a module whose name says target, and which starts as a copy, is among what the action of an
    `env.step` is computed from. Functions whose names say evaluation are left out.

    When it is wrong
    ----------------
    Acting by the averaged weights on purpose.

    What to do
    ----------
    Act by the trained network.

    References
    ----------
    Mnih et al., Human-level control through deep reinforcement learning (2015), algorithm 1.

    """

    code = "L216"
    since = "0.2"
    severity = "warning"
    looks_at = ("step",)
    causes = {
        "target-network-misused": Likelihood(0.3, source="judgement"),
    }
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "a method": """
            q = Net()
            class Net(nn.Module):
                def get_action(self, obs):
                    return self.head(obs).argmax()
            target_q = Net()
            target_q.load_state_dict(q.state_dict())
            for step in range(1000):
                action = target_q.get_action(obs)
                obs, reward, terminated, truncated, _ = env.step(action)
            """,
        "script": """
            q, target_q = nn.Linear(4, 2), nn.Linear(4, 2)
            target_q.load_state_dict(q.state_dict())
            action = target_q(torch.as_tensor(obs)).argmax().item()
            obs, reward, terminated, truncated, _ = env.step(action)
            """,
        "method": """
            class Agent:
                def __init__(self):
                    self.q = nn.Linear(4, 2)
                    self.target = copy.deepcopy(self.q)
                def act(self, obs):
                    if random.random() < 0.1:
                        return 0
                    values = self.target(obs)
                    return int(values.argmax())
            agent = Agent()
            obs, reward, terminated, truncated, _ = env.step(agent.act(obs))
            """,
    }
    right = {
        "a method rates": """
            q = nn.Linear(4, 2)
            target_q = copy.deepcopy(q)
            for step in range(1000):
                action = q(obs).argmax()
                obs, reward, terminated, truncated, _ = env.step(action)
                target = reward + gamma * target_q.rate(obs)
            """,
        "a counter that is not used": """
            q = nn.Linear(4, 2)
            target_q = copy.deepcopy(q)
            for step in range(1000):
                action = np.array([env.action_space.sample() for _ in range(4)])
                obs, reward, terminated, truncated, _ = env.step(action)
                best, _ = target_q(obs).max(dim=1)
            """,
        "online": """
            q, target_q = nn.Linear(4, 2), nn.Linear(4, 2)
            target_q.load_state_dict(q.state_dict())
            obs, reward, terminated, truncated, _ = env.step(q(obs).argmax().item())
            value = target_q(obs)
            """,
        "no copy": """
            target_policy = nn.Linear(4, 2)
            obs, reward, terminated, truncated, _ = env.step(target_policy(obs).argmax().item())
            """,
        "evaluation": """
            q = nn.Linear(4, 2)
            target_q = copy.deepcopy(q)
            def evaluate(env, obs):
                obs, reward, terminated, truncated, _ = env.step(target_q(obs).argmax().item())
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the step."""
        calls = {
            c: one.name
            for one in target_networks(source)
            if starts_as_copy(source, one)
            for c in (*one.called, *_method_calls(source, one))
        }
        for step in source.env_steps() if calls else ():
            function = source.enclosing_function(step.call)
            if function is not None and any(w in function.name.lower() for w in ("eval", "test", "play", "demo")):
                continue
            made_of = (n for n in source.upstream(step.action, 150) if isinstance(n, ast.Call))
            name = next((calls[n] for n in made_of if n in calls), "")
            if name:
                yield self.at(step.call, f"the action comes from `{name}`, the delayed copy")


def _method_calls(source: Source, one: TargetNetwork) -> Iterable[ast.Call]:
    """Calls of its methods other than those that only read or move it: `target.get_action(obs)`."""
    for read in one.other:
        at = source.parent(read)
        call = source.parent(at) if isinstance(at, ast.Attribute) else None
        if isinstance(call, ast.Call) and call.func is at:
            yield call
