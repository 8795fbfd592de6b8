"""Rule L505: a library's replay buffer is told to take time limits for terminations."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.rules import Likelihood

OPTION = "handle_timeout_termination"


class TimeLimitsNotToldApart(LintRule):
    """`handle_timeout_termination` is switched off.

    What it detects
    ---------------
    `replay_buffer_kwargs={"handle_timeout_termination": False}`, or the keyword, with Stable-Baselines3.

    Why it matters
    --------------
    The buffer then returns every end of an episode as terminal. In a task that only ends by its time limit, states near
    it lose their future for no reason that the observation shows.

    How it decides
    --------------
    The option is the constant False, in a file that imports Stable-Baselines3 or sb3-contrib.

    When it is wrong
    ----------------
    The time left is part of the observation, or the memory-saving buffer, which cannot tell them apart, is needed.

    What to do
    ----------
    Leave the option at its default.

    References
    ----------
    Pardo et al., Time Limits in Reinforcement Learning (2018); Stable-Baselines3 documentation, ReplayBuffer.
    """

    code = "L505"
    since = "0.2"
    severity = "warning"
    looks_at = (OPTION,)
    causes = {"time-limit-treated-as-terminal": Likelihood(0.05, source="judgement")}
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "dict": """
            from stable_baselines3 import SAC
            model = SAC("MlpPolicy", env, replay_buffer_kwargs={"handle_timeout_termination": False})
            """,
        "keyword": """
            from stable_baselines3.common.buffers import ReplayBuffer
            rb = ReplayBuffer(1000, space, actions, "cpu", handle_timeout_termination=False)
            """,
    }
    right = {
        "on": """
            from stable_baselines3 import SAC
            model = SAC("MlpPolicy", env, replay_buffer_kwargs={"handle_timeout_termination": True})
            """,
        "of a setting": """
            from stable_baselines3 import SAC
            model = SAC("MlpPolicy", env, replay_buffer_kwargs=dict(handle_timeout_termination=args.timeouts))
            """,
        "no such library": "rb = ReplayBuffer(1000, handle_timeout_termination=False)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the option's value."""
        if not any(n.startswith(("stable_baselines3", "sb3_contrib")) for n in source.imports.values()):
            return
        given = [k.value for c in source.index.keywords.get(OPTION, ()) for k in c.keywords if k.arg == OPTION]
        for key in source.index.strings.get(OPTION, ()):
            at = source.parent(key)
            if isinstance(at, ast.Dict):
                given += [v for k, v in zip(at.keys, at.values, strict=True) if k is key]
        for value in given:
            if isinstance(value, ast.Constant) and value.value is False:
                yield self.at(value, "every end of an episode counts as a termination, time limits included")
