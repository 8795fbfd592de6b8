"""Rule L406: the reward of a step is unpacked, and nothing is done with it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Binding, EnvStep, Source
from lifesigns.lints.source.tree import dotted
from lifesigns.rules import Likelihood

NOT_TRAINING = re.compile(r"eval|test|valid|play|render|record|demo|random|video|collect_obs|warm|show")


class RewardNeverUsed(LintRule):
    """A training loop unpacks the reward of each step and does not use it.

    What it detects
    ---------------
    `obs, reward, terminated, truncated, info = env.step(action)` in a script that trains, or in a wrapper, where
    `reward` is never read, or only converted under its own name.

    Why it matters
    --------------
    The buffer keeps the zeros it was made with, or the wrapper pays its own shaping alone: the task is gone.

    How it decides
    --------------
    The name (not `_`) has no use other than in a new value of itself that has none. The file calls `backward`, or it is
    the `step` of a wrapper that returns something else as the reward. Functions named after evaluation, and steps whose
    action is drawn from the action space, are left out.

    When it is wrong
    ----------------
    Imitation, exploration by novelty, or a wrapper that pays a reward of its own on purpose.

    What to do
    ----------
    Store it; where it is not wanted, unpack it as `_`.

    References
    ----------
    Gymnasium documentation, Env.step.
    """

    code = "L406"
    since = "0.2"
    severity = "warning"
    looks_at = ("step",)
    causes = {"reward-not-learned-from": Likelihood(0.2, source="judgement")}
    false_alarm = Likelihood(0.01, source="judgement; see benchmarks/lint")
    wrong = {
        "a name slip": """
            rewards = torch.zeros(128)
            for t in range(128):
                obs, reward, terminated, truncated, _ = env.step(action)
                reward = torch.as_tensor(reward)
            loss.backward()
            """,
        "wrapper": """
            class Penalty(gym.Wrapper):
                def step(self, action):
                    obs, reward, terminated, truncated, info = self.env.step(action)
                    reward = -0.1 * abs(action)
                    return obs, reward, terminated, truncated, info
            """,
    }
    right = {
        "stored": """
            for t in range(128):
                obs, reward, terminated, truncated, _ = env.step(action)
                rewards[t] = torch.as_tensor(reward)
            loss.backward()
            """,
        "warm-up": """
            for t in range(50):
                obs, r, terminated, truncated, _ = env.step(env.action_space.sample())
                moments.update(obs)
            for t in range(128):
                obs, reward, terminated, truncated, _ = env.step(action)
                rewards[t] = reward
            loss.backward()
            """,
        "pictures of random play": """
            def pictures(env):
                while True:
                    obs, reward, done, _ = env.step(env.action_space.sample())
                    yield env.reset() if done else obs
            loss.backward()
            """,
        "not wanted": """
            for t in range(128):
                obs, _, terminated, truncated, _ = env.step(action)
            loss.backward()
            """,
        "evaluation": """
            def evaluate(env):
                obs, reward, terminated, truncated, _ = env.step(action)
            loss.backward()
            """,
        "shaped": """
            class Penalty(gym.Wrapper):
                def step(self, action):
                    obs, reward, terminated, truncated, info = self.env.step(action)
                    reward = reward - 0.1 * abs(action)
                    return obs, reward, terminated, truncated, info
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the name."""
        trains = "backward" in source.index.calls
        for step in source.env_steps():
            held = step.reward
            if held is None or held.name.startswith("_") or not held.name.isidentifier():
                continue
            scope = source.enclosing_function(step.call)
            name = scope.qualname.lower() if scope is not None else ""
            if NOT_TRAINING.search(name) or (not trains and not _wraps(source, step)) or _at_random(source, step):
                continue
            others = [s.reward for s in source.env_steps() if s is not step and s.reward is not None]
            if not _used(source, held, set()) and not any(_used(source, o, set()) for o in others):
                yield self.at(held.node, f"`{held.name}` is unpacked and never used")


def _wraps(source: Source, step: EnvStep) -> bool:
    """`self.env.step(...)` in a method `step` of a class that is stepped itself."""
    scope = source.enclosing_function(step.call)
    inner = isinstance(step.env, ast.Attribute) and step.env.attr == "env"
    return inner and scope is not None and scope.name == "step" and scope.is_method


def _at_random(source: Source, step: EnvStep) -> bool:
    """Whether the action is `env.action_space.sample()`: nobody acts on what is learned."""
    made = source.value(step.action)
    if not isinstance(made, ast.Call) or not isinstance(made.func, ast.Attribute) or made.func.attr != "sample":
        return False
    return (dotted(made.func.value) or "").rpartition(".")[2].endswith("action_space")


def _used(source: Source, held: Binding, seen: set[Binding]) -> bool:
    seen.add(held)
    for use in source.uses(held):
        at = source.statement(use)
        bound = source.index.bound.get(at.targets[0]) if isinstance(at, ast.Assign) and len(at.targets) == 1 else None
        if bound is None or bound.name != held.name:
            return True
        if bound not in seen and _used(source, bound, seen):
            return True
    return False
