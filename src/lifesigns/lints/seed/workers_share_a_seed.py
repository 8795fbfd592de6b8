"""Rule L708: all environments of a vector are seeded alike."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.calling import bound_argument
from lifesigns.lints.source.tree import Scope
from lifesigns.rules import Likelihood

VECTORS = ("SyncVectorEnv", "AsyncVectorEnv", "DummyVecEnv", "SubprocVecEnv")


class WorkersShareASeed(LintRule):
    """Each environment of a vector gets one and the same seed, and they play the same episode.

    What it detects
    ---------------
    `SyncVectorEnv([make_env(id, seed) for i in range(n)])` where `make_env` resets with that seed.

    Why it matters
    --------------
    All rows of a batch start from the same states: n environments give little more than one.

    How it decides
    --------------
    A comprehension calls a function of the project once per environment; a parameter of it goes into `reset(seed=...)`
    or `seed(...)` within, and what is given for it does not use the counter. No `reset(seed=...)` or `seed(...)` on
    anything follows in the file that calls it.

    When it is wrong
    ----------------
    The environments differ in something else, and a common start is wanted.

    What to do
    ----------
    `make_env(id, seed + i)`, or one `envs.reset(seed=seed)`, which gives each its own.

    References
    ----------
    Gymnasium documentation, VectorEnv.reset.
    """

    code = "L708"
    since = "0.2"
    severity = "warning"
    looks_at = VECTORS
    causes = {"seed-ignored": Likelihood(0.05, source="judgement")}
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "thunks": """
            def make_env(env_id, seed):
                def thunk():
                    env = gym.make(env_id)
                    env.reset(seed=seed)
                    return env
                return thunk
            envs = gym.vector.SyncVectorEnv([make_env("CartPole-v1", args.seed) for i in range(8)])
            """,
        "older interface": """
            from stable_baselines3.common.vec_env import DummyVecEnv
            def make_env(seed):
                def init():
                    env = gym.make("CartPole-v1")
                    env.seed(seed)
                    return env
                return init
            venv = DummyVecEnv([make_env(1) for _ in range(4)])
            """,
    }
    right = {
        "counted": """
            def make_env(env_id, seed):
                def thunk():
                    env = gym.make(env_id)
                    env.reset(seed=seed)
                    return env
                return thunk
            envs = gym.vector.SyncVectorEnv([make_env("CartPole-v1", args.seed + i) for i in range(8)])
            """,
        "seeded as a whole": """
            def make_env(env_id, seed):
                def thunk():
                    env = gym.make(env_id)
                    env.action_space.seed(seed)
                    return env
                return thunk
            envs = gym.vector.SyncVectorEnv([make_env("CartPole-v1", args.seed) for i in range(8)])
            obs, _ = envs.reset(seed=args.seed)
            """,
        "not seeded there": """
            def make_env(env_id):
                return lambda: gym.make(env_id)
            envs = gym.vector.SyncVectorEnv([make_env("CartPole-v1") for i in range(8)])
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the seed that is given."""
        for tail in VECTORS:
            for call in source.index.calls.get(tail, ()):
                made = source.value(call.args[0]) if call.args else None
                if not isinstance(made, ast.ListComp) or not isinstance(made.elt, ast.Call):
                    continue
                target = source.function(made.elt)
                if target is None or target[0] is not source or _seeded_later(source, target[1]):
                    continue
                counters = {n.id for g in made.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
                for name in _seeds(target[1]):
                    given = bound_argument(made.elt, target[1], name)
                    used = {n.id for n in ast.walk(given) if isinstance(n, ast.Name)} if given is not None else counters
                    calls = given is not None and any(isinstance(n, ast.Call) for n in ast.walk(given))
                    if given is not None and not calls and not used & counters:
                        yield self.at(given, "all environments of this vector are given the same seed")


def _seeds(scope: Scope) -> list[str]:
    """Parameters that go into a `reset(seed=...)` or `env.seed(...)` within."""
    names = {n for n, b in scope.bindings.items() if b[0].how == "param"}
    found: list[str] = []
    for inner in scope.inside():
        for call in inner.calls:
            func = call.func
            if not isinstance(func, ast.Attribute) or func.attr not in ("reset", "seed"):
                continue
            if isinstance(func.value, ast.Attribute):
                continue
            given = [k.value for k in call.keywords if k.arg == "seed"]
            given += call.args[:1] if func.attr == "seed" else []
            found += [g.id for g in given if isinstance(g, ast.Name) and g.id in names]
    return found


def _seeded_later(source: Source, makes: Scope) -> bool:
    inside = set(makes.inside())
    resets = [c for c in source.method_calls("reset") if any(k.arg == "seed" for k in c.keywords)]
    seeds = [c for c in source.method_calls("seed") if c.args and source.name(c.func) is None]
    return any(source.scope(c) not in inside for c in (*resets, *seeds))
