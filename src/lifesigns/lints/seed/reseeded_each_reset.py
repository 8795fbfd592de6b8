"""Rule L701: the environment is given the same seed at each reset."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.lints.source.tree import Binding, Scope
from lifesigns.rules import Likelihood

ON_PURPOSE = re.compile(r"eval|test|valid|video|record|replay|check|render|play|demo")


class ReseededEachReset(LintRule):
    """Each episode starts from the same seed: training sees one initial state.

    What it detects
    ---------------
    `env.reset(seed=...)` in a loop, with a seed that no turn of the loop changes.

    Why it matters
    --------------
    The first state, and every random event after it, is the same in all episodes. The agent learns one episode by
    heart; the evaluation on other seeds falls apart.

    How it decides
    --------------
    A reset of something stepped as an environment, inside a loop; no name in the seed, nor the environment, is set
    inside the loop. Functions whose names say evaluation, test or video are left out.

    When it is wrong
    ----------------
    One fixed start is the task.

    What to do
    ----------
    Seed the first reset only: `env.reset(seed=seed)` before the loop, `env.reset()` in it.

    References
    ----------
    Gymnasium documentation, Env.reset: "usually, you want to pass an integer right after the environment has been
    initialized and then never again".
    """

    code = "L701"
    since = "0.2"
    severity = "warning"
    looks_at = ("reset",)
    causes = {"seed-ignored": Likelihood(0.1, source="judgement")}
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "in a function": """
            def run_episode(env, policy):
                obs, _ = env.reset(seed=0)
                obs, r, terminated, truncated, _ = env.step(policy(obs))
            env = gym.make("CartPole-v1")
            for episode in range(500):
                run_episode(env, policy)
            """,
        "each episode": """
            env = gym.make("CartPole-v1")
            for episode in range(500):
                obs, _ = env.reset(seed=args.seed)
                done = False
                while not done:
                    obs, r, terminated, truncated, _ = env.step(0)
                    done = terminated or truncated
            """,
        "in the first step of each": """
            env = gym.make("CartPole-v1")
            for episode in range(500):
                for t in range(100):
                    if t == 0:
                        obs, _ = env.reset(seed=7)
                    obs, r, terminated, truncated, _ = env.step(0)
            """,
        "at the end of an episode": """
            env = gym.make("CartPole-v1")
            obs, _ = env.reset(seed=1)
            for step in range(10000):
                obs, r, terminated, truncated, _ = env.step(0)
                if terminated or truncated:
                    obs, _ = env.reset(seed=1)
            """,
    }
    right = {
        "a function for evaluation": """
            def evaluate_once(env):
                obs, _ = env.reset(seed=0)
                obs, r, terminated, truncated, _ = env.step(0)
            env = gym.make("CartPole-v1")
            for episode in range(5):
                evaluate_once(env)
            """,
        "once": """
            env = gym.make("CartPole-v1")
            obs, _ = env.reset(seed=1)
            for step in range(10000):
                obs, r, terminated, truncated, _ = env.step(0)
                if terminated or truncated:
                    obs, _ = env.reset()
            """,
        "another each time": "env = gym.make('X')\nfor i in range(9):\n    env.reset(seed=seed + i)",
        "in the first turn": """
            envs = gym.make_vec("CartPole-v1", 4)
            for update in range(100):
                if update == 0:
                    states, _ = envs.reset(seed=42)
                for t in range(8):
                    states, r, terminated, truncated, _ = envs.step(agent(states))
            """,
        "as long as there is none": """
            env, obs = gym.make("CartPole-v1"), None
            while True:
                if obs is None:
                    obs, _ = env.reset(seed=42)
                obs, r, terminated, truncated, _ = env.step(0)
                if terminated or truncated:
                    obs, _ = env.reset()
            """,
        "evaluation": """
            def evaluate(env):
                for i in range(9):
                    env.reset(seed=0)
                    obs, r, terminated, truncated, _ = env.step(0)
            """,
        "a new environment each time": "for s in range(3):\n    env = gym.make('X')\n    env.reset(seed=1)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the reset."""
        for call in source.env_resets():
            seed = source.argument(call, -1, "seed")
            inside = source.loops(call)
            around = _repeating(source, call, inside)
            if inside and not around:
                continue
            env = source.receiver(call)
            if seed is None or env is None or source.role(env) is Role.EVAL_ENVIRONMENT:
                continue
            function = source.enclosing_function(call)
            if not around and not (isinstance(seed, ast.Constant) and _called_in_loop(source, function)):
                continue
            if function is not None and function.name == "reset":
                continue
            if ON_PURPOSE.search(f"{source.unparse(env)} {function.qualname if function else ''}".lower()):
                continue
            if isinstance(seed, ast.Constant) and seed.value is None:
                continue
            if not any(_changes(source, n, loop) for loop in around for n in (*ast.walk(seed), *ast.walk(env))):
                yield self.at(call, f"each turn of the loop starts from the same seed, `{source.unparse(seed)}`")


def _repeating(source: Source, call: ast.Call, around: list[ast.AST]) -> list[ast.AST]:
    """The loops around in more than one turn of which the reset may run: not that of `t` under `if t == 0`, nor any
    under `if obs is None` where none of them sets `obs` to None."""
    kept, inner = around, call
    for at in source.parents(call):
        test = at.test if isinstance(at, ast.If) and inner in at.body else None
        inner = at
        if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.comparators[0], ast.Constant):
            continue
        name, value = test.left, test.comparators[0].value
        if isinstance(test.ops[0], ast.Is) and value is None:
            emptied = [b for b in source.bindings(name) if isinstance(b.value, ast.Constant) and b.value.value is None]
            if not any(_inside(source, b, loop) for b in emptied for loop in around):
                return []
        elif isinstance(test.ops[0], ast.Eq) and isinstance(name, ast.Name):
            counts = next((loop for loop in kept if _changes(source, name, loop)), None)
            kept = [loop for loop in kept if loop is not counts]
    return kept


def _inside(source: Source, binding: Binding, loop: ast.AST) -> bool:
    return any(p is loop for p in (binding.statement, *source.parents(binding.node)))


def _called_in_loop(source: Source, function: Scope | None) -> bool:
    """Whether a function that plays one episode is given its environment and called once per turn of a loop."""
    if function is None or not any(b[0].how == "param" and "env" in n for n, b in function.bindings.items()):
        return False
    calls = source.callers(function)
    return bool(calls) and all(source.loops(c) for c in calls)


def _changes(source: Source, node: ast.AST, loop: ast.AST) -> bool:
    """Whether something in the loop sets the name, or it is a call (which may give anything)."""
    if isinstance(node, ast.Call | ast.NamedExpr):
        return True
    if not isinstance(node, ast.Name | ast.Attribute):
        return False
    return any(b.how != "param" and _inside(source, b, loop) for b in source.bindings(node))
