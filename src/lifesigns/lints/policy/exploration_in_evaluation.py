"""Rule L113: the evaluation asks the policy that explores."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.role_names import last_part
from lifesigns.lints.source.tree import Scope, dotted
from lifesigns.rules import Likelihood

NAMED = re.compile(r"_?(?:eval|evaluate|evaluation|validate|test|greedy)(?:_|$)")
EPSILON = re.compile(r"(?:eps|epsilon|eps_threshold|exploration_rate)$")


class ExplorationInEvaluation(LintRule):
    """An evaluation takes its actions from a method that acts at random now and then.

    What it detects
    ---------------
    `env.step(agent.act(obs))` in a function named after evaluation, where `act` holds
    `if random.random() < self.epsilon`.

    Why it matters
    --------------
    The figure is that of the exploring policy, not of what was learned. And it draws from the random numbers of the
    training: how often one evaluates changes the run.

    How it decides
    --------------
    The function called is in the project and compares a random number with a name that says ε; the call gives it the
    observation alone; nothing in the evaluation sets that name, and nothing outside the class does.

    When it is wrong
    ----------------
    The exploration rate is 0 by then.

    What to do
    ----------
    A method that takes the best action, for evaluation.

    References
    ----------
    Machado et al., Revisiting the Arcade Learning Environment (2018), on evaluation.
    """

    code = "L113"
    since = "0.2"
    severity = "warning"
    looks_at = ("epsilon", "eps", "eps_threshold", "exploration_rate")
    causes = {
        "evaluation-misleads": Likelihood(0.05, source="judgement"),
        "evaluation-changes-training": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "agent": """
            class Agent:
                def act(self, obs):
                    if random.random() < self.epsilon:
                        return 0
                    return self.net(obs).argmax()
            def evaluate(agent, env):
                obs, _ = env.reset()
                while not done:
                    obs, reward, terminated, truncated, _ = env.step(agent.act(obs))
            agent = Agent()
            evaluate(agent, gym.make("CartPole-v1"))
            """,
        "function": """
            def select_action(obs):
                if np.random.rand() < epsilon:
                    return 0
                return net(obs).argmax()
            def test_policy(env):
                obs, _ = env.reset()
                action = select_action(obs)
                obs, reward, terminated, truncated, _ = env.step(action)
            """,
    }
    right = {
        "greedy": """
            class Agent:
                def act(self, obs):
                    if random.random() < self.epsilon:
                        return 0
                    return self.best(obs)
                def best(self, obs):
                    return self.net(obs).argmax()
            def evaluate(agent, env):
                obs, reward, terminated, truncated, _ = env.step(agent.best(obs))
            evaluate(Agent(), gym.make("CartPole-v1"))
            """,
        "a switch": """
            class Agent:
                def act(self, obs, explore=True):
                    if explore and random.random() < self.epsilon:
                        return 0
                    return self.net(obs).argmax()
            def evaluate(agent, env):
                obs, reward, terminated, truncated, _ = env.step(agent.act(obs, explore=False))
            evaluate(Agent(), gym.make("CartPole-v1"))
            """,
        "switched off": """
            class Agent:
                def act(self, obs):
                    if random.random() < self.epsilon:
                        return 0
                    return self.net(obs).argmax()
            def evaluate(agent, env):
                agent.epsilon = 0.0
                obs, reward, terminated, truncated, _ = env.step(agent.act(obs))
            agent = Agent()
            evaluate(agent, gym.make("CartPole-v1"))
            """,
        "training": """
            def select_action(obs):
                return 0 if random.random() < epsilon else 1
            def train(env):
                obs, reward, terminated, truncated, _ = env.step(select_action(obs))
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the call."""
        for scope in source.functions():
            if not NAMED.match(scope.name.lower()) or "step" not in {getattr(c.func, "attr", "") for c in scope.calls}:
                continue
            for call in scope.calls:
                target = source.function(call) if len(call.args) + len(call.keywords) == 1 else None
                if target is None or (name := _explores(*target)) is None:
                    continue
                if not _set_outside(source, target[1], name):
                    text = f"`{target[1].name}` acts at random where a random number is below `{name}`"
                    yield self.at(call, text)


def _explores(source: Source, scope: Scope) -> str | None:
    """The name of ε that a function compares a random number with."""
    for node in ast.walk(scope.node):
        if isinstance(node, ast.Compare) and len(node.comparators) == 1:
            sides = (node.left, node.comparators[0])
            drawn = any(isinstance(s, ast.Call) and "rand" in source.unparse(s.func) for s in sides)
            for side in sides:
                name = dotted(side)
                if drawn and name is not None and EPSILON.search(last_part(name)):
                    held = scope.bindings.get(name, [])
                    return None if any(b.how == "param" for b in held) else name
    return None


def _set_outside(source: Source, acts: Scope, name: str) -> bool:
    """Whether something other than the class itself sets ε, as `agent.epsilon = 0`."""
    last = last_part(name)
    owner = acts.class_scope
    for scope in source.index.scopes.values():
        for bound in scope.bindings:
            inside = owner is not None and scope.class_scope is owner
            if "." in bound and last_part(bound) == last and not inside:
                return True
            if "." not in name and bound == name and NAMED.match(scope.name.lower()):
                return True
    return False
