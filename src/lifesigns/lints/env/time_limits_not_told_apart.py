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
    `replay_buffer_kwargs={"handle_timeout_termination": False}` for an agent of Stable-Baselines3.

    Why it matters
    --------------
    The buffer then returns every end of an episode as terminal. In a task that only ends by its time limit, states near
    it lose their future for no reason that the observation shows.

    How it decides
    --------------
    The option is the constant False in the `replay_buffer_kwargs` of a call, in a file that imports Stable-Baselines3
    or sb3-contrib. A buffer that the script fills itself is left out: there it decides what is stored as an end.

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
            from stable_baselines3 import TD3
            options = dict(handle_timeout_termination=False)
            model = TD3("MlpPolicy", env, replay_buffer_kwargs=options)
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
        "filled by the script": """
            from stable_baselines3.common.buffers import ReplayBuffer
            rb = ReplayBuffer(1000, space, actions, "cpu", handle_timeout_termination=False)
            rb.add(obs, real_next_obs, actions, rewards, terminations, infos)
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the option's value."""
        if not any(n.startswith(("stable_baselines3", "sb3_contrib")) for n in source.imports.values()):
            return
        for call in source.index.keywords.get("replay_buffer_kwargs", ()):
            options = source.value(source.argument(call, -1, "replay_buffer_kwargs"))
            pairs: list[tuple[str | None, ast.expr]] = []
            if isinstance(options, ast.Dict):
                pairs = [(getattr(k, "value", None), v) for k, v in zip(options.keys, options.values, strict=True)]
            elif isinstance(options, ast.Call) and source.name(options.func) == "dict":
                pairs = [(k.arg, k.value) for k in options.keywords]
            for name, value in pairs:
                if name == OPTION and isinstance(value, ast.Constant) and value.value is False:
                    yield self.at(value, "every end of an episode counts as a termination, time limits included")
