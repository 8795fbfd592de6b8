"""Rule L705: Random actions come from an action space that nobody seeded."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.rules import Likelihood


class ActionSpaceNotSeeded(LintRule):
    """The script seeds its other generators, and draws exploratory actions from an unseeded action space.

    What it detects
    ---------------
    `env.action_space.sample()` in a script with `env.reset(seed=...)` and without `env.action_space.seed(...)`.

    Why it matters
    --------------
    `reset(seed=...)` does not seed the action space: two runs with one seed differ from the first action on.

    How it decides
    --------------
    A file that calls `backward`, seeds torch, and gives `reset` a seed, draws from an `action_space` in a loop and
    holds no call of `action_space.seed`.

    When it is wrong
    ----------------
    The seeding is done in another file.

    What to do
    ----------
    `env.action_space.seed(seed)` once, at the start.

    References
    ----------
    Gymnasium documentation, Env.reset and Space.seed.

    """

    code = "L705"
    since = "0.2"
    severity = "note"
    looks_at = ("action_space",)
    causes = {
        "not-reproducible": Likelihood(0.2, source="judgement"),
    }
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "warm-up": """
            torch.manual_seed(args.seed)
            env = gym.make("Pendulum-v1")
            obs, _ = env.reset(seed=args.seed)
            for step in range(10000):
                action = env.action_space.sample() if step < 1000 else policy(obs)
                obs, reward, terminated, truncated, _ = env.step(action)
                loss.backward()
            """,
        "epsilon": """
            env = gym.make("CartPole-v1")
            torch.manual_seed(1)
            obs, _ = env.reset(seed=1)
            while True:
                if random.random() < epsilon:
                    action = env.action_space.sample()
                obs, reward, terminated, truncated, _ = env.step(action)
                loss.backward()
            """,
    }
    right = {
        "seeded": """
            torch.manual_seed(1)
            env = gym.make("CartPole-v1")
            env.action_space.seed(1)
            obs, _ = env.reset(seed=1)
            for step in range(10):
                obs, reward, terminated, truncated, _ = env.step(env.action_space.sample())
                loss.backward()
            """,
        "nothing is seeded": """
            env = gym.make("CartPole-v1")
            for step in range(10):
                obs, reward, terminated, truncated, _ = env.step(env.action_space.sample())
                loss.backward()
            """,
        "no training": """
            torch.manual_seed(1)
            env = gym.make("CartPole-v1")
            obs, _ = env.reset(seed=1)
            for step in range(10):
                obs, reward, terminated, truncated, _ = env.step(env.action_space.sample())
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the first draw."""
        if "backward" not in source.index.calls or not source.calls("torch.manual_seed"):
            return
        if not any(source.argument(c, -1, "seed") is not None for c in source.env_resets()):
            return
        of_spaces = [c for c in source.method_calls("seed", "sample") if _is_space(source.receiver(c))]
        draws = [c for c in of_spaces if isinstance(c.func, ast.Attribute) and c.func.attr == "sample"]
        if draws and len(draws) == len(of_spaces):
            yield self.at(draws[0], "the action space is not seeded: `reset(seed=...)` does not do it")


def _is_space(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in ("action_space", "single_action_space")
