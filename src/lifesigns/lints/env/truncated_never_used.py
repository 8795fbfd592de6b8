"""Rule L501: `truncated` is unpacked and never used."""

from __future__ import annotations

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
    The fourth of five values bound to a name (not `_`), the third read, the fourth read nowhere.

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
    causes = {"time-limit-treated-as-terminal": Likelihood(0.1, source="judgement")}
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
            if not source.uses(step.truncated) and source.uses(step.terminated):
                yield self.at(step.truncated.node, f"`{step.truncated.name}` is unpacked and never used")
