"""Rule L513: The evaluation's normaliser goes on learning."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.role_names import FOR_EVAL, last_part
from lifesigns.lints.source.tree import dotted
from lifesigns.rules import Likelihood


class NormaliserLearnsInEvaluation(LintRule):
    """An evaluation environment is wrapped in `VecNormalize` that updates its statistics while it is evaluated.

    What it detects
    ---------------
    `eval_env = VecNormalize(venv)` without `training=False`, and `eval_env.training` set nowhere.

    Why it matters
    --------------
    Observations are scaled by other statistics than in training, and rewards are reported normalised: the figures
    are not those of the trained policy.

    How it decides
    --------------
    `VecNormalize(...)` without `training`, or with True, is bound to a name that says evaluation or test; no
    attribute `training` is set on that name, it is given to no `EvalCallback` (which copies the statistics and
    leaves the rest as it is set), and `VecNormalize.load` is not used.

    When it is wrong
    ----------------
    The environment is switched over in another file.

    What to do
    ----------
    `VecNormalize(venv, training=False, norm_reward=False)`, with the training's `obs_rms`.

    References
    ----------
    Stable-Baselines3 documentation, VecNormalize.

    """

    code = "L513"
    since = "0.2"
    severity = "warning"
    looks_at = ("VecNormalize",)
    causes = {
        "evaluation-misleads": Likelihood(0.2, source="judgement"),
        "evaluation-differs": Likelihood(0.1, source="judgement"),
    }
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "name": """
            from stable_baselines3.common.vec_env import VecNormalize
            eval_env = VecNormalize(make(), norm_obs=True)
            evaluate_policy(model, eval_env)
            """,
        "said so": """
            from stable_baselines3.common.vec_env import VecNormalize
            test_env = VecNormalize(make(), training=True)
            evaluate_policy(model, test_env)
            """,
    }
    right = {
        "frozen": """
            from stable_baselines3.common.vec_env import VecNormalize
            eval_env = VecNormalize(make(), training=False, norm_reward=False)
            """,
        "frozen later": """
            from stable_baselines3.common.vec_env import VecNormalize
            eval_env = VecNormalize(make())
            eval_env.training = False
            """,
        "training": """
            from stable_baselines3.common.vec_env import VecNormalize
            env = VecNormalize(make(), norm_reward=True)
            """,
        "loaded": """
            from stable_baselines3.common.vec_env import VecNormalize
            eval_env = VecNormalize.load("stats.pkl", make())
            eval_env.training = False
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """Where it is made."""
        if "EvalCallback" in source.words:
            return
        for node in source.nodes(ast.Assign):
            assert isinstance(node, ast.Assign)
            name, call = dotted(node.targets[0]), node.value
            if name is None or not FOR_EVAL.search(last_part(name)) or not isinstance(call, ast.Call):
                continue
            full = source.name(call.func) or ""
            if not full.startswith("stable_baselines3.") or not full.endswith(".VecNormalize"):
                continue
            learning = source.argument(call, 1, "training")
            if learning is not None and not (isinstance(learning, ast.Constant) and learning.value is True):
                continue
            switched = any(
                isinstance(n.ctx, ast.Store) and dotted(n.value) == name
                for n in source.index.attributes.get("training", ())
            )
            if not switched:
                yield self.at(call, f"`{name}` updates its statistics while it is evaluated")
