"""Rule L504: The final observation is looked up under a key that this interface does not write."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.library import VECTOR_ENV
from lifesigns.rules import Likelihood

MADE_FOR_1 = frozenset({"AutoresetMode", "autoreset_mode", "register_envs"})


class FinalObservationNeverThere(LintRule):
    """A vector environment's last observations are looked for under a key, or in a mode, that never has them.

    What it detects
    ---------------
    `if "final_observation" in infos:` where the rest of the file is written for Gymnasium 1.x, which calls it
    `final_obs`; or `final_obs` with the default autoreset mode, which has none.

    Why it matters
    --------------
    The branch never runs: truncated episodes are bootstrapped from the next episode's start, or not at all, and
    nothing says so.

    How it decides
    --------------
    The old key without the new one, in a file that uses names of Gymnasium 1.x (`AutoresetMode`, `autoreset_mode`,
    `register_envs`); or the new key, no such name, and a vector environment made in the file.

    When it is wrong
    ----------------
    A wrapper from another file fills the key in.

    What to do
    ----------
    `gym.vector.SyncVectorEnv(..., autoreset_mode=AutoresetMode.SAME_STEP)` and `infos["final_obs"]`.

    References
    ----------
    Gymnasium 1.1 release notes; Gymnasium documentation, vector environments, autoreset modes.

    """

    code = "L504"
    since = "0.2"
    severity = "note"
    looks_at = (
        "final_observation",
        "final_obs",
    )
    causes = {
        "old-interface": Likelihood(0.3, source="judgement"),
        "next-episode-as-next-state": Likelihood(0.1, source="judgement"),
    }
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "old key": """
            envs = gym.vector.SyncVectorEnv(thunks, autoreset_mode=gym.vector.AutoresetMode.SAME_STEP)
            obs, r, terminated, truncated, infos = envs.step(actions)
            if "final_observation" in infos:
                obs = infos["final_observation"]
            """,
        "default mode": """
            envs = gym.vector.SyncVectorEnv(thunks)
            obs, r, terminated, truncated, infos = envs.step(actions)
            if "final_obs" in infos:
                real_next_obs = infos["final_obs"]
            """,
    }
    right = {
        "same step": """
            envs = gym.vector.SyncVectorEnv(thunks, autoreset_mode=gym.vector.AutoresetMode.SAME_STEP)
            obs, r, terminated, truncated, infos = envs.step(actions)
            if "final_obs" in infos:
                real_next_obs = infos["final_obs"]
            """,
        "old Gymnasium": """
            envs = gym.vector.SyncVectorEnv(thunks)
            if "final_observation" in infos:
                obs = infos["final_observation"]
            """,
        "either": """
            mode = gym.vector.AutoresetMode.SAME_STEP
            key = "final_obs" if "final_obs" in infos else "final_observation"
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the first use of the key."""
        old, new = (source.index.strings.get(k, []) for k in ("final_observation", "final_obs"))
        modern = not source.words.isdisjoint(MADE_FOR_1)
        if old and not new and modern and any(_is_read(source, n) for n in old):
            yield self.at(old[0], "Gymnasium 1.x writes `final_obs`: this key is never there")
        if new and not old and not modern and any(_is_read(source, n) for n in new):
            made = [n for n in source.nodes(ast.Assign) if isinstance(n, ast.Assign) and _is_vector(source, n.value)]
            if made:
                yield self.at(new[0], "without `autoreset_mode` a vector environment writes no `final_obs`")


def _is_read(source: Source, node: ast.AST) -> bool:
    return isinstance(source.parent(node), ast.Compare)


def _is_vector(source: Source, node: ast.expr) -> bool:
    kind = source.kind(node) if isinstance(node, ast.Call) else None
    return kind is not None and kind.startswith("gymnasium.") and source.is_a(node, VECTOR_ENV)
