"""Rule L501: `truncated` is unpacked and never used."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.rules import Likelihood


class TruncatedNeverUsed(LintRule):
    """The time limit's flag of `env.step` is unpacked and never read.

    What it detects
    ---------------
    `obs, reward, terminated, truncated, info = env.step(a)` in a loop that reads `terminated` and never `truncated`.

    Why it matters
    --------------
    An episode cut off by its time limit goes on being stepped without a reset: Gymnasium's behaviour is undefined from
    there on, and the agent trains on what it returns.

    How it decides
    --------------
    The fourth of five values bound to a name (not `_`), the third read, the fourth read nowhere. Silent where the loop
    that plays the episode counts its steps itself (`for t in range(200)`, `while count < 200 and not done`).

    When it is wrong
    ----------------
    Environments without a time limit. Vector environments reset themselves: there the flag matters for targets only.

    What to do
    ----------
    Reset on `terminated or truncated`; mask targets by `terminated` alone.

    References
    ----------
    Gymnasium, Handling Time Limits; Pardo et al., Time Limits in Reinforcement Learning (2018).
    """

    code = "L501"
    since = "0.2"
    severity = "warning"
    looks_at = ("step",)
    causes = {"time-limit-ignored": Likelihood(0.8, source="the definition of the cause, where it is read")}
    false_alarm = Likelihood(0.01, source="judgement; see benchmarks/lint")
    wrong = {
        "while": """
            env = gym.make("Pendulum-v1")
            obs, _ = env.reset(seed=0)
            while True:
                obs, reward, terminated, truncated, info = env.step(env.action_space.sample())
                if terminated:
                    break
            """,
        "a rollout inside the episode": """
            for episode in range(100):
                obs, _ = env.reset()
                done = False
                while not done:
                    for t in range(20):
                        obs, reward, done, truncated, info = env.step(0)
                        if done:
                            break
                    learn()
            """,
        "method": """
            class Agent:
                def play(self):
                    obs, _ = self.env.reset()
                    done = False
                    while not done:
                        obs, r, done, trunc, _ = self.env.step(self.act(obs))
            """,
    }
    right = {
        "both": """
            env = gym.make("Pendulum-v1")
            obs, _ = env.reset()
            done = False
            while not done:
                obs, reward, terminated, truncated, info = env.step(0)
                done = terminated or truncated
            """,
        "steps counted": """
            for episode in range(100):
                obs, _ = env.reset()
                done, count = False, 0
                while count < 200 and not done:
                    obs, reward, done, truncated, info = env.step(0)
                    count += 1
            """,
        "a range of steps": """
            for episode in range(100):
                obs, _ = env.reset()
                for t in range(200):
                    obs, reward, done, truncated, info = env.step(0)
                    if done:
                        break
            """,
        "a step to look at": """
            env = gym.make("Blackjack-v1")
            obs, info = env.reset()
            action = env.action_space.sample()
            obs, reward, terminated, truncated, info = env.step(action)
            class Agent:
                def update(self, obs, action, reward, terminated, next_obs):
                    future = (not terminated) * np.max(self.q[next_obs])
            """,
        "thrown away": "obs, reward, terminated, _, info = env.step(0)\nif terminated:\n    env.reset()",
        "wrapper hands it on": """
            class W(gym.Wrapper):
                def step(self, action):
                    obs, r, terminated, truncated, info = self.env.step(action)
                    return obs, r - 1, terminated, truncated, info
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """One spot for each step."""
        for step in source.env_steps():
            if step.truncated is None or step.terminated is None or step.truncated.name.startswith("_"):
                continue
            unread = not source.uses(step.truncated) and source.uses(step.terminated)
            if unread and not _counted(source, step.truncated.node):
                yield self.at(step.truncated.node, f"`{step.truncated.name}` is unpacked and never used")


def _counted(source: Source, step: ast.AST) -> bool:
    """Whether the loop that plays one episode (the outermost around the step that holds no reset) is left after a count
    of its own: `for t in range(200)`, `while count < 200 and not done`."""
    episode = None
    for loop in source.loops(step):
        if any(source.runs_in(loop, reset) for reset in source.env_resets()):
            break
        episode = loop
    if isinstance(episode, ast.For):
        return isinstance(episode.iter, ast.Call) and source.name(episode.iter.func) in ("range", "builtins.range")
    test = episode.test if isinstance(episode, ast.While) else None
    parts = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
    order = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
    return any(isinstance(p, ast.Compare) and isinstance(p.ops[0], order) for p in parts)
