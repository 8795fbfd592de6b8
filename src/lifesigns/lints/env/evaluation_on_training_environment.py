"""Rule L512: Evaluation plays on the environment that training is in the middle of."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import Any

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.calling import bound_argument
from lifesigns.lints.source.tree import dotted
from lifesigns.rules import Likelihood


class EvaluationOnTrainingEnvironment(LintRule):
    """In the training loop, an evaluation function is given the environment that the loop steps.

    What it detects
    ---------------
    `evaluate(policy, env)` inside the loop around `env.step`, or `EvalCallback(env)` with the model's own
    environment.

    Why it matters
    --------------
    The evaluation resets the environment in the middle of an episode: training goes on from an observation that no
    longer belongs to it, and wrappers count both.

    How it decides
    --------------
    A function of this file whose name starts with `eval` or `test` resets a parameter; a call of it in a loop
    hands over the variable that the same loop steps, and nothing in the block resets that variable after it. Or an
    `EvalCallback` of stable-baselines3 is given the variable from which a model is built, or `evaluate_policy` is,
    between two calls of `learn` or in a callback.

    When it is wrong
    ----------------
    The environment is reset by the caller in a way that does not show.

    What to do
    ----------
    Make a second environment for evaluation.

    References
    ----------
    Stable-Baselines3 documentation, RL tips and tricks: use a separate test environment.

    """

    code = "L512"
    since = "0.2"
    severity = "warning"
    looks_at = (
        "step",
        "EvalCallback",
        "evaluate_policy",
    )
    causes = {
        "evaluation-changes-training": Likelihood(0.2, source="judgement"),
        "evaluation-misleads": Likelihood(0.1, source="judgement"),
    }
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "function": """
            def evaluate(policy, env):
                obs, _ = env.reset()
                obs, reward, terminated, truncated, _ = env.step(policy(obs))
                return reward
            env = gym.make("CartPole-v1")
            obs, _ = env.reset()
            for step in range(10000):
                obs, reward, terminated, truncated, _ = env.step(policy(obs))
                if step % 1000 == 0:
                    print(evaluate(policy, env))
            """,
        "between rollouts": """
            from stable_baselines3 import PPO
            from stable_baselines3.common.evaluation import evaluate_policy
            env = gym.make("CartPole-v1")
            model = PPO("MlpPolicy", env)
            for _ in range(10):
                model.learn(1000, reset_num_timesteps=False)
                score, _ = evaluate_policy(model, env)
            """,
        "callback": """
            from stable_baselines3 import SAC
            from stable_baselines3.common.callbacks import EvalCallback
            env = gym.make("Pendulum-v1")
            model = SAC("MlpPolicy", env)
            model.learn(10000, callback=EvalCallback(env, eval_freq=500))
            """,
    }
    right = {
        "its own": """
            def evaluate(policy, env):
                obs, _ = env.reset()
                return 0
            env, eval_env = gym.make("CartPole-v1"), gym.make("CartPole-v1")
            for step in range(10000):
                obs, reward, terminated, truncated, _ = env.step(policy(obs))
                if step % 1000 == 0:
                    print(evaluate(policy, eval_env))
            """,
        "reset afterwards": """
            def evaluate(policy, env):
                obs, _ = env.reset()
                return 0
            env = gym.make("CartPole-v1")
            for step in range(10000):
                obs, reward, terminated, truncated, _ = env.step(policy(obs))
                if step % 1000 == 0:
                    print(evaluate(policy, env))
                    obs, _ = env.reset()
            """,
        "after training": """
            def evaluate(policy, env):
                obs, _ = env.reset()
                return 0
            env = gym.make("CartPole-v1")
            for step in range(10000):
                obs, reward, terminated, truncated, _ = env.step(policy(obs))
            evaluate(policy, env)
            """,
        "between episodes": """
            def evaluate(policy, env):
                obs, _ = env.reset()
                return 0
            env = gym.make("CartPole-v1")
            for episode in range(100):
                obs, _ = env.reset()
                while True:
                    obs, reward, terminated, truncated, _ = env.step(policy(obs))
                evaluate(policy, env)
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the call."""
        for step in source.env_steps():
            name, around = dotted(step.env), source.loops(step.call)
            if name is None or not around:
                continue
            for call in source.scope(step.call).calls:
                given = next((a for a in (*call.args, *(k.value for k in call.keywords)) if dotted(a) == name), None)
                if given is None or source.loops(call)[:1] != around[:1] or not _evaluates(source, call, given):
                    continue
                if not any(source.before(call, r) and dotted(r.func.value) == name for r in _resets(source)):
                    yield self.at(call, f"`{name}` is in the middle of a training episode here")
        built = {
            dotted(a)
            for n in source.nodes(ast.Assign)
            if isinstance(n, ast.Assign) and isinstance(n.value, ast.Call) and _is_model(source, n.value)
            for a in n.value.args[1:2]
        } - {None}
        for call in source.index.calls.get("EvalCallback", ()):
            if (
                call.args
                and dotted(call.args[0]) in built
                and (source.name(call.func) or "").startswith("stable_baselines3.")
            ):
                yield self.at(call, "the evaluation steps the environment that the model trains on")
        for call in source.calls("stable_baselines3.common.evaluation.evaluate_policy"):
            env = source.argument(call, 1, "env")
            if env is not None and (_of_callback(source, call, env) or _between_rollouts(source, call, env, built)):
                yield self.at(call, "the evaluation steps the environment that the model trains on, between rollouts")


def _of_callback(source: Source, call: ast.Call, env: ast.expr) -> bool:
    """`self.training_env` or `self.model.get_env()` in a callback."""
    if isinstance(env, ast.Call):
        return isinstance(env.func, ast.Attribute) and env.func.attr == "get_env" and "model" in source.unparse(env)
    return dotted(env) == "self.training_env"


def _between_rollouts(source: Source, call: ast.Call, env: ast.expr, built: set[str | None]) -> bool:
    """Whether a loop around goes on with `learn`, and the model was made with that environment."""
    around = source.loops(call)
    learns = [c for c in source.method_calls("learn") if any(p is loop for loop in around for p in source.parents(c))]
    return bool(learns) and dotted(env) in built


def _resets(source: Source) -> list[Any]:
    return [c for c in source.method_calls("reset") if isinstance(c.func, ast.Attribute)]


def _is_model(source: Source, call: ast.Call) -> bool:
    return (source.name(call.func) or "").startswith(("stable_baselines3.", "sb3_contrib.")) and "learn" in source.words


def _evaluates(source: Source, call: ast.Call, given: ast.expr) -> bool:
    """Whether a local function named after evaluation resets what it is given here."""
    target = source.function(call)
    if target is None or not re.match(r"_?(?:eval|test)", target[1].name):
        return False
    scope = target[1]
    own = [n for n in scope.bindings if bound_argument(call, scope, n) is given]
    return any(
        isinstance(c.func, ast.Attribute) and c.func.attr == "reset" and dotted(c.func.value) in own
        for c in scope.calls
    )
