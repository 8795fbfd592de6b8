"""Rule L702: A wrapper's `reset` does not pass the seed on."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.library import ENV
from lifesigns.rules import Likelihood


class WrapperSwallowsSeed(LintRule):
    """A wrapper's `reset` takes a seed and resets the environment inside it without one, or with a fixed one.

    What it detects
    ---------------
    `def reset(self, *, seed=None, options=None): obs, info = self.env.reset()`.

    Why it matters
    --------------
    All seeds of the script are ignored by the environment: runs cannot be repeated, and with a fixed one all are
    alike.

    How it decides
    --------------
    In a class derived from a wrapper or environment, a method `reset` with a parameter `seed` (or `**kwargs`)
    never reads it, and calls `self.env.reset` without `*`, `**` or seed.

    When it is wrong
    ----------------
    A reset in the middle of an episode, on purpose.

    What to do
    ----------
    `self.env.reset(seed=seed, options=options)`.

    References
    ----------
    Gymnasium documentation, Wrapper.reset.

    """

    code = "L702"
    since = "0.2"
    severity = "warning"
    looks_at = ("reset",)
    causes = {
        "seed-ignored": Likelihood(0.2, source="judgement"),
        "not-reproducible": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "seed": """
            class W(gym.Wrapper):
                def reset(self, *, seed=None, options=None):
                    obs, info = self.env.reset(options=options)
                    return obs * 2, info
            """,
        "keywords": """
            class W(gym.Wrapper):
                def reset(self, **kwargs):
                    obs, info = self.env.reset()
                    return obs * 2, info
            """,
        "fixed": """
            class W(gym.Wrapper):
                def reset(self, *, seed=None, options=None):
                    return self.env.reset(seed=0, options=options)
            """,
    }
    right = {
        "passed": """
            class W(gym.Wrapper):
                def reset(self, *, seed=None, options=None):
                    obs, info = self.env.reset(seed=seed, options=options)
                    return obs * 2, info
            """,
        "keywords": "class W(gym.Wrapper):\n    def reset(self, **kwargs):\n        return self.env.reset(**kwargs)",
        "used otherwise": """
            class W(gym.Wrapper):
                def reset(self, *, seed=None, options=None):
                    self.rng = np.random.default_rng(seed)
                    return self.env.reset()
            """,
        "no parameter": "class W(gym.Wrapper):\n    def reset(self):\n        return self.env.reset()",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the inner reset."""
        for info in source.classes(ENV):
            reset = info.methods.get("reset")
            args = getattr(reset.node, "args", None) if reset is not None else None
            if reset is None or args is None:
                continue
            seed = next((b for b in reset.bindings.get("seed", ()) if b.how == "param"), None)
            name = "seed" if seed is not None else args.kwarg.arg if args.kwarg is not None else ""
            if not name or any(name in s.loads for s in reset.inside()):
                continue
            inner = [c for c in reset.calls if _is_inner(c)]
            if len(inner) == 1 and _passes_nothing(source, inner[0]):
                yield self.at(inner[0], f"`{name}` is taken and not passed on: seeds have no effect inside")


def _is_inner(call: ast.Call) -> bool:
    func = call.func
    if not isinstance(func, ast.Attribute) or func.attr != "reset" or not isinstance(func.value, ast.Attribute):
        return False
    return func.value.attr in ("env", "_env", "venv") and isinstance(func.value.value, ast.Name)


def _passes_nothing(source: Source, call: ast.Call) -> bool:
    if call.args or any(k.arg is None for k in call.keywords):
        return False
    seed = source.argument(call, -1, "seed")
    return seed is None or source.number(seed) is not None
